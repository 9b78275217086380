/** What an unload is said to have given back: what was measured, less what is still held. */
import { expect, test, vi } from 'vitest';
import { freedBetween, freedBytes, notifyFreed } from '../../renderer/freed.ts';
import type { ModelView, Snapshot } from '../../shared/snapshot.ts';
import { GIB } from '../../shared/units.ts';

const model = (state: ModelView['state'], gpuGib: number | null) => {
  const measuredBytes = gpuGib === null ? null : { 'GPU-a': gpuGib * GIB, cpu: GIB };
  return { id: 'tiny', state, measuredBytes, predictedBytes: { 'GPU-a': 9 * GIB } } as unknown as ModelView;
};
const unloaded = { models: [model('unloaded', null)], devices: [{ leaks: [] }] };

test.each([
  ['seen leaving', model('draining', 5), 5],
  ['too fast to be seen leaving', model('ready', 5), 5],
  ['asleep before', model('asleep', 1), 1],
  ['a load that was cancelled: only promised', model('loading', null), undefined],
  ['unloaded before', model('unloaded', null), undefined],
] as const)('%s', (_, before, gib) => {
  expect(freedBetween([before], unloaded).get('tiny')).toBe(gib === undefined ? undefined : gib * GIB);
});

test('what is still held is not freed; one that is new here, or leaves, freed nothing yet', () => {
  const devices = [
    {
      leaks: [
        { modelId: 'tiny', pids: [1], bytes: 3 * GIB },
        { modelId: 'other', pids: [2], bytes: GIB },
      ],
    },
  ];
  expect(freedBetween([model('draining', 5)], { ...unloaded, devices }).get('tiny')).toBe(2 * GIB);
  expect(freedBetween([], unloaded).size).toBe(0);
  expect(freedBetween([model('ready', 5)], { ...unloaded, models: [model('draining', 5)] }).size).toBe(0);
});

test('it is told for ten seconds since the last unload, not since the one before', () => {
  vi.useFakeTimers();
  try {
    const held = (gib: number) => ({ ...unloaded, models: [model('draining', gib)] }) as unknown as Snapshot;
    const gone = () => ({ ...unloaded, models: [model('unloaded', null)] }) as unknown as Snapshot;
    notifyFreed(held(5), gone());
    vi.advanceTimersByTime(9_000);
    notifyFreed(held(3), gone());
    vi.advanceTimersByTime(9_000);
    expect(freedBytes('tiny')).toBe(3 * GIB);
    vi.advanceTimersByTime(1_000);
    expect(freedBytes('tiny')).toBeNull();
  } finally {
    vi.useRealTimers();
  }
});
