/**
 * The table of tokens by id while a vocabulary is read. It handles gaps, duplicates and ids beyond
 * the embeddings, for all kinds of tokenizers.
 */
import type { GgufValue } from '../gguf/gguf-writer.ts';
import { ConvertError } from './convert-error.ts';

/** llama.cpp's kinds of tokens. */
export const TOKEN = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
type TokenKind = (typeof TOKEN)[keyof typeof TOKEN];

/** A token that is found in a text before anything else. */
export interface AddedToken {
  readonly id: number;
  readonly text: string;
  /** It is never part of what is said. */
  readonly isSpecial: boolean;
  /** It is looked for in the text as it came, before spaces become marks. */
  readonly isRaw: boolean;
  /** White space behind it belongs to it. */
  readonly takesSpace: boolean;
}

export interface Vocabulary {
  /**
   * llama.cpp's kinds of tokenizers: byte pairs, SentencePiece pairs, SentencePiece unigram,
   * WordPiece.
   */
  readonly model: 'gpt2' | 'llama' | 't5' | 'bert';
  readonly table: VocabularyTable;
  readonly merges: readonly string[] | null;
  /** Further keys of the metadata. */
  readonly extra: Readonly<Record<string, GgufValue>>;
  /**
   * Whether a text gets a token in front and behind, and which where that is said; null: its files
   * do not say.
   */
  readonly ends: { readonly begins: boolean; readonly ends: boolean; readonly first?: string; readonly last?: string } | null;
}

/** Of tokens that are found as a whole; below every score of a piece. */
const ADDED_SCORE = -1000;
const UNUSED_SCORE = -10_000;
const BYTE = /^<0x[0-9A-F]{2}>$/;

/**
 * A run of marks that is looked for before spaces become marks: it stays what joining makes of it,
 * if anything.
 */
export function isNeverFound({ text, isSpecial, isRaw }: AddedToken): boolean {
  return isRaw && !isSpecial && /^▁+$/.test(text);
}

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
    // llama.cpp reads up to the zero, and ends itself over two tokens of one text.
    if (text.includes('\0')) throw new ConvertError(`Token ${id} of its tokenizer has a zero byte, which llama.cpp does not read.`);
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

  /**
   * @param hasMarks pieces in which a mark stands for a space: such a token has the space itself.
   */
  add(token: AddedToken, hasMarks: boolean): void {
    const { id, text, isSpecial } = token;
    if (hasMarks && isNeverFound(token)) return;
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

  /** Bytes that have no token to fall back to, of 256. */
  missingBytes(): number {
    return 256 - this.kinds.filter((kind) => kind === TOKEN.byte).length;
  }

  /**
   * Pieces of several characters that no joining makes, which llama.cpp would make all the same:
   * they lose their texts, which a model was never taught.
   */
  dropUnjoined(joined: ReadonlySet<string>): void {
    this.texts.forEach((text, id) => {
      if (this.kinds[id] !== TOKEN.normal || joined.has(text) || [...text].length < 2) return;
      this.#ids.delete(text);
      this.#clear(id);
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
