/**
 * Parses JSON of untrusted files: bounded in size, and it distinguishes a file that is still being
 * copied from an invalid one (I7). No I/O.
 */
import { type ByteSource, beyond, damaged, FormatError } from './bytes.ts';

const utf8 = new TextDecoder();
const WINDOW_BYTES = 64 * 1024;
/** Deeper than any configuration; a parser without a bound would run out of stack. */
const MAX_DEPTH = 64;
/**
 * Values that become objects in memory, at up to 170 bytes each: twice as many as the index of the
 * largest published model has.
 */
const MAX_VALUES = 262_144;
const INFINITY = 'Infinity';
const NAN = 'NaN';

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Bytes as one JSON object. @throws FormatError `damaged`. */
export function parseJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  const value = parseJson(bytes, what);
  if (!isObject(value)) throw damaged(`${what} is not a JSON object`);
  return value;
}

/**
 * Bytes as JSON, also as Python writes it: `Infinity` and `-Infinity` are those numbers, `NaN` is
 * null, which counts as absent.
 * @param what it is, for the message. @throws FormatError `damaged`, with the place where it stops
 * being JSON.
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  const fault = encodingFault(bytes);
  if (fault !== null) throw fault;
  const text = utf8.decode(bytes);
  try {
    return JSON.parse(text);
  } catch (thrown) {
    const plain = text.includes(NAN) || text.includes(INFINITY) ? withoutPythonWords(text) : null;
    if (plain === null) throw notJson(what, thrown);
    try {
      return JSON.parse(plain);
    } catch (again) {
      throw notJson(what, again);
    }
  }
}

/** The same text with what only Python reads in JSON's own words. Strings stay as they are. */
function withoutPythonWords(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at];
    if (letter === '"') at = closingQuote(text, at);
    else if (letter === 'N' && text.startsWith(NAN, at)) {
      parts.push(text.slice(from, at), 'null');
      from = at + NAN.length;
    } else if (letter === 'I' && text.startsWith(INFINITY, at)) {
      parts.push(text.slice(from, at), '1e999');
      from = at + INFINITY.length;
    }
  }
  return parts.join('') + text.slice(from);
}

function closingQuote(text: string, opening: number): number {
  for (let at = opening + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

/** V8 names the place; what it quotes of the text is left out, since nobody vouches for it. */
function notJson(what: string, thrown: unknown): FormatError {
  const place = thrown instanceof Error ? /line (\d+) column (\d+)/.exec(thrown.message) : null;
  return damaged(place === null ? `${what} is not JSON` : `${what} is not JSON from line ${place[1]}, column ${place[2]} on`);
}

/**
 * Text that is no UTF-8, as editors and shells of Windows write it: by its mark, or by the zeros
 * between its letters. Null where there is no sign of it. Nothing that reads JSON of models takes
 * it.
 */
export function encodingFault(bytes: Uint8Array): FormatError | null {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  // Four bytes a letter, or two: its first letter is a bracket, and what follows it is plain as
  // well.
  const isWide =
    (first > 0 && second === 0 && third === 0 && fourth === 0 && (bytes[4] ?? 0) > 0 && (bytes[5] ?? 1) === 0) ||
    (first === 0 && second === 0 && third === 0 && fourth > 0);
  const isDouble = (first > 0 && second === 0 && third > 0 && fourth === 0) || (first === 0 && second > 0 && third === 0 && fourth > 0);
  if (isWide || (isMarked && third === 0 && fourth === 0)) return beyond('it is UTF-32: save it as UTF-8');
  return isMarked || isDouble ? beyond('it is UTF-16: save it as UTF-8') : null;
}

/**
 * A whole file as one JSON object. @throws FormatError `truncated` while its brackets are not
 * closed, `damaged` when it never can be right.
 */
export function readJsonObject(source: ByteSource, mostBytes: number): Record<string, unknown> {
  if (source.bytes > mostBytes) throw beyond(`it has ${source.bytes} bytes, more than ${mostBytes}`);
  const bytes = source.read(0, source.bytes);
  checkText(bytes, 'its text');
  return parseJsonObject(bytes, 'it');
}

/**
 * May this text be parsed? Nesting and the number of values are bounded, and its brackets are
 * closed.
 * @returns how many members the outermost object or list has, those included that have the same
 * name.
 * @throws FormatError as `readJsonObject`.
 */
export function checkText(bytes: Uint8Array, what: string): number {
  const fault = encodingFault(bytes);
  if (fault !== null) throw fault;
  const shape = new TextShape();
  shape.take(bytes);
  if (shape.commas >= MAX_VALUES) throw beyond(`${what} has more than ${MAX_VALUES} values`);
  if (!shape.isClosed) throw new FormatError('truncated', `${what} ends in the middle`);
  return shape.topCommas + 1;
}

/**
 * Are the brackets of this text closed? Reads it all, keeps nothing: for files too large to parse
 * only to know whether they are whole.
 * @throws FormatError as `readJsonObject`.
 */
export function checkJson(source: ByteSource, mostBytes: number): void {
  if (source.bytes > mostBytes) throw beyond(`it has ${source.bytes} bytes, more than ${mostBytes}`);
  const shape = new TextShape();
  for (let at = 0; at < source.bytes; at += WINDOW_BYTES) {
    const bytes = source.read(at, Math.min(WINDOW_BYTES, source.bytes - at));
    const fault = at === 0 ? encodingFault(bytes) : null;
    if (fault !== null) throw fault;
    shape.take(bytes);
  }
  if (!shape.isClosed) throw new FormatError('truncated', 'its text ends in the middle');
}

/** Preallocated files are written in pieces of at least a sector: fewer zeros are no hole. */
const SECTOR_BYTES = 512;

/**
 * JSON has no zero bytes: a long run of them is a hole in a preallocated file, a short one will
 * never be text. @param at the first of them.
 */
export function zerosFault(bytes: Uint8Array, at: number): FormatError {
  let end = at;
  while (end < bytes.length && bytes[end] === 0) end += 1;
  const goesOn = end === bytes.length && (at === 0 || bytes.length >= WINDOW_BYTES);
  if (end - at >= SECTOR_BYTES || goesOn) return new FormatError('truncated', 'it has bytes that were not written yet');
  return damaged('it holds zero bytes, which no text does');
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/**
 * Counts brackets and commas outside of strings. Megabytes of headers go through it: strings are
 * jumped over by their closing quote.
 */
class TextShape {
  commas = 0;
  topCommas = 0;
  #depth = 0;
  #isInString = false;
  #hasBegun = false;
  #trailingBackslashes = 0;

  /** @throws FormatError `damaged` when brackets nest too deep. */
  take(bytes: Uint8Array): void {
    const zero = bytes.indexOf(0);
    if (zero >= 0) throw zerosFault(bytes, zero);
    let at = this.#isInString ? this.#stringEnd(bytes, 0) : 0;
    let [depth, commas, topCommas] = [this.#depth, this.commas, this.topCommas];
    for (; at < bytes.length; at += 1) {
      const byte = bytes[at];
      if (byte === QUOTE) at = this.#stringEnd(bytes, at + 1) - 1;
      else if (byte === COMMA) {
        commas += 1;
        if (depth === 1) topCommas += 1;
      } else if (byte === 0x7b || byte === 0x5b) {
        this.#hasBegun = true;
        depth += 1;
        if (depth > MAX_DEPTH) throw beyond(`its brackets nest deeper than ${MAX_DEPTH}`);
      } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    }
    [this.#depth, this.commas, this.topCommas] = [depth, commas, topCommas];
  }

  /**
   * The place behind the closing quote; the end where it is not in these bytes. A quote behind an
   * odd number of backslashes closes nothing.
   */
  #stringEnd(bytes: Uint8Array, from: number): number {
    let carried = this.#trailingBackslashes;
    this.#trailingBackslashes = 0;
    for (let start = from; ; carried = 0) {
      const quote = bytes.indexOf(QUOTE, start);
      const end = quote < 0 ? bytes.length : quote;
      let backslashes = 0;
      while (end - 1 - backslashes >= start && bytes[end - 1 - backslashes] === BACKSLASH) backslashes += 1;
      if (end - backslashes === start) backslashes += carried;
      this.#isInString = quote < 0;
      if (quote < 0) this.#trailingBackslashes = backslashes;
      if (quote < 0) return end;
      if (backslashes % 2 === 0) return quote + 1;
      start = quote + 1;
    }
  }

  get isClosed(): boolean {
    return this.#hasBegun && this.#depth <= 0 && !this.#isInString;
  }
}
