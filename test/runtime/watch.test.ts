/**
 * A model that answered as a broken one does is looked at: once at a time, and not again and again.
 */
import { expect, test } from 'vitest';
import type { Runner } from '../../main/runtime/runner.ts';
import { pause } from '../../main/runtime/step.ts';
import { watchRunner } from '../../main/runtime/watch.ts';
import type { Endpoint } from '../../shared/model.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const ENDPOINT: Endpoint = { at: { port: 1 }, key: null, protocol: 'v2', model: 'm', prefix: '' };

function watched(ailments: readonly (string | null)[], isElsewhere = true) {
  const clock = createVirtualClock();
  const abort = new AbortController();
  const seen = { looks: 0, broken: [] as (string | undefined)[], paths: [] as string[] };
  const adapter = {
    *ailment() {
      seen.looks += 1;
      yield* pause(100);
      return ailments[seen.looks - 1] ?? null;
    },
  };
  const runner = {
    id: 'm',
    adapter,
    stay: { abort, leases: { inFlight: 1, heard: 0 } },
    endHealthCheck: () => {},
    doubt: () => {},
  } as unknown as Runner;
  const request = (_server: unknown, { path }: { path: string }) => {
    seen.paths.push(path);
    return Promise.reject(new Error('nobody listens'));
  };
  const http = { request, upload: () => Promise.reject(new Error('never')) };
  watchRunner({ clock, http, randomWord: () => '' }, runner, ENDPOINT, isElsewhere, (ailment) => void seen.broken.push(ailment?.message));
  return { clock, abort, runner, seen };
}

test('many doubts are one look, and those right after it one more, a second later', async () => {
  const { clock, runner, seen } = watched([null, 'it is dead.']);
  for (let times = 0; times < 5; times += 1) runner.doubt();
  await clock.advance(150);
  expect(seen).toMatchObject({ looks: 1, broken: [] });
  runner.doubt();
  runner.doubt();
  await clock.advance(500);
  expect(seen.looks).toBe(1);
  await clock.advance(1_000);
  expect(seen).toMatchObject({ looks: 2, broken: ['it is dead.'] });
});

test('one that leaves is not looked at', async () => {
  const { clock, abort, runner, seen } = watched(['it is dead.']);
  runner.doubt();
  abort.abort();
  await clock.advance(2_000);
  expect(seen).toMatchObject({ looks: 0, broken: [] });
});

test('a server of tensors that hangs is noticed by its own route for health', async () => {
  const { clock, seen } = watched([], false);
  await clock.advance(60_000);
  expect(seen.broken).toEqual([undefined]);
  expect(new Set(seen.paths)).toEqual(new Set(['/v2/health/live']));
});
