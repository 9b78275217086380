/**
 * Tokenizes texts and turns tokens back into text, with the vocabulary of the loaded model. Owns no
 * model.
 */

import { invalid, type Pieces } from '../requests/openai-fields.ts';
import { betweenMarks } from './input-tokens.ts';
import type { TokenText } from './likelihoods.ts';
import type { NativeVocabulary } from './native.ts';
import { wantsFirstSpace, withFirstSpace } from './space-prefix.ts';
import { tokenBytes } from './token-bytes.ts';

/** node-llama-cpp's name for BERT's way to cut words. */
export const WORD_PIECE = 'wpm';

const LONGEST_WORD_BYTES = 256;
/**
 * The `tokenizer.ggml.pre` with which blanks only part words. llama.cpp v0.4.0 ends its process at
 * two blanks in a row, which mean no more than one.
 */
const CUTS_AT_BLANKS = 'whitespace';
const BLANKS = /[\s\u0085]{2,}/g;
/** Its groups of three digits are found in a time that grows with the square of their number. */
const SLOW_AT_DIGITS = 'superbpe';

export class Vocabulary {
  readonly #native: NativeVocabulary;
  readonly #wantsFirstSpace: boolean;
  #longestBytes: number | null = null;

  constructor(native: NativeVocabulary) {
    this.#native = native;
    this.#wantsFirstSpace = wantsFirstSpace(native.fileInfo.metadata);
  }

  /** No text of more bytes is made of so many tokens. */
  mostBytes(tokens: number): number {
    if (this.#longestBytes === null) {
      const { tokens: all, model } = this.#vocabulary;
      const longest = all.reduce((most, token) => Math.max(most, Buffer.byteLength(token)), 1);
      // These make one token of a long word that they do not know, and none of spaces behind the
      // first.
      this.#longestBytes = model === 'bert' || model === 't5' ? Math.max(longest, LONGEST_WORD_BYTES) : longest;
    }
    return tokens * this.#longestBytes;
  }

  /** Some texts take long: two seconds for 8,000 digits. */
  get isSlow(): boolean {
    return this.#vocabulary.pre === SLOW_AT_DIGITS;
  }

  get vocabularySize(): number {
    return this.#vocabulary.tokens.length;
  }

  /**
   * Tokens of a text, with the beginning-of-sequence token where the model wants one. @param
   * special control tokens in the text count as such.
   */
  tokenize(text: string, special: boolean): number[] {
    const { bos, shouldPrependBosToken } = this.#native.tokens;
    const tokens = this.#tokens(this.#wantsFirstSpace ? withFirstSpace(this.#native, text, special) : text, special);
    return shouldPrependBosToken && bos !== null && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  }

  /**
   * The same of a text in pieces: only a text at its very beginning gets the beginning-of-sequence
   * token.
   */
  tokenizePieces(pieces: Pieces): readonly number[] {
    if (typeof pieces === 'string') return this.tokenize(pieces, true);
    return pieces.flatMap((piece, at) => {
      if (typeof piece === 'number') return [piece];
      return at === 0 ? this.tokenize(piece, true) : this.#tokens(piece, true);
    });
  }

  /** Everything that the model reads of a text. @param isMarked with its marks around it. */
  readTokens(pieces: Pieces, isMarked: boolean): readonly number[] {
    if (isMarked) return this.#native.vocabularyType === WORD_PIECE ? this.embeddingTokens(pieces) : this.tokenizePieces(pieces);
    const all = typeof pieces === 'string' ? [pieces] : pieces;
    return all.flatMap((piece) => (typeof piece === 'number' ? [piece] : this.#tokens(piece, true)));
  }

  /**
   * The text of tokens, byte for byte: llama.cpp's own way of several at once drops spaces in front
   * of marks in some vocabularies.
   * @param special the texts of control tokens too.
   */
  textOf(tokens: readonly number[], special: boolean): string {
    const shown = special ? tokens : tokens.filter((token) => !this.#native.getTokenAttributes(token).control);
    return Buffer.from(shown.flatMap((token) => this.tokenText(token).bytes)).toString();
  }

  /** Tokens of a text without marks of the model; control tokens in the text are text. */
  tokenizeAlone(text: string): readonly number[] {
    return this.#tokens(text, false);
  }

  /** What an answer to nothing begins with. @throws ModeliumError invalid-body. */
  beginning(alias: string): readonly number[] {
    const { bos, eos } = this.#native.tokens;
    const token = bos ?? eos;
    if (token === null) throw invalid('prompt', `The prompt is empty, and "${alias}" has no token to begin with.`);
    return [token];
  }

  detokenize(tokens: readonly number[], before: readonly number[]): string {
    return this.#native.detokenize(tokens, false, before);
  }

  /** One token by itself. */
  tokenText(token: number): TokenText {
    const { tokens, model } = this.#vocabulary;
    return tokenBytes(tokens[token] ?? '', model);
  }

  /** Which of these marks are control tokens here, and their texts. */
  marks(texts: readonly string[]): ReadonlyMap<number, string> {
    const marks = new Map<number, string>();
    for (const mark of texts) {
      const [token, ...more] = this.#tokens(mark, true);
      if (token !== undefined && more.length === 0 && this.detokenize([token], []) === '') marks.set(token, mark);
    }
    return marks;
  }

  /** What an embedding of this input is computed from: its tokens between the model's own marks. */
  embeddingTokens(input: Pieces): readonly number[] {
    const lowers = this.#native.fileInfo.metadata.modelium?.lowercase_texts === true;
    const pieces = typeof input === 'string' ? [input] : input;
    const own = pieces.flatMap((piece) => (typeof piece === 'number' ? [piece] : this.tokenizeAlone(lowers ? piece.toLowerCase() : piece)));
    return betweenMarks(own, this.#native.tokens, this.#native.vocabularyType === WORD_PIECE);
  }

  /** What is read of a question or a document that is ranked, without the marks between the two. */
  rankedTokens(text: string): readonly number[] {
    // There a blank more, which it takes to find the space in front, could make two in a row.
    if (this.#vocabulary.pre === CUTS_AT_BLANKS) return this.tokenizeAlone(text);
    return this.#native.tokenize(text, false, 'trimLeadingSpace');
  }

  /** The beginning of what `embeddingTokens` made, with the mark at its end. */
  cutTokens(tokens: readonly number[], most: number): readonly number[] {
    const last = tokens.at(-1);
    if (tokens.length <= most || last === undefined) return tokens;
    const { sep, eos, shouldAppendEosToken } = this.#native.tokens;
    const isMarked = last === (this.#native.vocabularyType === WORD_PIECE ? sep : shouldAppendEosToken ? eos : null);
    return isMarked ? [...tokens.slice(0, most - 1), last] : tokens.slice(0, most);
  }

  #tokens(text: string, special: boolean): number[] {
    return this.#native.tokenize(this.#vocabulary.pre === CUTS_AT_BLANKS ? text.replaceAll(BLANKS, ' ') : text, special);
  }

  get #vocabulary(): NativeVocabulary['fileInfo']['metadata']['tokenizer']['ggml'] {
    return this.#native.fileInfo.metadata.tokenizer.ggml;
  }
}
