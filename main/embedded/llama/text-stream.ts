/**
 * Turns tokens into text that can be sent: characters split over several tokens wait until they are
 * complete, and text that could begin a stop string waits until the next tokens decide. No I/O.
 */

/**
 * Turns tokens into text; `before` are the tokens just in front of them, which decide about leading
 * spaces.
 */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string;

const REPLACEMENT = '\uFFFD';
/**
 * A character has at most 4 bytes, so that an incomplete one is complete or broken after 4 byte
 * tokens.
 */
const LONGEST_CHARACTER_TOKENS = 4;
const CONTEXT_TOKENS = 3;

/** Decodes tokens one by one without ever cutting a character in two. */
export class IncrementalText {
  readonly #detokenize: Detokenize;
  #before: number[];
  #pending: number[] = [];
  /** Characters of the pending tokens that were handed out already. */
  #handedOut = 0;

  /** @param prompt the tokens in front of the first one. */
  constructor(detokenize: Detokenize, prompt: readonly number[]) {
    this.#detokenize = detokenize;
    this.#before = prompt.slice(-CONTEXT_TOKENS);
  }

  /** The text that this token completes; empty while a character is unfinished. */
  push(token: number): string {
    this.#pending.push(token);
    const text = this.#detokenize(this.#pending, this.#before);
    const unfinished = text.endsWith(REPLACEMENT) && this.#pending.length < LONGEST_CHARACTER_TOKENS;
    if (!unfinished) return this.#settle(text);
    // Whole characters in front of the unfinished one need not wait with it.
    let end = text.length;
    while (end > 0 && text[end - 1] === REPLACEMENT) end -= 1;
    const fresh = text.slice(this.#handedOut, end);
    this.#handedOut = Math.max(this.#handedOut, end);
    return fresh;
  }

  /**
   * What is left at the end; an unfinished character is dropped, because half a character is no
   * text.
   */
  end(): string {
    if (this.#pending.length === 0) return '';
    return this.#settle(this.#detokenize(this.#pending, this.#before)).replace(/\uFFFD+$/, '');
  }

  #settle(text: string): string {
    const fresh = text.slice(this.#handedOut);
    this.#before = [...this.#before, ...this.#pending].slice(-CONTEXT_TOKENS);
    this.#pending = [];
    this.#handedOut = 0;
    return fresh;
  }
}

/** Watches for stop strings, also such as come in several pieces. */
export class StopWatch {
  readonly #stops: readonly string[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /**
   * @returns the text that may go out, and whether a stop string was met (it and what follows it
   * are never part of the text).
   */
  push(text: string): { readonly text: string; readonly stopped: boolean } {
    if (this.#stops.length === 0) return { text, stopped: false };
    const all = this.#held + text;
    let first = -1;
    for (const stop of this.#stops) {
      const at = all.indexOf(stop);
      if (at >= 0 && (first < 0 || at < first)) first = at;
    }
    if (first >= 0) {
      this.#held = '';
      return { text: all.slice(0, first), stopped: true };
    }
    const hold = this.#possibleStart(all);
    this.#held = all.slice(all.length - hold);
    return { text: all.slice(0, all.length - hold), stopped: false };
  }

  /** What was held back and turned out to be plain text. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }

  /** Length of the longest end of the text that a stop string begins with. */
  #possibleStart(text: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
