/**
 * The budget of bytes for all request bodies together (api.max_buffered_mb). Small bodies do not
 * count, because the number of connections already bounds them. When the budget is used up, a body
 * that stopped arriving long ago is dropped before a new one is refused. The memory of bodies that
 * are over goes with the next collection of garbage, which this asks for: V8 does not count it.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { BodyPace, type NextTurn, type Paced } from './body-pace.ts';

/** The first bytes of each body count for nothing. */
export const FREE_BYTES = 64 * 1024;
/** Who sent nothing for so long is no slow client but a stopped one. */
const SILENT_MS = 2_000;
const RETRY_AFTER_SECONDS = 1;
/**
 * Bodies that are over take no more than this beside the budget, and what was copied out of them as
 * much again.
 */
const UNCOLLECTED_BYTES = 128 * 1024 * 1024;

export interface BudgetPorts {
  limitBytes(): number;
  now(): number;
  readonly nextTurn: NextTurn;
  /**
   * Collects garbage: a millisecond where only what is young is looked at, else some tens of them.
   */
  collect(what: 'young' | 'all'): void;
}

/** One body's share. */
export interface Share {
  /** @throws ModeliumError busy-with-bodies. */
  take(bytes: number): void;
  /** Bytes came. */
  received(): void;
  /** It is whole: from now on nobody cuts it. */
  complete(): void;
  /** Gives everything back; a second call does nothing. */
  release(): void;
}

interface Held {
  bytes: number;
  receivedMs: number;
  readonly body: Paced;
  readonly cut: (error: ModeliumError) => void;
}

export class BodyBudget {
  /** Whose turn it is to be read. */
  readonly pace: BodyPace;
  readonly #ports: BudgetPorts;
  /** Bodies that are still coming, and have taken something. */
  readonly #coming = new Set<Held>();
  #bytes = 0;
  #uncollectedBytes = 0;

  constructor(ports: BudgetPorts) {
    this.#ports = ports;
    this.pace = new BodyPace(ports.nextTurn, () => ports.collect('young'));
  }

  /**
   * @param cut ends the body when others need its bytes; called at most once, and not after
   * `complete`.
   */
  open(body: Paced, cut: (error: ModeliumError) => void): Share {
    const held: Held = { bytes: 0, receivedMs: this.#ports.now(), body, cut };
    let isReleased = false;
    return {
      take: (bytes) => {
        if (isReleased) return;
        if (!this.#makeRoom(bytes, held)) throw busy(this.#ports.limitBytes());
        held.bytes += bytes;
        this.#bytes += bytes;
        this.#coming.add(held);
      },
      received: () => {
        held.receivedMs = this.#ports.now();
      },
      complete: () => void this.#coming.delete(held),
      release: () => {
        isReleased = true;
        this.#giveBack(held);
      },
    };
  }

  #makeRoom(bytes: number, own: Held): boolean {
    const limit = this.#ports.limitBytes();
    while (this.#bytes + bytes > limit) {
      const silent = this.#longestSilent(own);
      if (silent === null) return false;
      this.#giveBack(silent);
      silent.cut(new ModeliumError('request-timeout', 'The body stopped arriving, and its memory was needed for another request.'));
    }
    return true;
  }

  #longestSilent(own: Held): Held | null {
    let found: Held | null = null;
    for (const held of this.#coming) {
      // One that waits for its turn is not silent: nobody listens.
      if (this.pace.holds(held.body)) continue;
      if (
        held !== own &&
        this.#ports.now() - held.receivedMs >= SILENT_MS &&
        held.receivedMs < (found?.receivedMs ?? Number.POSITIVE_INFINITY)
      )
        found = held;
    }
    return found;
  }

  #giveBack(held: Held): void {
    this.#bytes -= held.bytes;
    this.#uncollectedBytes += held.bytes;
    held.bytes = 0;
    this.#coming.delete(held);
    if (this.#uncollectedBytes < UNCOLLECTED_BYTES) return;
    this.#uncollectedBytes = 0;
    // In a moment: whoever gives it back still holds it.
    this.#ports.nextTurn(1, () => this.#ports.collect('all'));
  }
}

function busy(limitBytes: number): ModeliumError {
  return new ModeliumError(
    'busy-with-bodies',
    `The ${Math.round(limitBytes / 1024 / 1024)} MiB for request bodies (api.max_buffered_mb) are in use.`,
    {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    },
  );
}
