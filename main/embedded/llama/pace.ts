/**
 * Synchronises the sequences of a context. A step computes all sequences together, so a full batch
 * of one prompt would delay all others. While others generate, prompts are therefore read in small
 * pieces, and each step also computes one token of the others. A new sequence joins between two
 * steps. Knows nothing of tokens.
 */

/**
 * Large enough that the matrices are still multiplied at full speed, small enough that others see
 * only a pause between two tokens.
 */
const SHARED_STEP_TOKENS = 64;

const DONE = Promise.resolve();

export class Pace {
  readonly #batchTokens: number;
  #reading = 0;
  #generating = 0;
  #turn: Promise<void> | null = null;
  #changes = 0;
  #firstRead: Promise<void> | null = null;
  /** Resolved when nobody changes a sequence any more; null while nobody does. */
  #changed: PromiseWithResolvers<void> | null = null;

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

  /**
   * Changes what a sequence holds, between two steps. node-llama-cpp goes from step to step without
   * letting anybody else at the context as long as somebody asks for the next one: without this a
   * new request would wait until all others have ended.
   */
  async change(work: () => Promise<void>): Promise<void> {
    this.#changes += 1;
    this.#changed ??= Promise.withResolvers();
    try {
      await work();
    } finally {
      this.#changes -= 1;
      if (this.#changes === 0) {
        this.#changed.resolve();
        this.#changed = null;
      }
    }
  }

  /** Where somebody changes a sequence, when that is over: before each step. */
  async settled(): Promise<void> {
    while (this.#changed !== null) await this.#changed.promise;
  }

  /**
   * Reads the logits of a step. llama.cpp puts the rows of logits into their order when the first
   * of a step is read (llama-context.cpp, output_reorder), and holds no lock: two who read first at
   * once would put them into order twice, and each would get the other's. So the first one reads
   * alone.
   */
  async read<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#firstRead !== null) {
      await this.#firstRead;
      return work();
    }
    const reading = work();
    const done = () => {
      this.#firstRead = null;
    };
    this.#firstRead = reading.then(done, done);
    return reading;
  }

  /**
   * When every sequence of a step has taken its token and asked for the next. node-llama-cpp begins
   * the next step with those who have asked by the end of the last one: without this wait they fall
   * apart into groups that are computed one after the other.
   */
  gathered(): Promise<void> {
    if (this.#generating < 2) return DONE;
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#turn = null;
        resolve();
      });
    });
    return this.#turn;
  }

  /**
   * Tokens of its prompt that one sequence may read next. What does not fit into one step would be
   * computed without the others' tokens.
   */
  step(): number {
    const share = Math.floor((this.#batchTokens - this.#generating) / Math.max(1, this.#reading));
    return Math.max(1, this.#generating === 0 ? share : Math.min(share, SHARED_STEP_TOKENS));
  }
}
