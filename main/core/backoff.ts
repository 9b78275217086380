/**
 * Computes when a failed load may be tried again. Pure; the orchestrator calls it, and the result
 * is stored in the state `failed`.
 */

const FIRST_WAIT_MS = 10_000;
const LONGEST_WAIT_MS = 300_000;
const AUTOMATIC_ATTEMPTS = 5;
/** A model that was ready this long starts again with a clean slate. */
export const READY_FORGIVES_MS = 600_000;

export interface Backoff {
  readonly retryAtMs: number;
  /**
   * False once five attempts in a row failed: from then on only a request or a person tries again,
   * at most once per 300 s.
   */
  readonly automatic: boolean;
}

/** @param attempts failed loads in a row, this one included. */
export function backoff(attempts: number, nowMs: number): Backoff {
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (attempts - 1), LONGEST_WAIT_MS);
  return attempts < AUTOMATIC_ATTEMPTS
    ? { retryAtMs: nowMs + waitMs, automatic: true }
    : { retryAtMs: nowMs + LONGEST_WAIT_MS, automatic: false };
}
