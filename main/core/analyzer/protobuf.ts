/**
 * Reads Protocol Buffers as far as headers need: it visits fields in file order and skips unneeded
 * ones by their length. Knows no schema. No I/O and bounded (I7): nesting, steps and bytes read.
 */
import type { ByteSource, ReaderLimits } from './bytes.ts';
import { damaged, HeaderReader } from './bytes.ts';

const MAX_NESTING = 32;
const VARINT = 0;
const FIXED_64 = 1;
const DELIMITED = 2;
const FIXED_32 = 5;

/** A field that the reader stands at; what a visitor leaves unread of it is jumped over. */
export interface ProtobufField {
  readonly number: number;
  readonly isDelimited: boolean;
  /** Bytes of a delimited field. */
  readonly bytes: number;
  /**
   * Value of a field that is a plain number (one of 32 fixed bits counts as a float); of a
   * delimited one, and of 64 fixed bits, 0.
   */
  readonly value: number;
}

export type ProtobufVisitor = (field: ProtobufField) => void;

export class ProtobufReader {
  readonly #reader: HeaderReader;
  readonly #sourceBytes: number;
  readonly #ends: number[] = [];
  #needed = 0;

  constructor(source: ByteSource, limits: ReaderLimits) {
    this.#reader = new HeaderReader(source, limits);
    this.#sourceBytes = source.bytes;
  }

  /**
   * How long the file must be to hold the longest field of the outermost message that was announced
   * so far.
   */
  get neededBytes(): number {
    return this.#needed;
  }

  /** The outermost message: the whole file. @throws FormatError */
  file(visit: ProtobufVisitor): void {
    this.#fields(this.#sourceBytes, visit);
  }

  /** The message that the present delimited field holds. @throws FormatError */
  message(visit: ProtobufVisitor): void {
    const end = this.#ends.at(-1) ?? this.#sourceBytes;
    if (this.#ends.length > MAX_NESTING) throw damaged(`its messages are nested deeper than ${MAX_NESTING}`);
    this.#fields(end, visit);
  }

  /**
   * The present delimited field as text. @throws FormatError `damaged` when it is longer than
   * `most` bytes.
   */
  text(what: string, most: number): string {
    const length = this.#left();
    if (length > most) throw damaged(`${what} has ${length} bytes; ${most} are possible`);
    return this.#reader.text(length);
  }

  /**
   * The present delimited field's bytes. @throws FormatError `damaged` when it is longer than
   * `most`.
   */
  raw(what: string, most: number): Uint8Array {
    const length = this.#left();
    if (length > most) throw damaged(`${what} has ${length} bytes; ${most} are possible`);
    return this.#reader.raw(length);
  }

  /** A field of whole numbers, packed into one field or not. */
  numbers(field: ProtobufField, add: (value: number) => void): void {
    if (!field.isDelimited) return add(field.value);
    while (this.#left() > 0) add(this.#reader.varint());
    if (this.#left() < 0) throw damaged('a list of numbers in it is longer than what holds it');
  }

  #left(): number {
    return (this.#ends.at(-1) ?? this.#sourceBytes) - this.#reader.position;
  }

  #fields(end: number, visit: ProtobufVisitor): void {
    const reader = this.#reader;
    while (reader.position < end) {
      const tag = reader.varint();
      const number = Math.floor(tag / 8);
      if (number < 1 || number > 536_870_911) throw damaged('a field in it has an impossible number');
      const field = this.#field(number, tag % 8);
      const fieldEnd = reader.position + field.bytes;
      const outermost = this.#ends.length === 0;
      if (outermost) this.#needed = Math.max(this.#needed, fieldEnd);
      else if (fieldEnd > end) throw damaged('a part of it is longer than what holds it');
      this.#ends.push(fieldEnd);
      visit(field);
      this.#ends.pop();
      if (reader.position > fieldEnd) throw damaged('a part of it is longer than what holds it');
      reader.skip(fieldEnd - reader.position);
    }
    if (reader.position > end) throw damaged('a part of it is longer than what holds it');
  }

  #field(number: number, wire: number): ProtobufField {
    const reader = this.#reader;
    if (wire === VARINT) return { number, isDelimited: false, bytes: 0, value: reader.varint() };
    if (wire === DELIMITED) return { number, isDelimited: true, bytes: reader.varint(), value: 0 };
    if (wire === FIXED_32) return { number, isDelimited: false, bytes: 0, value: reader.f32() };
    if (wire === FIXED_64) reader.skip(8);
    else throw damaged(`a field in it has the unknown wire type ${wire}`);
    return { number, isDelimited: false, bytes: 0, value: 0 };
  }
}
