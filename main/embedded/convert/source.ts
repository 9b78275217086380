/**
 * Reads the files of the folder that is converted: opened once, read by position. It reads only the
 * files passed to it; the code that listed them has resolved their links (I7), and none is followed
 * that was put in their place since. Writes nothing (I8).
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import type { ByteSource } from '../../core/analyzer/bytes.ts';
import { parseSafetensors } from '../../core/analyzer/safetensors.ts';
import { ConvertError } from './convert-error.ts';

/** Name relative to the folder -> absolute path of the bytes. */
export type SourceFiles = Readonly<Record<string, string>>;

/** Types of the weights that are read. */
export type SourceType = 'F32' | 'F16' | 'BF16';
const TYPE_BYTES: Readonly<Record<SourceType, number>> = { F32: 4, F16: 2, BF16: 2 };

export interface SourceTensor {
  readonly name: string;
  readonly type: SourceType;
  /** As safetensors has it: the row length last. */
  readonly shape: readonly number[];
  /** Of one value. */
  readonly valueBytes: number;
  readonly descriptor: number;
  readonly offset: number;
}

/** Names of tensors that hold no weights: tables that the class computes, masks, counters. */
const NO_WEIGHTS = /(?:rotary_emb\.inv_freq|\.attn\.(?:bias|masked_bias)|position_ids|num_batches_tracked|inv_freq)$/;
/** The largest tokenizer has some 35 MB. */
const MOST_TEXT_BYTES = 128 * 1024 * 1024;

export class SourceFolder {
  readonly #files: SourceFiles;
  readonly #opened = new Map<string, number>();

  constructor(files: SourceFiles) {
    this.#files = files;
  }

  /**
   * A small file as a whole; null where there is none. @throws ConvertError when it is larger than
   * any such file.
   */
  read(name: string): Uint8Array | null {
    if (!Object.hasOwn(this.#files, name)) return null;
    const descriptor = this.#open(name);
    const { size } = fstatSync(descriptor);
    if (size > MOST_TEXT_BYTES) throw new ConvertError(`${name} has ${size} bytes; such files may have at most ${MOST_TEXT_BYTES}.`);
    const bytes = new Uint8Array(size);
    readFully(descriptor, bytes, 0, name);
    return bytes;
  }

  /**
   * Weights of these files, in the order of their bytes. @throws ConvertError for types that are
   * not read.
   */
  tensors(names: readonly string[]): readonly SourceTensor[] {
    return names.flatMap((name) => {
      const descriptor = this.#open(name);
      const { tensors } = parseSafetensors(byteSourceOf(descriptor));
      return tensors
        .filter((tensor) => !NO_WEIGHTS.test(tensor.name))
        .toSorted((one, other) => one.offset - other.offset)
        .map((tensor) => {
          const { type, shape, offset } = tensor;
          if (type !== 'F32' && type !== 'F16' && type !== 'BF16') {
            throw new ConvertError(`${tensor.name} in ${name} is of type ${type}; f32, f16 and bf16 are read.`);
          }
          return { name: tensor.name, type, shape, valueBytes: TYPE_BYTES[type], descriptor, offset };
        });
    });
  }

  close(): void {
    for (const descriptor of this.#opened.values()) closeSync(descriptor);
    this.#opened.clear();
  }

  #open(name: string): number {
    const known = this.#opened.get(name);
    if (known !== undefined) return known;
    const path = this.#files[name];
    if (path === undefined) throw new ConvertError(`${name} is not in the folder any more.`);
    const descriptor = openSource(path);
    this.#opened.set(name, descriptor);
    return descriptor;
  }
}

/**
 * @param path of which all links are resolved; what became a link or a pipe since is not read, nor
 * what lies behind a folder on the way that became a link.
 */
export function openSource(path: string): number {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  if (process.platform !== 'linux' || readlinkSync(`/proc/self/fd/${descriptor}`) === path) return descriptor;
  closeSync(descriptor);
  throw new Error(`${path} has been replaced since it was listed.`);
}

/** A file that is open already, as the analyzer's readers want it. */
export function byteSourceOf(descriptor: number): ByteSource {
  return {
    bytes: fstatSync(descriptor).size,
    read(offset, length) {
      const buffer = new Uint8Array(length);
      const got = readSync(descriptor, buffer, 0, length, offset);
      return got === length ? buffer : buffer.subarray(0, got);
    },
  };
}

/** Fills `into` from `offset` on. @throws ConvertError when the file ends before. */
export function readFully(descriptor: number, into: Uint8Array, offset: number, name: string): void {
  for (let done = 0; done < into.length; ) {
    const got = readSync(descriptor, into, done, into.length - done, offset + done);
    if (got === 0) throw new ConvertError(`${name} became shorter while it was read: is it still being copied?`);
    done += got;
  }
}
