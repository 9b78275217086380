/**
 * Binary tensors in the format of the Open Inference Protocol (version 2): little-endian, texts
 * prefixed by their length. Only this format carries 16-bit numbers, and numbers that JSON lacks
 * (NaN, infinity). Pure; bounded by the input's size.
 */
import { bfloatToNumber, halfToNumber, numberToBfloat, numberToHalf } from '../../shared/float16.ts';
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
