/**
 * Limits the memory of large answers that are collected before they are sent (tensors, embeddings
 * and classes), until their requests have ended (I10). Beyond the limit further answers are
 * refused; one caller may use half of it.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { MIB } from '../../shared/units.ts';

/** These bytes of each answer count for nothing. */
export const SMALL_ANSWER_BYTES = 64 * 1024;
const MOST_MIB = 512;
const RETRY_AFTER_SECONDS = 1;

/** One answer's share. */
export interface AnswerShare {
  /** @throws ModeliumError queue-full. */
  take(bytes: number): void;
  /** Gives everything back; a second call does nothing. */
  release(): void;
}

export class AnswerBudget {
  readonly #byCaller = new Map<string, number>();
  #bytes = 0;

  open(caller: string): AnswerShare {
    let held = 0;
    const change = (bytes: number): void => {
      held += bytes;
      this.#bytes += bytes;
      const ofCaller = this.#of(caller) + bytes;
      if (ofCaller > 0) this.#byCaller.set(caller, ofCaller);
      else this.#byCaller.delete(caller);
    };
    return {
      take: (bytes) => {
        const most = MOST_MIB * MIB;
        if (this.#bytes + bytes > most || this.#of(caller) + bytes > most / 2) throw full();
        change(bytes);
      },
      release: () => change(-held),
    };
  }

  #of(caller: string): number {
    return this.#byCaller.get(caller) ?? 0;
  }
}

function full(): ModeliumError {
  const sentence = `The ${MOST_MIB} MiB for large answers are in use, half of which one client may have.`;
  return new ModeliumError('queue-full', sentence, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
