/**
 * Converted models in the real llama.cpp against the transformers library, which computes them from
 * the same folder: small random models of every architecture and way of stretching positions, in
 * floats. And proofs that the comparison sees a fault.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseGguf } from '../../main/core/analyzer/gguf.ts';
import { parseSafetensors } from '../../main/core/analyzer/safetensors.ts';
import type { LlamaReply } from './ask-llama.ts';
import { askLlama, convertFolder, python } from './children.ts';

interface Reference {
  readonly name: string;
  readonly error?: string;
  readonly prompts: readonly (readonly number[])[];
  readonly context: number;
  readonly probabilities?: readonly (readonly number[])[];
  readonly greedy?: readonly number[];
  readonly vectors?: readonly (readonly number[])[];
}

const DECODERS = [
  'llama',
  'llama-tied-biased',
  'llama-head-size',
  'llama-linear',
  'llama-dynamic',
  'llama-yarn',
  'llama-yarn-factors',
  'llama-3',
  'llama-longrope',
  'mistral',
  'mixtral',
  'qwen2',
  'qwen2-yarn',
  'qwen2-moe',
  'qwen3',
  'qwen3-moe',
  'phi3',
  'phi3-longrope-short',
  'phi3-longrope-long',
  'gemma',
  'gemma2',
  'gemma3',
  'gemma3-linear',
  'gpt2',
  'granite',
  'olmo2',
  'smollm3',
] as const;
const ENCODERS = ['bert-cls', 'bert-mean', 'xlm-roberta'] as const;
/** Of a probability. */
const CLOSE = 1e-4;

let folder: string;
let references: ReadonlyMap<string, Reference>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-conversion-'));
  references = await python<Reference>('tiny_models.py', folder);
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function referenceOf(name: string): Reference {
  const reference = references.get(name);
  expect(reference?.error).toBeUndefined();
  return reference!;
}

function worst(ours: readonly (readonly number[])[], theirs: readonly (readonly number[])[]): number {
  expect(ours.length).toBe(theirs.length);
  return Math.max(...theirs.flatMap((row, index) => row.map((value, place) => Math.abs(value - (ours[index]?.[place] ?? 0)))));
}

async function converted(name: string, type: 'F32' | 'F16' | 'BF16' | 'Q8_0' = 'F32'): Promise<string> {
  const output = join(folder, `${name}-${type}.gguf`);
  // The converter writes over nothing, and a control may have damaged the last one.
  await rm(output, { force: true });
  await convertFolder(join(folder, name), output, type);
  return output;
}

function answers(file: string, { prompts, context, greedy = [] }: Reference): Promise<LlamaReply> {
  return askLlama({ file, contextTokens: context, prompts, steps: greedy.length });
}

describe('probabilities and greedy tokens', () => {
  test.each(DECODERS)('%s', async (name) => {
    const reference = referenceOf(name);
    const reply = await answers(await converted(name), reference);
    expect(worst(reply.probabilities, reference.probabilities ?? [])).toBeLessThan(CLOSE);
    expect(reply.greedy).toEqual(reference.greedy);
  });
});

/**
 * How far the probabilities of a type may lie from those of floats: its own precision, and that of
 * llama.cpp's products with it.
 */
const TYPES = [
  ['llama-f16', 'F16', 0.01],
  ['llama-bf16', 'BF16', 0.02],
  ['llama', 'Q8_0', 0.05],
  ['qwen3-moe', 'Q8_0', 0.05],
  ['gemma3', 'Q8_0', 0.05],
] as const;

describe('the types that are served', () => {
  test.each(TYPES)('%s as %s', async (name, type, bound) => {
    const reference = referenceOf(name);
    const { prompts, context, probabilities = [] } = reference;
    const reply = await askLlama({ file: await converted(name, type), contextTokens: context, prompts });
    const difference = worst(reply.probabilities, probabilities);
    expect(difference).toBeLessThan(bound);
    expect(difference).toBeGreaterThan(0);
  });

  test.each(['llama-f16', 'llama-bf16'])('the matrices of %s are the bytes of the source', async (name) => {
    const type = name === 'llama-f16' ? 'F16' : 'BF16';
    const made = new Uint8Array(await readFile(await converted(name, type)));
    const source = new Uint8Array(await readFile(join(folder, name, 'model.safetensors')));
    const bytesOf = (bytes: Uint8Array, tensor: { readonly offset: number; readonly bytes: number } | undefined): Uint8Array =>
      bytes.subarray(tensor?.offset, (tensor?.offset ?? 0) + (tensor?.bytes ?? 0));
    const view = (bytes: Uint8Array) => ({ bytes: bytes.length, read: (at: number, length: number) => bytes.subarray(at, at + length) });
    const ours = bytesOf(
      made,
      parseGguf(view(made)).tensors.find((each) => each.name === 'blk.1.ffn_up.weight'),
    );
    const theirs = bytesOf(
      source,
      parseSafetensors(view(source)).tensors.find((each) => each.name === 'model.layers.1.mlp.up_proj.weight'),
    );
    expect(ours.length).toBe(64 * 96 * 2);
    expect(Buffer.compare(ours, theirs)).toBe(0);
  });
});

describe('vectors', () => {
  test.each(ENCODERS)('%s', async (name) => {
    const { prompts, context, vectors = [] } = referenceOf(name);
    const reply = await askLlama({ file: await converted(name), contextTokens: Math.min(context, 128), embed: prompts });
    for (const [index, vector] of vectors.entries()) expect(cosine(reply.vectors[index] ?? [], vector)).toBeGreaterThan(0.9999);
  });
});

function cosine(one: readonly number[], other: readonly number[]): number {
  const dot = other.reduce((sum, value, index) => sum + value * (one[index] ?? 0), 0);
  return dot / (Math.hypot(...one) * Math.hypot(...other));
}

/** The bytes of one tensor in the file, which may be changed in place. */
function tensorIn(bytes: Uint8Array, name: string): Float32Array {
  const parsed = parseGguf({ bytes: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) });
  const tensor = parsed.tensors.find((each) => each.name === name);
  return new Float32Array(bytes.buffer, bytes.byteOffset + (tensor?.offset ?? 0), (tensor?.bytes ?? 0) / 4);
}

describe('a fault is seen', () => {
  async function changed(name: string, change: (bytes: Uint8Array) => void): Promise<number> {
    const reference = referenceOf(name);
    const bytes = new Uint8Array(await readFile(await converted(name)));
    change(bytes);
    const file = join(folder, `${name}-changed.gguf`);
    await writeFile(file, bytes);
    const reply = await askLlama({ file, contextTokens: reference.context, prompts: reference.prompts, steps: 0 });
    return worst(reply.probabilities, reference.probabilities ?? []);
  }

  test('rows of the queries of one layer that were not put in llama.cpp’s order', async () => {
    const difference = await changed('llama', (bytes) => {
      const queries = tensorIn(bytes, 'blk.0.attn_q.weight');
      const [rows, columns] = [16, 64];
      const source = queries.slice();
      for (let head = 0; head < 4; head += 1) {
        for (let row = 0; row < rows; row += 1) {
          const from = head * rows + row;
          const to = head * rows + (row >> 1) + (row & 1) * (rows / 2);
          queries.set(source.subarray(from * columns, (from + 1) * columns), to * columns);
        }
      }
    });
    expect(difference).toBeGreaterThan(10 * CLOSE);
  });

  test('a norm of Gemma without its one', async () => {
    const difference = await changed('gemma', (bytes) => {
      const norm = tensorIn(bytes, 'output_norm.weight');
      for (let index = 0; index < norm.length; index += 1) norm[index] = (norm[index] ?? 0) - 1;
    });
    expect(difference).toBeGreaterThan(10 * CLOSE);
  });

  test('a bias that was forgotten', async () => {
    const difference = await changed('qwen2', (bytes) => void tensorIn(bytes, 'blk.1.attn_k.bias').fill(0));
    expect(difference).toBeGreaterThan(CLOSE);
  });

  test('a factor of Llama 3’s positions that is off', async () => {
    const difference = await changed('llama-3', (bytes) => void tensorIn(bytes, 'rope_freqs.weight').fill(1));
    expect(difference).toBeGreaterThan(10 * CLOSE);
  });
});
