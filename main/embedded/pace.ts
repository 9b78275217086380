/**
 * How many tokens of a prompt are read in one step. A step computes for every sequence together, so that a whole batch of somebody's prompt
 * makes everybody else wait for its end: while others generate, prompts are read in small pieces, and each piece carries a token of theirs.
 * Pure.
 */

/** Large enough that the matrices are still multiplied at full speed, small enough that others see only a pause between two tokens. */
const SHARED_STEP_TOKENS = 64;

export class Pace {
  readonly #batchTokens: number;
  #reading = 0;
  #generating = 0;

  /** @param batchTokens most tokens of one step, all sequences together. */
  constructor(batchTokens: number) {
    this.#batchTokens = batchTokens;
  }

  beginReading(): void {
    this.#reading += 1;
  }

  endReading(): void {
    this.#reading -= 1;
  }

  beginGenerating(): void {
    this.#generating += 1;
  }

  endGenerating(): void {
    this.#generating -= 1;
  }

  /** Tokens of its prompt that one sequence may read next. What does not fit into one step would be computed without the others' tokens. */
  step(): number {
    const share = Math.floor((this.#batchTokens - this.#generating) / Math.max(1, this.#reading));
    return Math.max(1, this.#generating === 0 ? share : Math.min(share, SHARED_STEP_TOKENS));
  }
}
