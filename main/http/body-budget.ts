/**
 * How many bytes of requests may be held at once, whoever sent them: one budget for all bodies
 * (api.max_buffered_mb). Small bodies are free, since the number of connections bounds them
 * already. Where it is used up, a body that has been silent for long makes room before a new one is
 * refused.
 */
import { ModeliumError } from '../../shared/errors.ts';

/** The first bytes of each body count for nothing. */
export const FREE_BYTES = 64 * 1024;
/** Who sent nothing for so long is no slow client but a stopped one. */
const SILENT_MS = 2_000;
/** Worth a collection of its own. */
const MUCH_BYTES = 16 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 1;

export interface BudgetWorld {
  limitBytes(): number;
  now(): number;
  /** Much was held, and all of it was given back: its memory may go. */
  onEmpty(): void;
}

/** One body's share. */
export interface Share {
  /** @throws ModeliumError busy-with-bodies. */
  take(bytes: number): void;
  /** Bytes came. */
  heard(): void;
  /** It is whole: from now on nobody cuts it. */
  complete(): void;
  /** Gives everything back; a second call does nothing. */
  release(): void;
}

interface Held {
  bytes: number;
  heardMs: number;
  readonly cut: (error: ModeliumError) => void;
}

export class BodyBudget {
  readonly #world: BudgetWorld;
  /** Bodies that are still coming, and have taken something. */
  readonly #coming = new Set<Held>();
  #bytes = 0;
  #mostBytes = 0;

  constructor(world: BudgetWorld) {
    this.#world = world;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param cut ends the body when others need its bytes; called at most once, and not after
   * `complete`.
   */
  open(cut: (error: ModeliumError) => void): Share {
    const held: Held = { bytes: 0, heardMs: this.#world.now(), cut };
    let isReleased = false;
    return {
      take: (bytes) => {
        if (isReleased) return;
        if (!this.#makeRoom(bytes, held)) throw busy(this.#world.limitBytes());
        held.bytes += bytes;
        this.#bytes += bytes;
        this.#mostBytes = Math.max(this.#mostBytes, this.#bytes);
        this.#coming.add(held);
      },
      heard: () => {
        held.heardMs = this.#world.now();
      },
      complete: () => void this.#coming.delete(held),
      release: () => {
        isReleased = true;
        this.#giveBack(held);
      },
    };
  }

  #makeRoom(bytes: number, own: Held): boolean {
    const limit = this.#world.limitBytes();
    while (this.#bytes + bytes > limit) {
      const silent = this.#longestSilent(own);
      if (silent === null) return false;
      this.#giveBack(silent);
      silent.cut(new ModeliumError('request-timeout', 'The body stopped coming, and its place was needed for another one.'));
    }
    return true;
  }

  #longestSilent(own: Held): Held | null {
    let found: Held | null = null;
    for (const held of this.#coming) {
      if (held !== own && this.#world.now() - held.heardMs >= SILENT_MS && held.heardMs < (found?.heardMs ?? Number.POSITIVE_INFINITY))
        found = held;
    }
    return found;
  }

  #giveBack(held: Held): void {
    this.#bytes -= held.bytes;
    held.bytes = 0;
    this.#coming.delete(held);
    if (this.#bytes > 0 || this.#mostBytes < MUCH_BYTES) return;
    this.#mostBytes = 0;
    this.#world.onEmpty();
  }
}

function busy(limitBytes: number): ModeliumError {
  return new ModeliumError(
    'busy-with-bodies',
    `The ${Math.round(limitBytes / 1024 / 1024)} MB for bodies of requests (api.max_buffered_mb) are in use.`,
    {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    },
  );
}
