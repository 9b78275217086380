/**
 * Whole requests that a seed makes, to a real engine: none of them makes another one fail, and none
 * finds a bug. `npm run fuzz -- engine` goes on for longer.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FULL } from '../helpers/full.ts';
import { RequestFuzzer } from '../helpers/request-fuzzer.ts';
import { wholeEngine } from './fuzz-engine.ts';

const CASES = FULL ? 10_000 : 1_000;
const SEED = 20_261_201;

let fuzzer: RequestFuzzer;
beforeAll(async () => {
  fuzzer = await RequestFuzzer.start(await wholeEngine(SEED));
}, 180_000);
afterAll(() => fuzzer?.end());

test(`${CASES} requests`, async () => {
  await fuzzer.run(SEED, 0, CASES);
  // Mutations of nonsense would prove nothing: many are answered, many refused, some leave.
  for (const status of [200, 400]) expect(fuzzer.counts.get(status)).toBeGreaterThan(CASES / 10);
  for (const kind of [401, 404, 405, 415, 'left'] as const) expect(fuzzer.counts.get(kind)).toBeGreaterThan(0);
}, 900_000);
