/**
 * The budget of bytes for all request bodies together (api.max_buffered_mb), and their memory.
 * Small bodies do not count, because the number of connections already bounds them. The memory of
 * bodies that are over is kept for the next ones for a while, within the budget. When the budget is
 * used up, this memory is given up first, then a body that stopped arriving long ago, before a new
 * one is refused. What is given up goes with the next collection of garbage, which this asks for:
 * V8 does not count it.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { BodyMemory } from './body-memory.ts';
import { BodyPace, type NextTurn, type Paced } from './body-pace.ts';

/** The first bytes of each body count for nothing. */
export const FREE_BYTES = 64 * 1024;
/** Who sent nothing for so long is no slow client but a stopped one. */
const SILENT_MS = 2_000;
const RETRY_AFTER_SECONDS = 1;
/** Nobody needed the memory that is kept for so long: it is given up. */
const KEPT_MS = 2_000;
/** Who was refused asks again within this time. */
const SHORT_MS = 60_000;
/**
 * What was given up takes no more than this beside the budget, and what was copied out of bodies as
 * much again.
 */
const UNCOLLECTED_BYTES = 128 * 1024 * 1024;

export interface BudgetPorts {
  limitBytes(): number;
  now(): number;
  readonly nextTurn: NextTurn;
  /** Calls once, after so long. */
  after(ms: number, act: () => void): void;
  /** Collects garbage: what is young, in a millisecond, or all of it, bit by bit. */
  collect(how: 'young' | 'gradually'): void;
}

/** How large a body is, as far as its head and the settings say. */
export interface BodySize {
  /** It may become so large. */
  readonly mostBytes: number;
  /** It said so; null: it did not say. */
  readonly announcedBytes: number | null;
}

/** One body's share. */
export interface Share {
  /**
   * The body's memory, which holds so many bytes at least, and the same each time.
   * @throws ModeliumError busy-with-bodies.
   */
  memory(bytes: number): SharedArrayBuffer;
  /** Bytes came. */
  received(): void;
  /** It is whole: from now on nobody cuts it. */
  complete(): void;
  /**
   * Gives everything back; a second call does nothing.
   * @param isUnread nobody reads the memory any more, not even another thread: another body may
   * have it.
   */
  release(isUnread: boolean): void;
}

interface Held {
  /** Null: it has taken nothing, or given it back. */
  memory: SharedArrayBuffer | null;
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
  readonly #memory = new BodyMemory();
  /** Of all memory, that which is kept included. */
  #bytes = 0;
  #uncollectedBytes = 0;
  #usedMs = 0;
  #refusedMs = Number.NEGATIVE_INFINITY;
  #isLookDue = false;

  constructor(ports: BudgetPorts) {
    this.#ports = ports;
    this.pace = new BodyPace(ports.nextTurn, () => ports.collect('young'));
  }

  /**
   * @param cut ends the body when others need its bytes; called at most once, and not after
   * `complete`.
   */
  open(body: Paced, { mostBytes, announcedBytes }: BodySize, cut: (error: ModeliumError) => void): Share {
    const held: Held = { memory: null, receivedMs: this.#ports.now(), body, cut };
    return {
      memory: (bytes) => {
        const memory = held.memory ?? this.#memory.take(announcedBytes, mostBytes);
        // What was kept is counted already.
        const more = Math.max(0, bytes - memory.byteLength);
        if (!this.#makeRoom(more, held)) {
          if (held.memory === null) this.#keep(memory);
          this.#refusedMs = this.#ports.now();
          throw busy(this.#ports.limitBytes());
        }
        this.#bytes += more;
        if (more > 0) memory.grow(bytes);
        held.memory = memory;
        this.#coming.add(held);
        return memory;
      },
      received: () => {
        held.receivedMs = this.#ports.now();
      },
      complete: () => void this.#coming.delete(held),
      release: (isUnread) => this.#giveBack(held, isUnread),
    };
  }

  /** Was a body refused lately? */
  get isShort(): boolean {
    return this.#ports.now() - this.#refusedMs < SHORT_MS;
  }

  #makeRoom(bytes: number, own: Held): boolean {
    const limit = this.#ports.limitBytes();
    while (this.#bytes + bytes > limit) {
      if (this.#giveUpKept()) continue;
      const silent = this.#longestSilent(own);
      if (silent === null) return false;
      this.#giveBack(silent, true);
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

  #giveBack(held: Held, isUnread: boolean): void {
    const { memory } = held;
    held.memory = null;
    this.#coming.delete(held);
    if (memory === null) return;
    if (isUnread) this.#keep(memory);
    else this.#giveUp(memory.byteLength);
  }

  #keep(memory: SharedArrayBuffer): void {
    this.#memory.keep(memory);
    this.#usedMs = this.#ports.now();
    this.#lookLater();
  }

  /** Gives up what is kept once no body came for a while. */
  #lookLater(): void {
    if (this.#isLookDue) return;
    this.#isLookDue = true;
    this.#ports.after(KEPT_MS, () => {
      this.#isLookDue = false;
      if (this.#ports.now() - this.#usedMs < KEPT_MS) return this.#lookLater();
      while (this.#giveUpKept());
      if (this.#uncollectedBytes > 0) this.#collect();
    });
  }

  /** @returns false: nothing is kept. */
  #giveUpKept(): boolean {
    const bytes = this.#memory.forget();
    if (bytes !== null) this.#giveUp(bytes);
    return bytes !== null;
  }

  #giveUp(bytes: number): void {
    this.#bytes -= bytes;
    this.#uncollectedBytes += bytes;
    if (this.#uncollectedBytes >= UNCOLLECTED_BYTES) this.#collect();
  }

  #collect(): void {
    this.#uncollectedBytes = 0;
    // In a moment: whoever gives it back still holds it.
    this.#ports.nextTurn(1, () => this.#ports.collect('gradually'));
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
