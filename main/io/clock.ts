/** The real Clock. Owns nothing but timers; tests hand in a virtual one instead. */
import type { Clock } from '../core/ports.ts';

/** The longest delay that setTimeout keeps: it fires at once for anything longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Time as the operating system tells it. `now()` stands still while the machine is suspended: performance.now() reads CLOCK_MONOTONIC on Linux,
 * so that waking up makes no model look idle.
 * Timers are not unref-ed: who starts one cancels it on close, and one that is forgotten shows as a process that does not end.
 */
export function createClock(): Clock {
  return {
    now: () => performance.now(),
    wallTime: () => Date.now(),
    after,
  };
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
