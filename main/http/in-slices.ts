/**
 * Work over tens of megabytes on the engine's thread, in slices between which others are served
 * (I12). Knows no body.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ModeliumError } from '../../shared/errors.ts';

/** So much at a time: whatever is done with each byte, it takes about a millisecond at most. */
export const SLICE_BYTES = 256 * 1024;

/** Yields after each slice; returns what it was for. */
export type Sliced<Result> = Generator<undefined, Result>;

/**
 * @param isOver nobody wants the result any more.
 * @returns at once where one slice was all. @throws what the work throws; ModeliumError cancelled.
 */
export function inSlices<Result>(work: Sliced<Result>, isOver: () => boolean): Result | Promise<Result> {
  const first = work.next();
  return first.done === true ? first.value : slicesAfter(work, isOver);
}

async function slicesAfter<Result>(work: Sliced<Result>, isOver: () => boolean): Promise<Result> {
  for (;;) {
    await nextTurn();
    if (isOver()) throw new ModeliumError('cancelled', 'The client left.');
    const next = work.next();
    if (next.done === true) return next.value;
  }
}
