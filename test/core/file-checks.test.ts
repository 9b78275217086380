/** The last checks before a load, on a disk that never answers. */
import { expect, test } from 'vitest';
import { createFileChecks } from '../../main/core/file-checks.ts';
import type { Registry } from '../../main/core/registry.ts';
import type { LaunchPlan } from '../../shared/decision.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const PLAN = {} as LaunchPlan;

function checksOfSilentDisk() {
  const clock = createVirtualClock();
  let questions = 0;
  const checks = createFileChecks({
    clock,
    stallMs: () => 8_000,
    registry: { get: () => ({ path: '/far/a.gguf', profile: null }) } as unknown as Registry,
    reader: {
      unreadable: () => {
        questions += 1;
        return new Promise<string | null>(() => {});
      },
    },
    library: { inspect: () => Promise.reject(new Error('not asked')) },
    trust: { confirm: () => Promise.reject(new Error('not asked')) },
  });
  return { clock, checks, questions: () => questions };
}

test('a load fails when its disk has not answered for load_stall_seconds, and asks it no second time', async () => {
  const { clock, checks, questions } = checksOfSilentDisk();
  const load = () => checks.confirmFiles('a', PLAN, new AbortController().signal).catch((error: unknown) => error);
  const loads = [load()];
  await clock.advance(8_000);
  loads.push(load());
  await clock.advance(8_000);
  const stalled = { code: 'load-stalled', message: 'The disk of its files has not answered for 8 s.' };
  expect(await Promise.all(loads)).toMatchObject([stalled, stalled]);
  expect([questions(), clock.pending]).toEqual([1, 0]);
});

test('who calls the load off does not wait for the disk', async () => {
  const { checks } = checksOfSilentDisk();
  const abort = new AbortController();
  const load = checks.confirmFiles('a', PLAN, abort.signal);
  abort.abort();
  await expect(load).rejects.toMatchObject({ code: 'cancelled' });
});
