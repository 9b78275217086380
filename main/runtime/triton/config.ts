/**
 * Makes the config.pbtxt that Triton reads: a generated one if the model's tensors are known, or
 * the user's own, adapted to the model's placement. Pure.
 */
import type { TensorSpec } from '../../../shared/profile.ts';

/** By what formats call types; Triton's own names are taken as they are. */
const TYPES: Readonly<Record<string, string>> = {
  float: 'FP32',
  float32: 'FP32',
  float16: 'FP16',
  bfloat16: 'BF16',
  float64: 'FP64',
  double: 'FP64',
  string: 'STRING',
  bytes: 'STRING',
  boolean: 'BOOL',
};
const KNOWN_TYPES = new Set(
  'BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 STRING BF16'.split(' ').map((name) => `TYPE_${name}`),
);
/** One more than this at once is another batch. */
const BATCH = 32;

export interface Interface {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Null: Triton has no such type. */
export function tritonType(type: string): string | null {
  const bare = type.replace(/^TYPE_/, '');
  const named = `TYPE_${TYPES[bare.toLowerCase()] ?? bare.toUpperCase()}`;
  return KNOWN_TYPES.has(named) ? named : null;
}

/**
 * How many requests may be computed as one: all tensors begin with the same size, which has a name
 * and is chosen at run time. 0: none.
 */
export function batchOf({ inputs, outputs }: Interface): number {
  const firsts = new Set([...inputs, ...outputs].map(({ shape }) => shape[0]));
  const [first] = firsts;
  return firsts.size === 1 && typeof first === 'string' ? BATCH : 0;
}

/**
 * Lines for inputs, outputs and batching; none where a tensor cannot be written so, and the backend
 * has to find out itself.
 */
export function interfaceLines(tensors: Interface, maxBatchSize: number): readonly string[] {
  const all = [...tensors.inputs, ...tensors.outputs];
  const isWritable = all.every(
    ({ name, type, shape }) => name !== '' && tritonType(type) !== null && shape.length > Math.min(1, maxBatchSize),
  );
  if (all.length === 0 || !isWritable) return [];
  return [
    `max_batch_size: ${maxBatchSize}`,
    ...tensors.inputs.map((tensor) => `input [ ${tensorText(tensor, maxBatchSize)} ]`),
    ...tensors.outputs.map((tensor) => `output [ ${tensorText(tensor, maxBatchSize)} ]`),
    ...(maxBatchSize > 0 ? ['dynamic_batching { }'] : []),
  ];
}

function tensorText({ name, type, shape }: TensorSpec, maxBatchSize: number): string {
  const sizes = shape.map((size) => (typeof size === 'number' && size >= 0 ? size : -1));
  const dims = maxBatchSize > 0 ? sizes.slice(1) : sizes;
  return `{ name: ${quoted(name)} data_type: ${tritonType(type)} dims: [ ${dims.join(', ')} ] }`;
}

/** One instance, where the model was placed. @param gpu index of the GPU; null: the processors. */
export function instanceLine(gpu: number | null): string {
  return `instance_group [ { count: 1 kind: ${gpu === null ? 'KIND_CPU' : `KIND_GPU gpus: [ ${gpu} ]`} } ]`;
}

export function parameterLine(key: string, value: string): string {
  return `parameters { key: ${quoted(key)} value { string_value: ${quoted(value)} } }`;
}

/** As protocol buffers write text: names come from dropped files. */
export function quoted(text: string): string {
  const escaped = Array.from(text, (sign) => {
    if (sign === '"' || sign === '\\') return `\\${sign}`;
    if (sign === '\n') return '\\n';
    const code = sign.charCodeAt(0);
    return code < 0x20 || code === 0x7f ? `\\${code.toString(8).padStart(3, '0')}` : sign;
  }).join('');
  return `"${escaped}"`;
}

/** Blanks and comments, a string, a word, or a sign. */
const TOKEN = /\s+|#[^\n]*|"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'|[A-Za-z0-9_.+-]+|[\s\S]/gy;
const OPENING = new Set(['{', '[', '<']);
const CLOSING = new Set(['}', ']', '>']);

/**
 * A person's configuration without these fields of its top level: what is left stays as it was
 * written.
 */
export function withoutFields(text: string, fields: readonly string[]): string {
  let kept = '';
  let depth = 0;
  /** Within a field that goes: `value` until its value has begun, `rest` while it lasts. */
  let going: 'value' | 'rest' | null = null;
  for (const [token] of text.matchAll(TOKEN)) {
    const isBlank = /^[\s#]/.test(token);
    if (going === null && depth === 0 && fields.includes(token)) {
      going = 'value';
      continue;
    }
    if (OPENING.has(token)) depth += 1;
    if (CLOSING.has(token)) depth -= 1;
    if (going === null) {
      kept += token;
      continue;
    }
    if (going === 'value' && (isBlank || token === ':')) continue;
    going = depth > 0 ? 'rest' : null;
  }
  return kept;
}
