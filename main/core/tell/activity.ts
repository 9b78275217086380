/**
 * The finished requests and the speed of each model, in bounded in-memory rings. A sink (I9): the
 * page reads it, no decision does. It holds no prompt and no answer, and is lost when the engine
 * ends.
 */
import type { ActivityView, PaceView, RequestView } from '../../../shared/snapshot.ts';
import type { ActivityFilter, RequestReport } from '../gateway.ts';

export const REQUESTS_KEPT = 1_000;
/** Requests of one model that its pace is reckoned from, and how old they may be. */
const PACE_REQUESTS = 100;
const PACE_MS = 600_000;
const BUCKET_MS = 1_000;
const BUCKETS = 30;

interface Ended extends Pick<RequestView, 'totalMs' | 'firstTokenMs' | 'tokensPerSecond'> {
  readonly endedMs: number;
}

export class Activity {
  #requests: RequestView[] = [];
  #total = 0;
  readonly #byModel = new Map<string, Ended[]>();
  readonly #paces = new Map<string, { readonly until: number; readonly pace: PaceView }>();
  readonly #tokens = new Float64Array(BUCKETS);
  #newestBucket = 0;

  /** @param nowMs monotonic. @param wallMs milliseconds since 1970. */
  ended(report: RequestReport, nowMs: number, wallMs: number): void {
    const { modelId, runtime, status, totalMs, queueMs, firstTokenMs, promptTokens, completionTokens } = report;
    const tokensPerSecond = speedOf(report);
    this.#total += 1;
    this.#requests.push({
      id: this.#total,
      atMs: wallMs,
      model: modelId,
      runtime,
      status,
      totalMs,
      queueMs,
      firstTokenMs,
      promptTokens,
      completionTokens,
      tokensPerSecond,
    });
    if (this.#requests.length >= REQUESTS_KEPT * 2) this.#requests = this.#requests.slice(-REQUESTS_KEPT);
    this.#countTokens(report, nowMs);
    // What was refused or cut says nothing of how fast the model is.
    if (status !== 200) return;
    const ended = this.#byModel.get(modelId) ?? [];
    ended.push({ totalMs, firstTokenMs, tokensPerSecond, endedMs: nowMs });
    // Cut now and then: a copy for each request would be work on its path.
    this.#byModel.set(modelId, ended.length >= PACE_REQUESTS * 2 ? ended.slice(-PACE_REQUESTS) : ended);
    this.#paces.delete(modelId);
  }

  read({ limit, model, outcome }: ActivityFilter, wallMs: number): ActivityView {
    const matching = this.#requests
      .slice(-REQUESTS_KEPT)
      .filter((request) => model === undefined || request.model === model)
      .filter(({ status }) => outcome === undefined || (status === 200) === (outcome === 'answered'));
    return { nowMs: wallMs, requests: matching.slice(-limit).reverse(), matching: matching.length, total: this.#total };
  }

  /**
   * Reckoned again only when a request ended or one became too old: it is asked for with each view
   * of a model.
   */
  paceOf(modelId: string, nowMs: number): PaceView | null {
    const known = this.#paces.get(modelId);
    if (known !== undefined && nowMs < known.until) return known.pace;
    const kept = (this.#byModel.get(modelId) ?? []).slice(-PACE_REQUESTS);
    const recent = kept.filter(({ endedMs }) => nowMs - endedMs < PACE_MS);
    const [oldest] = recent;
    if (oldest === undefined) {
      this.forget(modelId);
      return null;
    }
    const pace: PaceView = {
      requests: recent.length,
      p50Ms:
        quantile(
          recent.map(({ totalMs }) => totalMs),
          0.5,
        ) ?? 0,
      p95Ms:
        quantile(
          recent.map(({ totalMs }) => totalMs),
          0.95,
        ) ?? 0,
      firstTokenP50Ms: quantile(
        recent.flatMap(({ firstTokenMs }) => firstTokenMs ?? []),
        0.5,
      ),
      tokensPerSecond: quantile(
        recent.flatMap(({ tokensPerSecond }) => tokensPerSecond ?? []),
        0.5,
      ),
    };
    this.#paces.set(modelId, { until: oldest.endedMs + PACE_MS, pace });
    return pace;
  }

  /**
   * Tokens that were written over the last half minute, by a second, as far as the requests that
   * wrote them have ended.
   */
  tokensPerSecond(nowMs: number): number {
    this.#rollTo(Math.floor(nowMs / BUCKET_MS));
    return Math.round((this.#tokens.reduce((sum, count) => sum + count, 0) / BUCKETS) * 10) / 10;
  }

  forget(modelId: string): void {
    this.#byModel.delete(modelId);
    this.#paces.delete(modelId);
  }

  /**
   * An answer's tokens came evenly between its first and its end; those from before the window
   * count no more.
   */
  #countTokens({ completionTokens, firstTokenMs, totalMs, queueMs }: RequestReport, nowMs: number): void {
    const last = Math.floor(nowMs / BUCKET_MS);
    this.#rollTo(last);
    if (completionTokens === null || completionTokens <= 0) return;
    const first = Math.floor((nowMs - Math.max(0, totalMs - (firstTokenMs ?? queueMs))) / BUCKET_MS);
    const share = completionTokens / (last - first + 1);
    for (let bucket = Math.max(first, last - BUCKETS + 1); bucket <= last; bucket += 1) {
      const slot = ((bucket % BUCKETS) + BUCKETS) % BUCKETS;
      this.#tokens[slot] = (this.#tokens[slot] ?? 0) + share;
    }
  }

  #rollTo(bucket: number): void {
    const steps = Math.min(bucket - this.#newestBucket, BUCKETS);
    for (let step = 1; step <= steps; step += 1) this.#tokens[(this.#newestBucket + step) % BUCKETS] = 0;
    this.#newestBucket = Math.max(this.#newestBucket, bucket);
  }
}

/**
 * Tokens a second while they were written; of an answer that came whole, since its prompt was
 * begun. Null: it wrote none.
 */
function speedOf({ completionTokens, firstTokenMs, totalMs, queueMs }: RequestReport): number | null {
  if (completionTokens === null || completionTokens < 2) return null;
  const spanMs = totalMs - (firstTokenMs ?? queueMs);
  return spanMs <= 0 ? null : Math.round(((completionTokens - (firstTokenMs === null ? 0 : 1)) * 10_000) / spanMs) / 10;
}

/** The value at that share of the sorted list (nearest rank); null of nothing. */
function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((first, second) => first - second);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}
