/**
 * Lets large bodies take turns: each turn reads a fixed amount of all of them together, whoever
 * sends them and however many there are, so that they neither delay small requests nor use the
 * whole processor (I12). Knows no request.
 */

/** Copying so much takes some tenths of a millisecond. */
const TURN_BYTES = 256 * 1024;
/** Each that goes on brings about 64 KiB. */
const MOST_RESUMED = 4;
/** Where many wait, turns come this much later at most: they are in no hurry, and others are. */
const MOST_DELAY = 6;
/** What so many bytes arrived in is garbage, and cheap to collect as long as it is young. */
const COLLECTED_BYTES = 4 * 1024 * 1024;

/** Calls once, after so many times the usual moment. */
export type NextTurn = (moments: number, act: () => void) => void;

/** A body of which more would come. */
export interface Paced {
  pause(): unknown;
  resume(): unknown;
}

export class BodyPace {
  readonly #nextTurn: NextTurn;
  readonly #collectYoung: () => void;
  /** They go on in this order. */
  readonly #paused = new Set<Paced>();
  #bytes = 0;
  #uncollectedBytes = 0;
  #isTurnAsked = false;

  /** @param collectYoung collects garbage that is young. */
  constructor(nextTurn: NextTurn, collectYoung: () => void) {
    this.#nextTurn = nextTurn;
    this.#collectYoung = collectYoung;
  }

  /** So much of a large body came; it is held where this turn has brought enough. */
  came(bytes: number, body: Paced): void {
    this.#bytes += bytes;
    this.#askTurn();
    if (this.#bytes < TURN_BYTES && this.#paused.size === 0) return;
    body.pause();
    this.#paused.add(body);
  }

  /** Does it wait for its turn? */
  holds(body: Paced): boolean {
    return this.#paused.has(body);
  }

  /** It is not read on. */
  left(body: Paced): void {
    this.#paused.delete(body);
  }

  #askTurn(): void {
    if (this.#isTurnAsked) return;
    this.#isTurnAsked = true;
    const delay = Math.min(MOST_DELAY, Math.ceil(this.#paused.size / MOST_RESUMED));
    this.#nextTurn(Math.max(1, delay), () => {
      this.#isTurnAsked = false;
      this.#uncollectedBytes += this.#bytes;
      this.#bytes = 0;
      if (this.#uncollectedBytes >= COLLECTED_BYTES) {
        this.#uncollectedBytes = 0;
        this.#collectYoung();
      }
      for (const body of [...this.#paused].slice(0, MOST_RESUMED)) {
        this.#paused.delete(body);
        body.resume();
      }
      if (this.#paused.size > 0) this.#askTurn();
    });
  }
}
