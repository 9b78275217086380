/**
 * Notices a runtime that hangs: it lives, requests are in flight, and for half a minute it does not even answer for its health. Owns one timer
 * for each ready model; what a hung one means is the manager's matter. Health checks are no activity (I5).
 */
import type { Endpoint } from '../../shared/model.ts';
import type { Clock, HttpClient } from '../core/ports.ts';

const EVERY_MS = 5_000;
const ANSWER_MS = 10_000;
/** A runtime on busy processors may be slow to answer; so long without any answer it is not slow. */
export const HUNG_AFTER_MS = 30_000;

export interface PulsePorts {
  readonly clock: Clock;
  readonly http: HttpClient;
}

/** @returns a function that ends the watch. `hung` is called once at most. */
export function watchPulse({ clock, http }: PulsePorts, endpoint: Endpoint, isBusy: () => boolean, hung: () => void): () => void {
  const end = new AbortController();
  let answeredMs = clock.now();
  const { port, socket, key } = endpoint;
  const request = { method: 'GET', path: '/health', body: null, timeoutMs: ANSWER_MS, signal: end.signal } as const;

  async function beat(): Promise<void> {
    // Nobody waits for an idle one: whether it answers shows with the next request.
    const answer = isBusy() ? await http.request({ port, socket, key }, request).catch(() => null) : 'idle';
    if (end.signal.aborted) return;
    if (answer !== null || !isBusy()) answeredMs = clock.now();
    if (clock.now() - answeredMs >= HUNG_AFTER_MS) return hung();
    cancelTimer = clock.after(EVERY_MS, () => void beat());
  }

  let cancelTimer = clock.after(EVERY_MS, () => void beat());
  return () => {
    end.abort();
    cancelTimer();
  };
}
