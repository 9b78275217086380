/**
 * Requests that wait for a model: for its load, or for a place at a busy model. Owns their
 * promises, time-outs and cancellations. The admission owns the order; this file wakes a request
 * with a lease, or with the reason why it gets none (I10). Guarded by
 * test/runtime/waiting-room.test.ts.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { ModelState } from '../../shared/model.ts';
import type { Policies } from '../../shared/settings.ts';
import { type Admission, queueFull, type Ticket } from '../core/admission.ts';
import { type FileChecks, lacksRights } from '../core/file-checks.ts';
import type { Lease, QueueCause, WaitOptions } from '../core/gateway.ts';
import type { Clock } from '../core/ports.ts';
import { type Change, type Registry, stateOf } from '../core/registry.ts';
import { settlingInWords } from '../core/sentences.ts';

export interface WaitingRoomPorts extends Pick<FileChecks, 'lookAgain'> {
  readonly registry: Registry;
  readonly admission: Admission;
  /** A lease, if the model is ready this very moment and has a place. */
  lease(id: string, waited?: { queueMs: number; cause: QueueCause | null }): Lease | null;
  readonly clock: Clock;
  policies(): Policies;
  wake(id: string): void;
}

interface Waiter {
  readonly sinceMs: number;
  admit(lease: Lease): void;
  refuse(error: ModeliumError): void;
}

/** How long to wait before asking again, where nobody has waited for a place yet. */
const RETRY_AFTER_SECONDS = 5;
const LONGEST_RETRY_AFTER_SECONDS = 60;

export class WaitingRoom {
  readonly #ports: WaitingRoomPorts;
  /** Models without waiters have no entry. */
  readonly #waiters = new Map<string, Map<Ticket, Waiter>>();
  /**
   * What the last one that got a place at a busy model had waited: about what a full queue takes.
   */
  readonly #lastWaitMs = new Map<string, number>();
  #closed = false;

  constructor(ports: WaitingRoomPorts) {
    this.#ports = ports;
    ports.registry.onChange((change) => this.#follow(change));
  }

  /**
   * See `Inference.ensureReady`. Synchronous when the model is ready and has a place; whoever waits
   * already comes first.
   */
  ensureReady(id: string, options: WaitOptions): Lease | Promise<Lease> {
    if (this.#closed) throw shuttingDown();
    const lease = this.#waiters.has(id) ? null : this.#ports.lease(id);
    if (lease !== null) return lease;
    const refusal = this.#refusal(id);
    if (refusal === null) return this.#wait(id, options);
    if (!lacksRights(this.#ports.registry.get(id))) throw refusal;
    return this.#afterLook(id, options, refusal);
  }

  /** Whoever gave the right to read a file asks at once, before a scan has seen it. */
  async #afterLook(id: string, options: WaitOptions, refusal: ModeliumError): Promise<Lease> {
    const { lookAgain, registry } = this.#ports;
    await lookAgain(id);
    if (lacksRights(registry.get(id))) throw refusal;
    return this.ensureReady(id, options);
  }

  /**
   * A request has ended: its place is free. Models that live in one process share its places, so
   * whoever waits longest is asked first.
   */
  placeIsFree(): void {
    if (this.#waiters.size === 0) return;
    const now = this.#ports.clock.now();
    const waitMs = (id: string) => this.#ports.admission.longestWaitMs(id, now);
    const ids = [...this.#waiters.keys()];
    if (ids.length > 1) ids.sort((a, b) => waitMs(b) - waitMs(a));
    for (const id of ids) this.#admit(id);
  }

  /** Nobody is served any more; whoever waits is told. */
  close(): void {
    this.#closed = true;
    for (const id of [...this.#waiters.keys()]) this.#refuseAll(id, shuttingDown());
  }

  #wait(id: string, { signal, caller = '' }: WaitOptions): Promise<Lease> {
    const { admission, clock, policies, registry, wake } = this.#ports;
    const sinceMs = clock.now();
    const isBusy = stateOf(registry.get(id), 'ready') !== null;
    const ticket = this.#enter(id, caller, sinceMs);
    return new Promise<Lease>((resolve, reject) => {
      const leave = () => {
        cancelTimer();
        signal.removeEventListener('abort', gone);
        const waiters = this.#waiters.get(id);
        waiters?.delete(ticket);
        if (waiters?.size === 0) this.#waiters.delete(id);
        admission.leave(ticket);
      };
      const refuse = (error: ModeliumError) => {
        leave();
        reject(error);
      };
      const gone = () => {
        this.#givesUp(ticket);
        refuse(new ModeliumError('cancelled', 'The client left while the request waited.'));
        this.#goesOn(id);
        wake(id);
      };
      const timeoutMs = policies().queue_timeout_seconds * 1000;
      const cancelTimer = clock.after(timeoutMs, () => {
        this.#givesUp(ticket);
        refuse(this.#timedOut(id, timeoutMs));
        this.#goesOn(id);
        wake(id);
      });
      const admit = (lease: Lease) => {
        leave();
        resolve(lease);
      };
      signal.addEventListener('abort', gone);
      const waiters = this.#waiters.get(id) ?? new Map<Ticket, Waiter>();
      this.#waiters.set(id, waiters.set(ticket, { sinceMs, admit, refuse }));
      if (signal.aborted) gone();
      else if (!isBusy) wake(id);
    });
  }

  /**
   * While its model waits for its turn, whoever asks again soon goes on waiting where this one
   * stood.
   */
  #givesUp(ticket: Ticket): void {
    const { admission, registry, clock } = this.#ports;
    if (stateOf(registry.get(ticket.modelId), 'queued') !== null) admission.giveUp(ticket, clock.now());
  }

  /**
   * What a request began is not thrown away when the last one leaves: clients give up before large
   * models are loaded, and ask again.
   */
  #goesOn(id: string): void {
    const { admission, registry, clock } = this.#ports;
    const state = registry.get(id)?.state.name;
    if ((state === 'loading' || state === 'preparing') && !admission.isWanted(id)) admission.want(id, 'left', clock.now());
  }

  /**
   * A place in the queue. Where it is full, somebody who has more of it than this caller gives one
   * up. @throws ModeliumError queue-full.
   */
  #enter(id: string, caller: string, nowMs: number): Ticket {
    const { admission, policies } = this.#ports;
    const { max_queue } = policies();
    const lastWaitMs = this.#lastWaitMs.get(id);
    const retryAfterSeconds =
      lastWaitMs === undefined ? RETRY_AFTER_SECONDS : Math.min(LONGEST_RETRY_AFTER_SECONDS, Math.max(1, Math.ceil(lastWaitMs / 1000)));
    if (admission.waiting(id) >= max_queue) {
      const yielding = admission.yielding(id, caller);
      if (yielding !== null)
        this.#waiters
          .get(id)
          ?.get(yielding)
          ?.refuse(queueFull(id, max_queue, retryAfterSeconds));
    }
    return admission.enqueue(id, nowMs, max_queue, caller, retryAfterSeconds);
  }

  /** Why a request cannot even wait; null when it can. */
  #refusal(id: string): ModeliumError | null {
    const record = this.#ports.registry.get(id);
    if (record === undefined) return new ModeliumError('model-not-found', `There is no model ${id}.`);
    return refusalOf(id, record.state, this.#ports.clock.now());
  }

  #timedOut(id: string, timeoutMs: number): ModeliumError {
    const record = this.#ports.registry.get(id);
    const seconds = Math.round(timeoutMs / 1000);
    const what =
      stateOf(record, 'ready') === null
        ? `did not become ready within ${seconds} s: ${stateOf(record, 'queued')?.why ?? stateOf(record, 'loading')?.phase ?? 'not ready'}`
        : `is busy: no slot became free for this request within ${seconds} s`;
    return new ModeliumError('queue-timeout', `${id} ${what}.`, { retryAfterSeconds: 10 });
  }

  #follow({ id, record }: Change): void {
    if (record === null) this.#lastWaitMs.delete(id);
    if (!this.#waiters.has(id)) return;
    if (record === null) return this.#refuseAll(id, new ModeliumError('model-gone', `${id} was removed while the request waited.`));
    if (record.state.name === 'ready') return this.#admit(id);
    const refusal = refusalAfterWaiting(id, record.state, this.#ports.clock.now());
    if (refusal !== null) this.#refuseAll(id, refusal);
  }

  /** As many as there are places, in their turn. */
  #admit(id: string): void {
    const { admission, clock, registry } = this.#ports;
    const now = clock.now();
    for (let ticket = admission.next(id); ticket !== null; ticket = admission.next(id)) {
      const waiter = this.#waiters.get(id)?.get(ticket);
      if (waiter === undefined) return;
      const queueMs = now - waiter.sinceMs;
      const readySinceMs = stateOf(registry.get(id), 'ready')?.sinceMs ?? now;
      const cause = readySinceMs < waiter.sinceMs ? 'busy' : 'loading';
      const lease = this.#ports.lease(id, { queueMs, cause });
      if (lease === null) return;
      if (cause === 'busy') this.#lastWaitMs.set(id, queueMs);
      admission.serve(ticket);
      waiter.admit(lease);
    }
  }

  #refuseAll(id: string, error: ModeliumError): void {
    for (const waiter of [...(this.#waiters.get(id)?.values() ?? [])]) waiter.refuse(error);
  }
}

/** States in which a request gets an error at once; in all others it waits. */
function refusalOf(id: string, state: ModelState, nowMs: number): ModeliumError | null {
  if (state.name === 'discovered')
    return new ModeliumError('model-settling', `${id} was just found and is being analyzed.`, { retryAfterSeconds: 1 });
  if (state.name === 'settling')
    return new ModeliumError('model-settling', `${id} is ${settlingInWords(state)}.`, { retryAfterSeconds: 5 });
  if (state.name === 'blocked') return new ModeliumError('model-blocked', `${id} cannot be served: ${state.message} ${state.help}`.trim());
  if (state.name === 'failed') return failure(id, state, nowMs);
  if (state.name !== 'draining') return null;
  const { becomes } = state;
  if (becomes.to === 'forgotten') return new ModeliumError('model-gone', `${id} was removed.`);
  if (becomes.to === 'failed') return failure(id, { ...becomes, name: 'failed' }, nowMs);
  if (becomes.to === 'settling')
    return new ModeliumError('model-settling', `The files of ${id} changed; it is being analyzed again.`, { retryAfterSeconds: 5 });
  if (becomes.to === 'unloaded' && becomes.reason === 'quit') return shuttingDown();
  return null;
}

/** What ends the wait of those who wait already: also that a person unloaded or cancelled it. */
function refusalAfterWaiting(id: string, state: ModelState, nowMs: number): ModeliumError | null {
  if (state.name === 'unloaded' && (state.reason === 'user' || state.reason === 'quit')) {
    return unloadedByHand(id);
  }
  // Who comes while it drains is not meant: that request turns the drain towards loading again at
  // once.
  if (state.name === 'draining' && state.becomes.to === 'unloaded' && state.becomes.reason === 'user') return unloadedByHand(id);
  return refusalOf(id, state, nowMs);
}

function failure(id: string, state: Extract<ModelState, { name: 'failed' }>, nowMs: number): ModeliumError | null {
  const { failure: error, retryAtMs } = state;
  if (retryAtMs !== null && retryAtMs <= nowMs) return null;
  const retry = retryAtMs === null ? {} : { retryAfterSeconds: Math.max(1, Math.ceil((retryAtMs - nowMs) / 1000)) };
  return new ModeliumError('model-failed', `${id} could not be loaded: ${error.message}`, { ...retry, lastOutput: error.lastOutput });
}

function unloadedByHand(id: string): ModeliumError {
  return new ModeliumError('cancelled', `${id} was unloaded while the request waited.`, { retryAfterSeconds: 1 });
}

function shuttingDown(): ModeliumError {
  return new ModeliumError('shutting-down', 'Modelium is ending.', { retryAfterSeconds: 5 });
}
