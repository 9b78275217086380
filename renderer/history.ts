/**
 * The history of every device for the charts: ten minutes, fetched once and then kept up to date by
 * the event stream, and a day, fetched while somebody looks at it. It is not in the store, because
 * charts draw on a canvas and a new point must not render components.
 */
import type { DeviceHistory, DeviceView, History } from '../shared/snapshot.ts';
import { ask } from './api.ts';
import { onOpening, onSnapshot } from './link.ts';

export type Span = 'minutes' | 'day';
export const SPAN_SECONDS: Readonly<Record<Span, number>> = { minutes: 600, day: 86_400 };

const POINTS = 600;
/** Events come up to four times a second, points once. */
const LEAST_GAP_MS = 850;
/** The engine has a new point of the day as often. */
const DAY_PAUSE_MS = 120_000;
/** Steps without a point after which there is a gap: the engine did not run. */
const GAP_STEPS = 2.5;

/** A device at one moment. Null: it was not there, or it does not say. */
export interface DevicePoint {
  readonly usedBytes: number | null;
  readonly othersBytes: number;
  readonly promisedBytes: number;
  readonly leakedBytes: number;
  readonly utilizationRatio: number | null;
  readonly powerWatts: number | null;
  readonly temperatureCelsius: number | null;
  readonly byModel: Readonly<Record<string, number>>;
}

export interface Moment {
  readonly atMs: number;
  readonly devices: ReadonlyMap<string, DevicePoint>;
}

let moments: readonly Moment[] = [];
let day: readonly Moment[] = [];
/** How far the engine's clock is ahead of ours: points of both stand on one axis. */
let aheadMs = 0;
const listeners: Readonly<Record<Span, Set<() => void>>> = { minutes: new Set(), day: new Set() };
let dayTimer: ReturnType<typeof setInterval> | undefined;

/** The moments that are known, oldest first. */
export function history(span: Span): readonly Moment[] {
  return span === 'day' ? day : moments;
}

/** Where a chart ends: now, by the engine's clock. */
export function endMs(span: Span): number {
  return history(span).at(-1)?.atMs ?? Date.now() + aheadMs;
}

/** Calls back after each new moment. @returns what ends it. */
export function onMoment(span: Span, listener: () => void): () => void {
  listeners[span].add(listener);
  if (span === 'day' && dayTimer === undefined) {
    void fetchDay();
    dayTimer = setInterval(() => void fetchDay(), DAY_PAUSE_MS);
  }
  return () => {
    listeners[span].delete(listener);
    if (span !== 'day' || listeners.day.size > 0) return;
    clearInterval(dayTimer);
    dayTimer = undefined;
  };
}

/** From now on the history is kept up. */
export function followDevices(): void {
  onOpening(() => {
    void fetchPast();
    if (dayTimer !== undefined) void fetchDay();
  });
  // Nobody sees the charts of a hidden window grow: the engine remembers for it.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return;
    void fetchPast();
    if (dayTimer !== undefined) void fetchDay();
  });
  onSnapshot(({ devices }) => {
    if (document.hidden) return;
    const atMs = Date.now() + aheadMs;
    const last = moments.at(-1);
    if (last !== undefined && atMs - last.atMs < LEAST_GAP_MS && atMs >= last.atMs) return;
    moments = [...moments.slice(1 - POINTS), { atMs, devices: new Map(devices.map((device) => [device.id, pointOf(device)])) }];
    tell('minutes');
  });
}

/** A break, or a window that has just opened: the engine remembers. */
async function fetchPast(): Promise<void> {
  const past = await ask<'history'>('GET', '/control/history').catch(() => null);
  if (past === null) return;
  aheadMs = past.nowMs - Date.now();
  moments = momentsOf(past);
  tell('minutes');
}

async function fetchDay(): Promise<void> {
  if (document.hidden) return;
  const past = await ask<'history'>('GET', '/control/history?span=day').catch(() => null);
  if (past === null) return;
  day = momentsOf(past);
  tell('day');
}

function tell(span: Span): void {
  for (const listener of listeners[span]) listener();
}

/** With an empty moment in each gap, so that no line is drawn over it. */
function momentsOf(past: History): readonly Moment[] {
  return past.atMs.flatMap((atMs, index) => {
    const moment = momentAt(past, atMs, index);
    const before = past.atMs[index - 1];
    const isGap = before !== undefined && atMs - before > past.stepMs * GAP_STEPS;
    return isGap ? [{ atMs: atMs - past.stepMs, devices: new Map<string, DevicePoint>() }, moment] : [moment];
  });
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
    powerWatts: columns.powerWatts[index] ?? null,
    temperatureCelsius: columns.temperatureCelsius[index] ?? null,
    byModel: Object.fromEntries(Object.entries(columns.byModel).map(([id, bytes]) => [id, bytes[index] ?? 0])),
  };
}

function pointOf(device: DeviceView): DevicePoint {
  const { usedBytes, othersBytes, promisedBytes, leakedBytes, utilizationRatio, powerWatts, temperatureCelsius, byModel } = device;
  return { usedBytes, othersBytes, promisedBytes, leakedBytes, utilizationRatio, powerWatts, temperatureCelsius, byModel };
}
