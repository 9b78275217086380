/**
 * Writes GGUF (version 3, little-endian) bytes from metadata and tensors. Owns the layout of the
 * format and nothing else: no file, no knowledge of any architecture.
 */
const ALIGNMENT_BYTES = 32;

export type GgufValue =
  | { readonly type: 'u16' | 'u32' | 'i32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'i32s' | 'f32s'; readonly value: readonly number[] }
  | { readonly type: 'bytes'; readonly value: Uint8Array };

/** Tensor types that we write: the file's number, and the bytes of a block of so many elements. */
export const TENSOR_TYPES = {
  F32: { number: 0, blockElements: 1, blockBytes: 4 },
  F16: { number: 1, blockElements: 1, blockBytes: 2 },
  Q4_0: { number: 2, blockElements: 32, blockBytes: 18 },
  Q8_0: { number: 8, blockElements: 32, blockBytes: 34 },
  BF16: { number: 30, blockElements: 1, blockBytes: 2 },
} as const;
export type TensorType = keyof typeof TENSOR_TYPES;

export interface GgufTensorShape {
  readonly name: string;
  readonly type: TensorType;
  /** GGUF's order: the row length first. */
  readonly shape: readonly number[];
}

export interface GgufTensor extends GgufTensorShape {
  readonly data: Uint8Array;
}

/** Bytes of a tensor of this type and shape. */
export function tensorBytes(type: TensorType, shape: readonly number[]): number {
  const { blockElements, blockBytes } = TENSOR_TYPES[type];
  return (shape.reduce((product, size) => product * size, 1) / blockElements) * blockBytes;
}

/** A growing little-endian buffer. */
class Bytes {
  private buffer = new Uint8Array(1 << 16);
  private view = new DataView(this.buffer.buffer);
  private length = 0;

  /** Where the next bytes go. Called before the buffer is touched, because it may replace it. */
  private room(bytes: number): number {
    const at = this.length;
    if (at + bytes > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.buffer.length * 2, at + bytes));
      grown.set(this.buffer);
      this.buffer = grown;
      this.view = new DataView(grown.buffer);
    }
    this.length = at + bytes;
    return at;
  }

  u16(value: number): void {
    const at = this.room(2);
    this.view.setUint16(at, value, true);
  }
  u32(value: number): void {
    const at = this.room(4);
    this.view.setUint32(at, value, true);
  }
  i32(value: number): void {
    const at = this.room(4);
    this.view.setInt32(at, value, true);
  }
  f32(value: number): void {
    const at = this.room(4);
    this.view.setFloat32(at, value, true);
  }
  u64(value: number): void {
    const at = this.room(8);
    this.view.setBigUint64(at, BigInt(value), true);
  }
  raw(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    this.buffer.set(bytes, at);
  }
  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }
  /** Zeros up to the next multiple of the alignment. */
  align(): void {
    this.room(paddingAfter(this.length));
  }
  taken(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

const VALUE_TYPES = { u16: 2, u32: 4, i32: 5, f32: 6, bool: 7, string: 8, strings: 8, i32s: 5, f32s: 6, bytes: 0 } as const;
const ARRAY_TYPE = 9;

function writeValue(bytes: Bytes, value: GgufValue): void {
  switch (value.type) {
    case 'strings':
    case 'i32s':
    case 'f32s':
      bytes.u32(ARRAY_TYPE);
      bytes.u32(VALUE_TYPES[value.type]);
      bytes.u64(value.value.length);
      if (value.type === 'strings') for (const item of value.value) bytes.string(item);
      else if (value.type === 'i32s') for (const item of value.value) bytes.i32(item);
      else for (const item of value.value) bytes.f32(item);
      return;
    case 'bytes':
      bytes.u32(ARRAY_TYPE);
      bytes.u32(VALUE_TYPES.bytes);
      bytes.u64(value.value.length);
      bytes.raw(value.value);
      return;
    case 'bool':
      bytes.u32(VALUE_TYPES.bool);
      bytes.raw(Uint8Array.of(value.value ? 1 : 0));
      return;
    case 'string':
      bytes.u32(VALUE_TYPES.string);
      bytes.string(value.value);
      return;
    default:
      bytes.u32(VALUE_TYPES[value.type]);
      bytes[value.type](value.value);
  }
}

/** Bytes up to the next multiple of the alignment. */
export function paddingAfter(bytes: number): number {
  return (ALIGNMENT_BYTES - (bytes % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
}

/**
 * Everything of a GGUF file in front of its tensors' data, which follows in this order, each padded
 * to the alignment.
 */
export function ggufHead(metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensorShape[]): Uint8Array {
  const bytes = new Bytes();
  bytes.raw(new TextEncoder().encode('GGUF'));
  bytes.u32(3);
  bytes.u64(tensors.length);
  bytes.u64(Object.keys(metadata).length);
  for (const [name, value] of Object.entries(metadata)) {
    bytes.string(name);
    writeValue(bytes, value);
  }
  let offset = 0;
  for (const tensor of tensors) {
    bytes.string(tensor.name);
    bytes.u32(tensor.shape.length);
    for (const size of tensor.shape) bytes.u64(size);
    bytes.u32(TENSOR_TYPES[tensor.type].number);
    bytes.u64(offset);
    const length = tensorBytes(tensor.type, tensor.shape);
    offset += length + paddingAfter(length);
  }
  bytes.align();
  return bytes.taken();
}

/** The bytes of one GGUF file, all in memory: for small ones. */
export function ggufBytes(metadata: Readonly<Record<string, GgufValue>>, tensors: readonly GgufTensor[]): Uint8Array {
  const bytes = new Bytes();
  bytes.raw(ggufHead(metadata, tensors));
  for (const tensor of tensors) {
    bytes.raw(tensor.data);
    bytes.align();
  }
  return bytes.taken();
}
