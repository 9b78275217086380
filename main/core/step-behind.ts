/**
 * Lowers the priority of Modelium's own heavy work, so that small requests come first. Only this
 * file sets nice values. The caller passes in the functions of the operating system; no other I/O.
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
