/**
 * The header of a safetensors file: types, shapes and places of its tensors. Pure and bounded (I7).
 */
import type { ByteSource } from './bytes.ts';
import { damaged, FormatError } from './bytes.ts';
import { JsonStream } from './json-stream.ts';

export interface SafetensorsTensor {
  readonly name: string;
  /** As the format calls it: `F32`, `BF16`, `F8_E4M3`. */
  readonly type: string;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly bytes: number;
  /** From the file's first byte. */
  readonly offset: number;
}

export interface SafetensorsHeader {
  readonly tensors: readonly SafetensorsTensor[];
  readonly fileBytes: number;
}

/** The format's own bound. It is read in one pass: only tensors are kept of it. */
const MAX_HEADER_BYTES = 100_000_000;
/** Of one file, and of all files of a model together: twice the largest published one. */
export const MOST_TENSORS = 500_000;
const MAX_FILE_BYTES = 2 ** 46;
const MOST_DIMENSIONS = 16;

/** Bits of one element. */
const BITS: ReadonlyMap<string, number> = new Map([
  ...['BOOL', 'U8', 'I8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map((type) => [type, 8] as const),
  ...['U16', 'I16', 'F16', 'BF16'].map((type) => [type, 16] as const),
  ...['U32', 'I32', 'F32'].map((type) => [type, 32] as const),
  ...['U64', 'I64', 'F64', 'C64'].map((type) => [type, 64] as const),
  ...['F6_E2M3', 'F6_E3M2'].map((type) => [type, 6] as const),
  ['F4', 4],
]);

/** One string for each, however often it is named. */
const TYPE_NAMES: ReadonlyMap<string, string> = new Map([...BITS.keys()].map((name) => [name, name]));

/**
 * @throws FormatError `truncated` while the header is not all there, `damaged` when it never can be
 * right.
 */
export function parseSafetensors(source: ByteSource): SafetensorsHeader {
  const prefix = readExactly(source, 0, 8);
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
  if (length < 2 || length > MAX_HEADER_BYTES)
    throw damaged(`its header says that it has ${length} bytes; 2 to ${MAX_HEADER_BYTES} are possible`);
  const dataOffset = 8 + length;
  if (source.bytes < dataOffset)
    throw new FormatError('truncated', `the header needs ${dataOffset} bytes and the file has ${source.bytes}`);
  const tensors = tensorsIn(new JsonStream(source, 8, dataOffset, 'its header'), dataOffset);
  return { tensors, fileBytes: endOf(tensors, dataOffset) };
}

function tensorsIn(json: JsonStream, dataOffset: number): readonly SafetensorsTensor[] {
  const tensors: SafetensorsTensor[] = [];
  const names = new Set<string>();
  // Thousands of tensors share few types and shapes.
  const shapes = new Map<string, readonly number[]>();
  const shared = (shape: readonly number[]): readonly number[] => {
    const key = shape.join();
    const known = shapes.get(key);
    if (known === undefined) shapes.set(key, shape);
    return known ?? shape;
  };
  json.members((name) => {
    if (name === '__metadata__') return json.skipValue();
    if (names.has(name)) throw damaged('its header names a tensor twice');
    names.add(name);
    if (names.size > MOST_TENSORS) throw damaged(`its header names more than ${MOST_TENSORS} tensors, which no model has`);
    tensors.push(tensorOf(name, entryIn(json), dataOffset, shared));
  });
  json.end();
  return tensors;
}

interface Entry {
  type: string | null;
  shape: number[] | null;
  span: number[] | null;
}

function entryIn(json: JsonStream): Entry {
  const entry: Entry = { type: null, shape: null, span: null };
  if (!json.isObject) throw damaged('an entry of its header is not a tensor');
  json.members((key) => {
    if (key === 'dtype' && json.isString) entry.type = json.string();
    else if (key === 'shape') entry.shape = json.numbers(MOST_DIMENSIONS);
    else if (key === 'data_offsets') entry.span = json.numbers(2);
    else json.skipValue();
  });
  return entry;
}

/**
 * Where the last tensor ends. @throws FormatError when two share a byte, or when bytes between them
 * belong to none.
 */
function endOf(tensors: readonly SafetensorsTensor[], dataOffset: number): number {
  let end = dataOffset;
  for (const tensor of tensors.toSorted((one, other) => one.offset - other.offset || one.bytes - other.bytes)) {
    if (tensor.offset < end && tensor.bytes > 0) throw damaged('its tensors overlap');
    if (tensor.offset > end) throw damaged('there are bytes between its tensors that belong to none');
    end = Math.max(end, tensor.offset + tensor.bytes);
  }
  return end;
}

function tensorOf(
  name: string,
  { type, shape, span }: Entry,
  dataOffset: number,
  shared: (shape: readonly number[]) => readonly number[],
): SafetensorsTensor {
  if (type === null || !isCounts(shape) || !isCounts(span)) throw damaged('an entry of its header is not a tensor');
  const [begin, end] = span;
  if (span.length !== 2 || begin === undefined || end === undefined || begin > end) throw damaged('a tensor of it ends before it begins');
  const elements = shape.reduce((product, size) => product * size, 1);
  if (!(elements <= MAX_FILE_BYTES) || end > MAX_FILE_BYTES) throw damaged('a tensor of it is larger than a file can be');
  const bits = BITS.get(type);
  if (bits !== undefined && Math.ceil((elements * bits) / 8) !== end - begin) {
    throw damaged(`a tensor of it has ${end - begin} bytes, and its shape needs ${Math.ceil((elements * bits) / 8)}`);
  }
  return { name, type: TYPE_NAMES.get(type) ?? type, shape: shared(shape), elements, bytes: end - begin, offset: dataOffset + begin };
}

function readExactly(source: ByteSource, offset: number, length: number): Uint8Array {
  const bytes = offset + length <= source.bytes ? source.read(offset, length) : new Uint8Array(0);
  if (bytes.byteLength < length) {
    throw new FormatError('truncated', `the header needs ${offset + length} bytes and the file has ${source.bytes}`);
  }
  return bytes;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MOST_DIMENSIONS && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}
