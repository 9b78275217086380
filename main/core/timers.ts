/**
 * One timer for each key; a new timer replaces the earlier one of that key. Owns the pending
 * timers, so that closing cancels all of them.
 */
import type { Clock } from './ports.ts';

export class Timers {
  readonly #clock: Clock;
  readonly #cancels = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  set(key: string, ms: number, callback: () => void): void {
    this.cancel(key);
    const cancel = this.#clock.after(ms, () => {
      this.#cancels.delete(key);
      callback();
    });
    this.#cancels.set(key, cancel);
  }

  cancel(key: string): void {
    this.#cancels.get(key)?.();
    this.#cancels.delete(key);
  }

  close(): void {
    for (const key of [...this.#cancels.keys()]) this.cancel(key);
  }
}
