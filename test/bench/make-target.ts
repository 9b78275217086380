/**
 * Makes a folder from which other people's proxy benchmarks, with targets of a name, a command and
 * templates, can start Modelium: targets.json, the settings, and a watch folder of tiny GGUFs whose
 * memory is reckoned so that A, B and stubborn share one place.
 *   node test/bench/make-target.ts FOLDER
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';

interface TargetsFile {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly targets: readonly { readonly templates: Readonly<Record<string, string>> }[];
}

const [given] = process.argv.slice(2);
if (given === undefined) {
  console.error('Which folder? `node test/bench/make-target.ts FOLDER`');
  process.exit(2);
}
const folder = resolve(given);
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
await mkdir(join(folder, 'incoming'), { recursive: true });
const { models } = JSON.parse(await readFile(here('modelium-target.json'), 'utf8')) as { models: Record<string, unknown> };
for (const name of Object.keys(models)) await writeTinyGguf(join(folder, 'incoming'), { name });
await copyFile(here('modelium-target.json'), join(folder, 'modelium-target.json'));

const file = JSON.parse(await readFile(here('targets-modelium.json'), 'utf8')) as TargetsFile;
const targets = file.targets.map((target) => ({
  ...target,
  templates: Object.fromEntries(Object.entries(target.templates).map(([name, from]) => [name, join(folder, from)])),
}));
const vars = { ...file.vars, NODE: process.execPath, MODELIUM: here('../../dist/main/cli.js') };
await writeFile(join(folder, 'targets.json'), JSON.stringify({ vars, targets }, null, 2));
console.log(`Built from dist; measure with: node latency.mjs ${join(folder, 'targets.json')}`);
