/**
 * READ FIRST. The life of a model, one step at a time: `advance(id)` is one switch over its state,
 * in this order:
 *
 *     notice -> settle -> analyze -> decide -> load -> serve -> measure -> idle or evicted ->
 *     unload -> seen free
 *
 * It runs after each transition, and when room, runtimes, settings or waiting requests change. It
 * starts the next step and never waits for it. Only this file calls the analyzer (through the
 * settler) and the brain. It writes each decision to the ledger (I14) and lets the doer carry it
 * out. Guarded by test/core/story.test.ts.
 */
import type { Decision } from '../../shared/decision.ts';
import { assertNever } from '../../shared/errors.ts';
import type { DrainReason, ModelState, StateOf } from '../../shared/model.ts';
import type { Settings } from '../../shared/settings.ts';
import type { Admission } from './admission.ts';
import { backoff } from './backoff.ts';
import { Grants } from './decide/grants.ts';
import type { Questions } from './decide/questions.ts';
import { blockedBy, triedAgain } from './decide/reasoned.ts';
import { askAgain, nameByBase, reconsider, reconsiderLoras, reconsiderTrust } from './decide/reconsider.ts';
import { DecisionLog } from './decision-log.ts';
import type { Doer } from './doer.ts';
import type { Devices } from './memory/devices.ts';
import { Idleness } from './memory/idleness.ts';
import { isAlwaysLoaded, isPinned, type ResidentFacts } from './memory/residents.ts';
import type { Settler } from './notice/settler.ts';
import type { Clock, Ledger, Log } from './ports.ts';
import { type ModelRecord, type Registry, stateOf } from './registry.ts';
import { Timers } from './timers.ts';
import type { Trust } from './trust.ts';
import type { Usage } from './usage.ts';

export interface OrchestratorPorts {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly devices: Devices;
  readonly usage: Usage;
  readonly settler: Settler;
  readonly ledger: Ledger;
  readonly doer: Doer;
  readonly clock: Clock;
  readonly log: Log;
  readonly facts: ResidentFacts;
  readonly questions: Questions;
  readonly trust: Pick<Trust, 'standing' | 'isChecking'>;
  settings(): Settings;
}

/** The reasons for which a model left although nobody asked it to. */
const DEATHS: ReadonlySet<DrainReason> = new Set(['exited', 'hung', 'server-recycled']);
/** While requests wait, the queue is checked this often, because answers change with time alone. */
const QUEUE_CHECK_MS = 250;

export class Orchestrator {
  readonly #ports: OrchestratorPorts;
  readonly #due = new Set<string>();
  readonly #questions: Questions;
  readonly #decisionLog: DecisionLog;
  readonly #grants: Grants;
  readonly #idleness: Idleness;
  readonly #retries: Timers;
  /** Models known from an earlier run that this run has not decided about yet. */
  readonly #recognised = new Set<string>();
  #alwaysLoaded: readonly string[];
  /** The devices at the last sample, and their memory when empty. */
  #box = '';
  #isQueueDue = false;
  #running = false;
  #closed = false;
  #cancelQueueCheck: (() => void) | null = null;

  constructor(ports: OrchestratorPorts) {
    this.#ports = ports;
    this.#questions = ports.questions;
    this.#retries = new Timers(ports.clock);
    this.#alwaysLoaded = ports.settings().orchestration.policies.always_loaded;
    this.#decisionLog = new DecisionLog(ports);
    this.#idleness = new Idleness({ ...ports, decisionLog: this.#decisionLog });
    this.#grants = new Grants({
      ...ports,
      decisionLog: this.#decisionLog,
      refuse: (record, decision) => this.#refuse(record, decision),
      wake: (id) => this.wake(id),
    });
    ports.registry.onChange(({ id, record, previous, event }) => {
      if (record === null) {
        ports.settler.leave(id);
        this.#retries.cancel(id);
        ports.admission.unwant(id);
        ports.usage.forget(id);
      } else if (event?.type === 'drained') this.#left(record, previous);
      else if (event?.type === 'recognised') this.#recognised.add(id);
      // The model is gone, has new names, or has a new profile: LoRAs may depend on each.
      if (record === null || event === null || event.type === 'analyzed') reconsiderLoras(ports);
      this.wake(id);
    });
  }

  /**
   * Call when this model or the free memory changed: takes all resulting steps in this event-loop
   * turn.
   */
  wake(id: string): void {
    this.#due.add(id);
    this.#run();
  }

  /**
   * Decides again about all models that wait for memory, after a change that concerns no single
   * model.
   */
  #checkQueue(): void {
    this.#isQueueDue = true;
    this.#run();
  }

  #run(): void {
    if (this.#running || this.#closed) return;
    this.#running = true;
    try {
      do {
        this.#isQueueDue = false;
        for (const next of this.#due) {
          this.#due.delete(next);
          this.#advance(next);
        }
        this.#grant();
      } while (this.#due.size > 0 || this.#isQueueDue);
    } finally {
      this.#running = false;
    }
  }

  /** Call when settings, runtimes or trust changed: decides again about every verdict and plan. */
  reconsiderAll(): void {
    const before = this.#alwaysLoaded;
    this.#alwaysLoaded = this.#ports.settings().orchestration.policies.always_loaded;
    for (const { id, aliases } of this.#ports.registry.all()) {
      const names = [id, ...aliases].filter((name) => this.#alwaysLoaded.includes(name));
      if (names.length > 0 && !names.some((name) => before.includes(name))) this.#wantAlways(id);
    }
    for (const record of this.#ports.registry.each()) reconsider(this.#ports, record, (id) => this.#wantAlways(id));
    this.#checkQueue();
  }

  /**
   * Call when pins changed, and so the models that may be evicted: decides again about models that
   * wait for memory or lack it.
   */
  pinsChanged(): void {
    for (const record of this.#ports.registry.each()) askAgain(this.#ports, record);
    this.#checkQueue();
  }

  /** Call when a user trusted the model's code or removed the trust, or when the code changed. */
  trustChanged(id: string, by: 'person' | 'files'): void {
    const record = this.#ports.registry.get(id);
    if (record === undefined) return;
    reconsiderTrust(this.#ports, record, by);
    this.wake(id);
  }

  /**
   * Call after each new sample: memory may have become free or taken for models that wait or are
   * blocked for lack of it.
   */
  roomChanged(): void {
    const box = this.#ports.devices
      .rooms()
      .map(({ id, emptyBytes }) => `${id} ${emptyBytes}`)
      .join(', ');
    const devicesChanged = box !== this.#box;
    this.#box = box;
    for (const record of this.#ports.registry.each()) {
      const reason = stateOf(record, 'blocked')?.reason;
      // A model that was too large for every device may fit on one that has appeared since.
      const depends = reason === 'no-room' || (devicesChanged && (reason === 'too-large' || reason === 'no-runtime'));
      if (!depends || record.profile === null) continue;
      if (this.#questions.ask(record, 'present').kind !== 'refuse') this.#ports.registry.apply(record.id, { type: 'reconsidered' });
    }
    if (this.#cancelQueueCheck !== null) this.#checkQueue();
  }

  close(): void {
    this.#closed = true;
    this.#cancelQueueCheck?.();
    this.#idleness.close();
    this.#retries.close();
    this.#ports.settler.close();
  }

  #advance(id: string): void {
    const record = this.#ports.registry.get(id);
    if (record === undefined) return;
    const { state } = record;
    switch (state.name) {
      case 'discovered':
      case 'settling':
        return this.#ports.settler.follow(id);
      case 'analyzed':
        return this.#verdict(record);
      case 'blocked':
        return;
      case 'queued':
        return this.#stillWanted(record);
      case 'preparing':
      case 'loading':
        return this.#cancelIfUnwanted(record);
      case 'ready':
        return this.#serve(record);
      case 'asleep':
        return this.#wakeIfWanted(record);
      case 'draining':
        return this.#serveAfterDrain(record, state);
      case 'unloaded':
        if (this.#ports.admission.isWanted(id) || this.#isRefusedNow(record)) this.#ports.registry.apply(id, { type: 'reconsidered' });
        return;
      case 'failed':
        return this.#retryWhenDue(record, state);
      default:
        return assertNever(state);
    }
  }

  /**
   * True if a model known from an earlier run is refused in this run; it gets that verdict at once.
   */
  #isRefusedNow(record: ModelRecord): boolean {
    return this.#recognised.delete(record.id) && this.#questions.ask(record, 'empty').kind === 'refuse';
  }

  /** Decides whether this machine can serve the model at all: as if no other model were loaded. */
  #verdict(record: ModelRecord): void {
    const { registry, admission, clock } = this.#ports;
    const decision = this.#questions.ask(record, 'empty');
    if (decision.kind === 'refuse') return this.#refuse(record, decision);
    if (decision.kind === 'place') nameByBase(registry, record, decision.candidate.plan.base);
    if (!admission.isWanted(record.id)) return void registry.apply(record.id, { type: 'rested', reason: 'not-asked', atMs: clock.now() });
    registry.apply(record.id, { type: 'queued', sinceMs: clock.now(), why: 'waiting for its turn' });
  }

  #refuse(record: ModelRecord, decision: Extract<Decision, { kind: 'refuse' }>): void {
    const { registry, admission, log, trust } = this.#ports;
    this.#decisionLog.write(record.id, 'refuse', decision.refusal, decision, decision.candidates);
    log.say(`${record.id} is not served: ${decision.reason}`);
    // Requests keep waiting if only memory is missing, or if its code is still being compared.
    if (decision.refusal !== 'no-room' && !(decision.refusal === 'needs-trust' && trust.isChecking(record))) admission.unwant(record.id);
    registry.apply(record.id, blockedBy(decision));
    // Without this LoRA, its base may get another plan.
    const base = decision.base === undefined ? undefined : registry.get(decision.base);
    if (base !== undefined) askAgain(this.#ports, base);
  }

  #stillWanted(record: ModelRecord): void {
    const { admission, registry, clock } = this.#ports;
    if (!admission.isWanted(record.id)) registry.apply(record.id, { type: 'rested', reason: 'cancelled', atMs: clock.now() });
  }

  #wakeIfWanted(record: ModelRecord): void {
    const { admission, registry, clock } = this.#ports;
    if (!admission.isWanted(record.id)) return;
    registry.apply(record.id, { type: 'queued', sinceMs: clock.now(), why: 'waiting to be woken' });
  }

  /** Cancels a load or conversion that nobody waits for any more. */
  #cancelIfUnwanted(record: ModelRecord): void {
    const { admission, doer } = this.#ports;
    if (!admission.isWanted(record.id)) void doer.unloadModel(record.id, 'cancelled', { to: 'unloaded', reason: 'cancelled' });
  }

  #serve(record: ModelRecord): void {
    const { admission, usage } = this.#ports;
    admission.unwant(record.id);
    this.#idleness.follow(usage.keepAliveSeconds(record.id) === 0);
  }

  /** If requests arrived during the drain, the model is loaded again when the drain is over. */
  #serveAfterDrain(record: ModelRecord, state: StateOf<'draining'>): void {
    const { admission, registry } = this.#ports;
    const back = state.becomes.to === 'unloaded' && state.becomes.reason !== 'quit';
    if (back && admission.waiting(record.id) > 0) registry.apply(record.id, { type: 'drain-redirected', becomes: { to: 'analyzed' } });
  }

  #retryWhenDue(record: ModelRecord, state: StateOf<'failed'>): void {
    const { admission, registry, clock } = this.#ports;
    if (state.retryAtMs === null || !admission.isWanted(record.id)) return;
    const leftMs = state.retryAtMs - clock.now();
    if (leftMs > 0) return this.#retries.set(record.id, leftMs, () => this.wake(record.id));
    this.#retries.cancel(record.id);
    this.#decisionLog.write(record.id, 'retry', 'retry', triedAgain(state.attempts));
    registry.apply(record.id, { type: 'reconsidered' });
  }

  #grant(): void {
    this.#cancelQueueCheck?.();
    this.#cancelQueueCheck = null;
    if (this.#closed || !this.#grants.grantQueued()) return;
    this.#cancelQueueCheck = this.#ports.clock.after(QUEUE_CHECK_MS, () => {
      this.#cancelQueueCheck = null;
      this.#checkQueue();
    });
  }

  /**
   * The model's process is gone: its keep-alive ends. After the fifth failure in a row, nobody
   * waits for it any more.
   */
  #left(record: ModelRecord, previous: ModelState | null): void {
    const { admission, usage, clock, settings } = this.#ports;
    usage.endKeepAlive(record.id);
    // A failed load is tried again for the requests that still wait.
    admission.unwant(record.id, 'left');
    const failed = stateOf(record, 'failed');
    const staysLoaded = isAlwaysLoaded(record, settings()) || isPinned(record, settings());
    if (failed === null) {
      const died = previous?.name === 'draining' && DEATHS.has(previous.reason);
      if (died && staysLoaded) this.#wantAlways(record.id);
    } else if (!backoff(failed.attempts, clock.now()).automatic) admission.unwant(record.id);
    else if (staysLoaded) this.#wantAlways(record.id);
  }

  #wantAlways(id: string): void {
    this.#ports.admission.want(id, 'always', this.#ports.clock.now());
    this.#due.add(id);
  }
}
