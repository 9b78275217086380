/** 8, 10: who holds a device's memory, and that all that is drawn adds up. */
import { expect, test } from 'vitest';
import { segmentsOf, takenBytes } from '../../renderer/components/segments.ts';
import { GIB } from '../../shared/units.ts';

const device = {
  id: 'GPU-a',
  totalBytes: 24 * GIB,
  byModel: {},
  othersBytes: 0,
  leakedBytes: 0,
  promisedBytes: 0,
  programs: [],
  leaks: [],
};
const drawn = (change: object) =>
  segmentsOf({ ...device, ...change }, []).map(({ kind, label, modelId, bytes }) => [kind, label, modelId, bytes / GIB]);

test('a leak names the model that left and the processes that hold it', () => {
  const leaks = [
    { modelId: 'a', pids: [7, 8], bytes: 2 * GIB },
    { modelId: 'b', pids: [], bytes: GIB },
  ];
  expect(drawn({ leakedBytes: 3 * GIB, leaks })).toEqual([
    ['leak', 'still held by pid 7, 8 after a left', 'a', 2],
    ['leak', 'still held after b left', 'b', 1],
  ]);
  expect(drawn({ leakedBytes: GIB })).toEqual([['leak', 'still held after an unload', null, 1]]);
});

test('others are named as far as they are known, and never add up to more than the total says', () => {
  const programs = [
    { pid: 1, name: 'blender', bytes: 2 * GIB },
    { pid: 2, name: null, bytes: 2 * GIB },
  ];
  expect(drawn({ othersBytes: 5 * GIB, programs })).toEqual([
    ['others', 'blender (pid 1)', null, 2],
    ['others', 'a program (pid 2)', null, 2],
    ['others', 'driver and programs without a name', null, 1],
  ]);
  const older = segmentsOf({ ...device, othersBytes: 3 * GIB, programs }, []);
  expect(takenBytes(older)).toBe(3 * GIB);
});
