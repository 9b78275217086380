/**
 * The real Clock. Owns only timers, and isolates an error in one timer from the others; tests use a
 * virtual clock.
 */
import type { Clock } from '../core/ports.ts';

/** The longest delay that setTimeout keeps: it fires at once for anything longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Time as the operating system tells it. `now()` stands still while the machine is suspended:
 * performance.now() reads CLOCK_MONOTONIC on Linux, so that waking up makes no model look idle.
 * Timers are not unref-ed: who starts one cancels it on close, and one that is forgotten shows as a
 * process that does not end.
 * @param onFault hears of what a timer's callback throws, or of why its promise was rejected: the
 * process goes on.
 */
export function createClock(onFault: (error: unknown) => void = rethrow): Clock {
  return {
    now: () => performance.now(),
    wallTime: () => Date.now(),
    after: (ms, callback) => after(ms, () => guarded(callback, onFault)),
  };
}

function rethrow(error: unknown): never {
  throw error;
}

function guarded(callback: () => unknown, onFault: (error: unknown) => void): void {
  try {
    const done = callback();
    if (done instanceof Promise) done.catch(onFault);
  } catch (error) {
    onFault(error);
  }
}

function after(ms: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  function arm(leftMs: number): void {
    const nextMs = Math.min(leftMs, LONGEST_TIMER_MS);
    timer = setTimeout(() => (leftMs > nextMs ? arm(leftMs - nextMs) : callback()), Math.max(0, nextMs));
  }
  arm(ms);
  return () => clearTimeout(timer);
}
