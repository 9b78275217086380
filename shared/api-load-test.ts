/** The load test of one model: its request, and the figures that it streams while it runs. */
import { z } from 'zod';

/** More at once, or more in all, than a window is made for (I10). */
export const LOAD_TEST_LIMITS = { parallel: 64, requests: 10_000, promptWords: 10_000, maxTokens: 8_192 } as const;

const upTo = (most: number) => z.number().int().min(1).max(most);

export const loadTestSchema = z.strictObject({
  model: z.string().min(1),
  /** Requests at the same time. */
  parallel: upTo(LOAD_TEST_LIMITS.parallel),
  /** In all. */
  requests: upTo(LOAD_TEST_LIMITS.requests),
  /**
   * Words of each prompt, which is made up and begins with another one each time: no cache has seen
   * it.
   */
  promptWords: upTo(LOAD_TEST_LIMITS.promptWords),
  maxTokens: upTo(LOAD_TEST_LIMITS.maxTokens),
});
export type LoadTest = z.output<typeof loadTestSchema>;

/** Half of the requests took at most `p50`, 95 of a hundred at most `p95`; in milliseconds. */
export interface Spread {
  readonly p50: number;
  readonly p95: number;
}

/** So far; the last ones are `isDone`. */
export interface LoadTestFigures {
  readonly isDone: boolean;
  readonly elapsedMs: number;
  readonly running: number;
  readonly answered: number;
  readonly failed: number;
  /** From a request's arrival, the wait for its turn included; null: no answer had a token yet. */
  readonly firstTokenMs: Spread | null;
  readonly totalMs: Spread | null;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Of all answers together, over the time that passed. */
  readonly tokensPerSecond: number;
  /** The commonest first. */
  readonly errors: readonly { readonly code: string; readonly message: string; readonly count: number }[];
}

export const LOAD_TEST_API = {
  loadTest: {
    method: 'POST',
    path: '/control/load-test',
    summary:
      'Sends many requests to a model at once, and reports the times of the answers; ends when its client disconnects. The test uses the whole machine.',
    access: 'token',
    body: loadTestSchema,
    answer: 'text/event-stream',
  },
} as const;
