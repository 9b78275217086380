/**
 * One sequence of the context, used by one request at a time. Owns the reuse of an earlier prompt,
 * the reading of a prompt in pieces, and the loop over tokens; knows nothing of text.
 */
import type { NativeSampler, NativeSequence } from './native.ts';
import type { Pace } from './pace.ts';
import { Chooser, type Chosen, type Sampling } from './sampling.ts';

export interface Run {
  readonly tokens: readonly number[];
  readonly sampling: Sampling;
  /** The state of a grammar that bounds what may come; null: anything. Used up by the run. */
  readonly grammar: object | null;
  /** How many likeliest tokens are told with each token; null: no log-probabilities. */
  readonly rivals: number | null;
  readonly maxTokens: number;
  /**
   * Keep what the sequence still knows of an equal beginning. Saves time, but sums may differ in
   * the last bit from a fresh evaluation.
   */
  readonly reuse: boolean;
  readonly signal: AbortSignal;
  /**
   * Told before each piece of the prompt, and at its end: tokens known so far, and those of them
   * that were kept.
   */
  onRead(known: number, kept: number): void;
  /** @returns false to stop here. */
  onToken(chosen: Chosen): boolean | Promise<boolean>;
}

export type RunEnd = 'end-of-generation' | 'length' | 'stopped' | 'aborted';

/** What is forgotten at once where a full context moves on: as node-llama-cpp does. */
const MOST_FORGOTTEN_TOKENS = 100;
/**
 * A shared beginning below this part of the prompt, such as a system prompt's first words, is not
 * worth another chat's memory.
 */
const LEAST_SHARE = 0.1;

export interface SequenceParts {
  readonly native: NativeSequence;
  readonly pace: Pace;
  /** Its number among the context's sequences, which is also its place in each step (`inOrder`). */
  readonly place: number;
  /** Tokens that the sequence holds. */
  readonly contextTokens: number;
  /** Whether the model keeps one state instead of a cache: it can go on, but never back. */
  readonly isRecurrent: boolean;
  readonly newSampler: () => NativeSampler;
  readonly isEnd: (token: number) => boolean;
}

export class Sequence {
  readonly #native: NativeSequence;
  readonly #parts: SequenceParts;
  /**
   * Its beginning was forgotten since it was last empty: what it holds was computed with tokens in
   * sight that are gone, and begins no other prompt.
   */
  #hasForgotten = false;

  constructor(parts: SequenceParts) {
    this.#native = parts.native;
    this.#parts = parts;
  }

  /**
   * Tokens at the beginning of this prompt that need not be read again. The last one always is: its
   * logits choose the first new token.
   */
  shared(tokens: readonly number[]): number {
    if (this.#hasForgotten) return 0;
    const held = this.#native._contextTokens;
    const most = Math.min(held.length, tokens.length - 1);
    let shared = 0;
    while (shared < most && held[shared] === tokens[shared]) shared += 1;
    if (shared === held.length) return shared;
    const canGoBack = !this.#parts.isRecurrent && shared > Math.max(0, this.#native.stateCellsStartIndex);
    return canGoBack ? shared : 0;
  }

  /**
   * Reads the prompt and generates until something ends it. An abort is heeded between two pieces
   * of the prompt and at each token.
   */
  async run(run: Run): Promise<RunEnd> {
    const chooser = new Chooser(this.#native._context._ctx, this.#parts.newSampler, run);
    try {
      const first = await this.#read(run, chooser);
      return first === null ? 'aborted' : await this.#generate(run, chooser, first);
    } finally {
      chooser.dispose();
    }
  }

  /** @returns the first token; null when the client left. */
  async #read(run: Run, chooser: Chooser): Promise<Chosen | null> {
    const { tokens, signal } = run;
    const kept = run.reuse ? this.shared(tokens) : 0;
    const { pace } = this.#parts;
    if (kept === 0) this.#hasForgotten = false;
    await pace.change(() => (kept === 0 ? this.#native.clearHistory() : this.#native.adaptStateToTokens(tokens.slice(0, kept), false)));
    pace.beginReading();
    try {
      for (let at = kept; ; ) {
        if (signal.aborted) return null;
        run.onRead(at, kept);
        const end = at + pace.step();
        if (end >= tokens.length) {
          const chosen = await this.#step(tokens.slice(at), chooser);
          run.onRead(tokens.length, kept);
          return chosen;
        }
        await this.#step(tokens.slice(at, end), null);
        at = end;
      }
    } finally {
      pace.endReading();
    }
  }

  async #generate(run: Run, chooser: Chooser, first: Chosen): Promise<RunEnd> {
    const { pace, isEnd } = this.#parts;
    let chosen: Chosen | null = first;
    pace.beginGenerating();
    try {
      for (let generated = 1; ; generated++) {
        if (run.signal.aborted || chosen === null) return 'aborted';
        if (isEnd(chosen.token)) return 'end-of-generation';
        if (!(await run.onToken(chosen))) return 'stopped';
        if (generated >= run.maxTokens) return 'length';
        chosen = await this.#step([chosen.token], chooser);
      }
    } finally {
      pace.endGenerating();
    }
  }

  /**
   * Computes tokens. @returns what the chooser makes of the last one's logits; null without one.
   */
  async #step(tokens: readonly number[], chooser: Chooser | null): Promise<Chosen | null> {
    const native = this.#native;
    await this.#parts.pace.settled();
    const logits: boolean[] = [];
    if (chooser !== null) logits[tokens.length - 1] = true;
    const size = Math.min(MOST_FORGOTTEN_TOKENS, Math.ceil(this.#parts.contextTokens / 2));
    // A token early at most: the library keeps the last place free.
    if (native._contextTokens.length + tokens.length >= this.#parts.contextTokens) this.#hasForgotten = true;
    const results = await native._decodeTokens(
      ...([tokens, logits, this.#parts.place, native._tokenMeter, { size, strategy: 'eraseBeginning' }] as const),
      async (at) => (chooser === null ? null : await this.#parts.pace.read(() => chooser.choose(at))),
      async (length) => {
        await native._takeIntervalCheckpointIfNeededAfterBatch(length);
        await this.#parts.pace.gathered();
      },
    );
    return results[tokens.length - 1] ?? null;
  }
}

/**
 * Who is computed in a step, in which order: node-llama-cpp's hook. llama.cpp computes sequences
 * together only where their numbers follow each other (llama-batch.cpp, split_equal); in the order
 * of their asking it would take one after the other.
 */
export function inOrder({ items, size }: { readonly items: readonly BatchItem[]; readonly size: number }) {
  let left = size;
  return items
    .toSorted((one, other) => one.evaluationPriority - other.evaluationPriority)
    .map((item) => {
      const processAmount = Math.min(left, item.tokens.length);
      left -= processAmount;
      return { item, processAmount };
    })
    .filter(({ processAmount }) => processAmount > 0);
}

interface BatchItem {
  readonly tokens: readonly unknown[];
  /** The sequence's place. */
  readonly evaluationPriority: number;
}

/**
 * Of the free sequences, the least recently used first, the one that saves the most reading. @param
 * tokens empty: none is to be kept.
 */
export function bestSequence(free: readonly Sequence[], tokens: readonly number[]): number {
  let best = 0;
  let most = tokens.length * LEAST_SHARE;
  for (const [index, sequence] of free.entries()) {
    const shared = sequence.shared(tokens);
    if (shared > most) [best, most] = [index, shared];
  }
  return best;
}
