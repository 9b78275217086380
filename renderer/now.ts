/**
 * The current time for components that show it: one shared timer, which stops while the window is
 * hidden.
 */
import { useSyncExternalStore } from 'react';
import type { ModelView } from '../shared/snapshot.ts';

const TICK_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let nowMs = performance.now();

/** Milliseconds of this page's clock, updated each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs);
}

function subscribe(changed: () => void): () => void {
  listeners.add(changed);
  timer ??= setInterval(tick, TICK_MS);
  return () => {
    listeners.delete(changed);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  if (document.hidden) return;
  nowMs = performance.now();
  for (const changed of listeners) changed();
}

/** When each view was true, by this page's clock. */
const truthMs = new WeakMap<ModelView, number>();

/**
 * @param ageMs how old they were when they came: after a break the engine tells what happened
 * meanwhile.
 */
export function noteReceived(models: readonly ModelView[], ageMs: number): void {
  for (const model of models) truthMs.set(model, performance.now() - ageMs);
}

/**
 * Spans in a view count from here: the engine does not send a model again for each second that it
 * idles.
 */
export function sinceReceived(model: ModelView, atMs: number): number {
  return Math.max(0, atMs - (truthMs.get(model) ?? atMs));
}
