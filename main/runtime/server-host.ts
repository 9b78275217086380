/**
 * A server of ours that several models share: absent, starting, up, recycling or stopping. It
 * starts with the first model, ends after the last one has left, and restarts when a leaving
 * model's memory stays allocated. All its models share one back-off and one owner of the server's
 * memory. It does not know model states: it notifies its models, and the manager acts.
 */
import { type DeviceBytes, HOST_DEVICE } from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { Policies } from '../../shared/settings.ts';
import { backoff, READY_FORGIVES_MS } from '../core/backoff.ts';
import type { Holder } from '../core/memory/gpu-room.ts';
import { heldByProcesses } from '../core/memory/measure.ts';
import type { DeviceProbe, Log } from '../core/ports.ts';
import type { EntryParts, ProcessIdentity } from '../core/process-ports.ts';
import type { Adapter, Explanation } from './adapter.ts';
import { stillAliveSentence } from './drains.ts';
import { hungError } from './health-check.ts';
import { LastOutput } from './last-output.ts';
import { type HostPorts, ProcessHost } from './process-host.ts';
import type { Guest, SharedServer } from './shared-host.ts';
import type { Activity } from './stall-watch.ts';
import type { Steps } from './step.ts';
import { NO_ACTIVITY } from './steps.ts';

export interface ServerPorts extends HostPorts {
  readonly probe: DeviceProbe;
  readonly log: Log;
  policies(): Policies;
}

export type ServerState = 'absent' | 'starting' | 'up' | 'recycling' | 'stopping';

/** `waits` for the server; `loads` into it; `lives` in it. */
type Stage = 'waits' | 'loads' | 'lives';

export class ServerHost implements SharedServer {
  readonly isForeign = false;
  readonly output = new LastOutput();
  readonly #ports: ServerPorts;
  readonly #adapter: () => Adapter;
  readonly #name: string;
  readonly #guests = new Map<Guest, Stage>();
  #state: ServerState = 'absent';
  #host: ProcessHost | null = null;
  #endpoint: Endpoint | null = null;
  /** Resolved at each change of the state. */
  #changed = Promise.withResolvers<void>();
  #starting = new AbortController();
  /** Starts so far, and how the last of them failed: whoever waited for that one is told. */
  #starts = 0;
  #failure: ModeliumError | null = null;
  #isToRecycle = false;
  #attempts = 0;
  #upSinceMs = 0;
  #own: DeviceBytes = {};
  #survivors: readonly ProcessIdentity[] = [];
  explanation: Explanation | null = null;
  retryAtMs = 0;

  /**
   * @param name `server:triton`, under which its processes and its memory are known. @param adapter
   * the one in force.
   */
  constructor(ports: ServerPorts, name: string, adapter: () => Adapter) {
    this.#ports = ports;
    this.#name = name;
    this.#adapter = adapter;
  }

  get state(): ServerState {
    return this.#state;
  }

  pids(): readonly number[] {
    return this.#host?.pids() ?? [];
  }

  /** Null: there is no process of it. */
  holder(): Holder | null {
    return this.#host === null ? null : { modelId: this.#name, pids: this.pids(), held: this.#own };
  }

  activity(): Activity {
    return this.#host?.activity() ?? NO_ACTIVITY;
  }

  residentByPid(): ReadonlyMap<number, number> {
    return this.#host?.residentByPid() ?? new Map();
  }

  async enter(guest: Guest): Promise<Endpoint> {
    this.#guests.set(guest, 'waits');
    let waitedFor = 0;
    for (;;) {
      if (this.#endpoint !== null && this.#state === 'up' && !this.#isToRecycle) break;
      if (this.#state === 'absent') {
        if (waitedFor === this.#starts && this.#failure !== null) throw this.#failure;
        this.#start();
      }
      waitedFor = this.#starts;
      await this.#changed.promise;
      // It left while it waited: nobody starts a server for it.
      if (!this.#guests.has(guest)) throw new ModeliumError('cancelled', `The wait for ${this.#name} was given up.`);
    }
    this.#guests.set(guest, 'loads');
    return this.#endpoint;
  }

  settled(guest: Guest): void {
    if (this.#guests.get(guest) === 'loads') this.#guests.set(guest, 'lives');
    this.#recycleWhenQuiet();
  }

  async leave(guest: Guest): Promise<readonly ProcessIdentity[]> {
    this.#guests.delete(guest);
    this.#recycleWhenQuiet();
    if (this.#guests.size > 0) return [];
    this.#starting.abort();
    if (this.#host !== null && (this.#state === 'up' || this.#state === 'recycling')) void this.#end(this.#host, 'stopping');
    while (this.#state !== 'absent' && this.#guests.size === 0) await this.#changed.promise;
    return this.#guests.size === 0 ? this.#survivors : [];
  }

  write(entry: string, parts: EntryParts | null): string {
    if (this.#host === null) throw new Error(`${this.#name} is not there`);
    return this.#host.carryOut({ do: 'write', entry, parts }) as string;
  }

  recycle(): void {
    if (this.#state !== 'up' || this.#isToRecycle) return;
    this.#isToRecycle = true;
    this.#ports.log.warn(`${this.#name} restarts after its models have left, because an unloaded model's memory did not become free`);
    this.#recycleWhenQuiet();
  }

  hung(): void {
    if (this.#state !== 'up') return;
    const { message } = hungError([]);
    this.#died({ code: 'runtime-exited', message, permanent: false, retryWith: null });
  }

  #start(): void {
    const { clock, processes } = this.#ports;
    const living = this.#survivors.filter((each) => processes.isAlive(each));
    if (living.length > 0) throw new ModeliumError('still-alive', stillAliveSentence(this.#name, living));
    const leftMs = this.retryAtMs - clock.now();
    if (leftMs > 0) {
      const message = `${this.#name} is started again in ${Math.ceil(leftMs / 1000)} s: ${this.explanation?.message ?? 'it broke off'}`;
      throw new ModeliumError('runtime-exited', message, { lastOutput: this.output.lines() });
    }
    const adapter = this.#adapter();
    const facts = adapter.servers?.find(({ name }) => name === this.#name);
    if (facts === undefined || facts.isForeign) throw new ModeliumError('runtime-exited', `${this.#name} is not ours to start.`);
    this.#starts += 1;
    this.#failure = null;
    this.#starting = new AbortController();
    this.output.begin(`--- ${new Date(clock.wallTime()).toISOString()} starting again ---`);
    const host = new ProcessHost(this.#ports, adapter, this.#name, this.output);
    this.#host = host;
    host.onBreak(() => {
      // Once it is being ended, that it ends is what was wanted.
      if (this.#host === host && this.#endpoint !== null) this.#died(host.explanation);
    });
    this.#become('starting');
    void this.#bringUp(host, facts.start());
  }

  async #bringUp(host: ProcessHost, steps: Steps<Endpoint>): Promise<void> {
    const { clock, probe, log, policies } = this.#ports;
    const { load_stall_seconds, load_max_seconds } = policies();
    const limits = { stallMs: load_stall_seconds * 1000, maxMs: load_max_seconds * 1000 };
    log.say(`Starting ${this.#name} ...`);
    try {
      const endpoint = await host.run(steps, limits, this.#starting.signal, () => {});
      const sample = await probe.sampleNow();
      if (host.exit !== null) throw new ModeliumError('runtime-exited', host.explanation?.message ?? 'it ended at once');
      this.#own = { ...heldByProcesses(sample, host.pids()), [HOST_DEVICE]: host.activity().residentBytes };
      this.#endpoint = endpoint;
      this.#upSinceMs = clock.now();
      this.explanation = null;
      log.say(`${this.#name} is up`);
      this.#become('up');
      if (this.#guests.size === 0) await this.#end(host, 'stopping');
    } catch (thrown) {
      const error = toModeliumError(thrown);
      const { permanent = false } = host.explanation ?? {};
      // Called off because nobody waited: whoever comes meanwhile has it restarted.
      this.#failure = error.code === 'cancelled' ? null : error;
      if (error.code !== 'cancelled') this.#failed({ code: 'runtime-exited', message: error.message, permanent, retryWith: null });
      await this.#end(host, 'stopping');
    }
  }

  /**
   * One that was up for long starts again with a clean slate; the first end of such a one has no
   * back-off at all.
   */
  #failed(explanation: Explanation | null): void {
    const { clock } = this.#ports;
    this.explanation = explanation ?? { code: 'runtime-exited', message: 'its process ended', permanent: false, retryWith: null };
    this.#attempts += 1;
    this.retryAtMs = backoff(this.#attempts, clock.now()).retryAtMs;
  }

  #died(explanation: Explanation | null): void {
    const { clock, log } = this.#ports;
    const host = this.#host;
    if (host === null) return;
    const wasGood = this.#attempts === 0 || clock.now() - this.#upSinceMs >= READY_FORGIVES_MS;
    if (wasGood) this.#attempts = 0;
    this.#failed(explanation);
    if (wasGood) this.retryAtMs = clock.now();
    log.error(`${this.#name} broke off: ${this.explanation?.message ?? ''}`);
    void this.#end(host, 'stopping');
    for (const [guest, stage] of [...this.#guests]) if (stage !== 'waits') guest.breaks('exited');
  }

  /**
   * Nobody is cut in the middle of a load: those who live in it leave, then it ends, and whoever
   * waits has it started.
   */
  #recycleWhenQuiet(): void {
    if (!this.#isToRecycle || this.#host === null || (this.#state !== 'up' && this.#state !== 'recycling')) return;
    const stages = [...this.#guests.values()];
    if (stages.includes('loads')) return;
    if (!stages.includes('lives')) return void this.#end(this.#host, 'recycling');
    if (this.#state === 'recycling') return;
    this.#become('recycling');
    for (const [guest, stage] of [...this.#guests]) if (stage === 'lives') guest.breaks('recycled');
  }

  async #end(host: ProcessHost, as: 'recycling' | 'stopping'): Promise<void> {
    this.#endpoint = null;
    this.#isToRecycle = false;
    this.#become(as);
    const { graceSeconds, loadingGraceSeconds } = this.#adapter().stopping;
    this.#survivors = await host.stop((host.exit === null ? graceSeconds : loadingGraceSeconds) * 1000);
    this.#host = null;
    this.#own = {};
    this.#become('absent');
  }

  #become(state: ServerState): void {
    this.#state = state;
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}
