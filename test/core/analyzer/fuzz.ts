/**
 * `npm run fuzz -- [formats] [--seconds N] [--seed N] [--case N] [--files FOLDER]`: mutates files
 * until the time is over, prints its seed, and ends with 1 at the first failure. `--case` runs one
 * again; `--files` takes real files of a folder as further samples of their formats.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { type FuzzFormat, realOf, runCase } from './fuzz-kit.ts';
import { createFuzzer } from './fuzz-run.ts';
import { FUZZ_FORMATS } from './fuzz-samples.ts';

const BATCH = 2_000;
/** Real files are mutated as a whole in memory, once a case: the small ones only. */
const LARGEST_SAMPLE_BYTES = 4 * 1024 * 1024;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' }, case: { type: 'string' }, files: { type: 'string' } },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const seconds = Number(values.seconds);
const wanted = FUZZ_FORMATS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
if (wanted.length === 0 || !Number.isSafeInteger(seed) || !(seconds > 0)) {
  console.error(`Wants whole numbers, and formats out of: ${FUZZ_FORMATS.map(({ name }) => `"${name}"`).join(', ')}.`);
  process.exit(2);
}
const formats = wanted.map((format) => withReal(format, values.files));
console.log(`seed ${seed}`);
if (values.case !== undefined) {
  for (const format of formats) console.log(format.name, runCase(format, seed, Number(values.case)));
  process.exit(0);
}

const fuzzer = createFuzzer();
const end = Date.now() + seconds * 1000;
let cases = 0;
for (let from = 0; Date.now() < end; from += BATCH) {
  for (const format of formats) {
    const answer = await fuzzer.run({ format, seed, from, count: BATCH });
    if (!answer.ok) {
      console.error(`${format.name}, case ${answer.index} of seed ${seed}: ${answer.message}`);
      process.exit(1);
    }
    cases += BATCH;
    if (Date.now() >= end) break;
  }
  console.log(`${cases} cases, no failure`);
}
await fuzzer.end();

function withReal(format: FuzzFormat, folder: string | undefined): FuzzFormat {
  if (folder === undefined) return format;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const fitting = files.filter(
    (file) => format.mutates.test(basename(file)) && statSync(file).isFile() && statSync(file).size <= LARGEST_SAMPLE_BYTES,
  );
  const more = fitting.map((file) => realOf({ [basename(file)]: readFileSync(file) }));
  console.log(`${format.name}: ${more.length} real files`);
  return { ...format, real: [...format.real, ...more] };
}
