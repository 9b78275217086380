/**
 * What an event makes of the snapshot: the same objects where nothing changed, one order, and no
 * guess without a beginning.
 */
import { expect, test } from 'vitest';
import { merge } from '../../renderer/merge.ts';
import type { EngineEvent, Snapshot } from '../../shared/snapshot.ts';
import { deviceView } from '../helpers/device-view.ts';
import { modelView } from '../http/harness.ts';

const BASE: Snapshot = {
  version: '0',
  address: '',
  startedAt: '',
  settingsFile: null,
  settingsProblem: null,
  runtimes: [],
  watchFolders: [],
  devices: [deviceView('a', { usedBytes: 1 }), deviceView('b', { usedBytes: 1 })],
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
  const after = merge(
    first,
    change({
      devices: [deviceView('a', { usedBytes: 1 }), deviceView('b', { usedBytes: 2 })],
      models: [modelView('m-9', { inFlight: 1 })],
    }),
  );
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
