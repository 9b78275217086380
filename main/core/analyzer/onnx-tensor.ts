/**
 * Parses one tensor of an ONNX file (`TensorProto`): type, size and, for external data, the
 * position in the second file. Pure and bounded (I7).
 */
import { damaged } from './bytes.ts';
import { ONNX_TYPES } from './onnx-types.ts';
import type { ProtobufField, ProtobufReader } from './protobuf.ts';

export interface OnnxTensor {
  readonly name: string;
  readonly type: string;
  readonly elements: number;
  /** Bytes that its shape asks for; for strings, the bytes that are stored. */
  readonly bytes: number;
  readonly external: OnnxExternal | null;
}

/** Bytes in another file, named relative to the folder of the ONNX file. */
export interface OnnxExternal {
  readonly file: string;
  readonly offset: number;
  /** As the file says it, or as the shape asks for. */
  readonly length: number;
}

const MAX_NAME_BYTES = 4096;
const MAX_DIMENSIONS = 64;
const MAX_EXTERNAL_ENTRIES = 16;
const MAX_FILE_BYTES = 2 ** 46;
const EXTERNAL = 1;

interface Draft {
  name: string;
  typeId: number;
  elements: number;
  dimensions: number;
  /** Bytes of `raw_data`; null where values lie in typed fields, or elsewhere. */
  rawBytes: number | null;
  stringBytes: number;
  location: number;
  readonly entries: Map<string, string>;
}

/** The tensor that the present field holds. @throws FormatError `damaged`. */
export function readTensor(reader: ProtobufReader): OnnxTensor {
  const draft: Draft = { name: '', typeId: 0, elements: 1, dimensions: 0, rawBytes: null, stringBytes: 0, location: 0, entries: new Map() };
  reader.message((field) => readTensorField(reader, field, draft));
  const type = ONNX_TYPES.get(draft.typeId);
  if (type === undefined) throw damaged(`a tensor of it has the unknown type ${draft.typeId}`);
  if (draft.elements > MAX_FILE_BYTES) throw damaged('a tensor of it has more elements than a file can hold');
  const bytes = type.bits === null ? draft.stringBytes : Math.ceil((draft.elements * type.bits) / 8);
  const external = draft.location === EXTERNAL ? externalOf(draft.entries, bytes) : null;
  if (external === null && draft.rawBytes !== null && draft.rawBytes !== bytes) {
    throw damaged(`a tensor of it holds ${draft.rawBytes} bytes and its shape asks for ${bytes}`);
  }
  return { name: draft.name, type: type.name, elements: draft.elements, bytes, external };
}

function readTensorField(reader: ProtobufReader, field: ProtobufField, draft: Draft): void {
  if (field.number === 1) {
    reader.numbers(field, (size) => {
      draft.dimensions += 1;
      if (draft.dimensions > MAX_DIMENSIONS) throw damaged(`a tensor of it has more than ${MAX_DIMENSIONS} dimensions`);
      draft.elements *= size;
    });
  } else if (!field.isDelimited) {
    if (field.number === 2) draft.typeId = field.value;
    else if (field.number === 14) draft.location = field.value;
  } else if (field.number === 6) draft.stringBytes += field.bytes;
  else if (field.number === 8) draft.name = reader.text("a tensor's name", MAX_NAME_BYTES);
  else if (field.number === 9) draft.rawBytes = field.bytes;
  else if (field.number === 13) readEntry(reader, draft.entries);
}

function readEntry(reader: ProtobufReader, entries: Map<string, string>): void {
  let key = '';
  let value = '';
  reader.message((field) => {
    if (field.number === 1 && field.isDelimited) key = reader.text('the name of an entry', MAX_NAME_BYTES);
    else if (field.number === 2 && field.isDelimited) value = reader.text('the value of an entry', MAX_NAME_BYTES);
  });
  if (entries.size >= MAX_EXTERNAL_ENTRIES) throw damaged('a tensor of it names its second file in more entries than there are');
  entries.set(key, value);
}

function externalOf(entries: ReadonlyMap<string, string>, bytes: number): OnnxExternal {
  const file = entries.get('location') ?? '';
  const offset = count(entries.get('offset'), 0);
  const length = count(entries.get('length'), bytes);
  if (file === '' || offset === null || length === null) throw damaged('a tensor of it does not say where its bytes lie');
  if (length < bytes) throw damaged(`a tensor of it has ${length} bytes in ${printable(file)} and its shape asks for ${bytes}`);
  return { file, offset, length };
}

function count(text: string | undefined, otherwise: number): number | null {
  if (text === undefined) return otherwise;
  return /^\d{1,15}$/.test(text) && Number(text) <= MAX_FILE_BYTES ? Number(text) : null;
}

function printable(name: string): string {
  return name.replace(/\p{C}/gu, '?').slice(0, 80);
}
