/**
 * Bounds the memory of grammars that answers have followed. Each answer has a state of its own,
 * which llama.cpp keeps outside of V8's heap and only a collection frees. V8 sees a few bytes of
 * it, so that it would let gigabytes wait.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Of a state, by the characters of its grammar. */
const BYTES_PER_CHARACTER = 10;
/** A collection takes some 15 ms: one in a thousand answers with an ordinary schema. */
const MOST_UNCOLLECTED_BYTES = 64 * 1024 * 1024;

export class GrammarMemory {
  readonly #collect: () => void;
  #uncollectedBytes = 0;

  constructor(collect: () => void = collectAll) {
    this.#collect = collect;
  }

  /** A state of this grammar is about to be made. */
  making(grammar: string): void {
    this.#uncollectedBytes += grammar.length * BYTES_PER_CHARACTER;
    if (this.#uncollectedBytes < MOST_UNCOLLECTED_BYTES) return;
    this.#uncollectedBytes = 0;
    this.#collect();
  }
}

let collector: ((how: { readonly type: 'major'; readonly execution: 'sync' }) => void) | null = null;

function collectAll(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as NonNullable<typeof collector>;
  }
  collector({ type: 'major', execution: 'sync' });
}
