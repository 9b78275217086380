/** Time for tests: stands still until a test moves it. Owns no real timer and never sleeps. */
import type { Clock } from '../../main/core/ports.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export interface VirtualClock extends Clock {
  /**
   * Moves time on by `ms` and runs the timers that come due, in order of time and then of their
   * making, those made on the way included. After each timer pending promise callbacks run, so that
   * an awaited step can arm its next timer.
   */
  advance(ms: number): Promise<void>;
  /** Timers that are armed, and how far away the next one is (null: none). */
  readonly pending: number;
  nextIn(): number | null;
}

/** @param wallStartMs what `wallTime()` says at 0; any fixed date. */
export function createVirtualClock(wallStartMs = 1_790_000_000_000): VirtualClock {
  let nowMs = 0;
  let made = 0;
  const timers = new Set<Timer>();

  function first(): Timer | null {
    let best: Timer | null = null;
    for (const timer of timers) {
      if (best === null || timer.dueMs < best.dueMs || (timer.dueMs === best.dueMs && timer.order < best.order)) best = timer;
    }
    return best;
  }

  return {
    now: () => nowMs,
    wallTime: () => wallStartMs + nowMs,
    after(ms, callback) {
      const timer: Timer = { dueMs: nowMs + Math.max(0, ms), order: made++, callback };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(ms) {
      const endMs = nowMs + ms;
      await settlePromises();
      for (let timer = first(); timer !== null && timer.dueMs <= endMs; timer = first()) {
        timers.delete(timer);
        nowMs = timer.dueMs;
        timer.callback();
        await settlePromises();
      }
      nowMs = endMs;
      await settlePromises();
    },
    get pending() {
      return timers.size;
    },
    nextIn() {
      const timer = first();
      return timer === null ? null : timer.dueMs - nowMs;
    },
  };
}

/**
 * Lets every promise callback that is due run: the turn of the event loop ends only when the
 * microtask queue is empty.
 */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
