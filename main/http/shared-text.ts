/**
 * An answer that is the same for every client, such as /status. It is written once for all clients
 * that ask in the same event-loop turn or while it is being written. An answer that takes long to
 * write, as with a thousand models, is kept for a moment, so that writing it takes only a small
 * part of the engine's time.
 */
import type { Clock } from '../core/ports.ts';

/** What takes less is written again for each turn that asks, and is always as new as can be. */
const DEAR_MS = 15;
/** So many times as long as it took to write it is kept. */
const KEPT_RATIO = 10;
const LONGEST_KEPT_MS = 2_000;

export class SharedText {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #write: () => string | Promise<string>;
  #running: Promise<Buffer> | null = null;
  #keptUntilMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'now'>, write: () => string | Promise<string>) {
    this.#clock = clock;
    this.#write = write;
  }

  read(): Promise<Buffer> {
    if (this.#running === null || this.#clock.now() >= this.#keptUntilMs) this.#running = this.#begin();
    return this.#running;
  }

  #begin(): Promise<Buffer> {
    // Nobody begins another one meanwhile.
    this.#keptUntilMs = Number.POSITIVE_INFINITY;
    const beganMs = this.#clock.now();
    const running = this.#text().finally(() => {
      const nowMs = this.#clock.now();
      const tookMs = nowMs - beganMs;
      if (tookMs >= DEAR_MS) {
        this.#keptUntilMs = nowMs + Math.min(LONGEST_KEPT_MS, KEPT_RATIO * tookMs);
        return;
      }
      setImmediate(() => {
        if (this.#running === running) this.#keptUntilMs = Number.NEGATIVE_INFINITY;
      });
    });
    return running;
  }

  async #text(): Promise<Buffer> {
    return Buffer.from(await this.#write());
  }
}
