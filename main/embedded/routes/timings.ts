/**
 * Measures the speed of an answer in progress, in the format of llama-server's `timings`. Owns its
 * counters; the caller passes the clock.
 */

export class Timings {
  readonly #nowMs: () => number;
  readonly #beganMs: number;
  #readMs = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #generatedTokens = 0;

  /** @param nowMs milliseconds of a clock that never goes back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#beganMs = nowMs();
  }

  /** The prompt is read up to here. */
  read(known: number, kept: number): void {
    this.#promptTokens = known - kept;
    this.#cachedTokens = kept;
    this.#readMs = this.#nowMs() - this.#beganMs;
  }

  token(): void {
    this.#generatedTokens += 1;
  }

  summary(): object {
    const generatedMs = this.#nowMs() - this.#beganMs - this.#readMs;
    return {
      cache_n: this.#cachedTokens,
      ...rates('prompt', this.#promptTokens, this.#readMs),
      ...rates('predicted', this.#generatedTokens, generatedMs),
    };
  }
}

function rates(name: string, tokens: number, ms: number): object {
  return {
    [`${name}_n`]: tokens,
    [`${name}_ms`]: ms,
    [`${name}_per_token_ms`]: tokens === 0 ? 0 : ms / tokens,
    [`${name}_per_second`]: ms === 0 ? 0 : (tokens / ms) * 1000,
  };
}
