/**
 * Knows whether the kernel ended a process for lack of main memory just now. Reads the kernel's
 * counters and keeps the last two readings; does not know which process it was: that stands in the
 * kernel's log, which an ordinary user may not read.
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
