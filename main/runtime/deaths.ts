/**
 * Remembers when a process that served ended by itself: one such death is no verdict, a second one
 * soon after is a failure.
 */
import { READY_FORGIVES_MS } from '../core/backoff.ts';

export class Deaths {
  readonly #lastMs = new Map<string, number>();

  /** Notes one. @returns whether it is the first within ten minutes. */
  isFirst(modelId: string, nowMs: number): boolean {
    const beforeMs = this.#lastMs.get(modelId);
    this.#lastMs.set(modelId, nowMs);
    return beforeMs === undefined || nowMs - beforeMs >= READY_FORGIVES_MS;
  }

  forget(modelId: string): void {
    this.#lastMs.delete(modelId);
  }
}
