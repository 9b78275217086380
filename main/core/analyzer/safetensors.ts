/** The header of a safetensors file: types, shapes and places of its tensors. Pure and bounded (I7). */
import type { ByteSource } from './bytes.ts';
import { damaged, FormatError } from './bytes.ts';

export interface SafetensorsTensor {
  readonly name: string;
  /** As the format calls it: `F32`, `BF16`, `F8_E4M3`. */
  readonly type: string;
  readonly elements: number;
  readonly bytes: number;
  /** From the file's first byte. */
  readonly offset: number;
}

export interface SafetensorsHeader {
  readonly tensors: readonly SafetensorsTensor[];
  readonly fileBytes: number;
}

/** Far above published shards (about 100 bytes a tensor); parsed JSON takes several times this in memory. */
const MAX_HEADER_BYTES = 8 * 1024 * 1024;
const MAX_FILE_BYTES = 2 ** 46;

/** @throws FormatError `truncated` while the header is not all there, `damaged` when it never can be right. */
export function parseSafetensors(source: ByteSource): SafetensorsHeader {
  const prefix = readExactly(source, 0, 8);
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER_BYTES)
    throw damaged(`its header says that it has ${length} bytes; 2 to ${MAX_HEADER_BYTES} can be`);
  const header = parseJsonObject(readExactly(source, 8, length), 'the header');
  const dataOffset = 8 + length;
  const tensors: SafetensorsTensor[] = [];
  for (const [name, value] of Object.entries(header)) if (name !== '__metadata__') tensors.push(tensorOf(name, value, dataOffset));
  let end = dataOffset;
  for (const tensor of tensors.toSorted((one, other) => one.offset - other.offset || one.bytes - other.bytes)) {
    if (tensor.offset < end && tensor.bytes > 0) throw damaged('its tensors overlap');
    end = Math.max(end, tensor.offset + tensor.bytes);
  }
  return { tensors, fileBytes: end };
}

function tensorOf(name: string, value: unknown, dataOffset: number): SafetensorsTensor {
  const facts: Record<string, unknown> = isObject(value) ? value : {};
  const { dtype: type, shape, data_offsets: span } = facts;
  if (typeof type !== 'string' || !isCounts(shape) || !isCounts(span)) throw damaged('an entry of its header is not a tensor');
  const [begin, end] = span;
  if (span.length !== 2 || begin === undefined || end === undefined || begin > end) throw damaged('a tensor of it ends before it begins');
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements > MAX_FILE_BYTES || end > MAX_FILE_BYTES) throw damaged('a tensor of it is larger than a file can be');
  return { name, type, elements, bytes: end - begin, offset: dataOffset + begin };
}

function readExactly(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = offset + length <= source.bytes ? source.read(offset, length) : new Uint8Array(0);
  if (bytes.byteLength < length) {
    throw new FormatError('truncated', `the header needs ${offset + length} bytes and the file has ${source.bytes}`);
  }
  return bytes;
}

const utf8 = new TextDecoder();

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

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= 16 && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
