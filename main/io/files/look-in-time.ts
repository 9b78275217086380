/**
 * Looks at a disk that may never answer: that of a network drive whose server is gone. What waits
 * for a look waits for some seconds at most, and such a disk is asked once, because each question
 * that it does not answer keeps one of the few threads that ask for this process.
 */
import type { Clock } from '../../core/ports.ts';
import type { ScanOutcome } from './scan.ts';

const ANSWER_MS = 5_000;

/** Of one folder or path. */
export class LookInTime {
  readonly #clock: Clock;
  readonly #onLate: () => void;
  #isUnanswered = false;
  /** Null as an outcome: there is too much in it for this thread. */
  #late: { readonly outcome: ScanOutcome | null } | null = null;
  #giveUp = (): void => {};

  /** @param onLate the disk answers again, and the next look has the answer at once. */
  constructor(clock: Clock, onLate: () => void) {
    this.#clock = clock;
    this.#onLate = onLate;
  }

  /** @returns what `look` found, or that the disk is silent. */
  async at<Outcome extends ScanOutcome | null>(path: string, look: () => Promise<Outcome>): Promise<Outcome | ScanOutcome> {
    const late = this.#late;
    this.#late = null;
    if (late !== null) return late.outcome as Outcome;
    if (this.#isUnanswered) return silent(path);
    const over = Promise.withResolvers<ScanOutcome>();
    this.#giveUp = () => over.resolve(silent(path));
    const cancel = this.#clock.after(ANSWER_MS, this.#giveUp);
    let isAnswered = false;
    const looking = look().finally(() => {
      isAnswered = true;
    });
    const found = await Promise.race([looking, over.promise]).finally(cancel);
    if (!isAnswered) this.#follow(looking);
    return found;
  }

  /** Waits no longer for a look that is under way. */
  giveUp(): void {
    this.#giveUp();
  }

  #follow(looking: Promise<ScanOutcome | null>): void {
    this.#isUnanswered = true;
    const answered = (late: { readonly outcome: ScanOutcome | null } | null): void => {
      this.#isUnanswered = false;
      this.#late = late;
      this.#onLate();
    };
    looking.then(
      (outcome) => answered({ outcome }),
      () => answered(null),
    );
  }
}

function silent(path: string): ScanOutcome {
  const message = `${path} cannot be read: its disk has not answered for ${ANSWER_MS / 1000} s.`;
  return { scan: { folder: path, ok: false, message }, mount: null, leftOut: 0, misnamed: null, folders: [] };
}
