/** JSON of files that nobody vouches for: bounded in size, and a file in the middle of its copy told from one that is wrong (I7). Pure. */
import { type ByteSource, damaged, FormatError } from './bytes.ts';

const utf8 = new TextDecoder();
const WINDOW_BYTES = 64 * 1024;
/** Deeper than any configuration; a parser without a bound would run out of stack. */
const MAX_DEPTH = 64;
/** Values that become objects in memory, at up to 170 bytes each: twice as many as the index of the largest published model has. */
const MAX_VALUES = 262_144;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Bytes as one JSON object. @throws FormatError `damaged`. */
export function parseJsonObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let value: unknown = null;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    throw damaged(`${what} is not JSON`);
  }
  if (!isObject(value)) throw damaged(`${what} is not a JSON object`);
  return value;
}

/** A whole file as one JSON object. @throws FormatError `truncated` while its brackets are not closed, `damaged` when it never can be right. */
export function readJsonObject(source: ByteSource, mostBytes: number): Record<string, unknown> {
  if (source.bytes > mostBytes) throw damaged(`it has ${source.bytes} bytes, more than ${mostBytes}`);
  const bytes = source.read(0, source.bytes);
  checkText(bytes, 'its text');
  return parseJsonObject(bytes, 'it');
}

/**
 * May this text be parsed? Nesting and the number of values are bounded, and its brackets are closed.
 * @returns how many members the outermost object or list has, those included that have the same name.
 * @throws FormatError as `readJsonObject`.
 */
export function checkText(bytes: Uint8Array, what: string): number {
  const shape = new TextShape();
  shape.take(bytes);
  if (shape.commas >= MAX_VALUES) throw damaged(`${what} has more than ${MAX_VALUES} values`);
  if (!shape.isClosed) throw new FormatError('truncated', `${what} ends in the middle`);
  return shape.topCommas + 1;
}

/**
 * Are the brackets of this text closed? Reads it all, keeps nothing: for files too large to parse only to know whether they are whole.
 * @throws FormatError as `readJsonObject`.
 */
export function checkJson(source: ByteSource, mostBytes: number): void {
  if (source.bytes > mostBytes) throw damaged(`it has ${source.bytes} bytes, more than ${mostBytes}`);
  const shape = new TextShape();
  for (let at = 0; at < source.bytes; at += WINDOW_BYTES) shape.take(source.read(at, Math.min(WINDOW_BYTES, source.bytes - at)));
  if (!shape.isClosed) throw new FormatError('truncated', 'its text ends in the middle');
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;

/** Counts brackets and commas outside of strings. Megabytes of headers go through it: strings are jumped over by their closing quote. */
class TextShape {
  commas = 0;
  topCommas = 0;
  #depth = 0;
  #isInString = false;
  #hasBegun = false;
  #trailingBackslashes = 0;

  /** @throws FormatError `damaged` when brackets nest too deep. */
  take(bytes: Uint8Array): void {
    // A hole in a preallocated file: JSON has no zero bytes.
    if (bytes.includes(0)) throw new FormatError('truncated', 'it has bytes that were not written yet');
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
        if (depth > MAX_DEPTH) throw damaged(`its brackets nest deeper than ${MAX_DEPTH}`);
      } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    }
    [this.#depth, this.commas, this.topCommas] = [depth, commas, topCommas];
  }

  /** The place behind the closing quote; the end where it is not in these bytes. A quote behind an odd number of backslashes closes nothing. */
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
