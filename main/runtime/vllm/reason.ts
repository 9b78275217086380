/**
 * The type of one reason why vLLM ends: the log line that identifies it, and the sentence for
 * users. Types only.
 */
import type { RetryRequest } from '../../core/retry-with.ts';
import type { Explanation } from '../adapter.ts';

export interface Reason {
  readonly pattern: RegExp;
  readonly code?: Explanation['code'];
  /** No retry by itself would help. */
  readonly permanent?: boolean;
  readonly sentence: (match: RegExpExecArray) => string;
  readonly retryWith?: (match: RegExpExecArray, lines: readonly string[]) => RetryRequest | null;
}
