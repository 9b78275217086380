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

function watched(problems: readonly (string | null)[], isElsewhere = true, isSilentAtWork = false) {
  const clock = createVirtualClock();
  const abort = new AbortController();
  const seen = { looks: 0, broken: [] as (string | undefined)[], paths: [] as string[] };
  /** Of a core, that its process uses. */
  const cpu = { share: 0.9, ms: 0 };
  const work = () => {
    cpu.ms += 100 * cpu.share;
    clock.after(100, work);
  };
  work();
  const adapter = {
    isSilentAtWork,
    *checkModel() {
      seen.looks += 1;
      yield* pause(100);
      return problems[seen.looks - 1] ?? null;
    },
  };
  const runner = {
    id: 'm',
    adapter,
    host: { activity: () => ({ cpuMs: cpu.ms }) },
    stay: { abort, leases: { inFlight: 1, chunks: 0 } },
    endHealthCheck: () => {},
    doubt: () => {},
  } as unknown as Runner;
  const request = (_server: unknown, { path }: { path: string }) => {
    seen.paths.push(path);
    return Promise.reject(new Error('nobody listens'));
  };
  const http = { request, upload: () => Promise.reject(new Error('never')) };
  watchRunner({ clock, http, randomWord: () => '' }, runner, ENDPOINT, isElsewhere, (error) => void seen.broken.push(error?.message));
  return { clock, abort, runner, seen, cpu };
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

test('a server that does one thing at a time may be silent for as long as it works; when it works no more, it hangs', async () => {
  const { clock, seen, cpu } = watched([], false, true);
  await clock.advance(600_000);
  expect(seen.broken).toEqual([]);
  cpu.share = 0.05;
  await clock.advance(60_000);
  expect(seen.broken).toEqual([undefined]);
  // Of others work is no excuse.
  const other = watched([], false);
  await other.clock.advance(60_000);
  expect(other.seen.broken).toEqual([undefined]);
});
