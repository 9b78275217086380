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
/** So much is given back before it is collected; less where no answer is left. */
const COLLECTED_BYTES = 128 * MIB;
const SEEN_BYTES = 16 * MIB;
const RETRY_AFTER_SECONDS = 1;

/** One answer's share. */
export interface AnswerShare {
  /** @throws ModeliumError queue-full. */
  take(bytes: number): void;
  /** Gives everything back; a second call does nothing. */
  release(): void;
}

export class AnswerBudget {
  /** V8 does not count this memory, and would look for what was given back only by chance. */
  readonly #collect: () => void;
  #givenBackBytes = 0;
  readonly #byCaller = new Map<string, number>();
  #bytes = 0;

  constructor(collect: () => void) {
    this.#collect = collect;
  }

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
      release: () => {
        this.#givenBackBytes += held;
        change(-held);
        if (this.#givenBackBytes < COLLECTED_BYTES && (this.#bytes > 0 || this.#givenBackBytes < SEEN_BYTES)) return;
        this.#givenBackBytes = 0;
        this.#collect();
      },
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
