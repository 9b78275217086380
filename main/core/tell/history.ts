/**
 * The history of every device for the charts of the window, in bounded rings. A sink (I9): the page
 * reads it, no decision does. The last ten minutes are lost when the engine ends; the last 24 hours
 * are saved through `keep`.
 */
import type { DeviceHistory, DeviceView, History as HistoryView } from '../../../shared/snapshot.ts';
import type { DevicePoint, SamplePoint } from '../ports.ts';

/**
 * A point a second: samples come faster while a load runs, and a chart of ten minutes cannot show
 * more.
 */
export const HISTORY_STEP_MS = 1_000;
export const HISTORY_POINTS = 600;
/** A point for two minutes: as many for a day as for ten minutes at a point a second. */
export const DAY_STEP_MS = 120_000;
export const DAY_POINTS = 720;
/** Samples come a little early or late; a second's point must not be lost to that. */
const EARLY_MS = 150;

export class History {
  #points: SamplePoint[] = [];

  /** @param atMs milliseconds since 1970: the page draws it on a clock. */
  record(atMs: number, devices: readonly DeviceView[]): void {
    const last = this.#points.at(-1);
    if (last !== undefined && atMs >= last.atMs && atMs - last.atMs < HISTORY_STEP_MS - EARLY_MS) return;
    this.#points.push({ atMs, devices });
    // Cut rarely: shifting hundreds of points for each new one would cost more than the point.
    if (this.#points.length >= HISTORY_POINTS * 2) this.#points = this.#points.slice(-HISTORY_POINTS);
  }

  read(nowMs: number): HistoryView {
    return inColumns(this.#points.slice(-HISTORY_POINTS), HISTORY_STEP_MS, nowMs);
  }
}

/** Means of two minutes each. */
export class DayHistory {
  #points: SamplePoint[];
  readonly #keep: (point: SamplePoint) => void;
  #pending: (readonly DevicePoint[])[] = [];
  #slot: number | null = null;

  /**
   * @param past what was kept before, oldest first.
   * @param keep gets each point once, when its two minutes are over.
   */
  constructor(past: readonly SamplePoint[], keep: (point: SamplePoint) => void) {
    this.#points = past.slice(-DAY_POINTS);
    this.#keep = keep;
  }

  record(atMs: number, devices: readonly DeviceView[]): void {
    const slot = Math.floor(atMs / DAY_STEP_MS);
    if (this.#slot !== null && slot !== this.#slot && this.#pending.length > 0) {
      const point = { atMs: this.#slot * DAY_STEP_MS, devices: meanOf(this.#pending) };
      this.#pending = [];
      this.#points = [...this.#points.slice(1 - DAY_POINTS), point];
      this.#keep(point);
    }
    this.#slot = slot;
    this.#pending.push(devices);
  }

  /** The two minutes that are not over count as well, so that a chart reaches up to now. */
  read(nowMs: number): HistoryView {
    const oldestMs = nowMs - DAY_POINTS * DAY_STEP_MS;
    const last = this.#slot === null || this.#pending.length === 0 ? [] : [{ atMs: nowMs, devices: meanOf(this.#pending) }];
    const points = [...this.#points, ...last].filter(({ atMs }) => atMs >= oldestMs && atMs <= nowMs);
    return inColumns(points, DAY_STEP_MS, nowMs);
  }
}

/**
 * In columns, oldest first; a device (or a model on it) that was not there at a moment has null (or
 * 0) for it.
 */
function inColumns(points: readonly SamplePoint[], stepMs: number, nowMs: number): HistoryView {
  const ids = [...new Set(points.flatMap(({ devices }) => devices.map(({ id }) => id)))];
  return { stepMs, nowMs, atMs: points.map(({ atMs }) => atMs), devices: Object.fromEntries(ids.map((id) => [id, columns(points, id)])) };
}

function columns(points: readonly SamplePoint[], id: string): DeviceHistory {
  const views = points.map(({ devices }) => devices.find((device) => device.id === id));
  const models = [...new Set(views.flatMap((view) => Object.keys(view?.byModel ?? {})))];
  return {
    usedBytes: views.map((view) => view?.usedBytes ?? null),
    othersBytes: views.map((view) => view?.othersBytes ?? null),
    promisedBytes: views.map((view) => view?.promisedBytes ?? null),
    leakedBytes: views.map((view) => view?.leakedBytes ?? null),
    utilizationRatio: views.map((view) => view?.utilizationRatio ?? null),
    powerWatts: views.map((view) => view?.powerWatts ?? null),
    temperatureCelsius: views.map((view) => view?.temperatureCelsius ?? null),
    byModel: Object.fromEntries(models.map((model) => [model, views.map((view) => view?.byModel[model] ?? 0)])),
  };
}

/**
 * Means add up as their parts do, so that a stack of them is whole. Of a sensor, over the samples
 * in which it told something.
 */
function meanOf(samples: readonly (readonly DevicePoint[])[]): readonly DevicePoint[] {
  const byId = new Map<string, DevicePoint[]>();
  for (const device of samples.flat()) byId.set(device.id, [...(byId.get(device.id) ?? []), device]);
  return [...byId].map(([id, seen]) => {
    const bytes = (pick: (device: DevicePoint) => number): number => Math.round(mean(seen.map(pick)) ?? 0);
    const sensor = (pick: (device: DevicePoint) => number | null): number | null => {
      const value = mean(seen.map(pick).filter((each) => each !== null));
      return value === null ? null : Math.round(value * 1_000) / 1_000;
    };
    const models = new Set(seen.flatMap(({ byModel }) => Object.keys(byModel)));
    return {
      id,
      usedBytes: bytes(({ usedBytes }) => usedBytes),
      othersBytes: bytes(({ othersBytes }) => othersBytes),
      promisedBytes: bytes(({ promisedBytes }) => promisedBytes),
      leakedBytes: bytes(({ leakedBytes }) => leakedBytes),
      utilizationRatio: sensor(({ utilizationRatio }) => utilizationRatio),
      powerWatts: sensor(({ powerWatts }) => powerWatts),
      temperatureCelsius: sensor(({ temperatureCelsius }) => temperatureCelsius),
      byModel: Object.fromEntries([...models].map((model) => [model, bytes(({ byModel }) => byModel[model] ?? 0)])),
    };
  });
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
