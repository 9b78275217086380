/**
 * Converts weights from one type into another; no other file computes on weights. No I/O, on typed
 * arrays of equal length. The loops are simple so that V8 compiles them well, because every byte of
 * a model passes through here.
 */
import { TENSOR_TYPES } from '../gguf/gguf-writer.ts';
import type { SourceType } from './source.ts';

/** Types that a conversion writes. */
export type TargetType = 'F32' | 'F16' | 'BF16' | 'Q8_0';

const BLOCK = TENSOR_TYPES.Q8_0.blockElements;
const BLOCK_BYTES = TENSOR_TYPES.Q8_0.blockBytes;
/** The largest code of Q8_0. */
const MOST_CODE = 127;
/**
 * Added to a small float, this leaves its nearest whole number (half to even) in the low bits: 1.5
 * x 2^23.
 */
const ROUNDER = 12_582_912;

const halves = new Float16Array(1);
const halfBits = new Uint16Array(halves.buffer);
/** All 65,536 halves as floats. */
let floatOfHalf: Float32Array | null = null;

function halfTable(): Float32Array {
  if (floatOfHalf !== null) return floatOfHalf;
  const bits = new Uint16Array(65_536);
  for (let index = 0; index < bits.length; index++) bits[index] = index;
  floatOfHalf = Float32Array.from(new Float16Array(bits.buffer));
  return floatOfHalf;
}

/** Values of the source as floats. @param bytes little-endian, aligned to the type. */
export function decode(type: SourceType, bytes: Uint8Array, into: Float32Array): Float32Array {
  const count = bytes.length / (type === 'F32' ? 4 : 2);
  const floats = into.subarray(0, count);
  if (type === 'F32') floats.set(new Float32Array(bytes.buffer, bytes.byteOffset, count));
  else if (type === 'BF16') {
    // A bfloat16 is the upper half of a float.
    const bits = new Uint32Array(floats.buffer, floats.byteOffset, count);
    const source = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
    for (let index = 0; index < count; index++) bits[index] = (source[index] as number) << 16;
  } else {
    const table = halfTable();
    const source = new Uint16Array(bytes.buffer, bytes.byteOffset, count);
    for (let index = 0; index < count; index++) floats[index] = table[source[index] as number] as number;
  }
  return floats;
}

/**
 * Floats as the target's bytes. For Q8_0 their number is a multiple of 32. @returns a view of
 * `into`.
 */
export function encode(type: TargetType, floats: Float32Array, into: Uint8Array): Uint8Array {
  switch (type) {
    case 'F32':
      return bytesOf(floats, into);
    case 'F16':
      return encodeHalves(floats, into);
    case 'BF16':
      return encodeBrainHalves(floats, into);
    case 'Q8_0':
      return encodeBlocks(floats, into);
    default:
      return type satisfies never;
  }
}

function bytesOf(floats: Float32Array, into: Uint8Array): Uint8Array {
  into.set(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  return into.subarray(0, floats.byteLength);
}

function encodeHalves(floats: Float32Array, into: Uint8Array): Uint8Array {
  new Float16Array(into.buffer, into.byteOffset, floats.length).set(floats);
  return into.subarray(0, floats.length * 2);
}

/** Rounds to nearest, half to even; what is no number stays none. */
function encodeBrainHalves(floats: Float32Array, into: Uint8Array): Uint8Array {
  const bits = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  const target = new Uint16Array(into.buffer, into.byteOffset, floats.length);
  for (let index = 0; index < bits.length; index++) {
    const value = bits[index] as number;
    const isNumber = (value & 0x7fff_ffff) <= 0x7f80_0000;
    target[index] = isNumber ? (value + 0x7fff + ((value >>> 16) & 1)) >>> 16 : (value >>> 16) | 64;
  }
  return into.subarray(0, floats.length * 2);
}

/** Values of one tile: its arrays stay in the processor's cache while three passes go over them. */
const TILE_VALUES = 4096;
const products = new Float32Array(TILE_VALUES);
const productBits = new Int32Array(products.buffer);
const inverses = new Float32Array(TILE_VALUES / BLOCK);
const SIZE_BITS = 0x7fff_ffff;

/**
 * Blocks of 32 codes behind one half: the largest value is 127 of it (ggml-quants.c,
 * quantize_row_q8_0). Three passes, each a loop without a branch, which is twice as fast as one.
 */
function encodeBlocks(floats: Float32Array, into: Uint8Array): Uint8Array {
  let at = 0;
  for (let start = 0; start < floats.length; start += TILE_VALUES) {
    at = encodeTile(floats.subarray(start, start + TILE_VALUES), into, at);
  }
  return into.subarray(0, at);
}

/** @returns where the next tile begins in `into`. */
function encodeTile(floats: Float32Array, into: Uint8Array, begin: number): number {
  const bits = new Int32Array(floats.buffer, floats.byteOffset, floats.length);
  for (let block = 0, start = 0; start < floats.length; block += 1, start += BLOCK) {
    // Floats without their signs are in the order of their bits.
    let most = 0;
    for (let index = start; index < start + BLOCK; index++) {
      const less = most - ((bits[index] as number) & SIZE_BITS);
      most -= less & (less >> 31);
    }
    productBits[0] = most;
    const scale = Math.fround((products[0] as number) / MOST_CODE);
    inverses[block] = scale === 0 ? 0 : 1 / scale;
    halves[0] = scale;
    const half = halfBits[0] as number;
    into[begin + block * BLOCK_BYTES] = half & 0xff;
    into[begin + block * BLOCK_BYTES + 1] = half >>> 8;
  }
  for (let block = 0, start = 0; start < floats.length; block += 1, start += BLOCK) {
    const inverse = inverses[block] as number;
    for (let index = start; index < start + BLOCK; index++) products[index] = Math.fround((floats[index] as number) * inverse) + ROUNDER;
  }
  let at = begin;
  for (let start = 0; start < floats.length; start += BLOCK) {
    at += 2;
    for (let index = start; index < start + BLOCK; index++) into[at++] = productBits[index] as number;
  }
  return at;
}
