/**
 * A sequence whose context was full and moved on: what it still holds was computed with tokens in
 * sight that are gone, and must not begin another prompt.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { startServer, type TestServer } from './start-server.ts';

/** Tokens that are forgotten at once: main/embedded/llama/sequence.ts. */
const FORGOTTEN = 100;

let folder: string;
let server: TestServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-forgotten-'));
  server = await startServer(['--model', await writeTinyGguf(folder, { weights: 'F32' }), '--ctx-size', '256', '--parallel', '1']);
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('what is left after the context moved on is read anew for a prompt that begins as it does', async () => {
  const ask = async (body: object) => {
    const { status, body: answer } = await server.json('/v1/completions', { temperature: 0, ...body });
    expect(status, JSON.stringify(answer)).toBe(200);
    return answer;
  };
  // The first token begins a text (bos), which stays when the beginning is forgotten; places are
  // moved then, and nothing is computed anew.
  const long = [0, ...Array.from({ length: 244 }, (_, index) => 40 + ((index * 37) % 150))];
  const { usage } = await ask({ prompt: long, max_tokens: 30, context_shift: true });
  expect(usage.completion_tokens).toBe(30);
  const prompt = [0, ...long.slice(1 + FORGOTTEN, 31 + FORGOTTEN)];
  const warm = await ask({ prompt, max_tokens: 1, logprobs: 1, cache_prompt: true });
  const cold = await ask({ prompt, max_tokens: 1, logprobs: 1, cache_prompt: false });
  const [one = 0, other = 1] = [warm, cold].map(({ choices }) => choices[0]!.logprobs.token_logprobs[0]);
  expect(Math.abs(one - other)).toBeLessThan(1e-3);
  // What was read anew is a beginning again.
  const again = await ask({ prompt, max_tokens: 1, cache_prompt: true });
  expect([warm, again].map((each) => each.usage.prompt_tokens_details.cached_tokens)).toEqual([0, prompt.length - 1]);
});
