/**
 * Hands a fixed number of sequences to requests in turns: a request for many, such as a batch of
 * texts, gets one at a time while others wait. The number of waiting requests is bounded (I10). A
 * request chooses among the free sequences. No I/O.
 */
import { ModeliumError } from '../../../shared/errors.ts';

/** The engine bounds what it sends; this bound only protects the child from others with its key. */
const MOST_WAITING = 1024;

interface Waiting<Item> {
  readonly take: (item: Item) => void;
}

export class Slots<Item> {
  /** The least recently used first. */
  readonly #free: Item[];
  /**
   * A line for each request that waits, told apart by its signal; the request whose turn is next
   * comes first.
   */
  readonly #lines = new Map<AbortSignal, Waiting<Item>[]>();
  readonly #onActive: (active: number) => void;
  readonly #total: number;

  /** @param onActive called with the number of slots in use whenever it changes. */
  constructor(items: readonly Item[], onActive: (active: number) => void) {
    this.#free = [...items];
    this.#total = items.length;
    this.#onActive = onActive;
  }

  /** Whether somebody waits for a slot. */
  get isWaitedFor(): boolean {
    return this.#lines.size > 0;
  }

  /**
   * Runs `work` with a slot of its own.
   * @param signal one for each request.
   * @param choose index of one of the free slots, which come least recently used first.
   * @throws ModeliumError queue-full; cancelled when the signal aborts while waiting.
   */
  async use<Result>(
    signal: AbortSignal,
    work: (item: Item) => Promise<Result>,
    choose: (free: readonly Item[]) => number = () => 0,
  ): Promise<Result> {
    const item = await this.#take(signal, choose);
    try {
      return await work(item);
    } finally {
      this.#give(item);
    }
  }

  #take(signal: AbortSignal, choose: (free: readonly Item[]) => number): Promise<Item> | Item {
    const cancelled = () => new ModeliumError('cancelled', 'The client left before its turn came.', { origin: 'llama' });
    if (signal.aborted) throw cancelled();
    const [item] = this.#free.length === 0 ? [] : this.#free.splice(choose(this.#free), 1);
    if (item !== undefined) {
      this.#tell();
      return item;
    }
    if (!this.#lines.has(signal) && this.#lines.size >= MOST_WAITING) {
      throw new ModeliumError('queue-full', `All ${this.#total} sequences are busy and ${MOST_WAITING} requests wait.`, {
        origin: 'llama',
      });
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#lines.delete(signal);
        reject(cancelled());
      };
      const waiting: Waiting<Item> = {
        take: (given) => {
          signal.removeEventListener('abort', leave);
          resolve(given);
        },
      };
      const line = this.#lines.get(signal) ?? [];
      line.push(waiting);
      this.#lines.set(signal, line);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #give(item: Item): void {
    for (const [signal, line] of this.#lines) {
      const next = line.shift();
      // Behind the others, where it wants more.
      this.#lines.delete(signal);
      if (line.length > 0) this.#lines.set(signal, line);
      if (next !== undefined) return next.take(item);
    }
    this.#free.push(item);
    this.#tell();
  }

  #tell(): void {
    this.#onActive(this.#total - this.#free.length);
  }
}
