/**
 * Guests: models that are loaded by a call into a running process, as a LoRA into its base.
 * Owns their stays. A request to a guest counts for its base too, so that the base is neither idle
 * nor evicted; before the base leaves, its guests leave.
 */
import type { Candidate, DecisionOutcome } from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { AfterDrain, DrainReason, Endpoint } from '../../shared/model.ts';
import type { Lease } from '../core/gateway.ts';
import { type ModelRecord, stateOf } from '../core/registry.ts';
import type { Adapter } from './adapter.ts';
import { runCalls } from './call-host.ts';
import { failedLoad } from './failed-load.ts';
import { Leases } from './leases.ts';
import type { Manager, ManagerPorts } from './manager.ts';
import { type LeaveOptions, NOT_WAITED, Stay, type Waited } from './stay.ts';

interface Guest {
  readonly baseId: string;
  readonly adapter: Adapter;
  readonly stay: Stay;
  readonly decisionId: number;
  /** The base's when it was attached: it is detached from no other. */
  attachedTo: Endpoint | null;
}

/**
 * What becomes of them when their base leaves: with the same words where they fit, else they rest
 * until they are asked for.
 */
const WITH_BASE: Partial<Record<DrainReason, AfterDrain>> = {
  idle: { to: 'unloaded', reason: 'idle' },
  sleep: { to: 'unloaded', reason: 'idle' },
  memory: { to: 'unloaded', reason: 'memory' },
  user: { to: 'unloaded', reason: 'user' },
  quit: { to: 'unloaded', reason: 'quit' },
};

export class Guests {
  readonly #ports: ManagerPorts;
  readonly #manager: Pick<Manager, 'lease' | 'output'>;
  readonly #guests = new Map<string, Guest>();

  constructor(ports: ManagerPorts, manager: Pick<Manager, 'lease' | 'output'>) {
    this.#ports = ports;
    this.#manager = manager;
    ports.registry.onChange(({ id, event }) => {
      if (event?.type === 'drain-started') this.#leaveWith(id, event.reason);
    });
  }

  holds(id: string): boolean {
    return this.#guests.has(id);
  }

  inFlight(id: string): number {
    return this.#guests.get(id)?.stay.leases.inFlight ?? 0;
  }

  /** Null: it is not ready this very moment, or its base is not. */
  lease(id: string, waited: Waited = NOT_WAITED): Lease | null {
    const guest = this.#guests.get(id);
    const serving = guest?.stay.serving(true) ?? null;
    if (guest === undefined || serving === null) return null;
    const base = this.#manager.lease(guest.baseId);
    if (base === null) return null;
    const { kind, hasChatTemplate } = base.profile;
    const own = guest.stay.grant(serving, { ...serving.record.profile, kind, hasChatTemplate }, waited, false);
    const release = (): void => {
      own.release();
      base.release();
    };
    const cut = AbortSignal.any([own.cut as globalThis.AbortSignal, base.cut as globalThis.AbortSignal]);
    // The process that lives or hangs is the base's.
    return { ...own, cut, countChunk: base.countChunk, release };
  }

  /** Its base is ready for it: the decision has seen to that. */
  loadModel(record: ModelRecord, { plan }: Candidate, decisionId: number): void {
    const { usage, clock, log } = this.#ports;
    const { id } = record;
    const baseId = plan.base ?? '';
    const stay = new Stay(this.#ports, id, new Leases(() => usage.ended(id, clock.now())));
    const guest: Guest = { baseId, adapter: this.#ports.adapter(plan.runtime), stay, decisionId, attachedTo: null };
    this.#guests.set(id, guest);
    log.say(`Loading ${id} into ${baseId} ...`);
    stay.bringUp = this.#bringUp(guest, record);
  }

  async #bringUp(guest: Guest, record: ModelRecord): Promise<void> {
    const { registry, clock, log, confirmFiles } = this.#ports;
    const { baseId, adapter, stay } = guest;
    const { id } = stay;
    const { signal } = stay.abort;
    const startedMs = clock.now();
    const seconds = (): number => (clock.now() - startedMs) / 1000;
    try {
      const loading = stateOf(registry.get(id), 'loading');
      const base = stateOf(registry.get(baseId), 'ready');
      if (loading === null || base === null || adapter.attach === undefined)
        throw new ModeliumError('runtime-exited', `Its base ${baseId} is no longer ready.`);
      await confirmFiles(id, loading.plan, signal);
      const endpoint = await runCalls(this.#ports, `Loading ${id}`, adapter.attach(id, record.realPath, base.endpoint), signal);
      if (signal.aborted) return;
      guest.attachedTo = base.endpoint;
      const loadSeconds = seconds();
      this.#settle(guest, { ok: true, message: 'ready', predictedBytes: {}, measuredBytes: null, seconds: loadSeconds });
      log.say(`${id} loaded successfully (into ${baseId}, ${loadSeconds.toFixed(1)} s)`);
      const { devices } = base;
      registry.apply(id, { type: 'loaded', endpoint, devices, measured: {}, pids: [], sinceMs: clock.now(), loadSeconds });
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toModeliumError(thrown);
      const output = this.#manager.output(baseId);
      this.#settle(guest, {
        ok: false,
        code: error.code,
        message: output.quotable(error.message),
        predictedBytes: {},
        measuredBytes: null,
        seconds: seconds(),
      });
      log.warn(`${id} could not be loaded: ${error.message}`);
      const failed = failedLoad(this.#ports, registry.get(id) ?? record, error, { permanent: false, output });
      void this.unloadModel(id, 'load-failed', failed);
    }
  }

  /** See `Manager.unloadModel`. */
  unloadModel(id: string, reason: DrainReason, becomes: AfterDrain, options: LeaveOptions = {}): Promise<void> {
    const guest = this.#guests.get(id);
    if (guest === undefined) return Promise.resolve();
    return guest.stay.leave(reason, becomes, () => this.#detach(guest), options);
  }

  async #detach({ stay, baseId, adapter, attachedTo }: Guest): Promise<null> {
    const base = stateOf(this.#ports.registry.get(baseId), 'ready');
    if (attachedTo !== null && base?.endpoint === attachedTo && adapter.detach !== undefined) {
      const steps = adapter.detach(stay.id, attachedTo);
      // What the base does not let go of goes with the base.
      await runCalls(this.#ports, `Unloading ${stay.id}`, steps, new AbortController().signal).catch(() => {});
    }
    this.#guests.delete(stay.id);
    return null;
  }

  /** Its base leaves, or its process is gone. */
  #leaveWith(baseId: string, reason: DrainReason): void {
    for (const { stay } of [...this.#guests.values()].filter((each) => each.baseId === baseId)) {
      void this.unloadModel(stay.id, reason, WITH_BASE[reason] ?? { to: 'analyzed' });
    }
  }

  #settle({ decisionId }: Guest, outcome: DecisionOutcome): void {
    try {
      this.#ports.ledger.settle(decisionId, outcome);
    } catch (error) {
      this.#ports.log.warn(toModeliumError(error).message);
    }
  }
}
