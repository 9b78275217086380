/** The list of opened resources, which are closed in reverse order. */
import type { Log } from '../core/ports.ts';

export class Opened {
  readonly #closings: (() => unknown)[] = [];

  /** @returns the part. */
  add<Part>(part: Part, close: (part: Part) => unknown): Part {
    this.#closings.push(() => close(part));
    return part;
  }

  /** One that cannot be closed keeps none of the others open. */
  async close(log: Log): Promise<void> {
    for (const close of this.#closings.reverse()) {
      try {
        await close();
      } catch (error) {
        log.error('Something could not be closed', error);
      }
    }
  }
}
