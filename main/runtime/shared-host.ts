/**
 * A model's place in a shared server, for adapters that load by calls. Enters and leaves the
 * server, and measures the model's memory by difference, because all models share one process. It
 * starts and ends no process: `server-host.ts` does.
 */
import { type DeviceBytes, HOST_DEVICE } from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { Endpoint } from '../../shared/model.ts';
import type { MachineFiles } from '../core/machine-files.ts';
import { differenceBytes, grownBytes } from '../core/memory/measure.ts';
import type { DeviceProbe, Sample } from '../core/ports.ts';
import type { EntryParts, Exit, ProcessIdentity } from '../core/process-ports.ts';
import type { Adapter, Explanation, Progress } from './adapter.ts';
import type { LastOutput } from './last-output.ts';
import type { Breaking, ModelHost } from './model-host.ts';
import type { Activity, StallLimits } from './stall-watch.ts';
import type { Steps } from './step.ts';
import { cannotDo, type HostStep, type StepHost, type StepPorts, StepRunner } from './steps.ts';

/** A server as the models in it see it: one of ours, or one of somebody else's. */
export interface SharedServer {
  readonly output: LastOutput;
  /** Why it is not there, in a sentence; null while it is. */
  readonly explanation: Explanation | null;
  /** When it may be started again, in monotonic milliseconds. */
  readonly retryAtMs: number;
  /** Nothing of its memory is ours to count. */
  readonly isForeign: boolean;
  pids(): readonly number[];
  activity(): Activity;
  /** Main memory of each of its processes, in bytes. */
  residentByPid(): ReadonlyMap<number, number>;
  /** Resolves when it can be asked. @throws ModeliumError when it cannot be had. */
  enter(guest: Guest): Promise<Endpoint>;
  /** The guest's load is over, one way or the other. */
  settled(guest: Guest): void;
  /** @returns processes that outlived their kill, where the last one to leave ended it. */
  leave(guest: Guest): Promise<readonly ProcessIdentity[]>;
  write(entry: string, parts: EntryParts | null): string;
  hung(): void;
  /**
   * A model left, and it or its memory did not become free: only restarting gives it back.
   * @param why where the server or its adapter said so.
   */
  recycle(why?: ModeliumError): void;
}

export interface Guest {
  /** What its server calls it; null while it is not loaded. */
  readonly model: string | null;
  /** The server ended, is to be restarted, or does not offer this model any more. */
  breaks(how: Breaking): void;
}

export interface SharedHostPorts extends StepPorts {
  readonly probe: DeviceProbe;
  readonly machineFiles: MachineFiles;
}

/** A server that does not let go of a model within this has to be looked at otherwise. */
const DETACH_MS = 120_000;

const LOST = 'its server no longer has it or reports it as failed: another program unloaded it there, or it crashed';

export class SharedHost implements ModelHost, StepHost, Guest {
  readonly isShared = true;
  readonly #ports: SharedHostPorts;
  readonly #server: SharedServer;
  readonly #adapter: Adapter;
  readonly #modelId: string;
  readonly #runner: StepRunner;
  #endpoint: Endpoint | null = null;
  /** What its load ended in. */
  #loaded: Endpoint | null = null;
  model: string | null = null;
  #before: { readonly sample: Sample; readonly resident: ReadonlyMap<number, number> } | null = null;
  #broken: Breaking | null = null;
  #onBreak: (how: Breaking) => void = () => {};

  constructor(ports: SharedHostPorts, server: SharedServer, adapter: Adapter, modelId: string) {
    this.#ports = ports;
    this.#server = server;
    this.#adapter = adapter;
    this.#modelId = modelId;
    this.#runner = new StepRunner(ports, this);
  }

  get output(): LastOutput {
    return this.#server.output;
  }

  get exit(): Exit | null {
    // One that is to be restarted is there still, and lets go of its models in order.
    return this.#broken === null || this.#broken === 'recycled' ? null : { code: null, signal: null };
  }

  get explanation(): Explanation | null {
    if (this.#broken === 'lost') return { code: 'runtime-exited', message: LOST, permanent: false, retryWith: null };
    return this.exit === null ? null : this.#server.explanation;
  }

  get retryAtMs(): number | null {
    const { explanation, retryAtMs } = this.#server;
    // While its server is there, what failed was this model.
    return explanation !== null && retryAtMs > this.#ports.clock.now() ? retryAtMs : null;
  }

  /** None is its own. */
  pids(): readonly number[] {
    return [];
  }

  measure(sample: Sample, _before: Sample | null, predicted: DeviceBytes): DeviceBytes {
    const before = this.#before;
    if (this.#server.isForeign) return {};
    // It never got in: nothing is its.
    if (before === null) return Object.fromEntries(Object.keys(predicted).map((id) => [id, 0]));
    // What other models took meanwhile is theirs.
    const others = new Set(this.#loaded?.othersPids);
    const pids = this.#server.pids().filter((pid) => !others.has(pid));
    const resident = [...this.#server.residentByPid()].filter(([pid]) => !others.has(pid));
    const gpus = differenceBytes(sample, before.sample, pids, predicted);
    return { ...gpus, [HOST_DEVICE]: grownBytes(new Map(resident), before.resident) };
  }

  onBreak(listener: (how: Breaking) => void): void {
    this.#onBreak = listener;
  }

  onMessage(): void {
    // Only a process of our own making has a channel.
  }

  send(): void {}

  async run<Result>(
    steps: Steps<Result>,
    limits: StallLimits,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ): Promise<Result> {
    try {
      const loaded = await this.#runner.run(steps, limits, signal, onProgress);
      this.#loaded = endpointIn(loaded);
      this.model = this.#loaded?.model ?? null;
      return loaded;
    } finally {
      this.#server.settled(this);
    }
  }

  async stop(): Promise<readonly ProcessIdentity[]> {
    const server = this.#endpoint;
    const isGone = this.exit !== null && this.#broken !== 'lost';
    const steps = server === null || isGone ? undefined : this.#adapter.detach?.(this.#modelId, this.#loaded ?? server);
    if (steps !== undefined) {
      const runner = new StepRunner(this.#ports, this);
      // A server that does not let go of a model cannot be trusted with another one.
      await runner
        .run(steps, { stallMs: DETACH_MS, maxMs: DETACH_MS }, new AbortController().signal)
        .catch((thrown) => this.#server.recycle(toModeliumError(thrown)));
    }
    this.#endpoint = null;
    return this.#server.leave(this);
  }

  hung(): void {
    this.#server.hung();
  }

  leaked(): void {
    this.#server.recycle();
  }

  breaks(how: Breaking): void {
    if (this.#broken !== null) return;
    this.#broken = how;
    const message = this.#server.explanation?.message ?? 'its server restarts';
    this.#runner.interrupt(new ModeliumError('runtime-exited', message, { origin: this.#adapter.id, lastOutput: this.output.lines() }));
    this.#onBreak(how);
  }

  // ---- for the step runner ----------------------------------------------------------------------

  carryOut(step: HostStep): Promise<unknown> | unknown {
    const { machineFiles } = this.#ports;
    if (step.do === 'enter') return this.#enter();
    if (step.do === 'write') return this.#server.write(step.entry, step.parts);
    if (step.do === 'names') return machineFiles.names(step.folder);
    if (step.do === 'stats') return machineFiles.stats(step.paths);
    if (step.do === 'real') return machineFiles.real(step.path);
    if (step.do === 'pack') return machineFiles.pack(step.folder, step.packing);
    return step.do === 'read' ? machineFiles.read(step.path, step.mostBytes, step.isCut) : cannotDo('A model in a shared server', step);
  }

  activity(): Activity {
    return this.#server.activity();
  }

  cancelled(): ModeliumError {
    return new ModeliumError('cancelled', `Loading ${this.#modelId} was cancelled.`);
  }

  failure(code: 'load-stalled' | 'load-too-long', what: string): ModeliumError {
    const message = `${this.#modelId} ${what} while loading on ${this.#adapter.id}.`;
    return new ModeliumError(code, message, { origin: this.#adapter.id, lastOutput: this.output.lines() });
  }

  async #enter(): Promise<Endpoint> {
    const endpoint = { ...(await this.#server.enter(this)), isShared: true };
    this.#endpoint = endpoint;
    // The server's own memory is not the model's: it is counted from here on.
    if (!this.#server.isForeign) this.#before ??= { sample: await this.#ports.probe.sampleNow(), resident: this.#server.residentByPid() };
    return endpoint;
  }
}

/** What a load has ended in: an endpoint. */
function endpointIn(loaded: unknown): Endpoint | null {
  return typeof (loaded as Partial<Endpoint> | null)?.model === 'string' ? (loaded as Endpoint) : null;
}
