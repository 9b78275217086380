/**
 * Keeps the memory of large bodies that are over, for the next ones. Left to V8, each hundred
 * megabytes of it would cost a search of the whole heap for garbage, which holds up all requests
 * for tens of milliseconds (I12). Knows no budget.
 */

/** A body may get memory for twice its bytes, and so much more. */
const WASTE_BYTES = 512 * 1024;

export class BodyMemory {
  /** Whichever came last is last. */
  readonly #kept: SharedArrayBuffer[] = [];

  /**
   * Memory of a body that is over, or new memory of no bytes; either can grow up to `mostBytes`.
   * @param bytes what the body announced; null: nothing.
   */
  take(bytes: number | null, mostBytes: number): SharedArrayBuffer {
    const best = bytes === null ? undefined : this.#best(bytes, mostBytes);
    if (best === undefined) return new SharedArrayBuffer(0, { maxByteLength: mostBytes });
    this.#kept.splice(this.#kept.indexOf(best), 1);
    return best;
  }

  /** @param memory that nobody reads or writes any more. */
  keep(memory: SharedArrayBuffer): void {
    this.#kept.push(memory);
  }

  /** Leaves to V8 what was kept longest. @returns its bytes; null: nothing is kept. */
  forget(): number | null {
    return this.#kept.shift()?.byteLength ?? null;
  }

  #best(bytes: number, mostBytes: number): SharedArrayBuffer | undefined {
    const fitting = this.#kept
      .filter(({ byteLength, maxByteLength }) => maxByteLength === mostBytes && byteLength <= 2 * bytes + WASTE_BYTES)
      .toSorted((one, other) => one.byteLength - other.byteLength);
    return fitting.find(({ byteLength }) => byteLength >= bytes) ?? fitting.at(-1);
  }
}
