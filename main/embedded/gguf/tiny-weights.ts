/**
 * Seeded pseudo-random weights in the tensor types that we write. Pure: equal seeds give equal
 * bytes.
 */
import { TENSOR_TYPES, type TensorType } from './gguf-writer.ts';

/**
 * Weights lie in +-this: large enough that attention and logits differ clearly, small enough that
 * nothing overflows.
 */
const AMPLITUDE = 0.25;

/** xorshift32: 32 bits a step, never 0 for a seed other than 0. */
function generator(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/**
 * A block scale as an IEEE half: AMPLITUDE / 8 and AMPLITUDE / 128 are powers of two, so only the
 * exponent differs.
 */
function halfPowerOfTwo(exponent: number): number {
  return (exponent + 15) << 10;
}

function fillFloats(bytes: number, next: () => number): Uint8Array {
  const values = new Float32Array(bytes / 4);
  for (let index = 0; index < values.length; index++) values[index] = (next() / 2 ** 31 - 1) * AMPLITUDE;
  return new Uint8Array(values.buffer);
}

function fillHalves(bytes: number, next: () => number): Uint8Array {
  const values = new Uint16Array(bytes / 2);
  // Sign and mantissa at random, the exponent one of the four below the amplitude.
  for (let index = 0; index < values.length; index++) {
    const bits = next();
    values[index] = (bits & 0x83ff) | ((10 + ((bits >>> 16) & 3)) << 10);
  }
  return new Uint8Array(values.buffer);
}

function fillBrainHalves(bytes: number, next: () => number): Uint8Array {
  const values = new Uint16Array(bytes / 2);
  // As above; the exponent of a bfloat16 has 8 bits.
  for (let index = 0; index < values.length; index++) {
    const bits = next();
    values[index] = (bits & 0x807f) | ((122 + ((bits >>> 16) & 3)) << 7);
  }
  return new Uint8Array(values.buffer);
}

function fillBlocks(bytes: number, blockBytes: number, scale: number, next: () => number): Uint8Array {
  const padded = new Uint8Array(Math.ceil(bytes / 4) * 4);
  const words = new Uint32Array(padded.buffer);
  for (let index = 0; index < words.length; index++) words[index] = next();
  const data = padded.subarray(0, bytes);
  for (let block = 0; block < bytes; block += blockBytes) {
    data[block] = scale & 0xff;
    data[block + 1] = scale >> 8;
  }
  return data;
}

/** So many bytes of random weights of one tensor. */
export function randomWeights(type: TensorType, bytes: number, seed: number): Uint8Array {
  const next = generator(seed);
  switch (type) {
    case 'F32':
      return fillFloats(bytes, next);
    case 'F16':
      return fillHalves(bytes, next);
    case 'BF16':
      return fillBrainHalves(bytes, next);
    case 'Q4_0':
      return fillBlocks(bytes, TENSOR_TYPES.Q4_0.blockBytes, halfPowerOfTwo(-5), next);
    case 'Q8_0':
      return fillBlocks(bytes, TENSOR_TYPES.Q8_0.blockBytes, halfPowerOfTwo(-9), next);
    default:
      return type satisfies never;
  }
}
