/**
 * Detects whether the kernel has just killed a process because main memory ran out, by comparing
 * the last two readings of its counters. It does not know which process: only the kernel's log says
 * that, and ordinary users may not read it.
 */
import { readOomKills } from '../devices/cgroup.ts';
import { readText } from './proc.ts';

/**
 * A process of a hundred gigabytes takes seconds to be taken down: a kill counts for its end for
 * one to two of these.
 */
const EVERY_MS = 30_000;

export class OomKills {
  readonly #read: () => number | null;
  #before: number | null = null;
  #latest: number | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(read: () => number | null = () => readOomKills(readText)) {
    this.#read = read;
  }

  /** Begins to look; a second call does nothing. */
  follow(): void {
    if (this.#timer !== null) return;
    this.#latest = this.#read();
    this.#before = this.#latest;
    this.#timer = setInterval(() => {
      this.#before = this.#latest;
      this.#latest = this.#read();
    }, EVERY_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** @returns undefined where the kernel does not tell. */
  recent(): boolean | undefined {
    const now = this.#read();
    return now === null || this.#before === null ? undefined : now > this.#before;
  }
}
