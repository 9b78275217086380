/**
 * Writes ONNX files of our own making, right or wrong. Knows the format from onnx.proto, not from
 * our parser.
 */

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

export function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

export function bytes(field: number, content: Uint8Array | string): Buffer {
  const body = Buffer.from(content);
  return Buffer.concat([varint(field * 8 + 2), varint(body.length), body]);
}

export function message(field: number, ...parts: readonly Uint8Array[]): Buffer {
  return bytes(field, Buffer.concat(parts));
}

export interface SyntheticTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** 1 is float32, 10 float16, 7 int64. */
  readonly type: number;
  readonly raw?: Uint8Array;
  readonly external?: Readonly<Record<string, string | number>>;
}

export function tensor(field: number, { name, dims, type, raw, external }: SyntheticTensor): Buffer {
  const entries = Object.entries(external ?? {}).map(([key, value]) => message(13, bytes(1, key), bytes(2, String(value))));
  return message(
    field,
    ...dims.map((size) => number(1, size)),
    number(2, type),
    bytes(8, name),
    ...(raw === undefined ? [] : [bytes(9, raw)]),
    ...entries,
    ...(external === undefined ? [] : [number(14, 1)]),
  );
}

export function value(field: number, name: string, type: number, shape: readonly (number | string | null)[]): Buffer {
  const dims = shape.map((size) => (size === null ? message(1) : message(1, typeof size === 'number' ? number(1, size) : bytes(2, size))));
  return message(field, bytes(1, name), message(2, message(1, number(1, type), message(2, ...dims))));
}

export function node(type: string, domain = '', ...attributes: readonly Buffer[]): Buffer {
  return message(1, bytes(1, 'x'), bytes(2, 'y'), bytes(4, type), ...attributes, ...(domain === '' ? [] : [bytes(7, domain)]));
}

export function attribute(name: string, part: Buffer): Buffer {
  return message(5, bytes(1, name), part);
}

export interface SyntheticOnnx {
  readonly nodes?: readonly Buffer[];
  readonly tensors?: readonly SyntheticTensor[];
  readonly inputs?: readonly Buffer[];
  readonly outputs?: readonly Buffer[];
  readonly opsets?: Readonly<Record<string, number>>;
  readonly functions?: readonly Buffer[];
  readonly irVersion?: number;
}

/** In the order in which onnx's own writer puts the fields. */
export function writeOnnx(model: SyntheticOnnx = {}): Buffer {
  const graph = [
    ...(model.nodes ?? [node('MatMul')]),
    bytes(2, 'graph'),
    ...(model.tensors ?? [{ name: 'w', dims: [4, 8], type: 1, raw: Buffer.alloc(128, 1) }]).map((each) => tensor(5, each)),
    ...(model.inputs ?? [value(11, 'x', 1, ['batch', 4])]),
    ...(model.outputs ?? [value(12, 'y', 1, ['batch', 8])]),
  ];
  const opsets = Object.entries(model.opsets ?? { '': 17 }).map(([domain, version]) =>
    message(8, ...(domain === '' ? [] : [bytes(1, domain)]), number(2, version)),
  );
  return Buffer.concat([
    number(1, model.irVersion ?? 8),
    bytes(2, 'modelium-test'),
    bytes(7, Buffer.concat(graph)),
    ...opsets,
    ...(model.functions ?? []),
  ]);
}
