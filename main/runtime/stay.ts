/**
 * A stay: the time from a model's load until it has left, with its users and its drain. Requests in
 * flight are counted and awaited. A drain can change its goal meanwhile, and a request can cancel
 * it while that is possible. Processes, guests and preparations use the same code; the owner of the
 * stay ends it. Knows no process and no memory.
 */
import type { ModeliumError } from '../../shared/errors.ts';
import { type AfterDrain, type DrainReason, NOTHING_COPIED, type StateOf } from '../../shared/model.ts';
import type { Policies } from '../../shared/settings.ts';
import type { Lease, QueueCause } from '../core/gateway.ts';
import type { Clock } from '../core/ports.ts';
import { type ModelRecord, type Registry, stateOf } from '../core/registry.ts';
import type { Usage } from '../core/usage.ts';
import { isRevocable, redirected } from './drains.ts';
import type { Leases } from './leases.ts';

export interface StayPorts {
  readonly registry: Registry;
  readonly usage: Usage;
  readonly clock: Clock;
  policies(): Policies;
}

/** How long a request waited for its lease, and why. */
export interface Waited {
  readonly queueMs: number;
  readonly cause: QueueCause | null;
}

export const NOT_WAITED: Waited = { queueMs: 0, cause: null };

export interface LeaveOptions {
  /** Requests in flight are cut, not waited for. */
  readonly force?: boolean;
  /** The error for requests that are cut at the end. */
  readonly why?: ModeliumError;
}

/** A model that can take a request now. */
export interface Serving {
  readonly record: ModelRecord & { readonly profile: NonNullable<ModelRecord['profile']> };
  readonly ready: StateOf<'ready'>;
}

export class Stay {
  readonly id: string;
  readonly leases: Leases;
  /** Aborts when the model must leave: its load stops. */
  readonly abort = new AbortController();
  /** Settles when the load has stopped. */
  bringUp: Promise<void> = Promise.resolve();
  readonly #ports: StayPorts;
  #leaving: Promise<void> | null = null;
  /** Counts drains, so that a revoked drain does not continue as part of the next one. */
  #drains = 0;
  #cutLeases: () => void = () => {};
  #cancelDeadline: () => void = () => {};

  constructor(ports: StayPorts, id: string, leases: Leases) {
    this.#ports = ports;
    this.id = id;
    this.leases = leases;
  }

  /**
   * Null: the model cannot take a request.
   * @param isWhole its process is untouched: then an idle drain that has not sent its stop signal
   * yet is revoked.
   */
  serving(isWhole: boolean): Serving | null {
    const { registry } = this.#ports;
    const draining = stateOf(registry.get(this.id), 'draining');
    if (draining !== null && isRevocable(draining) && isWhole) {
      this.#leaving = null;
      this.#cancelDeadline();
      registry.apply(this.id, { type: 'drain-revoked' });
    }
    const record = registry.get(this.id);
    const ready = stateOf(record, 'ready');
    return record?.profile == null || ready === null ? null : { record: { ...record, profile: record.profile }, ready };
  }

  /**
   * @param profile the profile that requests see.
   * @param waitedForRoom other models had to leave for it.
   */
  grant({ ready }: Serving, profile: Lease['profile'], { queueMs, cause }: Waited, waitedForRoom: boolean): Lease {
    const { usage, clock } = this.#ports;
    usage.began(this.id, clock.now());
    const isLoad = cause === 'loading';
    const loadMs = isLoad ? Math.min(queueMs, ready.loadSeconds * 1000) : 0;
    const facts = { modelId: this.id, runtime: ready.runtime, endpoint: ready.endpoint, profile };
    return this.leases.grant(facts, { queueMs, loadMs, queueCause: isLoad && waitedForRoom ? 'memory' : cause });
  }

  /**
   * Waits up to `drain_seconds` for requests in flight, then calls `end`. A second call during the
   * drain changes the state that follows it. Resolves when that state is committed.
   * @param end ends the model; it gets the drain in its present state. If it resolves with a state,
   * that one follows instead of the wanted one.
   */
  leave(
    reason: DrainReason,
    becomes: AfterDrain,
    end: (draining: StateOf<'draining'>) => Promise<AfterDrain | null>,
    { force = false, why }: LeaveOptions = {},
  ): Promise<void> {
    const { registry, clock, policies } = this.#ports;
    const draining = stateOf(registry.get(this.id), 'draining');
    if (this.#leaving !== null && draining !== null) {
      registry.apply(this.id, { type: 'drain-redirected', becomes: redirected(draining.becomes, becomes) });
      if (force) this.#cutLeases();
      return this.#leaving;
    }
    const drainMs = force ? 0 : policies().drain_seconds * 1000;
    registry.apply(this.id, { type: 'drain-started', reason, becomes, deadlineMs: clock.now() + drainMs });
    this.abort.abort(reason);
    this.#leaving = this.#leave(drainMs, end, why);
    return this.#leaving;
  }

  get isLeaving(): boolean {
    return this.#leaving !== null && stateOf(this.#ports.registry.get(this.id), 'draining') !== null;
  }

  /**
   * Runs work during which the model counts as draining although it does not leave: it falls
   * asleep.
   */
  occupy(reason: DrainReason, becomes: AfterDrain, work: () => Promise<void>): Promise<void> {
    const { registry, clock } = this.#ports;
    registry.apply(this.id, { type: 'drain-started', reason, becomes, deadlineMs: clock.now() });
    this.#leaving = work();
    return this.#leaving;
  }

  /** The work of `occupy` has ended, and the model stays. */
  settled(): void {
    this.#leaving = null;
  }

  /** Ends the model within the drain that is already in progress. */
  async end(end: (draining: StateOf<'draining'>) => Promise<AfterDrain | null>): Promise<void> {
    await this.#leave(0, end);
  }

  async #leave(
    drainMs: number,
    end: (draining: StateOf<'draining'>) => Promise<AfterDrain | null>,
    why: ModeliumError | null = null,
  ): Promise<void> {
    const { registry, clock } = this.#ports;
    this.#drains += 1;
    const mine = this.#drains;
    await this.#quiet(drainMs, why);
    const draining = stateOf(registry.get(this.id), 'draining');
    // A request has revoked the drain meanwhile.
    if (draining === null || this.#drains !== mine) return;
    registry.apply(this.id, { type: 'drain-signalled' });
    await this.bringUp;
    const instead = await end(draining);
    if (instead !== null) registry.apply(this.id, { type: 'drain-redirected', becomes: instead });
    registry.apply(this.id, { type: 'drained', atMs: clock.now(), copy: NOTHING_COPIED });
  }

  /**
   * Resolves when no request is in flight, or when the drain's time is up and the remaining
   * requests were cut.
   */
  #quiet(drainMs: number, why: ModeliumError | null): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel();
        resolve();
      };
      this.#cutLeases = () => {
        this.leases.cut(why);
        done();
      };
      const cancel = this.#ports.clock.after(drainMs, this.#cutLeases);
      this.#cancelDeadline = cancel;
      this.leases.whenEmpty(done);
    });
  }
}
