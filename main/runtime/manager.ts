/**
 * Loads, unloads and puts to sleep the models that have their own process, on any runtime:
 * loadModel, unloadModel, sleepModel. Owns the runners (`runner.ts`) only: states belong to the
 * registry, memory to the devices, waiting requests to the admission, runtime specifics to the
 * adapters. It never decides what is loaded or evicted; the orchestrator decides and calls it.
 * Guarded by test/core/review.test.ts.
 */
import {
  type Candidate,
  type DecisionOutcome,
  type DeviceBytes,
  HOST_DEVICE,
  type LaunchPlan,
  type RuntimeId,
} from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { AfterDrain, DrainReason, Endpoint, StateOf } from '../../shared/model.ts';
import type { Policies } from '../../shared/settings.ts';
import type { FileChecks } from '../core/file-checks.ts';
import type { Lease } from '../core/gateway.ts';
import type { Devices } from '../core/memory/devices.ts';
import type { DeviceProbe, Ledger, Log } from '../core/ports.ts';
import type { ProcessIdentity } from '../core/process-ports.ts';
import { type ModelRecord, type Registry, stateOf } from '../core/registry.ts';
import { loadingSentence } from '../core/sentences.ts';
import type { Usage } from '../core/usage.ts';
import type { Adapter, LoadTarget } from './adapter.ts';
import { cutError, Deaths, endedError } from './deaths.ts';
import { stillAlive, stillAliveSentence } from './drains.ts';
import { endRunner } from './ending.ts';
import { failedLoad } from './failed-load.ts';
import { hungError } from './health-check.ts';
import { LastOutput } from './last-output.ts';
import { commitReady, type LoadEndPorts, loadFailed } from './load-end.ts';
import { loadTarget } from './load-target.ts';
import type { Breaking } from './model-host.ts';
import type { HostPorts } from './process-host.ts';
import { awaitRoom, whenAborted } from './room.ts';
import { type Runner, startRunner, wakeRunner } from './runner.ts';
import type { Servers } from './servers.ts';
import { sleepRunner } from './sleep.ts';
import { type LeaveOptions, NOT_WAITED, type Waited } from './stay.ts';
import type { ThreadShare } from './thread-share.ts';
import { watchRunner } from './watch.ts';

export interface ManagerPorts extends HostPorts, Pick<FileChecks, 'confirmReadable' | 'confirmFiles'> {
  readonly registry: Registry;
  readonly devices: Devices;
  readonly usage: Usage;
  readonly probe: DeviceProbe;
  readonly ledger: Ledger;
  readonly log: Log;
  readonly threads: ThreadShare;
  readonly servers: Pick<Servers, 'host'>;
  adapter(runtime: RuntimeId): Adapter;
  policies(): Policies;
  /**
   * The path of the file that was prepared for this plan; null if the plan loads the files as they
   * are.
   */
  preparedFile(record: ModelRecord, plan: LaunchPlan): string | null;
  /** A sink: the seconds from the end of the last process until its memory was measured free. */
  released(seconds: number): void;
  /** Called when a request has ended and its place is free. */
  placeIsFree(): void;
  /** Tells the orchestrator that this model or the free memory changed. */
  wake(id: string): void;
}

export class Manager {
  readonly #ports: ManagerPorts;
  readonly #runners = new Map<string, Runner>();
  readonly #outputs = new Map<string, LastOutput>();
  /** Processes that outlived their kill: their models are not started until these processes end. */
  readonly #survivors = new Map<string, readonly ProcessIdentity[]>();
  readonly #deaths = new Deaths();
  #busyTransitions = 0;

  constructor(ports: ManagerPorts) {
    this.#ports = ports;
    ports.registry.onChange(({ id, record }) => {
      if (record !== null) return;
      this.#outputs.delete(id);
      this.#survivors.delete(id);
      this.#deaths.forget(id);
    });
  }

  inFlight(id: string): number {
    return this.#runners.get(id)?.stay.leases.inFlight ?? 0;
  }

  /** The output of a model's runtime, kept over its launches. */
  output(id: string): LastOutput {
    const known = this.#outputs.get(id);
    if (known !== undefined) return known;
    const output = new LastOutput();
    this.#outputs.set(id, output);
    return output;
  }

  /**
   * A lease if the model is ready now and has a free place; otherwise null. Revokes an idle drain
   * that has not sent its stop signal yet.
   */
  lease(id: string, waited: Waited = NOT_WAITED): Lease | null {
    const runner = this.#runners.get(id);
    const serving = runner?.stay.serving(runner.host.exit === null) ?? null;
    if (runner === undefined || serving === null || runner.stay.leases.inFlight >= runner.capacity) return null;
    return runner.stay.grant(serving, serving.record.profile, waited, runner.waitedForRoom);
  }

  /**
   * Begins a load that the devices have granted. Its victims start to leave in the same event-loop
   * turn, while this load holds the load slot.
   */
  loadModel(record: ModelRecord, candidate: Candidate, decisionId: number): void {
    const { registry } = this.#ports;
    const write = (outcome: DecisionOutcome) => this.#write(() => this.#ports.ledger.settle(decisionId, outcome));
    const asleep = this.#runners.get(record.id);
    const runner =
      asleep === undefined
        ? startRunner(this.#ports, record, candidate, { decisionId, write, output: this.output(record.id) })
        : wakeRunner(this.#ports, asleep, record, candidate, { decisionId, write });
    this.#runners.set(record.id, runner);
    runner.host.onBreak((how) => this.#broke(runner, how));
    // The output of a shared server belongs to each model in it.
    this.#outputs.set(record.id, runner.host.output);
    this.#ports.log.say(loadingSentence(record.id, candidate));
    const victims = candidate.victims.filter((id) => registry.get(id) !== undefined);
    const left = victims.map((id) => this.unloadModel(id, 'memory', { to: 'unloaded', reason: 'memory' }));
    // The paths are looked up when the files are read, because they may be renamed while the
    // victims leave.
    runner.stay.bringUp = this.#bringUp(runner, left, () => {
      const now = registry.get(record.id) ?? record;
      return loadTarget(now, candidate, this.#ports.preparedFile(now, candidate.plan));
    });
  }

  async #bringUp(runner: Runner, victims: readonly Promise<void>[], targetNow: () => LoadTarget): Promise<void> {
    const { registry, devices, clock, policies } = this.#ports;
    const { signal } = runner.stay.abort;
    const startedMs = clock.now();
    this.#settleFast(1);
    try {
      await this.#makeRoom(runner, victims);
      // Its victims are gone by now: memory that is used in addition from here on is its own.
      if (runner.endpoint === null) runner.before = devices.sample;
      const { load_stall_seconds, load_max_seconds } = policies();
      const limits = { stallMs: load_stall_seconds * 1000, maxMs: load_max_seconds * 1000 };
      registry.apply(runner.id, { type: 'load-progressed', phase: 'starting', progress: null, pids: [] });
      const loadStartedMs = clock.now();
      await this.#ports.confirmFiles(runner.id, targetNow().plan, signal);
      const target = targetNow();
      const { adapter } = runner;
      const asleep = runner.endpoint;
      const steps = asleep === null || adapter.wake === undefined ? adapter.load(target) : adapter.wake(target, asleep);
      const endpoint = await runner.host.run(steps, limits, signal, ({ phase, progress }) => {
        runner.outcome.phase(phase, clock.now());
        registry.apply(runner.id, { type: 'load-progressed', phase, progress, pids: runner.host.pids() });
      });
      const measured = await this.#measure(runner);
      if (signal.aborted) return;
      // The process may have ended after its proof, while its memory was measured; nothing would
      // notice that later.
      if (runner.host.exit !== null) throw endedError(runner);
      this.#commitReady(runner, target, endpoint, measured, (clock.now() - loadStartedMs) / 1000);
    } catch (error) {
      if (signal.aborted) return;
      this.#failLoad(runner, toModeliumError(error), (clock.now() - startedMs) / 1000);
    } finally {
      this.#settleFast(-1);
    }
  }

  #commitReady(runner: Runner, target: LoadTarget, endpoint: Endpoint, measured: DeviceBytes, loadSeconds: number): void {
    commitReady(this.#endPorts(), runner, target, { endpoint, measured, loadSeconds });
    const isElsewhere = target.plan.placement.kind === 'elsewhere';
    watchRunner(this.#ports, runner, endpoint, isElsewhere, (modelError) => this.#broke(runner, 'hung', modelError));
  }

  #endPorts(): LoadEndPorts {
    return { ...this.#ports, write: (work) => this.#write(work) };
  }

  async #makeRoom(runner: Runner, victims: readonly Promise<void>[]): Promise<void> {
    const { signal } = runner.stay.abort;
    await Promise.race([Promise.all(victims), whenAborted(signal)]);
    const living = (this.#survivors.get(runner.id) ?? []).filter((each) => this.#ports.processes.isAlive(each));
    if (living.length > 0) throw new ModeliumError('still-alive', stillAliveSentence(runner.id, living));
    await awaitRoom(this.#ports, runner.id, signal);
  }

  async #measure(runner: Runner): Promise<DeviceBytes> {
    const { probe, devices } = this.#ports;
    const sample = await probe.sampleNow();
    devices.applySample(sample);
    const seen = Object.entries(runner.host.measure(sample, runner.before, runner.predicted));
    // A measurement of zero means unknown (nvidia-smi may have failed): the prediction remains in
    // force.
    return Object.fromEntries(seen.filter(([id, bytes]) => bytes > 0 || id === HOST_DEVICE));
  }

  #failLoad(runner: Runner, error: ModeliumError, seconds: number): void {
    const record = this.#ports.registry.get(runner.id);
    if (record === undefined) return;
    const { reason, becomes } = loadFailed(this.#endPorts(), runner, record, error, seconds);
    void this.unloadModel(runner.id, reason, becomes);
  }

  #failed(record: ModelRecord, error: ModeliumError, permanent: boolean): AfterDrain {
    const retryAtMs = this.#runners.get(record.id)?.host.retryAtMs ?? null;
    return failedLoad(this.#ports, record, error, { permanent, output: this.output(record.id), retryAtMs });
  }

  canSleep(id: string): boolean {
    const runner = this.#runners.get(id);
    const ready = stateOf(this.#ports.registry.get(id), 'ready');
    return ready !== null && (runner?.adapter.canSleep?.(ready.plan) ?? false);
  }

  /**
   * Frees most of the model's GPU memory while its process stays; a request wakes it through the
   * queue. If that fails, the model is unloaded.
   */
  sleepModel(id: string, decisionId: number): Promise<void> {
    const runner = this.#runners.get(id);
    const ready = stateOf(this.#ports.registry.get(id), 'ready');
    if (runner === undefined || ready === null) return Promise.resolve();
    return runner.stay.occupy('sleep', { to: 'asleep' }, async () => {
      runner.endHealthCheck();
      if (await sleepRunner({ ...this.#ports, write: (work) => this.#write(work) }, runner, ready, decisionId)) runner.stay.settled();
      else await this.#whileFast(runner.stay.end((draining) => this.#end(runner, draining)));
    });
  }

  /**
   * Called when the host of a ready model broke, or no longer answers: cuts its requests and
   * unloads it. (During a load, the host's step reports this.)
   */
  #broke(runner: Runner, how: Breaking | 'hung', modelError: ModeliumError | null = null): void {
    const { log, clock } = this.#ports;
    if (how === 'hung' && modelError === null) runner.host.hung();
    const record = this.#servingOf(runner);
    if (record === null) return;
    if (how === 'recycled') return void this.unloadModel(runner.id, 'server-recycled', { to: 'analyzed' });
    const error = modelError ?? (how === 'hung' ? hungError(runner.host.output.lines()) : endedError(runner));
    const why = cutError(runner, error);
    if (how === 'away') return void this.unloadModel(runner.id, 'away', { to: 'analyzed' }, { why });
    log.error(`${runner.id} broke off: ${error.message}`);
    // After a first death the next request loads the model again. A second one within ten minutes
    // is a failure, with its back-off.
    const isFirst = (runner.host.isShared && modelError === null) || this.#deaths.isFirst(runner.id, clock.now());
    const becomes: AfterDrain = isFirst ? { to: 'unloaded', reason: 'exited' } : this.#failed(record, error, false);
    void this.unloadModel(runner.id, how === 'lost' ? 'exited' : how, becomes, { why });
  }

  /**
   * Tests a model after an answer that looks broken. If the model is broken, it is unloaded, and
   * the next request loads it again.
   */
  doubt(id: string): void {
    this.#runners.get(id)?.doubt();
  }

  /** The model's record if it is ready or asleep. */
  #servingOf(runner: Runner): ModelRecord | null {
    const record = this.#ports.registry.get(runner.id);
    const state = record?.state;
    const isServing = state?.name === 'ready' || state?.name === 'asleep' || (state?.name === 'queued' && state.asleep !== null);
    return record !== undefined && isServing && this.#runners.get(runner.id) === runner ? record : null;
  }

  /**
   * Unloads a model: waits up to `drain_seconds` for requests in flight, ends the process tree, and
   * waits until its memory is measured free (I6). A second call during the drain changes the state
   * that follows it. Resolves when that state is committed.
   */
  unloadModel(id: string, reason: DrainReason, becomes: AfterDrain, options: LeaveOptions = {}): Promise<void> {
    const runner = this.#runners.get(id);
    if (runner === undefined) return Promise.resolve();
    const { stay } = runner;
    const { isLeaving } = stay;
    const left = stay.leave(reason, becomes, (draining) => this.#end(runner, draining), options);
    return isLeaving ? left : this.#whileFast(left);
  }

  async #end(runner: Runner, draining: StateOf<'draining'>): Promise<AfterDrain | null> {
    runner.endHealthCheck();
    const survivors = await endRunner(this.#ports, runner, draining);
    this.#runners.delete(runner.id);
    this.#survivors.set(runner.id, survivors);
    return survivors.length > 0 ? stillAlive(runner.id, survivors) : null;
  }

  /** Unloads all models when the engine ends. Resolves when the last process is gone. */
  async unloadAll(): Promise<void> {
    const leaving = [...this.#runners.keys()].map((id) => this.unloadModel(id, 'quit', { to: 'unloaded', reason: 'quit' }));
    await Promise.all(leaving);
  }

  /** Samples the devices more often until this work is done. */
  async #whileFast(work: Promise<void>): Promise<void> {
    this.#settleFast(1);
    try {
      await work;
    } finally {
      this.#settleFast(-1);
    }
  }

  #settleFast(change: 1 | -1): void {
    this.#busyTransitions += change;
    this.#ports.probe.setFast(this.#busyTransitions > 0);
  }

  /**
   * Writes to the ledger. A full disk must not fail a load that worked, because the rows serve only
   * later predictions.
   */
  #write(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#ports.log.warn(toModeliumError(error).message);
    }
  }
}
