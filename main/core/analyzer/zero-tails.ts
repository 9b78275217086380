/** Preallocated downloads: a large tensor with a stretch of zeros has most likely not arrived yet. Pure. */
import type { ByteSource } from './bytes.ts';

const SMALLEST_TENSOR_BYTES = 1024 * 1024;
const SAMPLE_BYTES = 4096;
const LAST_BYTES = 64;
/** Enough to tell people; one is enough to hold the model back. */
const MOST_NAMES = 100;
/** Downloads come in pieces of 1 MiB and more: one whole sample in each, as far as these many samples of one file go. */
const STEP_BYTES = 512 * 1024;
const MOST_SAMPLES = 1000;

interface Tensor {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Names, as `file: tensor`, of the tensors of 1 MiB or more with a sample of 4 KiB that is all zeros: at both ends of each, and at equal distances
 * inside. Reads at most 8 KiB for each tensor and MOST_SAMPLES more.
 */
export function zeroTails(path: string, source: ByteSource, tensors: readonly Tensor[]): readonly string[] {
  const large = tensors.filter((tensor) => tensor.bytes >= SMALLEST_TENSOR_BYTES);
  const total = large.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const stepBytes = Math.max(STEP_BYTES, Math.ceil(total / MOST_SAMPLES));
  const names: string[] = [];
  for (const tensor of large) {
    if (names.length >= MOST_NAMES) break;
    if (hasHole(source, tensor.offset, tensor.bytes, stepBytes)) names.push(`${path}: ${tensor.name}`);
  }
  const last = tensors.reduce<Tensor | null>((latest, tensor) => (tensor.offset >= (latest?.offset ?? 0) ? tensor : latest), null);
  if (last !== null && names.length === 0 && endsBlank(source, last)) names.push(`${path}: ${last.name}`);
  return names;
}

/** The last piece of a file may be as short as one likes. Small tensors other than weights may well end in zeros: biases begin as such. */
function endsBlank(source: ByteSource, { name, offset, bytes }: Tensor): boolean {
  if (bytes === 0 || (bytes < SMALLEST_TENSOR_BYTES && !name.endsWith('weight'))) return false;
  const length = Math.min(bytes, LAST_BYTES);
  return source.read(offset + bytes - length, length).every((byte) => byte === 0);
}

function hasHole(source: ByteSource, offset: number, bytes: number, stepBytes: number): boolean {
  for (let end = bytes; end >= SAMPLE_BYTES; end -= stepBytes) {
    if (isBlank(source, offset + end - SAMPLE_BYTES)) return true;
  }
  // A piece that is missing may reach only into the beginning of it.
  return isBlank(source, offset);
}

function isBlank(source: ByteSource, offset: number): boolean {
  return source.read(offset, SAMPLE_BYTES).every((byte) => byte === 0);
}
