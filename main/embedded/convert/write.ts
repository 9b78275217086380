/**
 * Writes the tensors of a GGUF from the source, a few megabytes at a time, so that a model is never
 * in memory as a whole. Owns the output file until it is complete; knows no architecture.
 */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { paddingAfter, tensorBytes } from '../gguf/gguf-writer.ts';
import { decode, encode } from './encode.ts';
import { readFully, type SourceTensor } from './source.ts';
import type { Piece, TargetTensor } from './targets.ts';

/** Values that are changed in one go: a multiple of every block. */
const CHUNK_VALUES = 1 << 19;
/** Bytes between two words of progress. */
const PROGRESS_BYTES = 16 * 1024 * 1024;

export interface Written {
  readonly bytes: number;
  readonly totalBytes: number;
}

interface Output {
  take(bytes: Uint8Array): void;
  readonly totalBytes: number;
  bytes: number;
  reportedBytes: number;
  onProgress(written: Written): void;
}

/** Bytes of the file that these tensors and this head make. */
export function fileBytes(head: Uint8Array, targets: readonly TargetTensor[]): number {
  return targets.reduce((sum, { type, shape }) => {
    const bytes = tensorBytes(type, shape);
    return sum + bytes + paddingAfter(bytes);
  }, head.length);
}

/**
 * The file at `path`, which must not be there yet. Whoever gives it its place has it put on the
 * disk.
 * @param head everything in front of the tensors (`ggufHead`).
 * @throws what the system says of a disk that is full.
 */
export function writeGguf(
  path: string,
  head: Uint8Array,
  targets: readonly TargetTensor[],
  onProgress: (written: Written) => void,
): number {
  const descriptor = openSync(path, 'wx', 0o600);
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done, bytes.length - done);
  };
  try {
    return passGguf({ head, targets, take: write, onProgress });
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Does the file at `path` hold just what would be written? Reads up to the first difference; what
 * cannot be read does not.
 */
export function holdsGguf(
  path: string,
  head: Uint8Array,
  targets: readonly TargetTensor[],
  onProgress: (written: Written) => void,
): boolean {
  let descriptor: number | null = null;
  let at = 0;
  let found = new Uint8Array(0);
  try {
    const opened = openSync(path, 'r');
    descriptor = opened;
    if (fstatSync(opened).size !== fileBytes(head, targets)) return false;
    const compare = (bytes: Uint8Array): void => {
      if (found.length < bytes.length) found = new Uint8Array(bytes.length);
      const there = found.subarray(0, bytes.length);
      readFully(opened, there, at, path);
      if (Buffer.compare(there, bytes) !== 0) throw new Error('It differs.');
      at += bytes.length;
    };
    passGguf({ head, targets, take: compare, onProgress });
    return true;
  } catch {
    return false;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

interface Passed extends Pick<Output, 'take' | 'onProgress'> {
  readonly head: Uint8Array;
  readonly targets: readonly TargetTensor[];
}

/** Makes the bytes of the file, in their order. @returns how many. */
function passGguf({ head, targets, take, onProgress }: Passed): number {
  const output: Output = { take, totalBytes: fileBytes(head, targets), bytes: 0, reportedBytes: 0, onProgress };
  put(output, head);
  for (const target of targets) {
    const before = output.bytes;
    if (target.values !== null) put(output, new Uint8Array(target.values.buffer));
    else if (target.isTransposed) writeTransposed(output, target);
    else if (target.permutedHeads > 0) writePermuted(output, target);
    else writeStraight(output, target);
    put(output, new Uint8Array(paddingAfter(output.bytes - before)));
  }
  onProgress({ bytes: output.bytes, totalBytes: output.totalBytes });
  return output.bytes;
}

function put(output: Output, bytes: Uint8Array): void {
  output.take(bytes);
  output.bytes += bytes.length;
  if (output.bytes - output.reportedBytes < PROGRESS_BYTES) return;
  output.reportedBytes = output.bytes;
  output.onProgress({ bytes: output.bytes, totalBytes: output.totalBytes });
}

/** Room for one chunk, used again for each: a model's bytes are not garbage to collect. */
class Room {
  source = new Uint8Array(0);
  floats = new Float32Array(0);
  target = new Uint8Array(0);

  for(values: number): void {
    if (this.floats.length >= values) return;
    this.source = new Uint8Array(values * 4);
    this.floats = new Float32Array(values);
    this.target = new Uint8Array(values * 4);
  }
}

const room = new Room();

/** So many values of the source as they lie there. */
function readValues({ tensor }: Piece, from: number, values: number): Uint8Array {
  room.for(values);
  return readInto(room.source.subarray(0, values * tensor.valueBytes), tensor, from);
}

function readInto(bytes: Uint8Array, tensor: SourceTensor, from: number): Uint8Array {
  readFully(tensor.descriptor, bytes, tensor.offset + from * tensor.valueBytes, tensor.name);
  return bytes;
}

/** Source bytes as the target's. */
function changed(target: TargetTensor, { tensor }: Piece, bytes: Uint8Array): Uint8Array {
  if (target.type === tensor.type && target.plus === 0) return bytes;
  const floats = decode(tensor.type, bytes, room.floats);
  if (target.plus !== 0) for (let index = 0; index < floats.length; index++) floats[index] = (floats[index] as number) + target.plus;
  return encode(target.type, floats, room.target);
}

function writeStraight(output: Output, target: TargetTensor): void {
  for (const piece of target.pieces) {
    for (let done = 0; done < piece.count; ) {
      const values = Math.min(CHUNK_VALUES, piece.count - done);
      put(output, changed(target, piece, readValues(piece, piece.from + done, values)));
      done += values;
    }
  }
}

/**
 * Transformers turns value i of a head together with value i + half, llama.cpp neighbours: row 2i
 * of each head of the target is row i of the source, row 2i + 1 is row i + half.
 */
function writePermuted(output: Output, target: TargetTensor): void {
  for (const piece of target.pieces) {
    const perHead = piece.count / target.permutedHeads;
    const rowValues = target.shape.length === 1 ? 1 : (target.shape[0] ?? 1);
    const rows = perHead / rowValues;
    const rowBytes = rowValues * piece.tensor.valueBytes;
    const head = new Uint8Array(perHead * piece.tensor.valueBytes);
    for (let number = 0; number < target.permutedHeads; number++) {
      const source = readValues(piece, piece.from + number * perHead, perHead);
      for (let row = 0; row < rows; row++) {
        const from = ((row >> 1) + (row & 1) * (rows / 2)) * rowBytes;
        head.set(source.subarray(from, from + rowBytes), row * rowBytes);
      }
      put(output, changed(target, piece, head));
    }
  }
}

/** The whole matrix at once: those that are kept so are of small models. */
function writeTransposed(output: Output, target: TargetTensor): void {
  for (const piece of target.pieces) {
    const [rows, columns] = piece.tensor.shape;
    if (rows === undefined || columns === undefined) throw new Error(`${piece.tensor.name} is not a matrix.`);
    const { valueBytes } = piece.tensor;
    const source = readInto(new Uint8Array(rows * columns * valueBytes), piece.tensor, 0);
    const turned = new Uint8Array(source.length);
    const [from, to] = valueBytes === 4 ? [wide(source), wide(turned)] : [narrow(source), narrow(turned)];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) to[column * rows + row] = from[row * columns + column] as number;
    }
    room.for(CHUNK_VALUES);
    for (let done = 0; done < rows * columns; done += CHUNK_VALUES) {
      put(output, changed(target, piece, turned.subarray(done * valueBytes, (done + CHUNK_VALUES) * valueBytes)));
    }
  }
}

const wide = (bytes: Uint8Array): Uint32Array => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const narrow = (bytes: Uint8Array): Uint16Array => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
