/**
 * How often and how recently each model is used. Only inference counts as use (I5). Owns these
 * figures only; the evictor weighs them, the views show them.
 */

const BUCKET_MS = 1_000;
const WINDOW_BUCKETS = 60;

interface Entry {
  lastMs: number;
  /** Smoothed milliseconds between requests; null until there were two. */
  gapMs: number | null;
  readonly buckets: Uint32Array;
  newestBucket: number;
}

export class Usage {
  readonly #entries = new Map<string, Entry>();
  readonly #keepAliveSeconds = new Map<string, number>();

  /**
   * A request began or ended: both keep the model from being idle; only the beginning counts as a
   * use.
   */
  began(modelId: string, nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const entry = this.#entries.get(modelId);
    if (entry === undefined) {
      const buckets = new Uint32Array(WINDOW_BUCKETS);
      buckets[bucket % WINDOW_BUCKETS] = 1;
      this.#entries.set(modelId, { lastMs: nowMs, gapMs: null, buckets, newestBucket: bucket });
      return;
    }
    const sinceMs = nowMs - entry.lastMs;
    entry.gapMs = entry.gapMs === null ? sinceMs : entry.gapMs * 0.8 + sinceMs * 0.2;
    entry.lastMs = nowMs;
    rollTo(entry, bucket);
    const slot = bucket % WINDOW_BUCKETS;
    entry.buckets[slot] = (entry.buckets[slot] ?? 0) + 1;
  }

  ended(modelId: string, nowMs: number): void {
    const entry = this.#entries.get(modelId);
    if (entry !== undefined) entry.lastMs = nowMs;
  }

  /** The last request's wish: how long to stay after it. */
  keepAlive(modelId: string, seconds: number): void {
    this.#keepAliveSeconds.set(modelId, seconds);
  }

  keepAliveSeconds(modelId: string): number | null {
    return this.#keepAliveSeconds.get(modelId) ?? null;
  }

  /** The model left: what comes after is another stay. */
  endKeepAlive(modelId: string): void {
    this.#keepAliveSeconds.delete(modelId);
  }

  forget(modelId: string): void {
    this.#entries.delete(modelId);
    this.#keepAliveSeconds.delete(modelId);
  }

  lastMs(modelId: string): number | null {
    return this.#entries.get(modelId)?.lastMs ?? null;
  }

  gapMs(modelId: string): number | null {
    return this.#entries.get(modelId)?.gapMs ?? null;
  }

  /** Requests a second over the last minute. */
  queriesPerSecond(modelId: string, nowMs: number): number {
    const entry = this.#entries.get(modelId);
    if (entry === undefined) return 0;
    rollTo(entry, Math.floor(nowMs / BUCKET_MS));
    return entry.buckets.reduce((sum, count) => sum + count, 0) / WINDOW_BUCKETS;
  }
}

/** Empties the seconds that passed without a request. */
function rollTo(entry: Entry, bucket: number): void {
  const steps = Math.min(bucket - entry.newestBucket, WINDOW_BUCKETS);
  for (let step = 1; step <= steps; step++) entry.buckets[(entry.newestBucket + step) % WINDOW_BUCKETS] = 0;
  entry.newestBucket = Math.max(entry.newestBucket, bucket);
}
