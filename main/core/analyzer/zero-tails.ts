/** Preallocated downloads: a large tensor whose end is all zeros has most likely not arrived yet. Pure. */
import type { ByteSource } from './bytes.ts';

const SMALLEST_TENSOR_BYTES = 1024 * 1024;
const TAIL_BYTES = 4096;
/** Enough to tell people; one is enough to hold the model back. */
const MOST_NAMES = 100;

/** Names, as `file: tensor`, of the tensors of 1 MiB or more whose last 4 KiB are zero. Reads 4 KiB for each tensor. */
export function zeroTails(
  path: string,
  source: ByteSource,
  tensors: readonly { readonly name: string; readonly offset: number; readonly bytes: number }[],
): readonly string[] {
  const names: string[] = [];
  for (const tensor of tensors) {
    if (tensor.bytes < SMALLEST_TENSOR_BYTES || names.length >= MOST_NAMES) continue;
    const tail = source.read(tensor.offset + tensor.bytes - TAIL_BYTES, TAIL_BYTES);
    if (tail.every((byte) => byte === 0)) names.push(`${path}: ${tensor.name}`);
  }
  return names;
}
