/**
 * `npm run bench -- [names] [--json FILE] [--seconds N] [--only WORDS]`: how fast Modelium is, each
 * figure beside its baseline in the same run and the bar that the design sets. The parts that serve
 * use the build: `npm run build` first. On a shared machine absolute times mean little; ratios
 * count.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BUILT_COMMAND } from '../helpers/built-app.ts';
import { analyze } from './analyze.ts';
import { attacks } from './attacks.ts';
import { brain } from './brain.ts';
import { convert } from './convert.ts';
import { drop } from './drop.ts';
import { embedded } from './embedded.ts';
import { gguf } from './gguf.ts';
import { type Part, printTable, type Row } from './kit.ts';
import { page } from './page.ts';
import { request } from './request.ts';
import { start } from './start.ts';
import { stream } from './stream.ts';
import { swap } from './swap.ts';
import { vllm } from './vllm.ts';

const PARTS: Readonly<Record<string, Part>> = {
  request,
  stream,
  start,
  drop,
  swap,
  brain,
  gguf,
  analyze,
  convert,
  page,
  embedded,
  vllm,
  attacks,
};
const NEED_NO_BUILD = ['brain', 'gguf', 'analyze'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' }, seconds: { type: 'string', default: '8' }, only: { type: 'string', default: '' } },
});
const names = positionals.length === 0 ? Object.keys(PARTS) : positionals;
const seconds = Number(values.seconds);
const unknown = names.filter((name) => !Object.hasOwn(PARTS, name));
const problem =
  unknown.length > 0
    ? `There is no part ${unknown.join(', ')}; there are ${Object.keys(PARTS).join(', ')}.`
    : !(seconds > 0)
      ? '--seconds wants a number of seconds.'
      : !existsSync(BUILT_COMMAND) && names.some((name) => !NEED_NO_BUILD.includes(name))
        ? 'There is no build yet: `npm run build` first.'
        : null;
if (problem !== null) {
  console.error(problem);
  process.exit(2);
}

const rows: Row[] = [];
for (const name of names) {
  const own = (await PARTS[name]?.({ seconds, only: values.only })) ?? [];
  printTable(own);
  rows.push(...own);
}
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ at: new Date().toISOString(), node: process.version, rows }, null, 2)}\n`);
const missed = rows.filter(({ within }) => within === false);
console.log(missed.length === 0 ? 'Every bar is met.' : `Missed: ${missed.map(({ what }) => what).join('; ')}.`);
process.exit(0);
