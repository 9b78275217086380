/**
 * Requests that wait for a model: their promises, time-outs and departures. The order in which they are served is the admission's; this file
 * only wakes them: with a lease when the model is ready, with the reason when it will not be (I10).
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { ModelState } from '../../shared/model.ts';
import type { Policies } from '../../shared/settings.ts';
import type { Admission, Ticket } from '../core/admission.ts';
import type { Lease, WaitOptions } from '../core/gateway.ts';
import type { Clock } from '../core/ports.ts';
import { type Change, type Registry, stateOf } from '../core/registry.ts';
import { settlingInWords } from '../core/sentences.ts';

export interface WaitingRoomPorts {
  readonly registry: Registry;
  readonly admission: Admission;
  /** A lease, if the model is ready this very moment. */
  lease(id: string, waited?: { queueMs: number; cause: 'loading' | null }): Lease | null;
  readonly clock: Clock;
  policies(): Policies;
  wake(id: string): void;
}

interface Waiter {
  readonly ticket: Ticket;
  readonly sinceMs: number;
  admit(lease: Lease): void;
  refuse(error: ModeliumError): void;
}

export class WaitingRoom {
  readonly #ports: WaitingRoomPorts;
  readonly #waiters = new Map<string, Map<Ticket, Waiter>>();
  #closed = false;

  constructor(ports: WaitingRoomPorts) {
    this.#ports = ports;
    ports.registry.onChange((change) => this.#follow(change));
  }

  /** See `Inference.ensureReady`. Synchronous when the model is ready. */
  ensureReady(id: string, options: WaitOptions): Lease | Promise<Lease> {
    if (this.#closed) throw shuttingDown();
    const lease = this.#ports.lease(id);
    if (lease !== null) return lease;
    const refusal = this.#refusal(id);
    if (refusal !== null) throw refusal;
    return this.#wait(id, options.signal);
  }

  /** Nobody is served any more; whoever waits is told. */
  close(): void {
    this.#closed = true;
    for (const id of [...this.#waiters.keys()]) this.#refuseAll(id, shuttingDown());
  }

  #wait(id: string, signal: AbortSignal): Promise<Lease> {
    const { admission, clock, policies, wake } = this.#ports;
    const sinceMs = clock.now();
    const ticket = admission.enqueue(id, sinceMs, policies().max_queue);
    return new Promise<Lease>((resolve, reject) => {
      const leave = () => {
        cancelTimer();
        signal.removeEventListener('abort', gone);
        this.#waiters.get(id)?.delete(ticket);
        admission.leave(ticket);
      };
      const refuse = (error: ModeliumError) => {
        leave();
        reject(error);
      };
      const gone = () => {
        refuse(new ModeliumError('cancelled', 'The client left while the request waited.'));
        wake(id);
      };
      const timeoutMs = policies().queue_timeout_seconds * 1000;
      const cancelTimer = clock.after(timeoutMs, () => {
        refuse(this.#timedOut(id, timeoutMs));
        wake(id);
      });
      const admit = (lease: Lease) => {
        leave();
        resolve(lease);
      };
      signal.addEventListener('abort', gone, { once: true });
      const waiters = this.#waiters.get(id) ?? new Map<Ticket, Waiter>();
      this.#waiters.set(id, waiters.set(ticket, { ticket, sinceMs, admit, refuse }));
      if (signal.aborted) gone();
      else wake(id);
    });
  }

  /** Why a request cannot even wait; null when it can. */
  #refusal(id: string): ModeliumError | null {
    const record = this.#ports.registry.get(id);
    if (record === undefined) return new ModeliumError('model-not-found', `There is no model ${id}.`);
    return refusalOf(id, record.state, this.#ports.clock.now());
  }

  #timedOut(id: string, timeoutMs: number): ModeliumError {
    const record = this.#ports.registry.get(id);
    const why = stateOf(record, 'queued')?.why ?? stateOf(record, 'loading')?.phase ?? 'not ready';
    return new ModeliumError('queue-timeout', `${id} did not become ready within ${Math.round(timeoutMs / 1000)} s: ${why}.`, {
      retryAfterSeconds: 10,
    });
  }

  #follow({ id, record }: Change): void {
    const waiters = this.#waiters.get(id);
    if (waiters === undefined) return;
    if (record === null) {
      this.#refuseAll(id, new ModeliumError('model-gone', `${id} was removed while the request waited.`));
      return void this.#waiters.delete(id);
    }
    if (record.state.name === 'ready') return this.#admitAll(id);
    const refusal = refusalAfterWaiting(id, record.state, this.#ports.clock.now());
    if (refusal !== null) this.#refuseAll(id, refusal);
  }

  #admitAll(id: string): void {
    const now = this.#ports.clock.now();
    for (const waiter of [...(this.#waiters.get(id)?.values() ?? [])]) {
      const lease = this.#ports.lease(id, { queueMs: now - waiter.sinceMs, cause: 'loading' });
      if (lease === null) return;
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
    return new ModeliumError('model-settling', `${id} was just found and is being looked at.`, { retryAfterSeconds: 1 });
  if (state.name === 'settling')
    return new ModeliumError('model-settling', `${id} is ${settlingInWords(state)}.`, { retryAfterSeconds: 5 });
  if (state.name === 'blocked') return new ModeliumError('model-blocked', `${id} cannot be served: ${state.message} ${state.help}`.trim());
  if (state.name === 'failed') return failure(id, state, nowMs);
  if (state.name !== 'draining') return null;
  const { becomes } = state;
  if (becomes.to === 'forgotten') return new ModeliumError('model-gone', `${id} was removed.`);
  if (becomes.to === 'failed') return failure(id, { ...becomes, name: 'failed' }, nowMs);
  if (becomes.to === 'settling')
    return new ModeliumError('model-settling', `The files of ${id} changed; it is being looked at again.`, { retryAfterSeconds: 5 });
  if (becomes.to === 'unloaded' && becomes.reason === 'quit') return shuttingDown();
  return null;
}

/** What ends the wait of those who wait already: also that a person unloaded or cancelled it. */
function refusalAfterWaiting(id: string, state: ModelState, nowMs: number): ModeliumError | null {
  if (state.name === 'unloaded' && (state.reason === 'user' || state.reason === 'quit')) {
    return unloadedByHand(id);
  }
  // Who comes while it drains is not meant: that request turns the drain towards loading again at once.
  if (state.name === 'draining' && state.becomes.to === 'unloaded' && state.becomes.reason === 'user') return unloadedByHand(id);
  return refusalOf(id, state, nowMs);
}

function failure(id: string, state: Extract<ModelState, { name: 'failed' }>, nowMs: number): ModeliumError | null {
  const { failure: error, retryAtMs } = state;
  if (retryAtMs !== null && retryAtMs <= nowMs) return null;
  const retry = retryAtMs === null ? {} : { retryAfterSeconds: Math.max(1, Math.ceil((retryAtMs - nowMs) / 1000)) };
  return new ModeliumError('model-failed', `${id} could not be loaded: ${error.message}`, { ...retry, lastWords: error.lastWords });
}

function unloadedByHand(id: string): ModeliumError {
  return new ModeliumError('cancelled', `${id} was unloaded while the request waited.`, { retryAfterSeconds: 1 });
}

function shuttingDown(): ModeliumError {
  return new ModeliumError('shutting-down', 'Modelium is ending.', { retryAfterSeconds: 5 });
}
