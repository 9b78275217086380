/**
 * Writes GGUF files of our own making, right or wrong, for tests of the parser. Knows the format
 * from its specification, not from our parser.
 */
import type { ByteSource } from '../../../main/core/analyzer/bytes.ts';

export type Meta =
  | { readonly type: 'u32' | 'u64' | 'f32' | 'bool'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'u32s'; readonly value: readonly number[] };

export interface SyntheticTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** GGML type id and its block: 0 is F32, 1 F16, 8 Q8_0. */
  readonly type: number;
  readonly bytes: number;
}

export interface SyntheticGguf {
  readonly version?: number;
  readonly alignment?: number;
  readonly metadata: readonly (readonly [string, Meta])[];
  readonly tensors: readonly SyntheticTensor[];
  /** Leaves the tensors' bytes out: a copy that has only begun. */
  readonly headerOnly?: boolean;
  readonly fill?: number;
}

class Writer {
  readonly #parts: Buffer[] = [];
  bytes = 0;
  push(part: Buffer): void {
    this.#parts.push(part);
    this.bytes += part.length;
  }
  u32(value: number): void {
    const part = Buffer.alloc(4);
    part.writeUInt32LE(value);
    this.push(part);
  }
  u64(value: number): void {
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt(value));
    this.push(part);
  }
  string(text: string): void {
    const part = Buffer.from(text);
    this.u64(part.length);
    this.push(part);
  }
  all(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

function writeMeta(writer: Writer, meta: Meta): void {
  switch (meta.type) {
    case 'u32':
      writer.u32(4);
      return writer.u32(meta.value);
    case 'u64':
      writer.u32(10);
      return writer.u64(meta.value);
    case 'f32': {
      const part = Buffer.alloc(4);
      part.writeFloatLE(meta.value);
      writer.u32(6);
      return writer.push(part);
    }
    case 'bool':
      writer.u32(7);
      return writer.push(Buffer.from([meta.value]));
    case 'string':
      writer.u32(8);
      return writer.string(meta.value);
    case 'strings':
      writer.u32(9);
      writer.u32(8);
      writer.u64(meta.value.length);
      for (const text of meta.value) writer.string(text);
      return;
    case 'u32s':
      writer.u32(9);
      writer.u32(4);
      writer.u64(meta.value.length);
      for (const value of meta.value) writer.u32(value);
      return;
    default:
      throw new Error('unknown');
  }
}

export function writeGguf(gguf: SyntheticGguf): Buffer {
  const writer = new Writer();
  const alignment = gguf.alignment ?? 32;
  writer.push(Buffer.from('GGUF'));
  writer.u32(gguf.version ?? 3);
  writer.u64(gguf.tensors.length);
  writer.u64(gguf.metadata.length);
  for (const [key, meta] of gguf.metadata) {
    writer.string(key);
    writeMeta(writer, meta);
  }
  let offset = 0;
  for (const tensor of gguf.tensors) {
    writer.string(tensor.name);
    writer.u32(tensor.shape.length);
    for (const size of tensor.shape) writer.u64(size);
    writer.u32(tensor.type);
    writer.u64(offset);
    offset += Math.ceil(tensor.bytes / alignment) * alignment;
  }
  if (gguf.headerOnly) return writer.all();
  writer.push(Buffer.alloc(Math.ceil(writer.bytes / alignment) * alignment - writer.bytes));
  writer.push(Buffer.alloc(offset, gguf.fill ?? 7));
  return writer.all();
}

/** A small llama with two layers, as a real header has it. */
export function llama(
  options: { readonly metadata?: readonly (readonly [string, Meta])[]; readonly without?: readonly string[] } = {},
): SyntheticGguf {
  const base: readonly (readonly [string, Meta])[] = [
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: 'Synthetic' }],
    ['llama.context_length', { type: 'u32', value: 2048 }],
    ['llama.embedding_length', { type: 'u32', value: 64 }],
    ['llama.block_count', { type: 'u32', value: 2 }],
    ['llama.feed_forward_length', { type: 'u32', value: 128 }],
    ['llama.attention.head_count', { type: 'u32', value: 4 }],
    ['llama.attention.head_count_kv', { type: 'u32', value: 2 }],
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }],
    ['tokenizer.ggml.pre', { type: 'string', value: 'gpt-2' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: ['a', 'b', 'c', 'd'] }],
    ['tokenizer.chat_template', { type: 'string', value: '{{ messages }}' }],
  ];
  const own = new Set((options.metadata ?? []).map(([key]) => key));
  const without = new Set([...own, ...(options.without ?? [])]);
  return {
    metadata: [...base.filter(([key]) => !without.has(key)), ...(options.metadata ?? [])],
    tensors: [
      { name: 'token_embd.weight', shape: [64, 4], type: 1, bytes: 512 },
      { name: 'blk.0.attn_q.weight', shape: [64, 64], type: 8, bytes: 4352 },
      { name: 'blk.1.attn_q.weight', shape: [64, 64], type: 8, bytes: 4352 },
      { name: 'output.weight', shape: [64, 4], type: 1, bytes: 512 },
    ],
  };
}

/** A source that counts what is asked of it. */
export function counted(bytes: Uint8Array, length = bytes.length): ByteSource & { bytesRead: number; reads: number } {
  return {
    bytes: length,
    bytesRead: 0,
    reads: 0,
    read(offset, wanted) {
      this.reads += 1;
      this.bytesRead += wanted;
      return bytes.subarray(offset, offset + wanted);
    },
  };
}
