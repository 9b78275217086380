/**
 * Folders in the shapes of public models: their configuration, and safetensors with the real header
 * and bytes that are never stored (a virtual file answers any read). For tests of the analyzer;
 * knows nothing of it but the form in which it takes files.
 */
import { readFileSync } from 'node:fs';
import type { ByteSource } from '../../main/core/analyzer/bytes.ts';
import type { CandidateFile } from '../../main/core/analyzer/findings.ts';

export interface Tensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
}

export interface CorpusEntry {
  /** The repository that the configuration is of. */
  readonly source: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** False: its code is not in transformers, so that nothing tells its shapes. */
  readonly shapes?: boolean;
  /** The class to make where the configuration names another one than the weights are of. */
  readonly meta?: string;
  /** Classes that it tells apart. */
  readonly labels?: number;
  /** Weights in the published file that transformers 5 no longer makes. */
  readonly extra?: Readonly<Record<string, readonly number[]>>;
}

const folder = new URL('../fixtures/corpus/', import.meta.url);
const TYPES: Readonly<Record<string, string>> = { bfloat16: 'BF16', float16: 'F16', float32: 'F32' };
export const TYPE_BYTES: Readonly<Record<string, number>> = { BF16: 2, F16: 2, F32: 4, I64: 8, I32: 4, U8: 1, I8: 1, F8_E4M3: 1 };
const SHARD_BYTES = 5e9;

export const CORPUS = JSON.parse(readFileSync(new URL('configs.json', folder), 'utf8')) as Readonly<Record<string, CorpusEntry>>;

/** The type that a configuration says its weights have. */
export function typeOf(entry: CorpusEntry): string {
  const named = entry.config['torch_dtype'] ?? entry.config['dtype'];
  return TYPES[typeof named === 'string' ? named : 'float32'] ?? 'F32';
}

/** Every weight of the model; those of whole numbers too. */
export function tensorsOf(name: string): readonly Tensor[] {
  const entry = CORPUS[name]!;
  const type = typeOf(entry);
  const tensors: Tensor[] = [];
  for (const { template, kind, shape, numbers } of rowsOf(name)) {
    for (const indices of numbers) {
      let next = 0;
      tensors.push({ name: template.replace(/#/g, () => String(indices[next++])), type: kind === 'W' ? type : kind, shape });
    }
  }
  for (const [extra, shape] of Object.entries(entry.extra ?? {})) tensors.push({ name: extra, type, shape });
  return tensors;
}

const shapesText = readFileSync(new URL('shapes.txt', folder), 'utf8');

function rowsOf(name: string) {
  const begin = shapesText.indexOf(`\n= ${name}\n`);
  if (begin < 0) throw new Error(`shapes.txt has no ${name}`);
  const end = shapesText.indexOf('\n= ', begin + 1);
  const lines = shapesText
    .slice(begin + 1, end < 0 ? undefined : end)
    .trim()
    .split('\n')
    .slice(1);
  return lines.map((line) => {
    const [template = '', kind = '', shape = '', numbers = ''] = line.split(' ');
    return { template, kind, shape: shape === '-' ? [] : shape.split('x').map(Number), numbers: numbersOf(numbers) };
  });
}

function numbersOf(text: string): readonly (readonly number[])[] {
  if (text === '-') return [[]];
  if (!text.includes(',')) return Array.from({ length: Number(text) }, (_, index) => [index]);
  return text
    .split(',')
    .filter(Boolean)
    .map((each) => each.split('.').map(Number));
}

/**
 * What GPTQ and AWQ make of the weights of every projection: eight in a word, with scales and zero
 * points for groups of 128.
 */
export function packed(tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.flatMap((tensor) => {
    const [rows = 0, columns = 0] = tensor.shape;
    if (!/proj\.weight$/.test(tensor.name)) return [{ ...tensor, type: tensor.type === 'BF16' ? 'F16' : tensor.type }];
    const stem = tensor.name.replace(/\.weight$/, '');
    return [
      { name: `${stem}.qweight`, type: 'I32', shape: [columns, rows / 8] },
      { name: `${stem}.qzeros`, type: 'I32', shape: [columns / 128, rows / 8] },
      { name: `${stem}.scales`, type: 'F16', shape: [columns / 128, rows] },
    ];
  });
}

/**
 * As bitsandbytes saves 4-bit weights: two in a byte, in one column, with its tables beside them.
 */
export function bitsandbytes(tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.flatMap((tensor) => {
    const [rows = 0, columns = 0] = tensor.shape;
    if (!/proj\.weight$/.test(tensor.name)) return [tensor];
    const values = rows * columns;
    return [
      { ...tensor, type: 'U8', shape: [values / 2, 1] },
      { name: `${tensor.name}.absmax`, type: 'U8', shape: [values / 64] },
      { name: `${tensor.name}.nested_absmax`, type: 'F32', shape: [Math.ceil(values / 64 / 256)] },
      { name: `${tensor.name}.quant_map`, type: 'F32', shape: [16] },
      { name: `${tensor.name}.nested_quant_map`, type: 'F32', shape: [256] },
      { name: `${tensor.name}.quant_state.bitsandbytes__nf4`, type: 'U8', shape: [90] },
    ];
  });
}

/** 8-bit floats with a scale for each block of 128 x 128, as DeepSeek publishes them. */
export function blockFp8(tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.flatMap((tensor) => {
    const sizes = tensor.shape.map((size) => Math.ceil(size / 128));
    if (!/(?:proj|proj_with_mqa|[ab]_proj)\.weight$|_proj$/.test(tensor.name)) return [tensor];
    return [
      { ...tensor, type: 'F8_E4M3' },
      { name: `${tensor.name}_scale_inv`, type: 'F32', shape: tensor.shape.length === 3 ? [tensor.shape[0]!, ...sizes.slice(1)] : sizes },
    ];
  });
}

/** MXFP4: experts in blocks of 32 values (16 bytes) with one byte of scale. */
export function mxfp4(tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.flatMap((tensor) => {
    const [experts = 0, one = 0, other = 0] = tensor.shape;
    if (!/experts\.(?:gate_up_proj|down_proj)$/.test(tensor.name)) return [tensor];
    return [
      { name: `${tensor.name}_blocks`, type: 'U8', shape: [experts, other, one / 32, 16] },
      { name: `${tensor.name}_scales`, type: 'U8', shape: [experts, other, one / 32] },
    ];
  });
}

/**
 * compressed-tensors, four bits: eight weights in a word, a scale for each group of 128, and the
 * shape that it had.
 */
export function compressed(tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.flatMap((tensor) => {
    const [rows = 0, columns = 0] = tensor.shape;
    if (!/proj\.weight$/.test(tensor.name)) return [tensor];
    return [
      { name: `${tensor.name}_packed`, type: 'I32', shape: [rows, columns / 8] },
      { name: `${tensor.name}_scale`, type: 'BF16', shape: [rows, columns / 128] },
      { name: `${tensor.name}_shape`, type: 'I64', shape: [2] },
    ];
  });
}

/**
 * NVFP4 as ModelOpt writes it: two weights in a byte, a small float for each 16 of them, and one
 * for all.
 */
export function nvfp4(tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.flatMap((tensor) => {
    const [rows = 0, columns = 0] = tensor.shape;
    if (!/proj\.weight$/.test(tensor.name)) return [tensor];
    return [
      { ...tensor, type: 'U8', shape: [rows, columns / 2] },
      { name: `${tensor.name}_scale`, type: 'F8_E4M3', shape: [rows, columns / 16] },
      { name: `${tensor.name}_scale_2`, type: 'F32', shape: [] },
      { name: tensor.name.replace(/weight$/, 'input_scale'), type: 'F32', shape: [] },
    ];
  });
}

export function bytesOf({ type, shape }: Tensor): number {
  return shape.reduce((product, size) => product * size, 1) * TYPE_BYTES[type]!;
}

/** One file that holds these tensors; of its data only the length exists. */
export function safetensorsFile(path: string, tensors: readonly Tensor[]): CandidateFile {
  let end = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const tensor of tensors) {
    const begin = end;
    end += bytesOf(tensor);
    header[tensor.name] = { dtype: tensor.type, shape: tensor.shape, data_offsets: [begin, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return virtualFile(path, Buffer.concat([length, text]), 8 + text.length + end);
}

/** A file that begins with these bytes and goes on with ones. */
export function virtualFile(path: string, begin: Uint8Array, bytes = begin.length): CandidateFile {
  const source: ByteSource = {
    bytes,
    read(offset, length) {
      const answer = new Uint8Array(Math.max(0, Math.min(length, bytes - offset))).fill(1);
      if (offset < begin.length) answer.set(begin.subarray(offset, offset + answer.length));
      return answer;
    },
  };
  return { path, bytes, open: () => source };
}

export function textFile(path: string, content: string | object): CandidateFile {
  return virtualFile(path, Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)));
}

/** The tensors in one file, or in parts of 5 GB with their index, as transformers saves them. */
export function weightFiles(tensors: readonly Tensor[]): readonly CandidateFile[] {
  const parts: Tensor[][] = [[]];
  let held = 0;
  for (const tensor of tensors) {
    const bytes = bytesOf(tensor);
    if (held > 0 && held + bytes > SHARD_BYTES) {
      parts.push([]);
      held = 0;
    }
    held += bytes;
    parts.at(-1)!.push(tensor);
  }
  if (parts.length === 1) return [safetensorsFile('model.safetensors', tensors)];
  const name = (index: number): string =>
    `model-${String(index + 1).padStart(5, '0')}-of-${String(parts.length).padStart(5, '0')}.safetensors`;
  const weight_map = Object.fromEntries(parts.flatMap((part, index) => part.map((tensor) => [tensor.name, name(index)])));
  const total_size = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  return [
    ...parts.map((part, index) => safetensorsFile(name(index), part)),
    textFile('model.safetensors.index.json', { metadata: { total_size }, weight_map }),
  ];
}

export const TOKENIZER_FILES: readonly CandidateFile[] = [
  textFile('tokenizer.json', { version: '1.0', model: { type: 'BPE', vocab: { a: 0 }, merges: [] } }),
  textFile('tokenizer_config.json', { tokenizer_class: 'PreTrainedTokenizerFast' }),
];

export function configFile(entry: CorpusEntry, change: Readonly<Record<string, unknown>> = {}): CandidateFile {
  const labels =
    entry.labels === undefined ? {} : { id2label: Object.fromEntries(Array.from({ length: entry.labels }, (_, at) => [at, `c${at}`])) };
  return textFile('config.json', { ...entry.config, ...labels, ...change });
}
