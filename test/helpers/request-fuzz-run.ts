/**
 * `npm run fuzz -- requests|engine [--seconds N] [--seed N] [--case N]`: sends requests until the
 * time is over, prints its seed, and ends with 1 at the first failure. `--case` runs one again, and
 * prints it.
 */
import { parseArgs } from 'node:util';
import { modelServers } from '../embedded/fuzz-requests.ts';
import { wholeEngine } from '../http/fuzz-engine.ts';
import { FuzzFailure, RequestFuzzer } from './request-fuzzer.ts';

const BATCH = 1000;

const { values } = parseArgs({
  args: process.argv.slice(3),
  options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' }, case: { type: 'string' } },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(values.seed);
const seconds = Number(values.seconds);
if (!Number.isSafeInteger(seed) || !(seconds > 0)) {
  console.error('Wants whole numbers.');
  process.exit(2);
}
console.log(`seed ${seed}`);
const target = await (process.argv[2] === 'engine' ? wholeEngine(seed) : modelServers());
const fuzzer = await RequestFuzzer.start(target);
try {
  if (values.case !== undefined) {
    console.log(JSON.stringify(target.describe(seed, Number(values.case)), null, 2));
    await fuzzer.run(seed, Number(values.case), 1);
  }
  const end = Date.now() + (values.case === undefined ? seconds * 1000 : 0);
  for (let from = 0; Date.now() < end; from += BATCH) {
    await fuzzer.run(seed, from, BATCH);
    console.log(`${from + BATCH} requests, no failure: ${[...fuzzer.counts].map(([status, count]) => `${status} ${count}`).join(', ')}`);
  }
} catch (error) {
  if (!(error instanceof FuzzFailure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await fuzzer.end();
}
