/**
 * What was learned of earlier loads is read from the database once, and not each time a model that
 * waits is asked about.
 */
import { expect, test, vi } from 'vitest';
import { RECENT_MEASUREMENTS, withMeasurementsInMemory } from '../../main/core/measurements.ts';
import { differenceBytes, grownBytes } from '../../main/core/memory/measure.ts';
import type { Ledger, Measurement, Sample } from '../../main/core/ports.ts';
import { GIB } from '../../shared/units.ts';
import { createCoreBox } from '../helpers/core-box.ts';

test('one model of several in a server is measured by what its processes grew, whoever leaves meanwhile', () => {
  const sample = (byPid: readonly (readonly [number, number])[], used = 0) =>
    ({ devices: [{ id: 'g', kind: 'gpu', usedBytes: used, byPid: new Map(byPid) }] }) as unknown as Sample;
  // 1 is the server, 2 the process of a model that left, 3 that of ours: the server gave back what
  // was the other's in it.
  const before = sample([
    [1, 4 * GIB],
    [2, 6 * GIB],
  ]);
  const now = sample([
    [1, 3 * GIB],
    [3, 5 * GIB],
  ]);
  expect(differenceBytes(now, before, [1, 3], { g: 1, cpu: 1 })).toEqual({ g: 5 * GIB });
  expect(
    grownBytes(
      new Map([
        [1, 10],
        [3, 7],
      ]),
      new Map([
        [1, 12],
        [2, 5],
      ]),
    ),
  ).toBe(7);
});

const measurement = (modelId: string, loadSeconds: number, runtime = 'llama'): Measurement => ({
  modelId,
  runtime,
  planHash: '',
  predicted: { cpu: 1 },
  measured: { cpu: 1 },
  loadSeconds,
});

/**
 * The tables of a ledger, as `io/ledger/ledger.ts` answers from them, and how often they were read.
 */
function tables(rows: Measurement[]) {
  const read = { times: 0 };
  const ledger = {
    learn: (row: Measurement) => void rows.unshift(row),
    measurements(modelId: string | null, runtime: string, limit: number) {
      read.times += 1;
      return rows.filter((row) => row.runtime === runtime && (modelId === null || row.modelId === modelId)).slice(0, limit);
    },
    forget: () => {},
  } as unknown as Ledger;
  return { ledger, read };
}

test('a model that waits for room for ten seconds is asked about forty times, and the database is read for it no more', async () => {
  const box = createCoreBox({ gpus: [16 * GIB], settings: (s) => ({ ...s, host: { ...s.host, memory_limit_mb: 64 } }) });
  box.drop('a', 10 * GIB, 'content');
  for (let at = 0; at < 20; at += 1) await box.clock.advance(250);
  const held = box.waitingRoom.ensureReady('a', { signal: new AbortController().signal });
  expect(held).not.toBeInstanceOf(Promise);
  box.drop('b', 10 * GIB, 'person');
  for (let at = 0; at < 8; at += 1) await box.clock.advance(250);
  expect(box.state('b')).toBe('queued');
  const reads = vi.spyOn(box.ledger, 'measurements');
  const asked = vi.spyOn(box.questions, 'ask');
  for (let at = 0; at < 40; at += 1) await box.clock.advance(250);
  expect(box.state('b')).toBe('queued');
  expect(asked.mock.calls.length).toBeGreaterThanOrEqual(40);
  expect(reads).not.toHaveBeenCalled();
});

test('what is learned is known at once, written through, and the same as the tables say', () => {
  const rows = [measurement('a', 1)];
  const { ledger, read } = tables(rows);
  const remembered = withMeasurementsInMemory(ledger);
  const answers = (from: Ledger) =>
    [['a', 'llama'] as const, ['b', 'llama'] as const, [null, 'llama'] as const, ['a', 'vllm'] as const].map(([modelId, runtime]) =>
      from.measurements(modelId, runtime, RECENT_MEASUREMENTS),
    );
  expect(answers(remembered)).toEqual(answers(ledger));
  for (let seconds = 2; seconds < 40; seconds += 1) remembered.learn(measurement(seconds % 3 === 0 ? 'b' : 'a', seconds));
  remembered.learn(measurement('a', 40, 'vllm'));
  expect(rows).toHaveLength(40);
  const before = read.times;
  const now = answers(remembered);
  expect(read.times).toBe(before);
  expect(now).toEqual(answers(ledger));
  expect(remembered.measurements('a', 'llama', 2)).toHaveLength(2);
});

test('a full disk costs the row, not what this run has learned', () => {
  const { ledger } = tables([]);
  const remembered = withMeasurementsInMemory({
    ...ledger,
    learn: () => {
      throw new Error('disk full');
    },
  });
  expect(remembered.measurements('a', 'llama', 1)).toEqual([]);
  expect(() => remembered.learn(measurement('a', 7))).toThrow('disk full');
  expect(remembered.measurements('a', 'llama', 1)).toEqual([measurement('a', 7)]);
});
