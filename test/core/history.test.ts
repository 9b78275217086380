/**
 * The ring behind the charts: a point a second, ten minutes of them, in columns that tell absence
 * from zero.
 */
import { describe, expect, test } from 'vitest';
import type { SamplePoint } from '../../main/core/ports.ts';
import { DAY_POINTS, DAY_STEP_MS, DayHistory, HISTORY_POINTS, History } from '../../main/core/tell/history.ts';
import type { DeviceView } from '../../shared/snapshot.ts';
import { deviceView } from '../helpers/device-view.ts';

const START_MS = 1_700_000_000_000;

function device(id: string, usedBytes: number, byModel: Readonly<Record<string, number>> = {}): DeviceView {
  return deviceView(id, { usedBytes, byModel, promisedBytes: 5, leakedBytes: 1, othersBytes: 2, utilizationRatio: 0.5 });
}

describe('history', () => {
  test('samples that come faster than a point a second are left out', () => {
    const history = new History();
    for (let ms = 0; ms < 3_000; ms += 250) history.record(START_MS + ms, [device('a', ms)]);
    expect(history.read(START_MS).devices['a']?.usedBytes).toEqual([0, 1_000, 2_000]);
    expect(history.read(START_MS).atMs).toEqual([START_MS, START_MS + 1_000, START_MS + 2_000]);
  });

  test('ten minutes are kept, however long it runs', () => {
    const history = new History();
    for (let second = 0; second < HISTORY_POINTS * 3; second += 1) history.record(START_MS + second * 1_000, [device('a', second)]);
    const { atMs, devices } = history.read(START_MS);
    expect(atMs).toHaveLength(HISTORY_POINTS);
    expect(devices['a']?.usedBytes.at(-1)).toBe(HISTORY_POINTS * 3 - 1);
    expect(devices['a']?.usedBytes[0]).toBe(HISTORY_POINTS * 2);
  });

  test('a device that was not there has null, a model that was not there zero', () => {
    const history = new History();
    history.record(START_MS, [device('a', 1)]);
    history.record(START_MS + 1_000, [device('a', 2, { chat: 7 }), device('b', 3)]);
    expect(history.read(START_MS).devices).toEqual({
      a: expect.objectContaining({
        usedBytes: [1, 2],
        byModel: { chat: [0, 7] },
        promisedBytes: [5, 5],
        leakedBytes: [1, 1],
        othersBytes: [2, 2],
      }),
      b: expect.objectContaining({ usedBytes: [null, 3], utilizationRatio: [null, 0.5], byModel: {} }),
    });
  });

  test('a clock that was set back does not stop it', () => {
    const history = new History();
    history.record(START_MS, [device('a', 1)]);
    history.record(START_MS - 60_000, [device('a', 2)]);
    expect(history.read(START_MS).devices['a']?.usedBytes).toEqual([1, 2]);
  });
});

describe('the last day', () => {
  const at = (step: number, seconds = 0): number => 14_166_666 * DAY_STEP_MS + step * DAY_STEP_MS + seconds * 1_000;

  test('a point is the mean of its two minutes, kept once when they are over; what is not over reaches up to now', () => {
    const kept: SamplePoint[] = [];
    const day = new DayHistory([], (point) => kept.push(point));
    day.record(at(0), [{ ...device('a', 10, { chat: 4 }), powerWatts: 100, temperatureCelsius: null }]);
    day.record(at(0, 60), [{ ...device('a', 30), powerWatts: null, temperatureCelsius: 60 }]);
    expect(kept).toEqual([]);
    day.record(at(1), [device('a', 50)]);
    expect(kept).toHaveLength(1);
    expect(kept[0]).toMatchObject({
      atMs: at(0),
      // Memory over all samples, so that the parts add up; a sensor over those in which it told
      // something.
      devices: [{ id: 'a', usedBytes: 20, byModel: { chat: 2 }, powerWatts: 100, temperatureCelsius: 60, utilizationRatio: 0.5 }],
    });
    expect(day.read(at(1, 5))).toMatchObject({ stepMs: DAY_STEP_MS, atMs: [at(0), at(1, 5)], devices: { a: { usedBytes: [20, 50] } } });
  });

  test('what was kept before goes on, and no more than a day is told', () => {
    const past = Array.from({ length: DAY_POINTS + 10 }, (_, step) => ({ atMs: at(step), devices: [device('a', step)] }));
    const day = new DayHistory(past, () => {});
    expect(day.read(at(DAY_POINTS + 9)).atMs).toHaveLength(DAY_POINTS);
    // The machine was off: only the end of the day before is left.
    expect(day.read(at(DAY_POINTS + 9 + DAY_POINTS - 2)).devices['a']?.usedBytes).toEqual([DAY_POINTS + 7, DAY_POINTS + 8, DAY_POINTS + 9]);
  });
});
