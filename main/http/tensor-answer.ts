/**
 * Turns the answer of a tensor server (the Open Inference Protocol, version 2) into nested lists by
 * name; a large answer is read in a separate thread. Pure. The size of the lists is limited,
 * whatever the server says.
 */
import { valuesIn } from './tensor-bytes.ts';

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size?: number };
}

/** NumPy has no more either. */
const MOST_DIMENSIONS = 64;
/** Where an output has no values, its shape alone says how many lists there are. */
const MOST_EMPTY_LISTS = 65_536;

/**
 * By name; a clause where the answer is none.
 * @param headerLength bytes of JSON in front of the values; null: all of it is JSON.
 */
export function outputsIn(bytes: Buffer, headerLength: number | null): Readonly<Record<string, unknown>> | string {
  const header = headerLength ?? bytes.length;
  if (!isLength(header) || header > bytes.length) return 'its answer is shorter than it says';
  let outputs: readonly Output[] | undefined;
  try {
    ({ outputs } = JSON.parse(bytes.toString('utf8', 0, header)) as { outputs?: readonly Output[] });
  } catch {
    return 'its answer is not JSON';
  }
  if (!Array.isArray(outputs)) return 'its answer has no outputs';
  const byName: Record<string, unknown> = {};
  let at = header;
  for (const output of outputs as readonly (Output | null)[]) {
    if (typeof output?.name !== 'string') return 'one of its outputs has no name';
    const { name, datatype, shape, data, parameters } = output;
    if (!isShape(shape)) return `its output ${name} has no shape`;
    const size = parameters?.binary_data_size;
    const count = countOf(shape);
    const values = size === undefined ? data : isLength(size) ? valuesIn(bytes.subarray(at, at + size), datatype, count) : null;
    if (!Array.isArray(values) || values.length !== count) return `its output ${name} is not as long as its shape says`;
    if (size === undefined && values.some((value) => typeof value === 'object' && value !== null))
      return `its output ${name} has lists or objects among its values`;
    at += size ?? 0;
    Object.defineProperty(byName, name, { value: nested(values, shape), enumerable: true, configurable: true });
  }
  return byName;
}

export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function isShape(shape: unknown): shape is readonly number[] {
  if (!Array.isArray(shape) || shape.length > MOST_DIMENSIONS || !shape.every(isLength)) return false;
  return !shape.includes(0) || countOf(shape.slice(0, shape.indexOf(0))) <= MOST_EMPTY_LISTS;
}

function isLength(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** As its shape is; a single value where it has none. */
function nested(values: readonly unknown[], shape: readonly number[]): unknown {
  const [first, ...rest] = shape;
  if (first === undefined) return values[0];
  if (rest.length === 0) return values;
  const size = rest.reduce((product, length) => product * length, 1);
  return Array.from({ length: first }, (_, index) => nested(values.slice(index * size, (index + 1) * size), rest));
}
