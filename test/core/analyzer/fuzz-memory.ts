/**
 * Watches the memory of a fuzzing process: V8's heap and the buffers beside it, which no limit of
 * V8's counts. It is asked every thousand steps and after each case, and looks by itself when a
 * quarter of a MiB of buffers was made: in reads, or by whom it may be. Changes the globals of its
 * process: for `fuzz-worker.ts` alone, which has to run with `--expose-gc`.
 */
import { getHeapStatistics } from 'node:v8';
import type { MemoryWatch } from './fuzz-meter.ts';

const UNSEEN_BYTES = 256 * 1024;
/** One collection frees what finalizers of another held. */
const COLLECTIONS = 2;

type Make = (...values: readonly unknown[]) => ArrayBufferView | ArrayBuffer;

function inUse(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics();
  return heap + external;
}

export class ProcessMemory implements MemoryWatch {
  look = (): void => undefined;
  #base = 0;

  constructor() {
    onBuffersMade(() => this.look());
  }

  /** What is there now is the program's own. */
  begin(): void {
    collect();
    this.#base = inUse();
  }

  used(mostBytes: number): number {
    let bytes = inUse() - this.#base;
    for (let left = COLLECTIONS; left > 0 && bytes > mostBytes; left -= 1) {
      collect();
      bytes = inUse() - this.#base;
    }
    return Math.max(0, bytes);
  }
}

function collect(): void {
  if (globalThis.gc === undefined) throw new Error('Memory can only be watched with --expose-gc.');
  globalThis.gc();
}

/**
 * For the rest of the process's life: calls `look` after each so many bytes of buffers that anybody
 * makes from now on.
 */
function onBuffersMade(look: () => void): void {
  let unseen = 0;
  const made = (bytes: number): void => {
    unseen += bytes;
    if (unseen < UNSEEN_BYTES) return;
    unseen = 0;
    look();
  };
  for (const name of [
    'ArrayBuffer',
    'Uint8Array',
    'Uint16Array',
    'Uint32Array',
    'Float32Array',
    'Float64Array',
    'BigUint64Array',
  ] as const) {
    const counting = new Proxy<object>(globalThis[name], {
      construct(target, values: unknown[], newTarget) {
        const thing = Reflect.construct(target as new () => ArrayBuffer, values, newTarget) as ArrayBuffer;
        // A view of bytes that are there already makes none.
        if (!(values[0] instanceof ArrayBuffer)) made(thing.byteLength);
        return thing;
      },
    });
    Object.defineProperty(globalThis, name, { value: counting });
  }
  for (const name of ['alloc', 'allocUnsafe', 'from', 'concat'] as const) {
    const own = Buffer[name].bind(Buffer) as Make;
    const counting: Make = (...values) => {
      const buffer = own(...values);
      made(buffer.byteLength);
      return buffer;
    };
    Object.defineProperty(Buffer, name, { value: counting });
  }
}
