/**
 * GGUFs that llama.cpp would refuse, or read for ever, told from their headers: in words that say
 * whose they are and what to do.
 */
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { foreignType } from '../../../main/core/analyzer/gguf-types.ts';
import { llamaAdapter } from '../../../main/runtime/llama/adapter.ts';
import type { LlamaFacts } from '../../../main/runtime/llama/facts.ts';
import { DEFAULT_SETTINGS } from '../../../shared/settings.ts';
import { type Contents, folderOf, sparse } from './folder-of.ts';
import { type Meta, type SyntheticTensor, writeGguf } from './synthetic-gguf.ts';

const text = (value: string): Meta => ({ type: 'string', value });
const u32 = (value: number): Meta => ({ type: 'u32', value });
const tensor = (name: string, type = 0): SyntheticTensor => ({ name, shape: [32], type, bytes: type === 0 ? 128 : 64 });
const LAYERS = ['token_embd.weight', 'blk.0.attn_q.weight', 'blk.1.attn_q.weight', 'output_norm.weight'].map((name) => tensor(name));

interface Change {
  readonly metadata?: Readonly<Record<string, Meta>>;
  readonly tensors?: readonly SyntheticTensor[];
}

function gguf({ metadata = {}, tensors = LAYERS }: Change = {}): Buffer {
  const usual: Record<string, Meta> = {
    'general.architecture': text('llama'),
    'llama.block_count': u32(2),
    'llama.context_length': u32(64),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('llama-bpe'),
    'tokenizer.ggml.tokens': { type: 'strings', value: ['a', 'b'] },
  };
  return writeGguf({ metadata: Object.entries({ ...usual, ...metadata }), tensors, fill: 1 });
}

const analyze = (contents: Contents) => analyzeCandidate(folderOf(contents), false);

function facts(command: string | null): LlamaFacts {
  return {
    settings: { ...DEFAULT_SETTINGS.llama, command },
    node: { command: 'node', args: [], env: {} },
    serverProgram: 's',
    convertProgram: 'c',
    cpuCores: 1,
    hasAmx: false,
    gpu: { usable: false, why: '', libraryPath: null, isPresent: false },
  };
}

/** What llama.cpp says of a file; null: it takes it. */
function verdict(change: Change, command: string | null = null): string | null {
  const { profile, whole, damage } = analyze({ 'm.gguf': gguf(change) });
  const form = profile?.forms[0];
  expect({ whole, damage }).toEqual({ whole: true, damage: null });
  if (profile === null || form === undefined) throw new Error('it is no model');
  const support = llamaAdapter(facts(command)).supports(profile, form);
  return support.supported ? null : support.why;
}

test.each<[what: string, change: Change]>([
  ['a model as it should be', {}],
  ['heads of further tokens that were left out', { metadata: { 'llama.block_count': u32(3), 'llama.nextn_predict_layers': u32(1) } }],
  ['a tokenizer without a way to cut', { metadata: { 'tokenizer.ggml.model': text('llama'), 'tokenizer.ggml.pre': text('mine') } }],
])('%s: it is taken', (_what, change) => expect(verdict(change)).toBeNull());

test.each<[what: string, change: Change, why: RegExp]>([
  [
    'a projector inside',
    { tensors: [...LAYERS, tensor('v.patch_embd.weight')] },
    /^It has its projector in the same file \(v\.patch_embd\.weight\), a form that only Ollama reads: get the model as a GGUF of the language model/,
  ],
  ['layers of an encoder of images', { tensors: [...LAYERS, tensor('v.blk.0.attn_q.weight')] }, /only Ollama reads/],
  ['an encoder of sounds', { tensors: [...LAYERS, tensor('a.blk.0.attn_q.weight')] }, /only Ollama reads/],
  ['what joins them', { tensors: [...LAYERS, tensor('mm.input_projection.weight')] }, /only Ollama reads/],
  ['fewer layers than it says', { metadata: { 'llama.block_count': u32(4) } }, /^It holds 2 layers, and its header says 4\./],
  ['no embeddings', { tensors: LAYERS.slice(1) }, /no token embeddings/],
])('%s: refused whatever the version of llama.cpp', (_what, change, why) => {
  expect(verdict(change)).toMatch(why);
  expect(verdict(change, '/opt/llama-server')).toMatch(why);
});

test.each<[what: string, change: Change, why: RegExp]>([
  [
    'an architecture',
    { metadata: { 'general.architecture': text('llama9'), 'llama9.block_count': u32(2) } },
    /^llama\.cpp v0\.4\.0 does not know its architecture, llama9: a newer llama\.cpp may read it/,
  ],
  ['a way to cut', { metadata: { 'tokenizer.ggml.pre': text('mine') } }, /does not know its pre-tokenizer, mine: a newer/],
  ['a tokenizer', { metadata: { 'tokenizer.ggml.model': text('tekken9') } }, /has no tokenizer of the kind tekken9: a newer/],
  ['a name with a line feed', { metadata: { 'general.architecture': text('a\nb') } }, /architecture, a\\u\{a\}b: a newer/],
])('%s that is newer: refused, and another llama-server is given it', (_what, change, why) => {
  expect(verdict(change)).toMatch(why);
  expect(verdict(change, '/opt/llama-server')).toBeNull();
});

describe('types of others', () => {
  // Numbers of ik_llama.cpp's and llama.cpp's `ggml.h`.
  test.each([
    [139, 'type IQ4_K (139), which only ik_llama.cpp reads'],
    [144, 'type IQ4_KS (144), which only ik_llama.cpp reads'],
    [337, 'type IQ2_K packed again (337) by ik_llama.cpp, which alone reads it: take the file of IQ2_K'],
    [208, 'type Q8_0 packed again (208) by ik_llama.cpp, which alone reads it: take the file of Q8_0'],
    [36, 'type I2_S (36), which only bitnet.cpp reads: get the model as TQ1_0 or TQ2_0'],
    [31, 'type Q4_0_4_4 (31), which llama.cpp no longer supports: get the model as Q4_0, which it packs by itself'],
    [4, 'type Q4_2 (4), which llama.cpp no longer supports: get the model as Q4_0 or Q4_K'],
    [77, 'type 77, which llama.cpp v0.4.0 does not know: a newer one may read it'],
  ])('%i', (id, words) => {
    expect(foreignType(id)).toBe(words);
    const { damage } = analyze({ 'm.gguf': gguf({ tensors: [tensor('token_embd.weight', id)] }) });
    expect(damage).toContain(`tensor "token_embd.weight" is of ${words}`);
  });
});

describe('files that can never become whole', () => {
  const one = gguf();
  const alone = (path: string, bytes: number, head: Uint8Array = one) =>
    analyzeCandidate([{ path, bytes, open: () => sparse(head, bytes) }], false);

  test.each([2 * 1024 * 1024, 2 ** 34, 2 ** 40])('bytes far behind the last tensor: %i', (bytes) => {
    expect(alone('m.gguf', bytes).damage).toBe(
      `m.gguf has ${bytes} bytes, and its header accounts for ${one.length}: the bytes after its last tensor belong to no tensor.`,
    );
  });

  test('padding behind it is none', () => {
    expect(alone('m.gguf', one.length + 32)).toMatchObject({ whole: true, damage: null });
  });

  test.each(['m.gguf', 'model.safetensors', 'pytorch_model.bin', 'm.onnx'])('a hole of ten terabytes called %s', (path) => {
    const { damage, whole } = alone(path, 10e12, new Uint8Array(16));
    expect(whole).toBe(false);
    expect(damage).toContain(`${path} has 10000000000000 bytes, and no file of a model has more than`);
  });

  test.each([
    ['m-00001-of-99999.gguf', gguf(), /is by its name one of 99999 parts; at most 1000 are possible/],
    ['m-00001-of-01001.gguf', gguf(), /one of 1001 parts/],
    ['m-00000-of-00002.gguf', gguf(), /is by its name part 0 of 2; parts are numbered from 1 to their number/],
    ['m-00003-of-00002.gguf', gguf(), /part 3 of 2/],
    ['m-00001-of-00000.gguf', gguf(), /part 1 of 0/],
    [
      'm.gguf',
      gguf({ metadata: { 'split.count': u32(99_999), 'split.no': u32(0) } }),
      /is one of 99999 parts, but its name does not say so/,
    ],
  ])('%s', (path, bytes, why) => {
    const { damage, missing } = analyze({ [path]: bytes });
    expect(damage).toMatch(why);
    expect(missing).toEqual([]);
  });

  test('parts whose headers name another number than their names', () => {
    const part = (no: number) => gguf({ metadata: { 'split.count': u32(5), 'split.no': u32(no) } });
    const { damage } = analyze({ 'm-00001-of-00002.gguf': part(0), 'm-00002-of-00002.gguf': part(1) });
    expect(damage).toBe('m-00001-of-00002.gguf says that it is one of 5 parts, and its name says 2.');
  });
});

test('parts that are named in upper case: llama.cpp does not find them, and renaming helps', () => {
  const part = (no: number) => gguf({ metadata: { 'split.no': u32(no), 'split.count': u32(2) } });
  const { damage } = analyze({ 'M-00001-OF-00002.GGUF': part(0), 'M-00002-OF-00002.GGUF': part(1) });
  expect(damage).toContain('rename it to M-00001-of-00002.gguf, and the other parts in the same way');
});
