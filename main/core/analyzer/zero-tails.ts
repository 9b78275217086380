/**
 * Detects preallocated downloads: a large tensor that ends in zeros has probably not arrived yet.
 * No I/O.
 */
import type { ByteSource } from './bytes.ts';

interface Tensor {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

const SMALLEST_TENSOR_BYTES = 1024 * 1024;
const SAMPLE_BYTES = 4096;
const LAST_BYTES = 64;
/** Enough to tell people; one is enough to hold the model back. */
const MOST_NAMES = 100;
/**
 * Downloads come in pieces of 1 MiB and more: one whole sample in each, as far as the samples go.
 */
const STEP_BYTES = 512 * 1024;
/**
 * Of all files of a model together. On a disk that has to seek or fetch each of them, more would
 * take seconds.
 */
const MOST_SAMPLES = 2000;
const LEAST_SAMPLES = 8;

/**
 * Names, as `file: tensor`, of the tensors of 1 MiB or more with a sample of 4 KiB that is all
 * zeros: at both ends of each, and at equal distances inside. In a file too large for that the
 * samples lie further apart, and not every tensor has one.
 * @param files how many files the model has: they share the samples.
 */
export function zeroTails(path: string, source: ByteSource, tensors: readonly Tensor[], files = 1): readonly string[] {
  const large = tensors.filter((tensor) => tensor.bytes >= SMALLEST_TENSOR_BYTES).toSorted((one, other) => one.offset - other.offset);
  const total = large.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const samples = Math.max(LEAST_SAMPLES, Math.floor(MOST_SAMPLES / files));
  const stepBytes = Math.max(STEP_BYTES, Math.ceil(total / samples));
  const sampler = new Sampler(source, stepBytes > STEP_BYTES ? stepBytes / 2 : 0);
  const names: string[] = [];
  for (const tensor of large) {
    if (names.length >= MOST_NAMES) break;
    if (hasHole(sampler, tensor, stepBytes)) names.push(`${path}: ${tensor.name}`);
  }
  const last = tensors.reduce<Tensor | null>((latest, tensor) => (tensor.offset >= (latest?.offset ?? 0) ? tensor : latest), null);
  if (last !== null && names.length === 0 && endsBlank(source, last)) names.push(`${path}: ${last.name}`);
  return names;
}

/**
 * Reads samples in the order of the file, and leaves those out that lie too close to the one
 * before.
 */
class Sampler {
  readonly #source: ByteSource;
  readonly #apartBytes: number;
  #next = 0;

  constructor(source: ByteSource, apartBytes: number) {
    this.#source = source;
    this.#apartBytes = apartBytes;
  }

  isBlank(offset: number): boolean {
    if (offset < this.#next) return false;
    this.#next = offset + this.#apartBytes;
    // Mostly the first byte tells: only a hole is read to its end.
    const sample = this.#source.read(offset, SAMPLE_BYTES);
    for (const byte of sample) if (byte !== 0) return false;
    return true;
  }
}

/** A piece that is missing may reach only into the beginning of a tensor, or only into its end. */
function hasHole(sampler: Sampler, { offset, bytes }: Tensor, stepBytes: number): boolean {
  const last = offset + bytes - SAMPLE_BYTES;
  for (let at = offset; at < last; at += stepBytes) if (sampler.isBlank(at)) return true;
  return sampler.isBlank(last);
}

/**
 * The last piece of a file may be as short as one likes. Small tensors other than weights may well
 * end in zeros: biases begin as such.
 */
function endsBlank(source: ByteSource, { name, offset, bytes }: Tensor): boolean {
  if (bytes === 0 || (bytes < SMALLEST_TENSOR_BYTES && !name.endsWith('weight'))) return false;
  const length = Math.min(bytes, LAST_BYTES);
  return source.read(offset + bytes - length, length).every((byte) => byte === 0);
}
