/**
 * Parses JSON in one pass over windows of a file, for files too large to hold: headers of
 * safetensors files and indexes of shards. It stores nothing itself; it bounds nesting and the
 * length of each string (I7). No I/O.
 */
import { type ByteSource, damaged, FormatError } from './bytes.ts';
import { encodingFault, zerosFault } from './json.ts';

const WINDOW_BYTES = 64 * 1024;
const MAX_DEPTH = 64;
/** Longer than the name of any tensor or file. */
const MOST_STRING_BYTES = 4096;
const MOST_NUMBER_BYTES = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
/** What stands behind a number or a word. */
const ENDS = new Set([COMMA, ...CLOSE, 0x20, 0x09, 0x0a, 0x0d]);
const utf8 = new TextDecoder();

export class JsonStream {
  readonly #source: ByteSource;
  readonly #end: number;
  readonly #what: string;
  #window: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** Where the next window begins in the file. */
  #next: number;

  /** @param what the text is, for messages: `its header`. */
  constructor(source: ByteSource, begin: number, end: number, what: string) {
    this.#source = source;
    this.#next = begin;
    this.#end = end;
    this.#what = what;
    this.#fill();
    const fault = encodingFault(this.#window);
    if (fault !== null) throw fault;
    if (this.#window[0] === 0xef && this.#window[1] === 0xbb && this.#window[2] === 0xbf) this.#at = 3;
  }

  /**
   * Walks through the members of the object that begins here; `member` must read exactly one value.
   * @throws FormatError `truncated` where the text ends too early, `damaged` where it is no JSON.
   */
  members(member: (name: string) => void): void {
    this.#take(0x7b, 'an object');
    if (this.#skipIf(0x7d)) return;
    for (;;) {
      const name = this.string();
      this.#take(COLON, 'a colon');
      member(name);
      if (this.#skipIf(0x7d)) return;
      this.#take(COMMA, 'a comma');
    }
  }

  /**
   * A list of numbers; null where what begins here is something else, which is read over. @param
   * most then the rest is not kept.
   */
  numbers(most: number): number[] | null {
    if (this.#peek() !== 0x5b) {
      this.skipValue();
      return null;
    }
    this.#at += 1;
    const numbers: number[] = [];
    if (this.#skipIf(0x5d)) return numbers;
    for (let isPlain = true; ; ) {
      const byte = this.#peek();
      if (isPlain && ((byte >= 0x30 && byte <= 0x39) || byte === 0x2d)) {
        const number = Number(this.#word());
        if (numbers.length <= most) numbers.push(number);
      } else {
        isPlain = false;
        this.skipValue();
      }
      if (this.#skipIf(0x5d)) return isPlain ? numbers : null;
      this.#take(COMMA, 'a comma');
    }
  }

  /**
   * The string that begins here, as a value or a name. @throws FormatError `damaged` where it is
   * longer than any name.
   */
  string(): string {
    this.#take(QUOTE, 'a string');
    const parts: Uint8Array[] = [];
    let length = 0;
    let escapes = false;
    for (;;) {
      if (this.#at >= this.#window.length) this.#more();
      const start = this.#at;
      let end = start;
      const { length: most } = this.#window;
      let byte = 0;
      for (; end < most; end += 1) {
        byte = this.#window[end] ?? 0;
        if (byte === QUOTE || byte === BACKSLASH || byte < 0x20) break;
      }
      if (end < most && byte < 0x20) throw byte === 0 ? zerosFault(this.#window, end) : damaged(`${this.#what} is not JSON`);
      length += end - start;
      if (length > MOST_STRING_BYTES) throw damaged(`${this.#what} has a name of more than ${MOST_STRING_BYTES} bytes`);
      const isWhole = end < most && byte === QUOTE;
      if (isWhole && parts.length === 0) {
        this.#at = end + 1;
        return this.#text([this.#window.subarray(start, end)], escapes);
      }
      parts.push(this.#window.slice(start, end));
      this.#at = end;
      if (isWhole) {
        this.#at += 1;
        return this.#text(parts, escapes);
      }
      if (end < most) {
        escapes = true;
        length += 2;
        parts.push(Uint8Array.of(this.#byte(), this.#byte()));
      }
    }
  }

  /** Is what begins here a string? Else it is to be read over. */
  get isString(): boolean {
    return this.#peek() === QUOTE;
  }

  /** Is what begins here an object? */
  get isObject(): boolean {
    return this.#peek() === 0x7b;
  }

  /** Reads over one value of any kind and size. */
  skipValue(): void {
    let depth = 0;
    do {
      const byte = this.#peek();
      if (byte === QUOTE) this.#skipString();
      else if (OPEN.has(byte)) {
        this.#at += 1;
        depth += 1;
        if (depth > MAX_DEPTH) throw damaged(`its brackets nest deeper than ${MAX_DEPTH}`);
      } else if (CLOSE.has(byte) && depth > 0) {
        this.#at += 1;
        depth -= 1;
      } else if ((byte === COMMA || byte === COLON) && depth > 0) this.#at += 1;
      else this.#word();
    } while (depth > 0);
  }

  /** Nothing but white space may follow. */
  end(): void {
    while (this.#at < this.#window.length || this.#next < this.#end) {
      if (this.#at >= this.#window.length) this.#more();
      const byte = this.#window[this.#at] ?? 0;
      if (byte === 0) throw zerosFault(this.#window, this.#at);
      if (byte > 0x20) throw damaged(`${this.#what} goes on behind its last bracket`);
      this.#at += 1;
    }
  }

  #text(parts: readonly Uint8Array[], escapes: boolean): string {
    const [only] = parts;
    const text = utf8.decode(only !== undefined && parts.length === 1 ? only : joined(parts));
    if (!escapes) return text;
    try {
      return JSON.parse(`"${text}"`) as string;
    } catch {
      throw damaged(`${this.#what} is not JSON`);
    }
  }

  #skipString(): void {
    this.#at += 1;
    for (;;) {
      if (this.#at >= this.#window.length) this.#more();
      const byte = this.#window[this.#at];
      this.#at += 1;
      if (byte === QUOTE) return;
      if (byte === BACKSLASH) this.#byte();
    }
  }

  /** A number, or one of JSON's words. */
  #word(): string {
    let word = '';
    for (;;) {
      if (this.#at >= this.#window.length) {
        if (this.#next >= this.#end && word !== '') return word;
        this.#more();
      }
      const byte = this.#window[this.#at] ?? 0;
      if (byte === 0) throw zerosFault(this.#window, this.#at);
      if (ENDS.has(byte) && word !== '') return word;
      word += String.fromCharCode(byte);
      this.#at += 1;
      if (word.length > MOST_NUMBER_BYTES || !/^[-+.\w]+$/.test(word)) throw damaged(`${this.#what} is not JSON`);
    }
  }

  #byte(): number {
    if (this.#at >= this.#window.length) this.#more();
    const byte = this.#window[this.#at] ?? 0;
    this.#at += 1;
    return byte;
  }

  /** The next byte that is no white space, which stays. */
  #peek(): number {
    for (;;) {
      if (this.#at >= this.#window.length) this.#more();
      const byte = this.#window[this.#at] ?? 0;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte;
      this.#at += 1;
    }
  }

  #take(wanted: number, name: string): void {
    const byte = this.#peek();
    if (byte === 0) throw zerosFault(this.#window, this.#at);
    if (byte !== wanted) throw damaged(`${this.#what} is not JSON: ${name} is missing`);
    this.#at += 1;
  }

  #skipIf(wanted: number): boolean {
    if (this.#peek() !== wanted) return false;
    this.#at += 1;
    return true;
  }

  /** @throws FormatError `truncated` at the end. */
  #more(): void {
    if (this.#next >= this.#end) throw new FormatError('truncated', `${this.#what} ends in the middle`);
    this.#fill();
  }

  #fill(): void {
    const wanted = Math.min(WINDOW_BYTES, this.#end - this.#next);
    this.#window = wanted <= 0 ? new Uint8Array(0) : this.#source.read(this.#next, wanted);
    if (this.#window.length < wanted) throw new FormatError('truncated', `${this.#what} ends in the middle`);
    if (this.#source.work !== undefined) this.#source.work.steps += 1;
    this.#next += wanted;
    this.#at = 0;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
