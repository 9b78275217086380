/**
 * How much of our own work gives way to requests that are small: by its nice value, which this file
 * alone sets. Pure but for the operating system that it is given.
 */

/** Of `node:os`: without a process they are about the caller; on Linux, about its thread alone. */
export interface NiceValues {
  getPriority(): number;
  setPriority(nice: number): void;
}

/** For work that a request waits for. */
export const BEHIND_SMALL_REQUESTS = 5;
/** For work that no request waits for. */
export const BEHIND_REQUESTS = 10;

/**
 * Lets others go first (I12). Whoever is further back already stays there: without the right to it
 * nobody may come forward again, and an engine that was started with `nice` must work, too.
 */
export function stepBehind(os: NiceValues, nice: number): void {
  try {
    if (os.getPriority() < nice) os.setPriority(nice);
  } catch {
    // The work is done all the same, only not behind the others.
  }
}
