/**
 * A load that stands still and one that is slow, told apart by what shows life; and how long at
 * most even a lively one may take.
 */
import { expect, test } from 'vitest';
import { type Activity, StallWatch } from '../../main/runtime/stall-watch.ts';
import { MIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

const LIMITS = { stallMs: 10_000, maxMs: 60_000 };
/** Activity at each second, from what a tree does in one. */
type EachSecond = (second: number) => Partial<Activity>;

/** @returns the second in which a fault was told, and which. */
async function watched(does: EachSecond, also: (watch: StallWatch, second: number) => void = () => {}): Promise<string> {
  const clock = createVirtualClock();
  const watch = new StallWatch(clock);
  const faults: string[] = [];
  const activity = () => ({ readBytes: 0, residentBytes: 0, cpuMs: 0, ...does(clock.now() / 1000) });
  const end = watch.start(LIMITS, activity, (code) => void faults.push(`${code} at ${clock.now() / 1000}`));
  for (let second = 1; second <= 90; second += 1) {
    also(watch, second);
    await clock.advance(1_000);
  }
  end();
  expect(clock.pending).toBe(0);
  return faults.join(', ');
}

test.each<[string, EachSecond, string]>([
  ['nothing at all', () => ({}), 'load-stalled at 10'],
  ['reads 5 MiB a second', (second) => ({ readBytes: second * 5 * MIB }), 'load-too-long at 60'],
  ['reads as little as health checks do', (second) => ({ readBytes: second * 8_000 }), 'load-stalled at 10'],
  ['takes 20 MiB of memory a second', (second) => ({ residentBytes: second * 20 * MIB }), 'load-too-long at 60'],
  ['a heap that breathes', (second) => ({ residentBytes: (second % 2) * 8 * MIB }), 'load-stalled at 10'],
  ['computes, where that is no sign', (second) => ({ cpuMs: second * 1_000 }), 'load-stalled at 10'],
  ['read until the fifteenth second', (second) => ({ readBytes: Math.min(15, second) * 5 * MIB }), 'load-stalled at 25'],
])('%s', async (_, does, fault) => expect(await watched(does)).toBe(fault));

test('work of the processor counts in a silent phase, polling does not', async () => {
  const silent = (watch: StallWatch, second: number) => (second === 1 ? watch.phase(true) : undefined);
  expect(await watched((second) => ({ cpuMs: second * 300 }), silent)).toBe('load-too-long at 60');
  expect(await watched((second) => ({ cpuMs: second * 100 }), silent)).toBe('load-stalled at 10');
});

test('a line is a sign of life, and the next phase counts anew', async () => {
  expect(
    await watched(
      () => ({}),
      (watch, second) => (second === 8 ? watch.signOfLife() : undefined),
    ),
  ).toBe('load-stalled at 17');
});
