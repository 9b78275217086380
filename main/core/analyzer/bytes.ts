/**
 * Reads headers of untrusted files: a window over a source, with every length checked before use
 * (I7). Owns the reading limits; knows no format. It throws only FormatError, apart from errors of
 * the source itself.
 */

/**
 * A file's bytes as the analyzer sees them. `read` answers fewer bytes than asked only where the
 * file ends.
 */
export interface ByteSource {
  /** Length of the file in bytes, at the time it was opened. */
  readonly bytes: number;
  read(offset: number, length: number): Uint8Array;
  /** Where somebody counts: the readers add each single step of theirs. */
  readonly work?: ReadingWork;
}

export interface ReadingWork {
  steps: number;
}

/**
 * `truncated`: the bytes end before the header does, as in the middle of a copy. `damaged`: no
 * further byte could make it right.
 */
export type FormatFault = 'truncated' | 'damaged';

export class FormatError extends Error {
  readonly fault: FormatFault;
  /** It is only more than is read here, or spelled otherwise: another program may read it. */
  readonly isBeyond: boolean;

  constructor(fault: FormatFault, message: string, isBeyond = false) {
    super(message);
    this.name = 'FormatError';
    this.fault = fault;
    this.isBeyond = isBeyond;
  }
}

export function damaged(message: string): FormatError {
  return new FormatError('damaged', message);
}

/** `damaged` by a bound of ours, or by an encoding: what another program may read nevertheless. */
export function beyond(message: string): FormatError {
  return new FormatError('damaged', message, true);
}

const WINDOW_BYTES = 64 * 1024;
/** After a jump: what lies there may be as small as one tensor's name. */
const JUMP_WINDOW_BYTES = 4 * 1024;
const utf8 = new TextDecoder();

/** What one header may cost, whatever it says. */
export interface ReaderLimits {
  /** The header ends before this offset. */
  readonly headerBytes: number;
  /** Bytes of strings and numbers that are kept in memory. */
  readonly keptBytes: number;
  /** Single reads of a number or string. */
  readonly steps: number;
  /**
   * Bytes fetched from the source, where that is less than `headerBytes`: for formats whose header
   * lies between the weights.
   */
  readonly fetchedBytes?: number;
}

/**
 * Little-endian reader that moves forward only: no byte is fetched twice, so that the work is
 * bounded by `headerBytes`.
 */
export class HeaderReader {
  readonly #source: ByteSource;
  readonly #limits: ReaderLimits;
  #view: DataView = new DataView(new ArrayBuffer(0));
  #viewStart = 0;
  #position: number;
  #kept = 0;
  #steps = 0;
  #fetched = 0;
  #windowBytes = WINDOW_BYTES;

  constructor(source: ByteSource, limits: ReaderLimits, position = 0) {
    this.#source = source;
    this.#limits = limits;
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  u8(): number {
    const at = this.#take(1);
    return this.#view.getUint8(at);
  }

  i8(): number {
    const at = this.#take(1);
    return this.#view.getInt8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return this.#view.getUint16(at, true);
  }

  i16(): number {
    const at = this.#take(2);
    return this.#view.getInt16(at, true);
  }

  u32(): number {
    const at = this.#take(4);
    return this.#view.getUint32(at, true);
  }

  i32(): number {
    const at = this.#take(4);
    return this.#view.getInt32(at, true);
  }

  f32(): number {
    const at = this.#take(4);
    return this.#view.getFloat32(at, true);
  }

  f64(): number {
    const at = this.#take(8);
    return this.#view.getFloat64(at, true);
  }

  /** Rounded above 2^53, where no count or offset may lie anyway: use `length` for those. */
  u64(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at + 4, true) * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  i64(): number {
    const at = this.#take(8);
    return this.#view.getInt32(at + 4, true) * 0x1_0000_0000 + this.#view.getUint32(at, true);
  }

  /** A count, length or offset of 64 bits. @throws FormatError `damaged` beyond `most`. */
  length(what: string, most: number): number {
    const value = this.u64();
    if (value > most) throw damaged(`${what} is ${value}, more than the ${most} that are possible`);
    return value;
  }

  /**
   * An unsigned number in groups of seven bits (protobuf); rounded above 2^53. @throws FormatError
   * `damaged` beyond ten bytes.
   */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 70; scale *= 128) {
      const at = this.#take(1);
      const byte = this.#view.getUint8(at);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw damaged('a number in it has more than ten bytes');
  }

  /**
   * A string of which at most `keep` bytes are kept. @throws FormatError `damaged` when it is
   * longer than `most`.
   */
  string(what: string, most: number, keep = most): string {
    return this.text(this.length(`the length of ${what}`, most), keep);
  }

  /** The next `length` bytes as text, of which at most `keep` are kept. */
  text(length: number, keep = length): string {
    const kept = Math.min(length, keep);
    const bytes = this.raw(kept);
    this.skip(length - kept);
    return utf8.decode(bytes);
  }

  /** The next `length` bytes, which are kept. */
  raw(length: number): Uint8Array {
    this.keep(length);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const part = Math.min(length - done, WINDOW_BYTES);
      const at = this.#take(part);
      bytes.set(new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, part), done);
      done += part;
    }
    return bytes;
  }

  /** Moves on without reading. */
  skip(bytes: number): void {
    this.#require(bytes);
    this.#position += bytes;
  }

  /** Counts bytes that the caller is about to keep. */
  keep(bytes: number): void {
    this.#kept += bytes;
    if (this.#kept > this.#limits.keptBytes)
      throw damaged(`the header holds more than ${this.#limits.keptBytes} bytes of names and values`);
  }

  #require(bytes: number): void {
    const end = this.#position + bytes;
    if (end > this.#limits.headerBytes) throw damaged(`the header goes on beyond ${this.#limits.headerBytes} bytes`);
    if (end > this.#source.bytes) {
      throw new FormatError('truncated', `the header needs at least ${end} bytes and the file has ${this.#source.bytes}`);
    }
  }

  /** Makes the next bytes visible, moves past them, and answers where they begin in the view. */
  #take(bytes: number): number {
    this.#steps += 1;
    if (this.#source.work !== undefined) this.#source.work.steps += 1;
    if (this.#steps > this.#limits.steps) throw damaged(`the header has more than ${this.#limits.steps} entries`);
    this.#require(bytes);
    let at = this.#position - this.#viewStart;
    if (at < 0 || at + bytes > this.#view.byteLength) {
      const window = this.#fetch(bytes);
      if (window.byteLength < bytes) {
        throw new FormatError('truncated', `the file ended at byte ${this.#position + window.byteLength} while its header was read`);
      }
      this.#view = new DataView(window.buffer, window.byteOffset, window.byteLength);
      this.#viewStart = this.#position;
      at = 0;
    }
    this.#position += bytes;
    return at;
  }

  /**
   * Small windows after a jump over weights, larger ones as long as everything is read: few bytes
   * either way.
   */
  #fetch(bytes: number): Uint8Array {
    const jumped = this.#position - (this.#viewStart + this.#view.byteLength) >= JUMP_WINDOW_BYTES;
    this.#windowBytes = jumped ? JUMP_WINDOW_BYTES : Math.min(this.#windowBytes * 2, WINDOW_BYTES);
    const wanted = Math.min(Math.max(this.#windowBytes, bytes), this.#source.bytes - this.#position);
    this.#fetched += wanted;
    const most = this.#limits.fetchedBytes ?? 2 * (this.#limits.headerBytes + WINDOW_BYTES);
    if (this.#fetched > most) throw damaged(`its description takes more than ${most} bytes`);
    return this.#source.read(this.#position, wanted);
  }
}

/**
 * Runs a parser: its answer, or the fault that it found. What else is thrown (a file that cannot be
 * read) goes on up.
 */
export function attempt<Result>(parse: () => Result): Result | FormatError {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof FormatError) return thrown;
    throw thrown;
  }
}
