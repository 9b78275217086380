/** Tokens by their ids while a vocabulary is read: gaps, doubles and ids beyond the embeddings are settled here, once for every kind of tokenizer. */
import type { GgufValue } from '../gguf-writer.ts';

/** llama.cpp's kinds of tokens. */
export const TOKEN = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
type TokenKind = (typeof TOKEN)[keyof typeof TOKEN];

/** A token that is found in a text before anything else. */
export interface AddedToken {
  readonly id: number;
  readonly text: string;
  /** It is never part of what is said. */
  readonly isSpecial: boolean;
}

export interface Vocabulary {
  /** llama.cpp's kinds of tokenizers: byte pairs, SentencePiece pairs, SentencePiece unigram, WordPiece. */
  readonly model: 'gpt2' | 'llama' | 't5' | 'bert';
  readonly table: VocabularyTable;
  readonly merges: readonly string[] | null;
  /** Further keys of the metadata. */
  readonly extra: Readonly<Record<string, GgufValue>>;
  /** Whether a text gets a token in front and behind; null: its files do not say. */
  readonly ends: { readonly begins: boolean; readonly ends: boolean } | null;
}

/** Of tokens that are found as a whole; below every score of a piece. */
const ADDED_SCORE = -1000;
const UNUSED_SCORE = -10_000;
const BYTE = /^<0x[0-9A-F]{2}>$/;

export class VocabularyTable {
  readonly texts: string[];
  readonly kinds: TokenKind[];
  readonly scores: number[];
  readonly #ids = new Map<string, number>();

  /** @param size tokens, whatever the files name: as many as the embeddings have rows. */
  constructor(size: number) {
    this.texts = Array.from({ length: size }, () => '');
    this.kinds = Array.from({ length: size }, () => TOKEN.unused);
    this.scores = Array.from({ length: size }, () => UNUSED_SCORE);
  }

  /** Ids without an embedding are left out: the model cannot read them. */
  put(id: number, text: string, kind: TokenKind, score = 0): void {
    if (id >= this.texts.length) return;
    const before = this.#ids.get(text);
    // The later one is what a text becomes; llama.cpp ends itself over two tokens of one text.
    if (before !== undefined && before !== id) this.#clear(before);
    const old = this.texts[id];
    if (old !== undefined && old !== text && this.#ids.get(old) === id) this.#ids.delete(old);
    this.texts[id] = text;
    this.kinds[id] = kind;
    this.scores[id] = score;
    this.#ids.set(text, id);
  }

  /** @param hasMarks pieces in which a mark stands for a space: such a token has the space itself. */
  add({ id, text, isSpecial }: AddedToken, hasMarks: boolean): void {
    if (this.kinds[id] === TOKEN.unknown || (this.kinds[id] === TOKEN.byte && this.texts[id] === text)) return;
    this.put(id, hasMarks && !isSpecial ? text.replaceAll('▁', ' ') : text, isSpecial ? TOKEN.control : TOKEN.userDefined, ADDED_SCORE);
  }

  idOf(text: string): number | null {
    return this.#ids.get(text) ?? null;
  }

  /** Keeps the first, which is the best. */
  score(text: string, score: number): void {
    const id = this.#ids.get(text);
    if (id !== undefined && (this.scores[id] ?? 0) === 0) this.scores[id] = score;
  }

  markBytes(): void {
    this.texts.forEach((text, id) => {
      if (BYTE.test(text) && this.kinds[id] === TOKEN.normal) this.kinds[id] = TOKEN.byte;
    });
  }

  markUnknown(text: string | null): void {
    const id = text === null ? undefined : this.#ids.get(text);
    if (id !== undefined) this.kinds[id] = TOKEN.unknown;
  }

  /** Every id gets a text of its own. */
  finish(): void {
    this.texts.forEach((text, id) => {
      if (text !== '') return;
      let filler = `[PAD${id}]`;
      while (this.#ids.has(filler)) filler = `[${filler}]`;
      this.put(id, filler, TOKEN.unused, UNUSED_SCORE);
    });
  }

  #clear(id: number): void {
    this.texts[id] = '';
    this.kinds[id] = TOKEN.unused;
    this.scores[id] = UNUSED_SCORE;
  }
}
