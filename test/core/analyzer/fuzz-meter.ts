/**
 * What one look at a candidate costs, and the bounds of it, held while it runs: reads, bytes, steps
 * and memory. Who goes beyond a bound is stopped there, and is found out even where it takes no
 * notice. Judges no answer.
 */
import type { ByteSource, ReadingWork } from '../../../main/core/analyzer/bytes.ts';
import { MIB } from '../../../shared/units.ts';
import { FILLER } from './fuzz-real.ts';

/**
 * What one candidate may cost, whatever its files say. Far below what a person waits for, and what
 * the inspecting worker has.
 */
export const BOUNDS = { bytesRead: 192 * MIB, steps: 20_000_000, largestRead: 16 * MIB, memory: 64 * MIB };
/** So often memory is looked at while no buffers are made. A power of two. */
const STEPS_BETWEEN_LOOKS = 1024;

export interface CaseWork {
  bytesRead: number;
  reads: number;
  largestRead: number;
  steps: number;
  /** Bytes of heap and buffers, garbage included; 0 where nobody watches memory. */
  memory: number;
}

/**
 * Bytes of heap and buffers beyond what the program had before the case, after garbage was
 * collected where there seemed too many.
 */
export interface MemoryWatch {
  used(mostBytes: number): number;
  /** Called when a good many buffers were made since the last time. */
  look: () => void;
}

export class Meter implements ReadingWork {
  readonly work: CaseWork = { bytesRead: 0, reads: 0, largestRead: 0, steps: 0, memory: 0 };
  readonly #watch: MemoryWatch | null;
  #broken: Error | null = null;

  constructor(watch: MemoryWatch | null) {
    this.#watch = watch;
    if (watch !== null) watch.look = () => this.lookAtMemory();
  }

  get steps(): number {
    return this.work.steps;
  }

  set steps(steps: number) {
    this.work.steps = steps;
    if (steps > BOUNDS.steps) this.#break(`steps are ${steps}, more than ${BOUNDS.steps}`);
    if (steps % STEPS_BETWEEN_LOOKS === 0) this.lookAtMemory();
  }

  /** @throws Error a sentence, beyond the bound. */
  lookAtMemory(): void {
    if (this.#watch === null) return;
    const bytes = this.#watch.used(BOUNDS.memory);
    this.work.memory = Math.max(this.work.memory, bytes);
    if (bytes > BOUNDS.memory) this.#break(`memory is ${bytes} bytes, more than ${BOUNDS.memory}`);
  }

  /**
   * Counts a read before it is made: what asks for too much must fail by the bound, not by the
   * machine's memory.
   */
  read(offset: number, wanted: number): void {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(wanted) || offset < 0 || wanted < 0)
      this.#break(`read(${offset}, ${wanted}) is no place in a file`);
    this.work.reads += 1;
    this.work.bytesRead += wanted;
    this.work.largestRead = Math.max(this.work.largestRead, wanted);
    if (wanted > BOUNDS.largestRead) this.#break(`read(${offset}, ${wanted}) asks for more than ${BOUNDS.largestRead} bytes`);
    if (this.work.bytesRead > BOUNDS.bytesRead) this.#break(`bytesRead is ${this.work.bytesRead}, more than ${BOUNDS.bytesRead}`);
  }

  /**
   * To be asked when all is over. @throws the first bound that was broken, whoever caught it in
   * between.
   */
  settle(): CaseWork {
    this.lookAtMemory();
    if (this.#watch !== null) this.#watch.look = () => undefined;
    if (this.#broken !== null) throw this.#broken;
    return this.work;
  }

  #break(sentence: string): never {
    this.#broken ??= new Error(sentence);
    throw this.#broken;
  }
}

/** A file's bytes: these pieces, then filler up to `filledTo`, then zeros. */
export function metered(pieces: readonly Uint8Array[], filledTo: number, bytes: number, meter: Meter): ByteSource {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return {
    bytes,
    work: meter,
    read(offset, wanted) {
      meter.read(offset, wanted);
      const whole = new Uint8Array(Math.max(0, Math.min(wanted, bytes - offset)));
      if (filledTo > length) whole.fill(FILLER, Math.max(0, length - offset), Math.max(0, filledTo - offset));
      let start = 0;
      for (const piece of pieces) {
        const inPiece = piece.subarray(Math.max(0, offset - start), Math.max(0, offset + whole.length - start));
        if (inPiece.length > 0) whole.set(inPiece, Math.max(0, start - offset));
        start += piece.length;
      }
      return whole;
    },
  };
}
