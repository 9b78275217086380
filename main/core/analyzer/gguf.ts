/**
 * Parses a GGUF header: metadata and tensor positions (versions 2 and 3, little-endian). Pure; it
 * trusts no value, and bounds counts, lengths, nesting, offsets and total work (I7). It does not
 * judge what the model is.
 */
import type { ByteSource } from './bytes.ts';
import { damaged, HeaderReader } from './bytes.ts';
import { shown } from './file-names.ts';
import { foreignType, TENSOR_TYPES } from './gguf-types.ts';

/**
 * An array of the metadata. Its numbers are kept only where there are few (one a layer); of strings
 * only the count.
 */
export interface MetadataArray {
  readonly elementType: number;
  readonly count: number;
  readonly numbers: readonly number[] | null;
}

export type MetadataValue = number | boolean | string | MetadataArray;

export interface GgufTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly bytes: number;
  /** From the file's first byte. */
  readonly offset: number;
}

export interface GgufHeader {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: readonly GgufTensor[];
  /** Where the tensors' bytes begin, and how long the file must be to hold them all. */
  readonly dataOffset: number;
  readonly fileBytes: number;
}

/**
 * Ten to a hundred times what the largest published models have; a header of 150,000 tokens with
 * merges is about 6 MB.
 */
const LIMITS = { headerBytes: 256 * 1024 * 1024, keptBytes: 8 * 1024 * 1024, steps: 8_000_000 };
const MAX_ENTRIES = 65_536;
const MAX_TENSORS = 65_536;
const MAX_KEY_BYTES = 65_535;
const MAX_TENSOR_NAME_BYTES = 1024;
const MAX_STRING_BYTES = 64 * 1024 * 1024;
const KEPT_STRING_BYTES = 8192;
const KEPT_NUMBERS = 1024;
const MAX_NESTING = 4;
const MAX_ALIGNMENT = 1024 * 1024;
const MAX_FILE_BYTES = 2 ** 46;

const STRING = 8;
const ARRAY = 9;
const SCALARS: ReadonlyMap<number, { readonly bytes: number; read(reader: HeaderReader): number | boolean }> = new Map([
  [0, { bytes: 1, read: (reader) => reader.u8() }],
  [1, { bytes: 1, read: (reader) => reader.i8() }],
  [2, { bytes: 2, read: (reader) => reader.u16() }],
  [3, { bytes: 2, read: (reader) => reader.i16() }],
  [4, { bytes: 4, read: (reader) => reader.u32() }],
  [5, { bytes: 4, read: (reader) => reader.i32() }],
  [6, { bytes: 4, read: (reader) => reader.f32() }],
  [7, { bytes: 1, read: (reader: HeaderReader) => reader.u8() !== 0 }],
  [10, { bytes: 8, read: (reader) => reader.u64() }],
  [11, { bytes: 8, read: (reader) => reader.i64() }],
  [12, { bytes: 8, read: (reader) => reader.f64() }],
]);

/**
 * Reads the header of one GGUF file; of its tensors' bytes nothing.
 * @throws FormatError `truncated` while the header is not all there, `damaged` when it never can be
 * right.
 */
export function parseGguf(source: ByteSource): GgufHeader {
  const reader = new HeaderReader(source, LIMITS);
  const version = readVersion(reader);
  const tensorCount = reader.length('the number of tensors', MAX_TENSORS);
  const entryCount = reader.length('the number of metadata entries', MAX_ENTRIES);
  const metadata = readMetadata(reader, entryCount);
  const alignment = alignmentOf(metadata);
  const infos: GgufTensor[] = [];
  const names = new Set<string>();
  for (let index = 0; index < tensorCount; index += 1) {
    const info = readTensor(reader, alignment);
    if (names.has(info.name)) throw damaged(`tensor ${shown(info.name)} is there twice`);
    names.add(info.name);
    infos.push(info);
  }
  const dataOffset = Math.ceil(reader.position / alignment) * alignment;
  const tensors = infos.map((info) => ({ ...info, offset: info.offset + dataOffset }));
  return { version, metadata, tensors, dataOffset, fileBytes: endOf(tensors, reader.position) };
}

function readVersion(reader: HeaderReader): number {
  const magic = [reader.u8(), reader.u8(), reader.u8(), reader.u8()];
  if (String.fromCharCode(...magic) !== 'GGUF') throw damaged('it does not begin with the letters GGUF');
  const version = reader.u32();
  if (version === 2 || version === 3) return version;
  if (version === 1) throw damaged('it is GGUF version 1, which llama.cpp no longer reads: convert the model again');
  if (version % 65_536 === 0) throw damaged('it was written for a big-endian machine');
  throw damaged(`it is GGUF version ${version}; versions 2 and 3 can be read`);
}

function readMetadata(reader: HeaderReader, count: number): Map<string, MetadataValue> {
  const metadata = new Map<string, MetadataValue>();
  for (let index = 0; index < count; index += 1) {
    const key = reader.string('a metadata key', MAX_KEY_BYTES);
    if (metadata.has(key)) throw damaged(`the metadata key ${shown(key)} is there twice`);
    metadata.set(key, readValue(reader, reader.u32(), key));
  }
  return metadata;
}

function readValue(reader: HeaderReader, type: number, key: string): MetadataValue {
  if (type === STRING) return reader.string(`the value of ${shown(key)}`, MAX_STRING_BYTES, KEPT_STRING_BYTES);
  if (type === ARRAY) return readArray(reader, key, 1);
  const scalar = SCALARS.get(type);
  if (scalar === undefined) throw damaged(`the metadata entry ${shown(key)} has the unknown type ${type}`);
  return scalar.read(reader);
}

function readArray(reader: HeaderReader, key: string, depth: number): MetadataArray {
  const elementType = reader.u32();
  const count = reader.length(`the length of ${shown(key)}`, LIMITS.headerBytes);
  if (elementType === STRING) {
    // Made once: a vocabulary has hundreds of thousands.
    const what = `an element of ${shown(key)}`;
    for (let index = 0; index < count; index += 1) reader.skip(reader.length(what, MAX_STRING_BYTES));
    return { elementType, count, numbers: null };
  }
  if (elementType === ARRAY) {
    if (depth >= MAX_NESTING) throw damaged(`the metadata entry ${shown(key)} is nested deeper than ${MAX_NESTING}`);
    for (let index = 0; index < count; index += 1) readArray(reader, key, depth + 1);
    return { elementType, count, numbers: null };
  }
  const scalar = SCALARS.get(elementType);
  if (scalar === undefined) throw damaged(`the elements of ${shown(key)} have the unknown type ${elementType}`);
  if (count > KEPT_NUMBERS || depth > 1) {
    reader.skip(count * scalar.bytes);
    return { elementType, count, numbers: null };
  }
  reader.keep(count * 8);
  const numbers: number[] = [];
  for (let index = 0; index < count; index += 1) numbers.push(Number(scalar.read(reader)));
  return { elementType, count, numbers };
}

function alignmentOf(metadata: ReadonlyMap<string, MetadataValue>): number {
  const alignment = metadata.get('general.alignment') ?? 32;
  const right = typeof alignment === 'number' && Number.isInteger(alignment) && alignment > 0 && alignment <= MAX_ALIGNMENT;
  if (!right || !Number.isInteger(Math.log2(alignment))) throw damaged('general.alignment is not a possible power of two');
  return alignment;
}

function readTensor(reader: HeaderReader, alignment: number): GgufTensor {
  const name = reader.string("a tensor's name", MAX_TENSOR_NAME_BYTES);
  const called = shown(name);
  const dimensions = reader.u32();
  if (dimensions > 4) throw damaged(`tensor ${called} has ${dimensions} dimensions; 4 are possible`);
  const shape: number[] = [];
  let elements = 1;
  for (let index = 0; index < dimensions; index += 1) {
    const size = reader.length(`a dimension of ${called}`, MAX_FILE_BYTES);
    shape.push(size);
    elements *= size;
    if (elements > MAX_FILE_BYTES) throw damaged(`tensor ${called} has more elements than a file can hold`);
  }
  const typeId = reader.u32();
  const type = TENSOR_TYPES.get(typeId);
  if (type === undefined) throw damaged(`tensor ${called} is of ${foreignType(typeId)}`);
  if ((shape[0] ?? 1) % type.blockElements !== 0) {
    throw damaged(`tensor ${called}: rows of ${shape[0] ?? 1} do not divide into blocks of ${type.blockElements} (${type.name})`);
  }
  const offset = reader.length(`the place of ${called}`, MAX_FILE_BYTES);
  if (offset % alignment !== 0) throw damaged(`tensor ${called} does not begin at a multiple of ${alignment}`);
  return { name, type: type.name, shape, elements, bytes: (elements / type.blockElements) * type.blockBytes, offset };
}

/** Where the last tensor ends. @throws FormatError when two of them share a byte. */
function endOf(tensors: readonly GgufTensor[], headerEnd: number): number {
  let end = headerEnd;
  const byOffset = tensors.toSorted((one, other) => one.offset - other.offset || one.bytes - other.bytes);
  for (const tensor of byOffset) {
    if (tensor.offset < end && tensor.bytes > 0) throw damaged(`tensor ${shown(tensor.name)} overlaps what lies before it`);
    end = Math.max(end, tensor.offset + tensor.bytes);
  }
  return end;
}
