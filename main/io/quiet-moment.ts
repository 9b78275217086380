/** Lets many short pieces of other work begin in the gaps between requests (I12). */
import { setTimeout } from 'node:timers/promises';

/** So much longer is waited for a gap: who never sends less must not stop the work. */
const AT_MOST_MS = 20;
const LOOK_EVERY_MS = 1;

/**
 * Resolves after `restMs`, as soon as no request is under way. In real time, whatever the clock: it
 * is about the processor. Keeps no process from ending.
 */
export async function quietMoment(restMs: number, isBusy: () => boolean): Promise<void> {
  const endMs = performance.now() + restMs + AT_MOST_MS;
  let ms = restMs;
  do {
    await setTimeout(ms, undefined, { ref: false });
    ms = LOOK_EVERY_MS;
  } while (isBusy() && performance.now() < endMs);
}
