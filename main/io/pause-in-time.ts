/** Lets others go first within long work that consists of many short parts (I12). */
import { pauseForOthers } from '../core/step-behind.ts';

/** So long a thread works between two pauses. */
const TURN_MS = 0.5;
let turnEndsMs = 0;

/** For before each part: pauses where it is time. Blocks the thread: not for one that serves. */
export function pauseInTime(): void {
  if (performance.now() < turnEndsMs) return;
  pauseForOthers();
  turnEndsMs = performance.now() + TURN_MS;
}
