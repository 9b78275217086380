import { expect, test } from 'vitest';
import { quietMoment } from '../../main/io/quiet-moment.ts';

test.each<[string, readonly boolean[], number, number]>([
  ['when nothing is under way, after the rest', [false], 5, 1],
  ['as soon as nothing is under way', [true, true, false], 5, 3],
])('it comes %s', async (_what, said, restMs, asked) => {
  const startMs = performance.now();
  let index = 0;
  await quietMoment(restMs, () => said[index++] ?? false);
  const tookMs = performance.now() - startMs;
  expect(tookMs).toBeGreaterThan(restMs - 1);
  // A machine that stands still has waited long enough after less.
  if (tookMs < restMs + 19) expect(index).toBe(asked);
});

test('it comes after a while although requests never end', async () => {
  const startMs = performance.now();
  await quietMoment(5, () => true);
  expect(performance.now() - startMs).toBeGreaterThan(24);
});
