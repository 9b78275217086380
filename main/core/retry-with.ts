/**
 * What an explained failure asks of the next attempt: another context, another share of memory, or
 * only another try. Each is granted once (a plain retry a few times), at once and without back-off,
 * because a remedy that is asked for again did not help. Pure.
 */
import { bytesInWords } from '../../shared/units.ts';

export type RetryRequest =
  | { readonly kind: 'context'; readonly contextTokens: number }
  /** Bytes that the runtime shall reckon with on each GPU; `more`: so many more than planned. */
  | { readonly kind: 'gpu-memory'; readonly bytes: number }
  | { readonly kind: 'more-gpu-memory'; readonly bytes: number }
  /** Nothing of ours was wrong: others' memory moved meanwhile. */
  | { readonly kind: 'again' };

/** What was granted already. */
export interface RetriedWith {
  readonly contextTokens: number | null;
  readonly gpuBytes: number | null;
  readonly moreGpuBytes: number | null;
  readonly again: number;
}

export const NOTHING_RETRIED: RetriedWith = { contextTokens: null, gpuBytes: null, moreGpuBytes: null, again: 0 };
const MOST_MERE_RETRIES = 3;

/** Null: that was tried. */
export function retriedWith(before: RetriedWith, asked: RetryRequest): RetriedWith | null {
  switch (asked.kind) {
    case 'context':
      return before.contextTokens === null ? { ...before, contextTokens: asked.contextTokens } : null;
    case 'gpu-memory':
      return before.gpuBytes === null ? { ...before, gpuBytes: asked.bytes } : null;
    case 'more-gpu-memory':
      return before.moreGpuBytes === null ? { ...before, moreGpuBytes: asked.bytes } : null;
    case 'again':
      return before.again < MOST_MERE_RETRIES ? { ...before, again: before.again + 1 } : null;
    default:
      return asked satisfies never;
  }
}

/** For the ledger and the story. */
export function retrySentence(id: string, asked: RetryRequest): string {
  switch (asked.kind) {
    case 'context':
      return `Trying ${id} again at once with a context of ${asked.contextTokens} tokens, for which the memory suffices`;
    case 'gpu-memory':
      return `Trying ${id} again at once with ${bytesInWords(asked.bytes)} of GPU memory, all that is free there`;
    case 'more-gpu-memory':
      return `Trying ${id} again at once with ${bytesInWords(asked.bytes)} more GPU memory, which its runtime lacked`;
    case 'again':
      return `Trying ${id} again at once: the memory of other programs changed during the measurement, which does not count as a failure`;
    default:
      return asked satisfies never;
  }
}
