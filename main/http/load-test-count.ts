/** Counts the results of a load test and computes its figures. No I/O. */
import type { LoadTestFigures, Spread } from '../../shared/api-load-test.ts';

export interface Success {
  readonly firstTokenMs: number | null;
  readonly totalMs: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Kinds of errors that are told apart; sentences with names and numbers in them are many (I10). */
const MOST_ERRORS = 20;

export class LoadTestCount {
  readonly #firstTokenMs: number[] = [];
  readonly #totalMs: number[] = [];
  /** By code: the first sentence stands for all. */
  readonly #errors = new Map<string, { readonly message: string; count: number }>();
  #running = 0;
  #failed = 0;
  #promptTokens = 0;
  #completionTokens = 0;

  begin(): void {
    this.#running += 1;
  }

  end(outcome: Success | Failure): void {
    this.#running -= 1;
    if ('code' in outcome) {
      this.#failed += 1;
      const known = this.#errors.get(outcome.code);
      if (known !== undefined) known.count += 1;
      else if (this.#errors.size < MOST_ERRORS) this.#errors.set(outcome.code, { message: outcome.message, count: 1 });
      return;
    }
    this.#promptTokens += outcome.promptTokens;
    this.#completionTokens += outcome.completionTokens;
    this.#totalMs.push(outcome.totalMs);
    if (outcome.firstTokenMs !== null) this.#firstTokenMs.push(outcome.firstTokenMs);
  }

  /** @param elapsedMs since the first request began. */
  figures(elapsedMs: number, isDone: boolean): LoadTestFigures {
    return {
      isDone,
      elapsedMs,
      running: this.#running,
      answered: this.#totalMs.length,
      failed: this.#failed,
      firstTokenMs: spreadOf(this.#firstTokenMs),
      totalMs: spreadOf(this.#totalMs),
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      tokensPerSecond: elapsedMs > 0 ? (this.#completionTokens * 1_000) / elapsedMs : 0,
      errors: [...this.#errors]
        .map(([code, { message, count }]) => ({ code, message, count }))
        .toSorted((one, other) => other.count - one.count),
    };
  }
}

/** By the nearest rank; null without values. */
function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((one, other) => one - other);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}
