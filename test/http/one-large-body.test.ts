/** What one body costs everybody else: the time in which the engine's own thread does nothing else. */
import { expect, test } from 'vitest';
import { startSetup } from './harness.ts';

/** As many as the limit of bodies lets in; parsed on one thread, they hold it for seconds. */
const VALUES = 20_000_000;
const EVERY_MS = 10;
/** What a busy machine does not give for a while is not counted against the thread. */
const MOST_MS = 1_500;

test('62 MB of {} in a list, sent to an open route, hold up nobody', { timeout: 120_000 }, async () => {
  const setup = await startSetup();
  const body = Buffer.alloc(3 * VALUES + 40, '{},');
  body.write('{"model":"tiny","prompt":"xyz","a":[{},');
  body.write('{}]}', body.length - 4);
  let longestMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastMs);
    lastMs = now;
  }, EVERY_MS);
  try {
    for (const path of ['/v1/completions', '/predict/tiny']) {
      const answer = await fetch(`${setup.address}${path}`, { method: 'POST', body });
      expect([answer.status, ((await answer.json()) as { error: { message: string } }).error.message]).toEqual([
        400,
        expect.stringMatching(/more than \d+ values/),
      ]);
    }
    expect(longestMs).toBeLessThan(MOST_MS);
  } finally {
    clearInterval(timer);
    await setup.close();
  }
});
