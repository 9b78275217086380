/**
 * Tells one listener that a client has left: a signal for the requests that wait, of which there
 * may be thousands a second.
 */
import type { Departure } from '../core/gateway.ts';

export class Leaving implements Departure {
  aborted = false;
  #listener: (() => void) | null = null;

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = null;
  }

  abort(): void {
    this.aborted = true;
    this.#listener?.();
  }
}
