/**
 * Tensors as bytes, as the Open Inference Protocol (version 2) sends them: little-endian, texts
 * with their length in front. 16-bit numbers have no other way, and numbers that JSON cannot write
 * (not a number, infinite) come through. Pure; bounded by what came.
 */
import type { GivenTensor } from '../../shared/tensors.ts';

type Value = number | string | boolean | null;

const SIZES: Readonly<Record<string, number>> = {
  BOOL: 1,
  INT8: 1,
  UINT8: 1,
  INT16: 2,
  UINT16: 2,
  FP16: 2,
  BF16: 2,
  INT32: 4,
  UINT32: 4,
  FP32: 4,
  INT64: 8,
  UINT64: 8,
  FP64: 8,
};

/**
 * Values of one tensor in one row; null: there are not as many as the shape says, or the type is
 * unknown.
 */
export function valuesIn(bytes: Buffer, datatype: string, count: number): readonly Value[] | null {
  if (datatype === 'BYTES') return textsIn(bytes, count);
  const size = SIZES[datatype];
  if (size === undefined || bytes.length !== size * count) return null;
  const read = readerOf(bytes, datatype);
  return Array.from({ length: count }, (_, index) => {
    const value = read(index * size);
    // JSON has no other word for it.
    return typeof value === 'number' && !Number.isFinite(value) ? null : value;
  });
}

function readerOf(bytes: Buffer, datatype: string): (at: number) => number | boolean {
  const readers: Readonly<Record<string, (at: number) => number | boolean>> = {
    BOOL: (at) => bytes.readUInt8(at) !== 0,
    INT8: (at) => bytes.readInt8(at),
    UINT8: (at) => bytes.readUInt8(at),
    INT16: (at) => bytes.readInt16LE(at),
    UINT16: (at) => bytes.readUInt16LE(at),
    INT32: (at) => bytes.readInt32LE(at),
    UINT32: (at) => bytes.readUInt32LE(at),
    INT64: (at) => Number(bytes.readBigInt64LE(at)),
    UINT64: (at) => Number(bytes.readBigUInt64LE(at)),
    FP16: (at) => halfToNumber(bytes.readUInt16LE(at)),
    BF16: (at) => bfloatToNumber(bytes.readUInt16LE(at)),
    FP32: (at) => shortest(bytes.readFloatLE(at)),
    FP64: (at) => bytes.readDoubleLE(at),
  };
  return readers[datatype] ?? (() => 0);
}

/**
 * The number with the fewest digits that is the same in 32 bits: `0.1`, not `0.10000000149011612`.
 */
function shortest(value: number): number {
  for (let digits = 6; digits <= 8; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function textsIn(bytes: Buffer, count: number): readonly string[] | null {
  const texts: string[] = [];
  let at = 0;
  while (texts.length < count) {
    if (at + 4 > bytes.length) return null;
    const end = at + 4 + bytes.readUInt32LE(at);
    if (end > bytes.length) return null;
    texts.push(bytes.toString('utf8', at + 4, end));
    at = end;
  }
  return at === bytes.length ? texts : null;
}

/** Of 16-bit numbers alone: all others go as JSON. */
export function bytesOf({ datatype, data }: GivenTensor): Buffer {
  const bytes = Buffer.alloc(data.length * 2);
  const write = datatype === 'BF16' ? numberToBfloat : numberToHalf;
  for (const [index, value] of data.entries()) bytes.writeUInt16LE(write(Number(value)), index * 2);
  return bytes;
}

const scratch = new DataView(new ArrayBuffer(4));

function floatBits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** IEEE 754 binary16, rounded to the nearest, ties to even. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(value)) return 0x7e00;
  if (size >= 65_520) return sign | 0x7c00;
  // Below the smallest normal number steps are of one size.
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const steps = roundToEven(size / 2 ** (exponent - 10));
  return sign | (size < 2 ** -14 ? steps : ((exponent + 15) << 10) + (steps - 1024));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25));
}

/** The upper half of a 32-bit number, rounded to the nearest, ties to even. */
function numberToBfloat(value: number): number {
  const bits = floatBits(value);
  return Number.isNaN(value) ? 0x7fc0 : ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff;
}

function bfloatToNumber(bits: number): number {
  scratch.setUint32(0, (bits << 16) >>> 0);
  return scratch.getFloat32(0);
}
