/**
 * Far more requests at once than a model takes: a real engine and a real llama.cpp on a tiny model.
 * Each is answered or told to come back, nothing is killed.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { FULL } from './helpers/full.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

/** Far more than the 512 that may wait. */
const AT_ONCE = FULL ? 2_000 : 1_000;

async function crowd(
  live: LiveEngine,
  path: string,
  body: object,
): Promise<readonly { status: number; retryAfter: number; queueMs: number }[]> {
  return await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const { status, headers } = await live.ask('POST', path, body, { 'user-agent': 'crowd' });
      return { status, retryAfter: Number(headers.get('retry-after')), queueMs: Number(headers.get('x-modelium-queue-ms')) };
    }),
  );
}

let live: LiveEngine;

beforeAll(async () => {
  live = await startLiveEngine({
    prepare: async ({ watch }) => {
      await writeTinyGguf(watch, { name: 'words', kind: 'bert', contextTokens: 128 });
      await writeTinyGguf(watch, { name: 'tiny', contextTokens: 128 });
    },
  });
});

afterAll(() => live?.close());

test.each([
  ['words', '/v1/embeddings', { model: 'words', input: 'some text to embed' }],
  ['tiny', '/v1/completions', { model: 'tiny', prompt: 'The', max_tokens: 2 }],
] as const)(`${AT_ONCE} requests at once to a ready model: %s`, { timeout: 180_000 }, async (model, path, body) => {
  const { pids } = await live.comesTo(model, 'ready', 60_000);
  // However slowly they come here, all of them are there before the first is answered.
  process.kill(pids[0] ?? 0, 'SIGSTOP');
  const crowded = crowd(live, path, body);
  // Another program beside it, which asks one thing, does not wait until the crowd is through.
  const asked = live.ask('POST', path, body, { 'user-agent': 'alone' });
  await eventually('as many wait as may', async () => ((await live.model(model))?.waiting ?? 0) >= 512).finally(() =>
    process.kill(pids[0] ?? 0, 'SIGCONT'),
  );
  const [alone, answers] = await Promise.all([asked, crowded]);
  expect(alone.status).toBe(200);
  expect([...new Set(answers.map(({ status }) => status))].toSorted()).toEqual([200, 429]);
  const answered = answers.filter(({ status }) => status === 200);
  // As many as may wait and more: places come free meanwhile.
  expect(answered.length).toBeGreaterThanOrEqual(512);
  const longestMs = Math.max(...answered.map(({ queueMs }) => queueMs));
  expect(Number(alone.headers.get('x-modelium-queue-ms'))).toBeLessThan(longestMs);
  expect(answers.filter(({ status, retryAfter }) => status === 429 && !(retryAfter >= 1))).toEqual([]);
  expect(await live.model(model)).toMatchObject({ state: 'ready', pids, inFlight: 0, waiting: 0, longestWaitMs: 0 });
  const metrics = await live.metrics();
  expect(metrics).toMatch(new RegExp(`modelium_request_queue_seconds_count\\{model="${model}",cause="busy"\\} \\d{3}`));
  expect(metrics).toContain(`modelium_requests_waiting{model="${model}"} 0`);
  expect(live.logged.filter((line) => line.includes('broke off'))).toEqual([]);
});

test('a process that somebody kills is no verdict on its model: the very next request is answered, and nobody says that memory ran out', async () => {
  const { pids } = await live.comesTo('tiny', 'ready', 60_000);
  process.kill(pids[0] ?? 0, 'SIGKILL');
  const reported = await eventually('its end is told', () => live.logged.find((line) => line.includes('tiny broke off')));
  expect((await live.predict('tiny')).status).toBe(200);
  expect(reported).toMatch(/Somebody ended llama\.cpp \(SIGKILL\)/);
  expect((await live.model('tiny'))?.pids).not.toEqual(pids);
});
