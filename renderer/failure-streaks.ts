/** Remembers which models fail again and again, so that the desktop is told once. No I/O. */
import type { StateName } from '../shared/model.ts';

/**
 * Which models failed already since they were last ready, or unloaded by somebody: the engine tries
 * a failed load again by itself, up to five times, and one notification of that is enough.
 */
export class FailureStreaks {
  readonly #failed = new Set<string>();

  /** Call for each model of each snapshot. True: it failed, as it did the time before. */
  isRepeated(id: string, before: StateName | undefined, state: StateName): boolean {
    if (state === 'ready' || state === 'unloaded') this.#failed.delete(id);
    if (state !== 'failed' || before === 'failed') return false;
    const isRepeated = this.#failed.has(id);
    this.#failed.add(id);
    return isRepeated;
  }
}
