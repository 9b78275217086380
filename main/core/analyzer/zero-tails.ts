/** Preallocated downloads: a large tensor with a stretch of zeros has most likely not arrived yet. Pure. */
import type { ByteSource } from './bytes.ts';

const SMALLEST_TENSOR_BYTES = 1024 * 1024;
const SAMPLE_BYTES = 4096;
/** Enough to tell people; one is enough to hold the model back. */
const MOST_NAMES = 100;
/** Downloads come in pieces of 1 MiB and more: a sample in each, as far as these many samples of one file go. */
const PIECE_BYTES = 1024 * 1024;
const MOST_SAMPLES = 1000;

/**
 * Names, as `file: tensor`, of the tensors of 1 MiB or more with a sample of 4 KiB that is all zeros: at the end of each, and at equal distances
 * inside. Reads at most 4 KiB for each tensor and MOST_SAMPLES more.
 */
export function zeroTails(
  path: string,
  source: ByteSource,
  tensors: readonly { readonly name: string; readonly offset: number; readonly bytes: number }[],
): readonly string[] {
  const large = tensors.filter((tensor) => tensor.bytes >= SMALLEST_TENSOR_BYTES);
  const total = large.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const stepBytes = Math.max(PIECE_BYTES, Math.ceil(total / MOST_SAMPLES));
  const names: string[] = [];
  for (const tensor of large) {
    if (names.length >= MOST_NAMES) break;
    if (hasHole(source, tensor.offset, tensor.bytes, stepBytes)) names.push(`${path}: ${tensor.name}`);
  }
  return names;
}

function hasHole(source: ByteSource, offset: number, bytes: number, stepBytes: number): boolean {
  for (let end = bytes; end >= SAMPLE_BYTES; end -= stepBytes) {
    if (source.read(offset + end - SAMPLE_BYTES, SAMPLE_BYTES).every((byte) => byte === 0)) return true;
  }
  return false;
}
