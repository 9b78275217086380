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

/**
 * Watches for stop strings, also such as come in several pieces. Each character is read once for
 * each stop string, whatever the text: an answer that looks like the beginning of a long stop
 * string must not take ever more of the thread that all answers share.
 */
export class StopWatch {
  readonly #stops: readonly StopSearch[];
  #held = '';

  constructor(stops: readonly string[]) {
    this.#stops = stops.map((stop) => new StopSearch(stop));
  }

  /**
   * @returns the text that may go out, and whether a stop string was met (it and what follows it
   * are never part of the text).
   */
  push(text: string): { readonly text: string; readonly stopped: boolean } {
    if (this.#stops.length === 0) return { text, stopped: false };
    const all = this.#held + text;
    const starts = this.#stops.map((stop) => stop.find(text)).filter((start) => start !== null);
    if (starts.length > 0) {
      const first = Math.min(...starts);
      const before = all.slice(0, this.#held.length + first);
      this.#held = '';
      return { text: before, stopped: true };
    }
    const hold = Math.max(...this.#stops.map((stop) => stop.begun));
    this.#held = all.slice(all.length - hold);
    return { text: all.slice(0, all.length - hold), stopped: false };
  }

  /** What was held back and turned out to be plain text. */
  end(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** Looks for one stop string in a text that comes in pieces: Knuth, Morris and Pratt's search. */
class StopSearch {
  readonly #stop: string;
  /** Of each beginning of the stop string: the longest shorter one that it ends with. */
  readonly #shorter: Uint32Array;
  #begun = 0;

  constructor(stop: string) {
    this.#stop = stop;
    this.#shorter = new Uint32Array(stop.length + 1);
    for (let length = 2, begun = 0; length <= stop.length; length++) {
      begun = this.#next(begun, stop.charCodeAt(length - 1));
      this.#shorter[length] = begun;
    }
  }

  /** Length of the longest end of the text that the stop string begins with. */
  get begun(): number {
    return this.#begun;
  }

  /**
   * @returns where the stop string begins, counted from the beginning of this piece and so negative
   * in an earlier one; null: it is not whole yet.
   */
  find(piece: string): number | null {
    for (let at = 0; at < piece.length; at++) {
      this.#begun = this.#next(this.#begun, piece.charCodeAt(at));
      if (this.#begun === this.#stop.length) return at + 1 - this.#stop.length;
    }
    return null;
  }

  #next(begun: number, unit: number): number {
    let length = begun;
    while (length > 0 && this.#stop.charCodeAt(length) !== unit) length = this.#shorter[length] ?? 0;
    return this.#stop.charCodeAt(length) === unit ? length + 1 : 0;
  }
}
