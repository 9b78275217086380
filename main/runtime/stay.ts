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

/** How a request came to its lease. */
export interface Waited {
  readonly queueMs: number;
  readonly cause: QueueCause | null;
}

export const NOT_WAITED: Waited = { queueMs: 0, cause: null };

export interface LeaveOptions {
  /** Requests in flight are cut, not waited for. */
  readonly force?: boolean;
  /** What those are answered that are cut in the end. */
  readonly why?: ModeliumError;
}

/** A model that can be asked this very moment. */
export interface Serving {
  readonly record: ModelRecord & { readonly profile: NonNullable<ModelRecord['profile']> };
  readonly ready: StateOf<'ready'>;
}

export class Stay {
  readonly id: string;
  readonly leases: Leases;
  /** Aborts when it has to leave: what brings it up stops. */
  readonly abort = new AbortController();
  /** Settles when what brings it up has stopped. */
  bringUp: Promise<void> = Promise.resolve();
  readonly #ports: StayPorts;
  #leaving: Promise<void> | null = null;
  /** Counts drains: one that was revoked must not go on in the name of the next. */
  #drains = 0;
  #cutLeases: () => void = () => {};
  #cancelDeadline: () => void = () => {};

  constructor(ports: StayPorts, id: string, leases: Leases) {
    this.#ports = ports;
    this.id = id;
    this.leases = leases;
  }

  /**
   * @param isWhole what serves it is untouched: an idle drain that has not signalled yet is taken
   * back. Null: it cannot be asked.
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

  /** @param profile as which it is asked. @param waitedForRoom others had to leave for it. */
  grant({ ready }: Serving, profile: Lease['profile'], { queueMs, cause }: Waited, waitedForRoom: boolean): Lease {
    const { usage, clock } = this.#ports;
    usage.began(this.id, clock.now());
    const isLoad = cause === 'loading';
    const loadMs = isLoad ? Math.min(queueMs, ready.loadSeconds * 1000) : 0;
    const facts = { modelId: this.id, runtime: ready.runtime, endpoint: ready.endpoint, profile };
    return this.leases.grant(facts, { queueMs, loadMs, queueCause: isLoad && waitedForRoom ? 'memory' : cause });
  }

  /**
   * Waits for requests in flight up to `drain_seconds`, then has it ended. A second call while it
   * drains redirects where it goes. Resolves when the state after the drain is committed.
   * @param end ends it; the drain is told as it is then. What it resolves with becomes of the
   * model, if that is another than was wanted.
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
   * Something else than leaving that is a drain all the same: it falls asleep. @param work what is
   * done meanwhile.
   */
  occupy(reason: DrainReason, becomes: AfterDrain, work: () => Promise<void>): Promise<void> {
    const { registry, clock } = this.#ports;
    registry.apply(this.id, { type: 'drain-started', reason, becomes, deadlineMs: clock.now() });
    this.#leaving = work();
    return this.#leaving;
  }

  /** What occupied it is over, and it stays. */
  settled(): void {
    this.#leaving = null;
  }

  /** Ends it in the drain that is under way. */
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
    // A request took it back meanwhile.
    if (draining === null || this.#drains !== mine) return;
    registry.apply(this.id, { type: 'drain-signalled' });
    await this.bringUp;
    const instead = await end(draining);
    if (instead !== null) registry.apply(this.id, { type: 'drain-redirected', becomes: instead });
    registry.apply(this.id, { type: 'drained', atMs: clock.now(), copy: NOTHING_COPIED });
  }

  /**
   * Resolves when nothing is in flight, or when the drain's time is up and what is left was cut.
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
