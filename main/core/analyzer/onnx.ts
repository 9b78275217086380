/**
 * Parses an ONNX file: opsets, inputs and outputs, operator domains, and the size of its weights,
 * without reading the weights. Field numbers are those of onnx.proto. Pure and bounded (I7); it
 * does not judge what the model is.
 */
import type { ByteSource } from './bytes.ts';
import { attempt, damaged, FormatError } from './bytes.ts';
import { readTensor } from './onnx-tensor.ts';
import { ONNX_TYPES } from './onnx-types.ts';
import { type ProtobufField, ProtobufReader } from './protobuf.ts';

/**
 * An input or output. A size is a number, a name ("batch"), or null where the file says nothing.
 */
export interface OnnxValue {
  readonly name: string;
  /** `float32`, `int64` ...; null for sequences, maps and optional values. */
  readonly type: string | null;
  readonly shape: readonly (number | string | null)[] | null;
}

export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string | null;
  /** Domain -> version; the standard one is called `ai.onnx`. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Weights of the graph, of its inner graphs and of its constants, by type. */
  readonly weights: ReadonlyMap<string, { readonly bytes: number; readonly elements: number }>;
  /** Files that hold weights, as they are named, and how long each must be. */
  readonly externals: ReadonlyMap<string, number>;
  readonly nodes: number;
  /**
   * Domains of the operators used that come neither with ONNX Runtime nor as a function of this
   * file: a library has to bring them.
   */
  readonly customDomains: readonly string[];
  /** Bytes that the file must have at least. */
  readonly fileBytes: number;
}

/** Protocol buffers end at 2 GiB; larger models keep their weights in a second file. */
const LIMITS = { headerBytes: 2 ** 31, keptBytes: 16 * 1024 * 1024, steps: 8_000_000, fetchedBytes: 256 * 1024 * 1024 };
const MAX_NAME_BYTES = 4096;
/** With weights listed among the inputs, as old versions of the format did. */
const MAX_VALUES = 16_384;
const MAX_DIMENSIONS = 64;
const MAX_OPSETS = 256;
const MAX_TENSORS = 131_072;
/** Old exporters put each tensor into a file of its own. */
const MAX_EXTERNALS = 4096;
const MAX_DOMAINS = 1024;
/** ir_version of onnx 1.20 is 13. */
const MAX_IR_VERSION = 1000;

const FIRST_WITH_OPSETS = 3;

/** What ONNX Runtime brings itself. `ai.onnx.contrib` (its extensions) is a library of its own. */
const KNOWN_DOMAINS: ReadonlySet<string> = new Set([
  '',
  'ai.onnx',
  'ai.onnx.ml',
  'ai.onnx.training',
  'ai.onnx.preview',
  'ai.onnx.preview.training',
  'com.microsoft',
  'com.microsoft.nchwc',
  'com.microsoft.experimental',
  'com.microsoft.dml',
  'com.ms.internal.nhwc',
  'org.pytorch.aten',
]);

interface Draft {
  irVersion: number;
  producer: string | null;
  nodes: number;
  hasGraph: boolean;
  readonly opsets: Map<string, number>;
  readonly inputs: OnnxValue[];
  readonly outputs: OnnxValue[];
  readonly initializers: Set<string>;
  tensors: number;
  readonly weights: Map<string, { bytes: number; elements: number }>;
  readonly externals: Map<string, number>;
  readonly usedDomains: Set<string>;
  readonly ownDomains: Set<string>;
}

/**
 * @returns the model, or how long the file must be where it ends before its graph does (null when
 * that cannot be known yet).
 * @throws FormatError `damaged` when it is not ONNX, whatever follows.
 */
export function parseOnnx(source: ByteSource): OnnxModel | { readonly truncated: true; readonly fileBytes: number | null } {
  const reader = new ProtobufReader(source, LIMITS);
  const draft = emptyDraft();
  const end = attempt(() => reader.file((field) => readModelField(reader, field, draft)));
  if (end instanceof FormatError) {
    if (end.fault === 'damaged') throw end;
    return { truncated: true, fileBytes: reader.neededBytes > source.bytes ? reader.neededBytes : null };
  }
  // Operator sets follow the graph: a copy that ends between two fields reads like a whole message.
  if (!draft.hasGraph || (draft.opsets.size === 0 && draft.irVersion >= FIRST_WITH_OPSETS)) return { truncated: true, fileBytes: null };
  const custom = [...draft.usedDomains].filter((domain) => !KNOWN_DOMAINS.has(domain) && !draft.ownDomains.has(domain));
  return {
    irVersion: draft.irVersion,
    producer: draft.producer,
    opsets: draft.opsets,
    // Up to version 3 of the format the weights were listed among the inputs.
    inputs: draft.inputs.filter((input) => !draft.initializers.has(input.name)),
    outputs: draft.outputs,
    weights: draft.weights,
    externals: draft.externals,
    nodes: draft.nodes,
    customDomains: custom.toSorted(),
    fileBytes: reader.neededBytes,
  };
}

function emptyDraft(): Draft {
  return {
    irVersion: 0,
    producer: null,
    nodes: 0,
    hasGraph: false,
    opsets: new Map(),
    inputs: [],
    outputs: [],
    initializers: new Set(),
    tensors: 0,
    weights: new Map(),
    externals: new Map(),
    usedDomains: new Set(),
    ownDomains: new Set(),
  };
}

function readModelField(reader: ProtobufReader, field: ProtobufField, draft: Draft): void {
  // Each ModelProto that is written begins with its version; whatever else begins like a message is
  // not ONNX.
  if (draft.irVersion === 0 && field.number !== 1) throw damaged('it does not begin as an ONNX model does');
  if (field.number === 1) {
    if (field.isDelimited || field.value < 1 || field.value > MAX_IR_VERSION) throw damaged('it does not begin as an ONNX model does');
    draft.irVersion = field.value;
  } else if (!field.isDelimited) return;
  else if (field.number === 2) draft.producer = reader.text('the name of its producer', MAX_NAME_BYTES);
  else if (field.number === 7) {
    draft.hasGraph = true;
    reader.message((inner) => readGraphField(reader, inner, draft, true));
  } else if (field.number === 8) readOpset(reader, draft);
  else if (field.number === 25) reader.message((inner) => readFunctionField(reader, inner, draft));
}

function readOpset(reader: ProtobufReader, draft: Draft): void {
  let domain = '';
  let version = 0;
  reader.message((field) => {
    if (field.number === 1 && field.isDelimited) domain = reader.text("an operator set's name", MAX_NAME_BYTES);
    else if (field.number === 2) version = field.value;
  });
  if (draft.opsets.size >= MAX_OPSETS) throw damaged(`it names more than ${MAX_OPSETS} operator sets`);
  draft.opsets.set(domain === '' ? 'ai.onnx' : domain, version);
}

/**
 * @param outer false for the graphs inside operators (If, Loop), whose inputs and outputs are
 * nobody's from outside.
 */
function readGraphField(reader: ProtobufReader, field: ProtobufField, draft: Draft, outer: boolean): void {
  if (!field.isDelimited) return;
  if (field.number === 1) readNode(reader, draft);
  else if (field.number === 5) keepTensor(reader, draft, outer);
  else if (field.number === 15) readSparse(reader, draft);
  else if (outer && field.number === 11) keepValue(reader, draft.inputs);
  else if (outer && field.number === 12) keepValue(reader, draft.outputs);
}

function readNode(reader: ProtobufReader, draft: Draft): void {
  draft.nodes += 1;
  let domain = '';
  reader.message((field) => {
    if (field.number === 7 && field.isDelimited) domain = reader.text("an operator's domain", MAX_NAME_BYTES);
    else if (field.number === 5 && field.isDelimited) reader.message((inner) => readAttributeField(reader, inner, draft));
  });
  if (draft.usedDomains.size >= MAX_DOMAINS) throw damaged(`its operators come from more than ${MAX_DOMAINS} domains`);
  draft.usedDomains.add(domain);
}

function readAttributeField(reader: ProtobufReader, field: ProtobufField, draft: Draft): void {
  if (!field.isDelimited) return;
  if (field.number === 5 || field.number === 10) keepTensor(reader, draft, false);
  else if (field.number === 6 || field.number === 11) reader.message((inner) => readGraphField(reader, inner, draft, false));
  else if (field.number === 22 || field.number === 23) readSparse(reader, draft);
}

function readSparse(reader: ProtobufReader, draft: Draft): void {
  reader.message((field) => {
    if (field.isDelimited && (field.number === 1 || field.number === 2)) keepTensor(reader, draft, false);
  });
}

/** A function of the file: its operators count too, and its own domain needs no library. */
function readFunctionField(reader: ProtobufReader, field: ProtobufField, draft: Draft): void {
  if (!field.isDelimited) return;
  if (field.number === 7) readNode(reader, draft);
  else if (field.number === 10) {
    if (draft.ownDomains.size >= MAX_DOMAINS) throw damaged(`it has functions of more than ${MAX_DOMAINS} domains`);
    draft.ownDomains.add(reader.text("a function's domain", MAX_NAME_BYTES));
  }
}

function keepTensor(reader: ProtobufReader, draft: Draft, isInitializer: boolean): void {
  const { name, type, bytes, elements, external } = readTensor(reader);
  draft.tensors += 1;
  if (draft.tensors > MAX_TENSORS) throw damaged(`it has more than ${MAX_TENSORS} tensors`);
  const known = draft.weights.get(type) ?? { bytes: 0, elements: 0 };
  draft.weights.set(type, { bytes: known.bytes + bytes, elements: known.elements + elements });
  if (isInitializer) draft.initializers.add(name);
  if (external === null) return;
  draft.externals.set(external.file, Math.max(draft.externals.get(external.file) ?? 0, external.offset + external.length));
  if (draft.externals.size > MAX_EXTERNALS) throw damaged(`its weights lie in more than ${MAX_EXTERNALS} files`);
}

function keepValue(reader: ProtobufReader, values: OnnxValue[]): void {
  let name = '';
  let type: string | null = null;
  let shape: (number | string | null)[] | null = null;
  reader.message((field) => {
    if (!field.isDelimited) return;
    if (field.number === 1) name = reader.text("an input's or output's name", MAX_NAME_BYTES);
    else if (field.number === 2) {
      reader.message((kind) => {
        // Only plain tensors (field 1) have a type and a shape that a client could send.
        if (kind.number !== 1 || !kind.isDelimited) return;
        reader.message((part) => {
          if (part.number === 1 && !part.isDelimited) type = ONNX_TYPES.get(part.value)?.name ?? null;
          else if (part.number === 2 && part.isDelimited) shape = readShape(reader);
        });
      });
    }
  });
  if (values.length >= MAX_VALUES) throw damaged(`it has more than ${MAX_VALUES} inputs or outputs`);
  values.push({ name, type, shape });
}

function readShape(reader: ProtobufReader): (number | string | null)[] {
  const shape: (number | string | null)[] = [];
  reader.message((field) => {
    if (field.number !== 1 || !field.isDelimited) return;
    let size: number | string | null = null;
    reader.message((dimension) => {
      if (dimension.number === 1 && !dimension.isDelimited) size = Number.isSafeInteger(dimension.value) ? dimension.value : null;
      else if (dimension.number === 2 && dimension.isDelimited) size = reader.text("a size's name", MAX_NAME_BYTES);
    });
    if (shape.length >= MAX_DIMENSIONS) throw damaged(`an input or output has more than ${MAX_DIMENSIONS} dimensions`);
    shape.push(size);
  });
  return shape;
}
