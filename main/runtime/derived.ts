/**
 * Models that live in another one's process: adapters, loaded into their base by a call on it. Owns their leases. A request to one is a request to its base
 * too, so that the base is neither idle nor sent away meanwhile; when the base leaves, they leave before it.
 */
import type { Candidate, DecisionOutcome } from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { AfterDrain, DrainReason, Endpoint } from '../../shared/model.ts';
import type { Lease, QueueCause } from '../core/gateway.ts';
import { type ModelRecord, stateOf } from '../core/registry.ts';
import type { Adapter } from './adapter.ts';
import { isRevocable, redirected } from './drains.ts';
import { failedLoad } from './failed-load.ts';
import { Leases } from './leases.ts';
import type { Manager, ManagerPorts } from './manager.ts';
import { ProcessHost } from './process-host.ts';

interface Attached {
  readonly id: string;
  readonly baseId: string;
  readonly adapter: Adapter;
  readonly leases: Leases;
  readonly abort: AbortController;
  readonly decisionId: number;
  endpoint: Endpoint | null;
  bringUp: Promise<void>;
  drain: Promise<void> | null;
  hurry: () => void;
}

/** A call that the base does not answer within this has not worked. */
const CALL_MS = 120_000;
const NO_COPY = { bytesPresent: 0, bytesExpected: null, missing: [] } as const;
/** What becomes of them when their base leaves: with the same words where they fit, else they rest until they are asked for. */
const WITH_BASE: Partial<Record<DrainReason, AfterDrain>> = {
  idle: { to: 'unloaded', reason: 'idle' },
  sleep: { to: 'unloaded', reason: 'idle' },
  memory: { to: 'unloaded', reason: 'memory' },
  user: { to: 'unloaded', reason: 'user' },
  quit: { to: 'unloaded', reason: 'quit' },
};

export class Derived {
  readonly #ports: ManagerPorts;
  readonly #manager: Pick<Manager, 'lease' | 'words'>;
  readonly #attached = new Map<string, Attached>();

  constructor(ports: ManagerPorts, manager: Pick<Manager, 'lease' | 'words'>) {
    this.#ports = ports;
    this.#manager = manager;
    ports.registry.onChange(({ id, event }) => {
      if (event?.type === 'drain-started') this.#leaveWith(id, event.reason);
    });
  }

  holds(id: string): boolean {
    return this.#attached.has(id);
  }

  inFlight(id: string): number {
    return this.#attached.get(id)?.leases.inFlight ?? 0;
  }

  /** Null: it is not ready this very moment, or its base is not. */
  lease(id: string, waited: { queueMs: number; cause: QueueCause | null } = { queueMs: 0, cause: null }): Lease | null {
    const { registry, usage, clock } = this.#ports;
    const attached = this.#attached.get(id);
    if (attached === undefined) return null;
    const draining = stateOf(registry.get(id), 'draining');
    if (draining !== null && isRevocable(draining)) {
      attached.drain = null;
      registry.apply(id, { type: 'drain-revoked' });
    }
    const record = registry.get(id);
    const ready = stateOf(record, 'ready');
    const base = ready === null || record?.profile == null ? null : this.#manager.lease(attached.baseId);
    if (ready === null || record?.profile == null || base === null) return null;
    usage.began(id, clock.now());
    const { kind, hasChatTemplate } = base.profile;
    const facts = { modelId: id, runtime: ready.runtime, endpoint: ready.endpoint, profile: { ...record.profile, kind, hasChatTemplate } };
    const loadMs = waited.cause === 'loading' ? Math.min(waited.queueMs, ready.loadSeconds * 1000) : 0;
    const own = attached.leases.grant(facts, { queueMs: waited.queueMs, loadMs, queueCause: waited.cause });
    const release = (): void => {
      own.release();
      base.release();
    };
    const cut = AbortSignal.any([own.cut as globalThis.AbortSignal, base.cut as globalThis.AbortSignal]);
    // The process that lives or hangs is the base's.
    return { ...own, cut, heard: base.heard, release };
  }

  /** Its base is ready for it: the decision has seen to that. */
  loadModel(record: ModelRecord, { plan }: Candidate, decisionId: number): void {
    const { usage, clock, log } = this.#ports;
    const { id } = record;
    const baseId = plan.base ?? '';
    const leases = new Leases(() => usage.ended(id, clock.now()));
    const nothing = { endpoint: null, bringUp: Promise.resolve(), drain: null, hurry: () => {} };
    const attached: Attached = {
      id,
      baseId,
      adapter: this.#ports.adapter(plan.runtime),
      leases,
      abort: new AbortController(),
      decisionId,
      ...nothing,
    };
    this.#attached.set(id, attached);
    log.say(`Loading ${id} into ${baseId} ...`);
    attached.bringUp = this.#bringUp(attached, record);
  }

  async #bringUp(attached: Attached, record: ModelRecord): Promise<void> {
    const { registry, clock, log, confirmTrust } = this.#ports;
    const { id, baseId, adapter, abort } = attached;
    const startedMs = clock.now();
    try {
      const loading = stateOf(registry.get(id), 'loading');
      const base = stateOf(registry.get(baseId), 'ready');
      if (loading === null || base === null || adapter.attach === undefined)
        throw new ModeliumError('runtime-exited', `Its base ${baseId} is not ready any more.`);
      await confirmTrust(id, loading.plan, abort.signal);
      await this.#host(attached).run(
        adapter.attach(id, record.realPath, base.endpoint),
        { stallMs: CALL_MS, maxMs: CALL_MS },
        abort.signal,
        () => {},
      );
      if (abort.signal.aborted) return;
      const seconds = (clock.now() - startedMs) / 1000;
      attached.endpoint = base.endpoint;
      this.#settle(attached, { ok: true, message: 'ready', predictedBytes: {}, measuredBytes: null, seconds });
      log.say(`${id} loaded successfully (into ${baseId}, ${seconds.toFixed(1)} s)`);
      const { endpoint, devices } = base;
      registry.apply(id, { type: 'loaded', endpoint, devices, measured: {}, pids: [], sinceMs: clock.now(), loadSeconds: seconds });
    } catch (thrown) {
      if (abort.signal.aborted) return;
      const error = toModeliumError(thrown);
      this.#settle(attached, {
        ok: false,
        message: error.message,
        predictedBytes: {},
        measuredBytes: null,
        seconds: (clock.now() - startedMs) / 1000,
      });
      log.warn(`${id} could not be loaded: ${error.message}`);
      const failed = failedLoad(this.#ports, registry.get(id) ?? record, error, {
        permanent: false,
        lastWords: this.#manager.words(baseId).lines(),
      });
      void this.unloadModel(id, 'load-failed', failed);
    }
  }

  /** See `Manager.unloadModel`. */
  unloadModel(id: string, reason: DrainReason, becomes: AfterDrain, options: { readonly force?: boolean } = {}): Promise<void> {
    const { registry, clock, policies } = this.#ports;
    const attached = this.#attached.get(id);
    if (attached === undefined) return Promise.resolve();
    const draining = stateOf(registry.get(id), 'draining');
    if (attached.drain !== null && draining !== null) {
      registry.apply(id, { type: 'drain-redirected', becomes: redirected(draining.becomes, becomes) });
      if (options.force) attached.hurry();
      return attached.drain;
    }
    const drainMs = options.force ? 0 : policies().drain_seconds * 1000;
    registry.apply(id, { type: 'drain-started', reason, becomes, deadlineMs: clock.now() + drainMs });
    attached.abort.abort(reason);
    attached.drain = this.#drain(attached, drainMs);
    return attached.drain;
  }

  async #drain(attached: Attached, drainMs: number): Promise<void> {
    const { registry, clock } = this.#ports;
    const { id, baseId, adapter, leases, endpoint } = attached;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(drainMs, () => attached.hurry());
      attached.hurry = () => {
        leases.cut();
        cancel();
        resolve();
      };
      leases.whenEmpty(() => {
        cancel();
        resolve();
      });
    });
    // A request took it back meanwhile.
    if (stateOf(registry.get(id), 'draining') === null || attached.drain === null) return;
    registry.apply(id, { type: 'drain-signalled' });
    await attached.bringUp;
    const base = stateOf(registry.get(baseId), 'ready');
    if (endpoint !== null && base?.endpoint === endpoint && adapter.detach !== undefined) {
      const limits = { stallMs: CALL_MS, maxMs: CALL_MS };
      // What the base does not let go of goes with the base.
      await this.#host(attached)
        .run(adapter.detach(id, endpoint), limits, new AbortController().signal, () => {})
        .catch(() => {});
    }
    this.#attached.delete(id);
    registry.apply(id, { type: 'drained', atMs: clock.now(), copy: NO_COPY });
  }

  /** Its base leaves, or its process is gone. */
  #leaveWith(baseId: string, reason: DrainReason): void {
    for (const { id } of [...this.#attached.values()].filter((each) => each.baseId === baseId)) {
      void this.unloadModel(id, reason, WITH_BASE[reason] ?? { to: 'analyzed' });
    }
  }

  /** Carries out calls alone: it starts no process. */
  #host({ id, adapter }: Attached): ProcessHost {
    return new ProcessHost(this.#ports, adapter, id, this.#manager.words(id));
  }

  #settle({ decisionId }: Attached, outcome: DecisionOutcome): void {
    try {
      this.#ports.ledger.settle(decisionId, outcome);
    } catch (error) {
      this.#ports.log.warn(toModeliumError(error).message);
    }
  }
}
