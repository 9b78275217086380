/**
 * The last ten minutes of every device's memory, for the window's charts: a bounded ring in memory. A sink (I9): it is read by the page and never
 * by a decision, and it is gone with the engine.
 */
import type { DeviceHistory, DeviceView, History as HistoryView } from '../../../shared/snapshot.ts';

/** A point a second: samples come faster while a load runs, and a chart of ten minutes cannot show more. */
export const HISTORY_STEP_MS = 1_000;
export const HISTORY_POINTS = 600;
/** Samples come a little early or late; a second's point must not be lost to that. */
const EARLY_MS = 150;

interface Point {
  readonly atMs: number;
  readonly devices: readonly DeviceView[];
}

export class History {
  #points: Point[] = [];

  /** @param atMs milliseconds since 1970: the page draws it on a clock. */
  record(atMs: number, devices: readonly DeviceView[]): void {
    const last = this.#points.at(-1);
    if (last !== undefined && atMs >= last.atMs && atMs - last.atMs < HISTORY_STEP_MS - EARLY_MS) return;
    this.#points.push({ atMs, devices });
    // Cut rarely: shifting hundreds of points for each new one would cost more than the point.
    if (this.#points.length >= HISTORY_POINTS * 2) this.#points = this.#points.slice(-HISTORY_POINTS);
  }

  /** In columns, oldest first; a device (or a model on it) that was not there in a second has null (or 0) for it. */
  read(nowMs: number): HistoryView {
    const points = this.#points.slice(-HISTORY_POINTS);
    const ids = [...new Set(points.flatMap(({ devices }) => devices.map(({ id }) => id)))];
    return {
      stepMs: HISTORY_STEP_MS,
      nowMs,
      atMs: points.map(({ atMs }) => atMs),
      devices: Object.fromEntries(ids.map((id) => [id, columns(points, id)])),
    };
  }
}

function columns(points: readonly Point[], id: string): DeviceHistory {
  const views = points.map(({ devices }) => devices.find((device) => device.id === id));
  const models = [...new Set(views.flatMap((view) => Object.keys(view?.byModel ?? {})))];
  return {
    usedBytes: views.map((view) => view?.usedBytes ?? null),
    othersBytes: views.map((view) => view?.othersBytes ?? null),
    promisedBytes: views.map((view) => view?.promisedBytes ?? null),
    leakedBytes: views.map((view) => view?.leakedBytes ?? null),
    utilizationRatio: views.map((view) => view?.utilizationRatio ?? null),
    byModel: Object.fromEntries(models.map((model) => [model, views.map((view) => view?.byModel[model] ?? 0)])),
  };
}
