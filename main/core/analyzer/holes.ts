/**
 * Detects preallocated downloads in files whose tensor positions are unknown: a run of zeros as
 * long as a download chunk probably has not arrived. If the tensors are known, `zero-tails.ts`
 * checks more precisely. Pure.
 */
import type { ByteSource } from './bytes.ts';

/**
 * Downloads come in pieces of this and more; so many zeros in a row a model has only where a whole
 * tensor of it is nothing.
 */
const HOLE_BYTES = 1024 * 1024;
const STEP_BYTES = HOLE_BYTES / 2;
const SAMPLE_BYTES = 4096;
const CHUNK_BYTES = 32 * 1024;
/**
 * The last piece may be shorter. A layer that ends in zeros (a bias that was never trained) is
 * shorter than this.
 */
const TAIL_BYTES = 16 * 1024;
const MOST_SAMPLES = 2000;
/**
 * A sample of zeros is followed to the ends of its stretch; a file with more of them than this has
 * them for another reason.
 */
const MOST_FOLLOWED = 64;

/**
 * Is there a hole between these offsets? In a file too large for a sample in each piece, only
 * longer ones are sure to be found.
 */
export function hasHole(source: ByteSource, begin: number, end: number): boolean {
  if (end - begin < HOLE_BYTES) return end - begin >= SAMPLE_BYTES && isZero(source, begin, end);
  if (isZero(source, end - TAIL_BYTES, end)) return true;
  const stepBytes = Math.max(STEP_BYTES, Math.ceil((end - begin) / MOST_SAMPLES));
  let followed = 0;
  for (let at = begin; at + SAMPLE_BYTES <= end; at += stepBytes) {
    if (!isZero(source, at, at + SAMPLE_BYTES)) continue;
    followed += 1;
    if (followed > MOST_FOLLOWED) return false;
    // Its ends lie within a chunk each.
    if (stretch(source, at, begin, end) >= HOLE_BYTES - 2 * CHUNK_BYTES) return true;
  }
  return false;
}

/** Bytes of zeros around an offset, in whole chunks; no further than a hole is long. */
function stretch(source: ByteSource, at: number, begin: number, end: number): number {
  let first = at;
  let last = at;
  while (last - at < HOLE_BYTES && last < end && isZero(source, last, Math.min(last + CHUNK_BYTES, end))) last += CHUNK_BYTES;
  while (last - first < HOLE_BYTES && first - CHUNK_BYTES >= begin && isZero(source, first - CHUNK_BYTES, first)) first -= CHUNK_BYTES;
  return Math.min(last, end) - first;
}

function isZero(source: ByteSource, begin: number, end: number): boolean {
  for (let at = begin; at < end; at += CHUNK_BYTES) {
    if (!source.read(at, Math.min(CHUNK_BYTES, end - at)).every((byte) => byte === 0)) return false;
  }
  return true;
}
