/**
 * Requests that a seed makes: none ends the server, is its error, or changes another one's answer.
 * `npm run fuzz -- requests` goes on for longer.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FULL } from '../helpers/full.ts';
import { RequestFuzzer } from '../helpers/request-fuzzer.ts';
import { modelServers } from './fuzz-requests.ts';

const CASES = FULL ? 20_000 : 2_000;
const SEED = 20_261_128;

let fuzzer: RequestFuzzer;
beforeAll(async () => {
  fuzzer = await RequestFuzzer.start(await modelServers());
}, 180_000);
afterAll(() => fuzzer?.end());

test(`${CASES} requests`, async () => {
  await fuzzer.run(SEED, 0, CASES);
  // Mutations of nonsense would prove nothing: many are answered, many refused.
  expect(fuzzer.counts.get(200)).toBeGreaterThan(CASES / 10);
  expect(fuzzer.counts.get(400)).toBeGreaterThan(CASES / 10);
}, 900_000);
