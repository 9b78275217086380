/**
 * The requests in flight at one loaded model: hands out leases, counts them, reports when none is
 * left, and cuts them at a drain's deadline (I3).
 */
import type { RuntimeId } from '../../shared/decision.ts';
import type { ModeliumError } from '../../shared/errors.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import type { Lease, QueueCause } from '../core/gateway.ts';

export interface LeaseFacts {
  readonly modelId: string;
  readonly runtime: RuntimeId;
  readonly endpoint: Endpoint;
  readonly profile: ModelProfile;
}

export class Leases {
  #inFlight = 0;
  #chunks = 0;
  #cut = new AbortController();
  #onEmpty: (() => void)[] = [];
  readonly #onRelease: () => void;

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Pieces of answers so far, of all requests: it grows as long as the runtime lives. */
  get chunks(): number {
    return this.#chunks;
  }

  /** One for all leases: the exchange calls it for every chunk. */
  readonly #countChunk = (): void => {
    this.#chunks += 1;
  };

  grant(facts: LeaseFacts, waited: { queueMs: number; loadMs: number; queueCause: QueueCause | null }): Lease {
    this.#inFlight += 1;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#inFlight -= 1;
      this.#onRelease();
      if (this.#inFlight === 0) for (const listener of this.#onEmpty.splice(0)) listener();
    };
    return { ...facts, ...waited, cut: this.#cut.signal, countChunk: this.#countChunk, release };
  }

  /** Ends every request in flight now. @param why what they are answered; null: it was stopped. */
  cut(why: ModeliumError | null): void {
    this.#cut.abort(why);
    this.#cut = new AbortController();
  }

  whenEmpty(listener: () => void): void {
    if (this.#inFlight === 0) listener();
    else this.#onEmpty.push(listener);
  }
}
