/**
 * Tensors of the Open Inference Protocol, version 2 (KServe, Triton): a model's inputs and outputs,
 * and checks of the tensors in a request. Pure.
 */

import type { TensorSpec } from './profile.ts';

/** As the protocol calls types, by what formats call them. */
const TYPES: Readonly<Record<string, string>> = {
  float32: 'FP32',
  float: 'FP32',
  float16: 'FP16',
  bfloat16: 'BF16',
  double: 'FP64',
  float64: 'FP64',
  string: 'BYTES',
  bool: 'BOOL',
  boolean: 'BOOL',
};

/** @param type as a format calls it: `float32`, `TYPE_INT64`. */
export function datatypeOf(type: string): string {
  const bare = type.replace(/^TYPE_/, '');
  return TYPES[bare.toLowerCase()] ?? bare.toUpperCase();
}

/** What the files of a model say of its tensors, as a server would. */
export function describedTensors(tensors: readonly TensorSpec[]): readonly ServedTensor[] {
  return tensors.map(({ name, type, shape }) => ({
    name,
    datatype: datatypeOf(type),
    shape: shape.map((size) => (typeof size === 'number' ? size : -1)),
  }));
}

export interface ServedTensor {
  readonly name: string;
  /** As the protocol calls it: `FP32`, `INT64`, `BYTES`. */
  readonly datatype: string;
  /** -1 where the size is chosen by whoever asks. */
  readonly shape: readonly number[];
  /** It may be left out. */
  readonly isOptional?: boolean | undefined;
  /**
   * `/predict` makes it of images, as the settings of the model say; told by our own routes alone.
   */
  readonly image?: true | undefined;
}

/** What a model takes and answers with, as its server says. */
export interface ServedTensors {
  readonly inputs: readonly ServedTensor[];
  readonly outputs: readonly ServedTensor[];
  /** Its server takes and sends tensors as bytes, too. */
  readonly hasBytes: boolean;
}

/** A tensor of a request: its values in one row. */
export interface GivenTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

/** What is wrong with an input. `name` null: with all of them together. */
export interface TensorProblem {
  readonly name: string | null;
  readonly sentence: string;
}

/** Deeper than any tensor is (I10). */
const MOST_DIMENSIONS = 16;
const NAMES_SHOWN = 8;

/** Of whole numbers the smallest and the largest. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  // A number of JSON is exact up to here.
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
};

/** Is it asked with text, and does it answer in text, as a server's `generate` takes it? */
export function isTextModel({ inputs, outputs }: Pick<ServedTensors, 'inputs' | 'outputs'>): boolean {
  const has = (all: readonly ServedTensor[], wanted: string) => all.some(({ name, datatype }) => name === wanted && datatype === 'BYTES');
  return has(inputs, 'text_input') && has(outputs, 'text_output');
}

/** `FP32 [-1, 3]`, for people. */
export function tensorInWords({ datatype, shape }: Pick<ServedTensor, 'datatype' | 'shape'>): string {
  return `${datatype} [${shape.join(', ')}]`;
}

/**
 * The tensors of a request (JSON arrays by name, nested as the tensor is) as the server wants them,
 * or the first thing that is wrong with each. The input is a stranger's: every value is looked at
 * once, and nothing is believed of its shape. @param elsewhere names of inputs that are made in
 * another way.
 */
export function givenTensors(
  served: ServedTensors,
  inputs: Readonly<Record<string, unknown>>,
  elsewhere: readonly string[] = [],
): { readonly tensors: readonly GivenTensor[] } | { readonly problems: readonly TensorProblem[] } {
  const known = served.inputs.map(({ name }) => name);
  const takes = `It takes ${listed(served.inputs.map((input) => `${input.name} (${tensorInWords(input)})`))}.`;
  const problems: TensorProblem[] = Object.keys(inputs)
    .filter((name) => !known.includes(name))
    .map((name) => ({ name, sentence: `the model has no input of this name. ${takes}` }));
  const tensors: GivenTensor[] = [];
  for (const input of served.inputs) {
    if (elsewhere.includes(input.name)) continue;
    const value = Object.hasOwn(inputs, input.name) ? inputs[input.name] : undefined;
    if (value === undefined) {
      if (input.isOptional !== true) problems.push({ name: input.name, sentence: `this input is missing. ${takes}` });
      continue;
    }
    const read = readTensor(input, value);
    if (typeof read === 'string') problems.push({ name: input.name, sentence: read });
    else tensors.push(read);
  }
  return problems.length > 0 ? { problems } : { tensors };
}

function readTensor({ name, datatype, shape: wanted }: ServedTensor, value: unknown): GivenTensor | string {
  const shape = shapeOf(value);
  const fits = shape.length === wanted.length && shape.every((size, at) => wanted[at] === -1 || wanted[at] === size);
  if (!fits) return `its shape is [${shape.join(', ')}], and the model takes ${tensorInWords({ datatype, shape: wanted })}.`;
  const data: (number | string | boolean)[] = [];
  const problem = flatten(value, shape, 0, datatype, data);
  return problem ?? { name, datatype, shape, data };
}

/**
 * By the first element of each level; whether the others are as long is seen when they are read.
 */
function shapeOf(value: unknown): readonly number[] {
  const shape: number[] = [];
  for (let at: unknown = value; Array.isArray(at) && shape.length <= MOST_DIMENSIONS; at = at[0]) shape.push(at.length);
  return shape;
}

/** Appends the values to `data`. @returns what is wrong, in a sentence; null: nothing. */
function flatten(
  value: unknown,
  shape: readonly number[],
  depth: number,
  datatype: string,
  data: (number | string | boolean)[],
): string | null {
  if (depth === shape.length) {
    const problem = valueProblem(value, datatype);
    if (problem !== null) return `value ${data.length} ${problem}.`;
    data.push(value as number | string | boolean);
    return null;
  }
  if (!Array.isArray(value) || value.length !== shape[depth]) {
    const found = Array.isArray(value) ? `a list of ${value.length}` : 'a single value';
    return `its lists differ in length: where ${shape[depth]} values were expected, there is ${found}.`;
  }
  for (const inner of value) {
    const problem = flatten(inner, shape, depth + 1, datatype, data);
    if (problem !== null) return problem;
  }
  return null;
}

function valueProblem(value: unknown, datatype: string): string | null {
  const found = Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value === 'object' ? 'an object' : JSON.stringify(value);
  if (datatype === 'BYTES') return typeof value === 'string' ? null : `is ${found}, and text was expected`;
  if (datatype === 'BOOL') return typeof value === 'boolean' ? null : `is ${found}, and true or false was expected`;
  if (typeof value !== 'number') return `is ${found}, and a number was expected (${datatype})`;
  const range = RANGES[datatype];
  if (range === undefined) return null;
  if (!Number.isInteger(value)) return `is ${found}, and a whole number was expected (${datatype})`;
  return value < range[0] || value > range[1] ? `is ${found}, and ${datatype} here holds ${range[0]} to ${range[1]}` : null;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : `${names.slice(0, NAMES_SHOWN).join(', ')}${names.length > NAMES_SHOWN ? ' ...' : ''}`;
}
