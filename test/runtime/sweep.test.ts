/**
 * What an earlier engine left is ended before the first grant, and nothing else is: by start time
 * and boot, or by the launch id in its environment (I2).
 */
import { expect, test } from 'vitest';
import type { ProcessIdentity, ProcessRow } from '../../main/core/process-ports.ts';
import { type SweepPorts, sweep } from '../../main/runtime/sweep.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';

interface Living extends ProcessIdentity {
  readonly launchId?: string;
  readonly parent?: number;
  readonly ignores?: 'SIGTERM' | 'everything';
}

const identity = (pid: number, startTime = pid, bootId = 'now'): ProcessIdentity => ({ pid, startTime, bootId });
const row = (launchId: string, leader: ProcessIdentity | null, bootId = 'now'): ProcessRow => ({
  launchId,
  modelId: `model of ${launchId}`,
  command: ['x'],
  leader,
  members: [],
  startedAt: '',
  bootId,
});

async function swept(rows: readonly ProcessRow[], living: readonly Living[], folders: readonly string[] = []) {
  const clock = createVirtualClock();
  const alive = new Map(living.map((each) => [each.pid, each]));
  const table = new Map(rows.map((each) => [each.launchId, each]));
  const signals: string[] = [];
  const removed: string[] = [];
  const isAlive = ({ pid, startTime }: ProcessIdentity) => alive.get(pid)?.startTime === startTime;
  const ports = {
    clock,
    bootId: () => 'now',
    log: { warn: () => {}, error: () => {} },
    table: { rows: () => [...table.values()], erase: (id: string) => void table.delete(id) },
    scratch: { left: () => folders, remove: (id: string) => void removed.push(id) },
    processes: {
      isAlive,
      members: (pid: number) => [...alive.values()].filter((each) => each.pid === pid || each.parent === pid),
      findByLaunch: (id: string) => [...alive.values()].filter(({ launchId }) => launchId === id),
      signal(identities: readonly ProcessIdentity[], signal: string, group: number | null) {
        signals.push(`${signal} ${identities.map(({ pid }) => pid).join()} ${group === null ? '' : `group ${group}`}`.trim());
        for (const each of identities) {
          const { ignores } = alive.get(each.pid) ?? {};
          if (isAlive(each) && ignores !== 'everything' && (signal === 'SIGKILL' || ignores === undefined)) alive.delete(each.pid);
        }
      },
    },
  } as unknown as SweepPorts;
  const work = sweep(ports);
  await clock.advance(20_000);
  return { survivors: (await work).map(({ pid }) => pid), left: [...alive.keys()], rows: [...table.keys()], signals, removed };
}

test('the recorded process and its children are ended, with their group, and their row goes', async () => {
  const { signals, ...rest } = await swept([row('a', identity(10))], [identity(10), { ...identity(11), parent: 10 }]);
  expect(rest).toEqual({ survivors: [], left: [], rows: [], removed: [] });
  expect(signals).toEqual(['SIGTERM 10,11 group 10']);
});

test('a stranger that has the number of one of ours by now is left alone', async () => {
  const { left, signals, rows } = await swept([row('a', identity(10))], [identity(10, 999)]);
  expect({ left, signals, rows }).toEqual({ left: [10], signals: [], rows: [] });
});

test('so is everything after a reboot, whatever its number and start time', async () => {
  const { left, signals } = await swept([row('a', identity(10), 'before')], [identity(10), { ...identity(11), launchId: 'a' }]);
  expect({ left, signals }).toEqual({ left: [10, 11], signals: [] });
});

test('one that no row names is found by its launch, without a group to signal', async () => {
  const { left, signals } = await swept(
    [row('a', null)],
    [
      { ...identity(12), launchId: 'a' },
      { ...identity(13), launchId: 'other' },
    ],
  );
  expect({ left, signals }).toEqual({ left: [13], signals: ['SIGTERM 12'] });
});

test('what ignores SIGTERM is killed; what survives that is told, and its row stays', async () => {
  const stubborn = await swept([row('a', identity(10))], [{ ...identity(10), ignores: 'SIGTERM' }]);
  expect(stubborn).toMatchObject({ left: [], rows: [], signals: ['SIGTERM 10 group 10', 'SIGKILL 10 group 10'] });
  const undead = await swept([row('a', identity(10)), row('b', null)], [{ ...identity(10), ignores: 'everything' }], ['a', 'b', 'c']);
  expect(undead).toMatchObject({ survivors: [10], rows: ['a'], removed: ['b', 'c'] });
});

test('a launch whose row was lost is found by its folder: what runs is ended before its files go', async () => {
  const { left, removed } = await swept([], [{ ...identity(12), launchId: 'a' }], ['a', 'b']);
  expect({ left, removed }).toEqual({ left: [], removed: ['a', 'b'] });
  const undead = await swept([], [{ ...identity(12), launchId: 'a', ignores: 'everything' }], ['a', 'b']);
  expect(undead).toMatchObject({ survivors: [12], removed: ['b'] });
});
