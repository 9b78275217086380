/**
 * The last ten minutes of every device, for the charts: fetched once when the link stands, then kept up from the event stream. Not in the store:
 * charts draw themselves on a canvas, and no component need be rendered for a point.
 */
import type { DeviceHistory, DeviceView, History } from '../shared/snapshot.ts';
import { ask } from './api.ts';
import { onOpening, onSnapshot } from './link.ts';

const POINTS = 600;
/** Events come up to four times a second, points once. */
const LEAST_GAP_MS = 850;

/** A device at one moment. Null: it was not there. */
export interface DevicePoint {
  readonly usedBytes: number | null;
  readonly othersBytes: number;
  readonly promisedBytes: number;
  readonly leakedBytes: number;
  readonly utilizationRatio: number | null;
  readonly byModel: Readonly<Record<string, number>>;
}

interface Moment {
  readonly atMs: number;
  readonly devices: ReadonlyMap<string, DevicePoint>;
}

let moments: readonly Moment[] = [];
/** How far the engine's clock is ahead of ours: points of both stand on one axis. */
let aheadMs = 0;
const listeners = new Set<() => void>();

/** The moments that are known, oldest first. */
export function history(): readonly Moment[] {
  return moments;
}

/** Calls back after each new moment. @returns what ends it. */
export function onMoment(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** From now on the history is kept up. */
export function followDevices(): void {
  onOpening(() => void fetchPast());
  // Nobody sees the charts of a hidden window grow: the engine remembers for it.
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void fetchPast();
  });
  onSnapshot(({ devices }) => {
    if (document.hidden) return;
    const atMs = Date.now() + aheadMs;
    const last = moments.at(-1);
    if (last !== undefined && atMs - last.atMs < LEAST_GAP_MS && atMs >= last.atMs) return;
    moments = [...moments.slice(1 - POINTS), { atMs, devices: new Map(devices.map((device) => [device.id, pointOf(device)])) }];
    tell();
  });
}

/** A break, or a window that has just opened: the engine remembers. */
async function fetchPast(): Promise<void> {
  const past = await ask<'history'>('GET', '/control/history').catch(() => null);
  if (past === null) return;
  aheadMs = past.nowMs - Date.now();
  moments = past.atMs.map((atMs, index) => momentAt(past, atMs, index));
  tell();
}

function tell(): void {
  for (const listener of listeners) listener();
}

function momentAt(past: History, atMs: number, index: number): Moment {
  const devices = Object.entries(past.devices).map(([id, columns]) => [id, columnsAt(columns, index)] as const);
  return { atMs, devices: new Map(devices) };
}

function columnsAt(columns: DeviceHistory, index: number): DevicePoint {
  return {
    usedBytes: columns.usedBytes[index] ?? null,
    othersBytes: columns.othersBytes[index] ?? 0,
    promisedBytes: columns.promisedBytes[index] ?? 0,
    leakedBytes: columns.leakedBytes[index] ?? 0,
    utilizationRatio: columns.utilizationRatio[index] ?? null,
    byModel: Object.fromEntries(Object.entries(columns.byModel).map(([id, bytes]) => [id, bytes[index] ?? 0])),
  };
}

function pointOf({ usedBytes, othersBytes, promisedBytes, leakedBytes, utilizationRatio, byModel }: DeviceView): DevicePoint {
  return { usedBytes, othersBytes, promisedBytes, leakedBytes, utilizationRatio, byModel };
}
