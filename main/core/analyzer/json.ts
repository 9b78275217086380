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
  checkText(bytes, 'it');
  return parseJsonObject(bytes, 'it');
}

/**
 * May this text be parsed? Nesting and the number of values are bounded, and its brackets are closed.
 * @throws FormatError as `readJsonObject`.
 */
export function checkText(bytes: Uint8Array, what: string): void {
  const shape = new BracketCounter();
  shape.take(bytes);
  if (shape.values > MAX_VALUES) throw damaged(`${what} has more than ${MAX_VALUES} values`);
  if (!shape.isClosed) throw new FormatError('truncated', what === 'it' ? 'its text ends in the middle' : `${what} ends in the middle`);
}

/**
 * Are the brackets of this text closed? Reads it all, keeps nothing: for files too large to parse only to know whether they are whole.
 * @throws FormatError as `readJsonObject`.
 */
export function checkJson(source: ByteSource, mostBytes: number): void {
  if (source.bytes > mostBytes) throw damaged(`it has ${source.bytes} bytes, more than ${mostBytes}`);
  const shape = new BracketCounter();
  for (let at = 0; at < source.bytes; at += WINDOW_BYTES) shape.take(source.read(at, Math.min(WINDOW_BYTES, source.bytes - at)));
  if (!shape.isClosed) throw new FormatError('truncated', 'its text ends in the middle');
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING: ReadonlySet<number> = new Set([0x7b, 0x5b]);
const CLOSING: ReadonlySet<number> = new Set([0x7d, 0x5d]);

class BracketCounter {
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #hasBegun = false;
  /** Commas outside of texts: one less than the values, or so. */
  values = 0;

  /** @throws FormatError `damaged` when brackets nest too deep. */
  take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      // A hole in a preallocated file: JSON has no zero bytes.
      if (byte === 0) throw new FormatError('truncated', 'it has bytes that were not written yet');
      if (this.#isInString) {
        if (this.#isEscaped) this.#isEscaped = false;
        else if (byte === BACKSLASH) this.#isEscaped = true;
        else if (byte === QUOTE) this.#isInString = false;
      } else if (byte === QUOTE) this.#isInString = true;
      else if (OPENING.has(byte)) {
        this.#hasBegun = true;
        this.#depth += 1;
        if (this.#depth > MAX_DEPTH) throw damaged(`its brackets nest deeper than ${MAX_DEPTH}`);
      } else if (CLOSING.has(byte)) this.#depth -= 1;
      else if (byte === COMMA) this.values += 1;
    }
  }

  get isClosed(): boolean {
    return this.#hasBegun && this.#depth <= 0 && !this.#isInString;
  }
}
