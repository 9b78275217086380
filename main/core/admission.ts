/**
 * Owns the queue: which requests (tickets), users, `always_loaded` entries and new models wait for
 * which model. Requests wait for a load, or for a place at a busy model. Requests of one caller
 * keep their order; callers take turns. It has no timers and settles no promise: the waiting room
 * handles time-outs, the orchestrator reads the order.
 */
import { ModeliumError } from '../../shared/errors.ts';

/** One waiting request. Compared by identity. */
export interface Ticket {
  readonly modelId: string;
  readonly sinceMs: number;
  /** Whoever sent it; requests of one caller wait for each other. */
  readonly caller: string;
}

/**
 * `content`: new files in a watch folder, which take free room only; `left`: a load that requests
 * began goes on though they left.
 */
export type Who = 'person' | 'always' | 'content' | 'left';

/** These take free room only, and come after everybody else. */
const MODEST: ReadonlySet<Who> = new Set(['content', 'left']);

interface Queue {
  /** In the order of arrival. */
  readonly tickets: Set<Ticket>;
  /** The same by caller, whoever's turn is next first. */
  readonly callers: Map<string, Set<Ticket>>;
  readonly wants: Map<Who, number>;
  /**
   * Since when earlier requests had waited that gave up, and whose place in the order the present
   * ones have; null: none did.
   */
  inheritedMs: number | null;
}

/**
 * Who asks again so soon stands where it stood: clients give up after seconds, where an order of
 * models takes a minute.
 */
const ASKS_AGAIN_MS = 60_000;
const RETRY_AFTER_SECONDS = 5;

/** Requests at one model's runtime at once, whatever it says that it takes (I10). */
export const MOST_IN_FLIGHT = 1_024;

/** All times are monotonic milliseconds. */
export class Admission {
  readonly #queues = new Map<string, Queue>();
  /**
   * Of models whose last request gave up before they were granted a place: since when it, or those
   * before it, had waited, and when it left.
   */
  readonly #gaveUp = new Map<string, { readonly sinceMs: number; readonly leftMs: number }>();

  /**
   * A place in the model's queue. @throws ModeliumError queue-full when `maxQueue` requests wait
   * for this model already (I10).
   */
  enqueue(modelId: string, nowMs: number, maxQueue: number, caller = '', retryAfterSeconds = RETRY_AFTER_SECONDS): Ticket {
    if (this.waiting(modelId) >= maxQueue) throw queueFull(modelId, maxQueue, retryAfterSeconds);
    const ticket: Ticket = { modelId, sinceMs: nowMs, caller };
    const queue = this.#queue(modelId);
    const { tickets, callers } = queue;
    const before = this.#gaveUp.get(modelId);
    if (tickets.size === 0 && before !== undefined && nowMs - before.leftMs <= ASKS_AGAIN_MS) queue.inheritedMs = before.sinceMs;
    tickets.add(ticket);
    const own = callers.get(caller);
    if (own === undefined) callers.set(caller, new Set([ticket]));
    else own.add(ticket);
    return ticket;
  }

  /** Gives a place up; false when it was taken or given up before. */
  leave(ticket: Ticket): boolean {
    const queue = this.#queues.get(ticket.modelId);
    if (queue === undefined || !queue.tickets.delete(ticket)) return false;
    const own = queue.callers.get(ticket.caller);
    own?.delete(ticket);
    if (own?.size === 0) queue.callers.delete(ticket.caller);
    this.#tidy(ticket.modelId);
    return true;
  }

  /**
   * The same for a request whose model still waits for its turn: the next one takes its place in
   * the order of models.
   */
  giveUp(ticket: Ticket, nowMs: number): void {
    const inheritedMs = this.#queues.get(ticket.modelId)?.inheritedMs ?? ticket.sinceMs;
    if (this.leave(ticket)) this.#gaveUp.set(ticket.modelId, { sinceMs: Math.min(inheritedMs, ticket.sinceMs), leftMs: nowMs });
  }

  /** Whose turn it is at this model; null: nobody waits. */
  next(modelId: string): Ticket | null {
    const [own] = this.#queues.get(modelId)?.callers.values() ?? [];
    const [ticket] = own ?? [];
    return ticket ?? null;
  }

  /**
   * It has its place at the model: it waits no more, and its caller's next turn comes after
   * everybody else's.
   */
  serve(ticket: Ticket): void {
    const callers = this.#queues.get(ticket.modelId)?.callers;
    const own = callers?.get(ticket.caller);
    if (callers !== undefined && own !== undefined) {
      callers.delete(ticket.caller);
      callers.set(ticket.caller, own);
    }
    this.#gaveUp.delete(ticket.modelId);
    this.leave(ticket);
  }

  /**
   * Who gives up a place in a full queue for a request of this caller: the newest of whoever has
   * the most waiting, so that nobody fills the queue against all others. Null: the caller has as
   * many itself.
   */
  yielding(modelId: string, caller: string): Ticket | null {
    const callers = this.#queues.get(modelId)?.callers;
    if (callers === undefined) return null;
    let most: ReadonlySet<Ticket> = new Set();
    for (const each of callers.values()) if (each.size > most.size) most = each;
    const own = callers.get(caller)?.size ?? 0;
    return most.size > own + 1 ? ([...most].at(-1) ?? null) : null;
  }

  /**
   * Notes a wish; one that stands already keeps its time, so that asking again gains and loses no
   * place.
   */
  want(modelId: string, who: Who, nowMs: number): void {
    const { wants } = this.#queue(modelId);
    if (!wants.has(who)) wants.set(who, nowMs);
  }

  /** Ends a wish, or without `who` every wish that is not a request's. */
  unwant(modelId: string, who?: Who): void {
    const wants = this.#queues.get(modelId)?.wants;
    if (who === undefined) {
      wants?.clear();
      this.#gaveUp.delete(modelId);
    } else wants?.delete(who);
    this.#tidy(modelId);
  }

  waiting(modelId: string): number {
    return this.#queues.get(modelId)?.tickets.size ?? 0;
  }

  /** How long the request that waits longest does so; 0 without any. */
  longestWaitMs(modelId: string, nowMs: number): number {
    const [oldest] = this.#queues.get(modelId)?.tickets ?? [];
    return oldest === undefined ? 0 : nowMs - oldest.sinceMs;
  }

  /** Anybody at all: requests or wishes. */
  isWanted(modelId: string): boolean {
    return this.#queues.has(modelId);
  }

  /**
   * Only requests wanted it, and all of them left: a load of it goes on until somebody else wants
   * the room.
   */
  isLeftOver(modelId: string): boolean {
    const queue = this.#queues.get(modelId);
    return queue !== undefined && queue.tickets.size === 0 && queue.wants.size === 1 && queue.wants.has('left');
  }

  /**
   * Content in a watch folder, and what was left, take free room only; everyone else may have a
   * victim.
   */
  mayEvict(modelId: string): boolean {
    const queue = this.#queues.get(modelId);
    return queue !== undefined && demandSinceMs(queue) !== null;
  }

  /**
   * How long the oldest demand for a model stands; 0 without one. New content does not count: it
   * never pushes anyone out.
   */
  oldestWaitMs(modelId: string, nowMs: number): number {
    const queue = this.#queues.get(modelId);
    const sinceMs = queue === undefined ? null : demandSinceMs(queue);
    return sinceMs === null ? 0 : nowMs - sinceMs;
  }

  /**
   * The models that are wanted, in the order in which their oldest wish arrived: whoever waited
   * longest is asked first each time, so nobody starves. Content that nobody asked for comes after
   * all of them, since it may only take what is left.
   */
  order(): readonly string[] {
    const entries = [...this.#queues].map(([modelId, queue]) => {
      const demandMs = demandSinceMs(queue);
      return { modelId, modest: demandMs === null, sinceMs: demandMs ?? Math.min(...queue.wants.values()) };
    });
    // The sort is stable and the map keeps the order of arrival: equal times stay in it.
    entries.sort((a, b) => Number(a.modest) - Number(b.modest) || a.sinceMs - b.sinceMs);
    return entries.map((entry) => entry.modelId);
  }

  #queue(modelId: string): Queue {
    const known = this.#queues.get(modelId);
    if (known !== undefined) return known;
    const queue: Queue = { tickets: new Set(), callers: new Map(), wants: new Map(), inheritedMs: null };
    this.#queues.set(modelId, queue);
    return queue;
  }

  #tidy(modelId: string): void {
    const queue = this.#queues.get(modelId);
    if (queue !== undefined && queue.tickets.size === 0 && queue.wants.size === 0) this.#queues.delete(modelId);
  }
}

/** The answer to one request too many. */
export function queueFull(modelId: string, maxQueue: number, retryAfterSeconds: number): ModeliumError {
  return new ModeliumError('queue-full', `${maxQueue} requests already wait for ${modelId}, which is the limit.`, { retryAfterSeconds });
}

/** Since when a request, a person or `always_loaded` wants it; null: nobody but the modest. */
function demandSinceMs(queue: Queue): number | null {
  // Tickets are added in the order of arrival: the first of the set is the oldest.
  const [oldest] = queue.tickets;
  let sinceMs = oldest === undefined ? null : Math.min(oldest.sinceMs, queue.inheritedMs ?? oldest.sinceMs);
  for (const [who, wantedMs] of queue.wants) {
    if (!MODEST.has(who) && (sinceMs === null || wantedMs < sinceMs)) sinceMs = wantedMs;
  }
  return sinceMs;
}
