/**
 * What an event makes of the snapshot: the same objects where nothing changed, one order, and no
 * guess without a beginning.
 */
import { expect, test } from 'vitest';
import { merge } from '../../renderer/merge.ts';
import type { DeviceView, EngineEvent, Snapshot } from '../../shared/snapshot.ts';
import { modelView } from '../http/harness.ts';

const device = (id: string, usedBytes: number): DeviceView => ({
  id,
  kind: 'gpu',
  index: 0,
  name: id,
  simulated: true,
  totalBytes: 100,
  usedBytes,
  reservedBytes: 0,
  promisedBytes: 0,
  leakedBytes: 0,
  availableBytes: 1,
  byModel: {},
  othersBytes: 0,
  programs: [],
  leaks: [],
  utilizationRatio: null,
  powerWatts: null,
  temperatureCelsius: null,
});
const BASE: Snapshot = {
  version: '0',
  address: '',
  startedAt: '',
  settingsFile: null,
  settingsProblem: null,
  runtimes: [],
  watchFolders: [],
  devices: [device('a', 1), device('b', 1)],
  models: [modelView('m-10'), modelView('m-9')],
  lastDecisionId: 0,
  tokensPerSecond: 0,
};
const change = (changed: Partial<Snapshot>, removedModels: readonly string[] = []): EngineEvent => ({
  type: 'change',
  id: 2,
  ageMs: 0,
  changed,
  removedModels,
});
const first = merge(null, { type: 'snapshot', id: 1, ageMs: 0, snapshot: BASE });

test('a snapshot is put in order; a change without one is not guessed at', () => {
  expect(first?.models.map(({ id }) => id)).toEqual(['m-9', 'm-10']);
  expect(merge(null, change({ lastDecisionId: 1 }))).toBeNull();
});

test('what did not change stays the same object', () => {
  const after = merge(first, change({ devices: [device('a', 1), device('b', 2)], models: [modelView('m-9', { inFlight: 1 })] }));
  expect(after?.devices[0]).toBe(first?.devices[0]);
  expect(after?.devices[1]?.usedBytes).toBe(2);
  expect(after?.models[1]).toBe(first?.models[1]);
  expect(after?.models[0]?.inFlight).toBe(1);
  expect(merge(first, change({ lastDecisionId: 5 }))?.models).toBe(first?.models);
});

test('models come in their place, and go', () => {
  const after = merge(first, change({ models: [modelView('m-1'), modelView('m-9', { waiting: 2 })] }, ['m-10']));
  expect(after?.models.map(({ id, waiting }) => [id, waiting])).toEqual([
    ['m-1', 0],
    ['m-9', 2],
  ]);
});
