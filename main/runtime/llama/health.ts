/** Waits until a llama.cpp server has loaded its model. */
import type { RequestBounds, Server } from '../../../shared/model.ts';
import { jsonIn } from '../json-in.ts';
import { http, pause, type Steps } from '../step.ts';

/**
 * A swap waits for the first 200 of a model that is up in a fraction of a second; a slow one is
 * asked less often.
 */
const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 25;
const PAUSE_GROWTH = 1.02;
const TIMEOUT_MS = 2_000;

/** @returns the bounds of requests, which only the embedded server tells. */
export function* untilHealthy(server: Server): Steps<RequestBounds | undefined> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LAST_PAUSE_MS, pauseMs * PAUSE_GROWTH)) {
    const health = yield* http({ ...server, method: 'GET', path: '/health', body: null, timeoutMs: TIMEOUT_MS });
    if (health?.status === 200) return jsonIn<{ readonly bounds?: RequestBounds }>(health.body)?.bounds;
    yield* pause(pauseMs);
  }
}
