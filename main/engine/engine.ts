/**
 * The composition root: builds the parts in reading order, wires them, and closes them in reverse
 * order. It has one rule of its own: requests that arrive before the first scan is complete wait
 * for it. Both shells host it: `modelium serve`, and the window's main process.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Snapshot } from '../../shared/snapshot.ts';
import { VERSION } from '../../shared/version.ts';
import { Changes } from '../core/tell/changes.ts';
import { History } from '../core/tell/history.ts';
import { createClock } from '../io/clock.ts';
import { machineFiles } from '../io/files/machine-files.ts';
import { listSource } from '../io/files/source-files.ts';
import { createLog } from '../io/log.ts';
import { createMetrics } from '../io/metrics.ts';
import { bootId } from '../io/processes/proc.ts';
import { type LoadedSettings, loadSettings } from '../io/settings/settings-file.ts';
import { sweep } from '../runtime/sweep.ts';
import { buildCore, type Core } from './core.ts';
import { eachReadOnce, reportFoundModels } from './first-scan.ts';
import type { WatchedFolders } from './folders.ts';
import { follow, openDay } from './follow.ts';
import { listen } from './listen.ts';
import { openMachine } from './machine.ts';
import { followMetrics, Meter } from './meter.ts';
import { Opened } from './opened.ts';
import type { EngineOptions } from './options.ts';
import { runtimesOfMachine } from './runtimes.ts';
import { EngineSettings } from './settings.ts';
import { watchStateFolder } from './state-watch.ts';

export interface Engine {
  readonly address: string;
  readonly token: string;
  /**
   * For what nobody caught in this process: it is told, and the engine goes on, with the models
   * that it serves.
   */
  readonly fault: (error: unknown) => void;
  /** Ends in order: nothing new, drains, processes gone, books closed. */
  close(): Promise<void>;
  /** Resolves when it has ended, whoever asked for it. */
  readonly closed: Promise<void>;
}

/**
 * @throws ModeliumError settings-invalid, already-running, port-taken, host-needs-key,
 * state-unusable, disk-full.
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const engine = new RunningEngine(options, await loadSettings(options));
  try {
    await engine.start();
    return engine;
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
}

/** Requests that wait are told, those in flight may end, every process is seen gone. */
async function drain({ waitingRoom, orchestrator, catalog, manager, preparations, servers, trust }: Core): Promise<void> {
  waitingRoom.close();
  orchestrator.close();
  catalog.close();
  trust.close();
  servers.close();
  await Promise.all([manager.unloadAll(), preparations.close()]);
}

class RunningEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #clock = createClock((error) => this.fault(error));
  readonly #log: ReturnType<typeof createLog>;
  readonly #startedAt: string;
  readonly #settings: EngineSettings;
  readonly #ending = new AbortController();
  readonly #opened = new Opened();
  #closing: Promise<void> | null = null;
  /**
   * True once leftovers are swept and devices and folders scanned: from then on, unknown means
   * absent.
   */
  #started = false;
  readonly #begun = Promise.withResolvers<void>();
  #isBegun = false;
  readonly #closed = Promise.withResolvers<void>();
  readonly closed = this.#closed.promise;
  address = '';
  token = '';

  constructor(options: EngineOptions, loaded: LoadedSettings) {
    this.#options = options;
    this.#settings = new EngineSettings(options, options, loaded, this.#clock);
    this.#startedAt = new Date(this.#clock.wallTime()).toISOString();
    const { wallTime } = this.#clock;
    this.#log = createLog({ write: options.write, debug: process.env['MODELIUM_DEBUG'] === '1', wallTime });
  }

  async start(): Promise<void> {
    const log = this.#log;
    const clock = this.#clock;
    const opened = this.#opened;
    const settings = this.#settings;
    const { file, warnings } = settings;
    log.say(file === null ? 'Settings: no modelium.yaml, the defaults are in force' : `Settings: ${file}`);
    for (const warning of warnings) log.warn(warning);
    const { program: node, stateFolder: statePath, watch } = this.#options;
    const machine = openMachine({ stateFolder: statePath, watch, node, settings, clock, log, opened, signal: this.#ending.signal });
    const { stateFolder, store, processes, upstreams, probe, library, codeReader, folders, finder, scratch, prepared } = machine;
    this.token = stateFolder.token;
    const metrics = createMetrics(() => snapshot());
    const meter = new Meter(metrics, store.ledger);
    const { ledger } = meter;
    const ports = { clock, log, processes, http: upstreams, machineFiles, settings: () => settings.current };
    const runtimes = runtimesOfMachine({
      ...ports,
      node,
      settingsFile: () => settings.file,
      driver: () => ({ isPresent: probe.gpuFacts().found, why: probe.gpuFacts().message }),
    });
    const tables = { ledger, table: store.processes, trustTable: store.trust };
    const files = { library, codeReader, prepared, listSource, scratch, tracker: folders.tracker(), folders: () => folders.paths };
    const facts = { bootId, cpuCores: availableParallelism(), randomWord: () => randomBytes(24).toString('base64url') };
    const core = buildCore({ ...ports, ...tables, ...files, ...facts, probe, released: metrics.released }, runtimes);
    const history = new History();
    const day = openDay(store.samples, log);
    const snapshot = () => this.#snapshot(core, folders, meter);
    const changes = opened.add(new Changes(clock, snapshot), (each) => each.close());
    core.registry.onChange(() => changes.touch());
    followMetrics(core.registry, metrics, clock);

    const shown = { core, changes, settings, folders, history, day, clock, log, opened };
    const { address, run } = await listen({
      ...shown,
      metrics,
      meter,
      library,
      finder,
      upstreams,
      snapshot,
      token: this.token,
      begun: () => (this.#isBegun ? null : this.#begun.promise),
      trouble: () => (this.#closing !== null ? 'Modelium is ending' : this.#started ? null : 'Modelium is starting'),
    });
    this.address = address;
    // Before the ports close: who waits is told, and what is in flight has the drain's time, not
    // the server's.
    opened.add(core, drain);
    await sweep({ clock, processes, table: store.processes, log, scratch, bootId });
    await follow({ ...shown, probe });
    this.#started = true;
    void eachReadOnce(core.registry, clock).then(() => this.#begin());
    const startTime = processes.identify(process.pid)?.startTime ?? 0;
    stateFolder.announce({ pid: process.pid, startTime, bootId: bootId(), run, address, version: VERSION, startedAt: this.#startedAt });
    watchStateFolder({ folder: stateFolder, store, clock, log, opened });
    folders.announce();
    log.say(`Server ready at ${address}`);
    void reportFoundModels(core.registry, finder, log);
  }

  readonly fault = (error: unknown): void => {
    this.#log.error('An unexpected error occurred; the operation may be incomplete', error);
  };

  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  /** Requests that came before this moment go on: who they ask for is known now, if it is there. */
  #begin(): void {
    this.#isBegun = true;
    this.#begun.resolve();
  }

  async #closeAll(): Promise<void> {
    this.#begin();
    this.#ending.abort();
    await this.#opened.close(this.#log);
    this.#closed.resolve();
  }

  #snapshot(core: Core, folders: WatchedFolders, { lastDecisionId }: Meter): Snapshot {
    return {
      version: VERSION,
      address: this.address,
      startedAt: this.#startedAt,
      lastDecisionId,
      settingsFile: this.#settings.file,
      settingsProblem: this.#settings.problem,
      tokensPerSecond: core.activity.tokensPerSecond(this.#clock.now()),
      devices: core.devices.views(),
      models: [...core.registry.all()].map((record) => core.view(record.id)).filter((view) => view !== null),
      runtimes: core.runtimes.views(),
      watchFolders: folders.views(),
    };
  }
}
