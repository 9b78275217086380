/**
 * The composition root: builds the parts in reading order, wires them, and closes them in the opposite order. No rule of the product lives here.
 * Both shells host it: `modelium serve`, and the window's main process.
 */
import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { ModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import { needsRestart } from '../../shared/settings-keys.ts';
import type { Snapshot } from '../../shared/snapshot.ts';
import { VERSION } from '../../shared/version.ts';
import type { Tracker } from '../core/catalog.ts';
import { Changes } from '../core/changes.ts';
import { History } from '../core/history.ts';
import type { FolderScan, Ledger, Library, ModelFinder } from '../core/ports.ts';
import { foundSentence } from '../core/sentences.ts';
import { Connections } from '../http/connections.ts';
import { createMetricsServer } from '../http/metrics-server.ts';
import { createHttpServer } from '../http/server.ts';
import { createClock } from '../io/clock.ts';
import { createCodeReader } from '../io/code-reader.ts';
import { createDeviceProbe, type RunningDeviceProbe } from '../io/device-probe.ts';
import { modeliumFolders } from '../io/folders.ts';
import { createUpstreams, type Upstreams } from '../io/http-client.ts';
import { createInspector } from '../io/inspector.ts';
import { createLargeJson } from '../io/large-json.ts';
import { createLog } from '../io/log.ts';
import { look } from '../io/look.ts';
import { collectGarbage } from '../io/memory.ts';
import { createMetrics, type Metrics } from '../io/metrics.ts';
import { createModelFinder } from '../io/model-finder.ts';
import { createPageFiles } from '../io/page-files.ts';
import { createPreparedFiles } from '../io/prepared-files.ts';
import { bootId, descriptorLimit } from '../io/proc.ts';
import { createProcesses } from '../io/processes.ts';
import { Reader } from '../io/reader.ts';
import { runtimeMetrics } from '../io/runtime-metrics.ts';
import { createScratchFolders } from '../io/scratch.ts';
import { type LoadedSettings, loadSettings, type SettingsPlaces, type SettingsWatch, watchSettings } from '../io/settings-file.ts';
import { listSource } from '../io/source-files.ts';
import { openStateFolder, type Standing, type StateFolder } from '../io/state-folder.ts';
import { openStore, type Store } from '../io/store.ts';
import { storeFolders } from '../io/store-folders.ts';
import { createWatcher, type FileWatcher, type WatcherOptions } from '../io/watcher.ts';
import type { NodeProgram } from '../packaged.ts';
import { programs } from '../programs.ts';
import { sweep } from '../runtime/sweep.ts';
import { createControl, withRegistered } from './control.ts';
import { buildCore, type Core } from './core.ts';
import { createInference } from './gateway.ts';
import { folderView, followMetrics, lineStream, lookedAtOnce, meteredModels, watchFolders, withOverrides } from './parts.ts';
import { createSettingsDesk } from './settings-desk.ts';
import { explainTakenPort } from './taken-port.ts';

export interface EngineOptions {
  /** Settings file: a path that must exist, null for none, undefined to search. */
  readonly config?: string | null | undefined;
  readonly stateFolder?: string;
  /** In place of the settings of the same meaning. */
  readonly host?: string;
  readonly port?: number;
  readonly watch?: readonly string[];
  /** How to start a Node of our own: Electron passes its binary and ELECTRON_RUN_AS_NODE. */
  readonly program: NodeProgram;
  /** Takes the story, a line at a time. */
  readonly write: (line: string) => void;
}

export interface Engine {
  readonly address: string;
  readonly token: string;
  /** For what nobody caught in this process: it is told, and the engine goes on, with the models that it serves. */
  readonly fault: (error: unknown) => void;
  /** Ends in order: nothing new, drains, processes gone, books closed. */
  close(): Promise<void>;
  /** Resolves when it has ended, whoever asked for it. */
  readonly closed: Promise<void>;
}

/** A person who deleted the folder and starts an engine anew takes longer, and two calls of the system cost nothing. */
const STATE_FOLDER_MS = 1_000;

interface ServedParts {
  readonly core: Core;
  readonly changes: Changes;
  readonly metrics: Metrics;
  readonly library: Library;
  readonly finder: ModelFinder;
  readonly ledger: Ledger;
  readonly upstreams: Upstreams;
}

/** @throws ModeliumError settings-invalid, already-running, port-taken, host-needs-key, state-unusable, disk-full. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const engine = new RunningEngine(options, await loadSettings(placesOf(options)));
  try {
    await engine.start();
    return engine;
  } catch (thrown) {
    await engine.close();
    throw thrown;
  }
}

function placesOf({ config, stateFolder }: EngineOptions): SettingsPlaces {
  return { config, stateFolder };
}

class RunningEngine implements Engine {
  readonly #options: EngineOptions;
  readonly #clock = createClock((error) => this.fault(error));
  readonly #log: ReturnType<typeof createLog>;
  readonly #startedAt: string;
  #loaded: LoadedSettings;
  #settings: Settings;
  #settingsProblem: string | null = null;
  #settingsWatch: SettingsWatch | null = null;
  #folders: readonly string[] = [];
  readonly #history = new History();
  readonly #scans = new Map<string, FolderScan>();
  #watcher: FileWatcher | null = null;
  #scanLarge: WatcherOptions['scanLarge'] = () => Promise.reject(new ModeliumError('shutting-down', 'The engine has not started.'));
  readonly #ending = new AbortController();
  #lastDecisionId = 0;
  /** What was opened, to be closed in the opposite order. */
  readonly #opened: (() => unknown)[] = [];
  #closing: Promise<void> | null = null;
  /** Leftovers are swept, devices and folders were looked at once: what is not known now is not there. */
  #started = false;
  readonly #begun = Promise.withResolvers<void>();
  #isBegun = false;
  #reloading: Promise<void> = Promise.resolve();
  #resolveClosed: () => void = () => {};
  readonly closed: Promise<void>;
  address = '';
  token = '';

  constructor(options: EngineOptions, loaded: LoadedSettings) {
    this.#options = options;
    this.#loaded = loaded;
    this.#settings = withOverrides(loaded.settings, options);
    this.#startedAt = new Date(this.#clock.wallTime()).toISOString();
    const { wallTime } = this.#clock;
    this.#log = createLog({ stream: lineStream(options.write), debug: process.env['MODELIUM_DEBUG'] === '1', wallTime });
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  async start(): Promise<void> {
    const log = this.#log;
    const clock = this.#clock;
    const { file, warnings } = this.#loaded;
    log.say(file === null ? 'Settings: no modelium.yaml, the defaults are in force' : `Settings: ${file}`);
    for (const warning of warnings) log.warn(warning);
    const stateFolder = this.#open(openStateFolder(this.#options.stateFolder ?? modeliumFolders().state), (each) => each.close());
    this.token = stateFolder.token;
    const store = this.#open(openStore(stateFolder.path, clock.wallTime), (each) => each.close());
    if (store.problem !== null) log.error(store.problem);
    const processes = createProcesses();
    const upstreams = this.#open(createUpstreams(), (each) => each.close());
    const probe = this.#open(createDeviceProbe({ nvidiaSmi: this.#settings.gpus.nvidia_smi, processes, clock, log }), (each) =>
      each.close(),
    );
    const newReader = () =>
      this.#open(new Reader({ node: this.#options.program, program: programs.reader, clock }), (each) => each.close());
    const library = createInspector(newReader());
    const codeReader = createCodeReader(newReader());
    const scanner = newReader();
    this.#scanLarge = (folder, before, inner, last) => scanner.ask('scan', { folder, before, inner, last }, this.#ending.signal);
    const finder = createModelFinder(newReader(), () => storeFolders(process.env, homedir()));
    const metrics = createMetrics(() => this.#snapshot(core));
    const ledger = this.#countedLedger(store.ledger, metrics);
    const scratch = createScratchFolders(stateFolder.path);
    const prepared = createPreparedFiles({ settings: () => this.#settings.cache, log });
    const core = buildCore({
      ...{ clock, log, processes, probe, ledger, library, bootId, http: upstreams, table: store.processes, node: this.#options.program },
      ...{ codeReader, trustBook: store.trust, prepared, listSource, scratch, look },
      tracker: this.#tracker(),
      settings: () => this.#settings,
      folders: () => this.#folders,
      randomWord: () => randomBytes(24).toString('base64url'),
      settingsFile: () => this.#loaded.file,
      driver: () => ({ isPresent: probe.gpuFacts().found, why: probe.gpuFacts().message }),
      released: metrics.released,
    });
    const changes = this.#open(new Changes(clock, () => this.#snapshot(core)), (each) => each.close());
    core.registry.onChange(() => changes.touch());
    followMetrics(core.registry, metrics, clock);

    const { run } = await this.#serve({ core, changes, metrics, library, finder, ledger, upstreams });
    // Before the ports close: who waits is told, and what is in flight has the drain's time, not the server's.
    this.#opened.push(() => this.#drain(core));
    await sweep({ clock, processes, table: store.processes, log, scratch, bootId });
    await this.#follow(core, probe, changes);
    this.#started = true;
    void lookedAtOnce(core.registry, clock).then(() => this.#begin());
    const { address } = this;
    const startTime = processes.identify(process.pid)?.startTime ?? 0;
    stateFolder.announce({ pid: process.pid, startTime, bootId: bootId(), run, address, version: VERSION, startedAt: this.#startedAt });
    this.#watchStateFolder(stateFolder, store);
    log.say(`Server ready at ${address}`);
    void this.#tellOfFound(core, finder);
  }

  /** Somebody may delete it while we run: then a second engine would start beside this one, and nobody would find either. */
  #watchStateFolder(folder: StateFolder, store: Store): void {
    let before: Standing = 'there';
    let stop = (): void => {};
    const look = (): void => {
      stop = this.#clock.after(STATE_FOLDER_MS, look);
      const standing = folder.look();
      if (standing === 'made-again') {
        store.rescue();
        this.#log.warn(`The state folder ${folder.path} was deleted while Modelium runs. It was made again, with all that was in it.`);
      } else if (standing === 'taken' && before !== 'taken') {
        const sentence =
          'was deleted while Modelium runs, and another engine was started for it: two run side by side now. End one of them.';
        this.#log.error(`The state folder ${folder.path} ${sentence}`);
      }
      before = standing;
    };
    stop = this.#clock.after(STATE_FOLDER_MS, look);
    this.#opened.push(() => stop());
  }

  /** Once, and only where none of them is known: whoever has registered one knows the way. */
  async #tellOfFound({ registry }: Core, finder: ModelFinder): Promise<void> {
    try {
      const sentence = foundSentence(withRegistered(await finder.find(), registry).models);
      if (sentence !== null && this.#closing === null) this.#log.say(sentence);
    } catch (error) {
      this.#log.debug(`Models of other tools could not be looked for: ${error instanceof Error ? error.message : error}`);
    }
  }

  readonly fault = (error: unknown): void => {
    this.#log.error('Something failed that nobody expected; what it was for may not have happened', error);
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
    for (const step of this.#opened.reverse()) {
      try {
        await step();
      } catch (error) {
        this.#log.error('Something could not be closed', error);
      }
    }
    this.#resolveClosed();
  }

  #open<Part>(part: Part, close: (part: Part) => unknown): Part {
    this.#opened.push(() => close(part));
    return part;
  }

  /** Requests that wait are told, those in flight may end, every process is seen gone. */
  async #drain({ waitingRoom, orchestrator, catalog, manager, preparations, servers, trust }: Core): Promise<void> {
    waitingRoom.close();
    orchestrator.close();
    catalog.close();
    trust.close();
    servers.close();
    await Promise.all([manager.unloadAll(), preparations.close()]);
  }

  /** The ports open before the slow things (drivers, folders): a script that starts us can connect at once, and is told to wait. */
  async #serve(parts: ServedParts): Promise<{ readonly run: string }> {
    const { core, changes, metrics, library, finder, ledger, upstreams } = parts;
    const clock = this.#clock;
    const log = this.#log;
    const snapshot = () => this.#snapshot(core);
    const { view } = core;
    const inference = createInference({
      ...core,
      begun: () => (this.#isBegun ? null : this.#begun.promise),
      clock,
      log,
      view,
      settings: () => this.#settings,
      report: metrics.request,
    });
    const desk = createSettingsDesk({
      places: placesOf(this.#options),
      inForce: () => ({ settings: this.#settings, problem: this.#settingsProblem, warnings: this.#loaded.warnings }),
      watch: () => this.#settingsWatch,
      reloaded: () => this.#reloading,
    });
    const control = createControl({
      ...{ ...core, clock, ledger, library, finder, changes, snapshot, view, engineLog: log, history: this.#history },
      rescanRuntimes: async () => {
        await core.runtimes.find();
        core.runtimes.apply();
        core.orchestrator.reconsiderAll();
      },
      ...{ settings: desk.view, editSettings: desk.edit },
      trouble: () => (this.#closing !== null ? 'Modelium is ending' : this.#started ? null : 'Modelium is starting'),
    });
    const settings = () => this.#settings;
    const metricsText = async (): Promise<string> => {
      const own = await metrics.text();
      return this.#settings.metrics.include_runtime
        ? own +
            (await runtimeMetrics(
              upstreams,
              meteredModels(core.registry, (id) => core.runtimes.metricsOf(id)),
            ))
        : own;
    };
    const { dispatch } = upstreams;
    const largeJson = this.#open(createLargeJson(programs.largeJson, clock), (each) => each.close());
    const connections = new Connections({ descriptors: descriptorLimit(), now: clock.now });
    const server = createHttpServer({
      ...{ largeJson, collectGarbage, connections },
      ...{ settings, inference, control, clock, log, dispatch, metricsText, token: this.token, version: VERSION },
      page: createPageFiles(programs.page),
    });
    const listening = this.#open(server, (each) => each.close()).listen();
    ({ address: this.address } = await explainTakenPort(listening, this.#settings.api));
    const { run } = server;
    if (this.#settings.metrics.enabled)
      await this.#open(createMetricsServer({ settings, metricsText, log, connections }), (each) => each.close()).listen();
    return { run };
  }

  /** From here on the world is followed: devices, settings, folders. */
  async #follow(core: Core, probe: RunningDeviceProbe, changes: Changes): Promise<void> {
    const { devices, orchestrator, registry } = core;
    probe.onSample((sample) => {
      devices.applySample(sample);
      probe.setPids([...[...registry.all()].flatMap(({ state }) => ('pids' in state ? state.pids : [])), ...core.servers.pids()]);
      orchestrator.roomChanged();
      this.#history.record(this.#clock.wallTime(), devices.views());
      changes.touch();
    });
    devices.applySample(await probe.start());
    await core.runtimes.find();
    core.runtimes.apply();
    if (probe.gpuFacts().found) this.#log.say(`GPUs: ${probe.gpuFacts().message}; ${core.runtimes.gpusInWords()}`);
    this.#open(core.runtimes, (each) => each.close()).start();
    const watch = watchSettings(placesOf(this.#options), {
      // One after the other: two at once would each make a watcher, and one of them would be nobody's.
      onChange: (loaded) => {
        this.#reloading = this.#reloading
          .then(() => this.#reload(core, loaded, changes))
          .catch((error) => this.#log.error('The settings could not be put into force', error));
      },
      onProblem: (sentence) => {
        this.#settingsProblem = sentence;
        this.#log.error(sentence);
        changes.touch();
      },
    });
    this.#settingsWatch = watch;
    this.#opened.push(watch.stop);
    this.#opened.push(() => this.#watcher?.close());
    await this.#watch(core);
  }

  async #reload(core: Core, loaded: LoadedSettings, changes: Changes): Promise<void> {
    const before = this.#settings;
    this.#loaded = loaded;
    this.#settings = withOverrides(loaded.settings, this.#options);
    this.#settingsProblem = null;
    await core.runtimes.find();
    // What follows is in force in this same turn, and what comes of it is told after.
    this.#log.say(`Settings read again: ${loaded.file ?? 'the defaults'}`);
    for (const warning of [...loaded.warnings, ...needsRestart(before, this.#settings)]) this.#log.warn(warning);
    core.runtimes.apply();
    core.orchestrator.reconsiderAll();
    changes.touch();
    const discovery = (settings: Settings) => JSON.stringify(settings.orchestration.model_discovery);
    if (discovery(before) !== discovery(this.#settings)) await this.#watch(core);
  }

  async #watch({ catalog }: Core): Promise<void> {
    const { model_discovery } = this.#settings.orchestration;
    await this.#watcher?.close();
    this.#folders = watchFolders(this.#settings, this.#options.watch);
    this.#watcher = createWatcher({
      folders: this.#folders,
      scanIntervalMs: model_discovery.scan_interval_seconds * 1000,
      clock: this.#clock,
      log: this.#log,
      scanLarge: (...question) => this.#scanLarge(...question),
      onScan: (scan) => {
        this.#scans.set(scan.folder, scan);
        catalog.apply(scan);
      },
    });
    catalog.keepOnly(this.#folders);
    await this.#watcher.start();
    for (const path of catalog.addedPaths()) await this.#watcher.track(path);
  }

  #tracker(): Tracker {
    const watcher = (): FileWatcher => {
      if (this.#watcher === null) throw new ModeliumError('shutting-down', 'The folders are not watched yet.', { retryAfterSeconds: 1 });
      return this.#watcher;
    };
    return {
      track: (path) => watcher().track(path),
      untrack: async (path) => watcher().untrack(path),
      rescan: (folder) => void this.#watcher?.rescan(folder),
    };
  }

  #countedLedger(ledger: Ledger, metrics: Metrics): Ledger {
    this.#lastDecisionId = ledger.decisions({ limit: 1 })[0]?.id ?? 0;
    const decide: Ledger['decide'] = (decision) => {
      metrics.decided(decision.action, decision.reason);
      this.#lastDecisionId = ledger.decide(decision);
      return this.#lastDecisionId;
    };
    return { ...ledger, decide };
  }

  #snapshot(core: Core): Snapshot {
    return {
      ...{ version: VERSION, address: this.address, startedAt: this.#startedAt, lastDecisionId: this.#lastDecisionId },
      ...{ settingsFile: this.#loaded.file, settingsProblem: this.#settingsProblem },
      devices: core.devices.views(),
      models: [...core.registry.all()].map((record) => core.view(record.id)).filter((view) => view !== null),
      runtimes: core.runtimes.views(),
      watchFolders: this.#folders.map((path) => folderView(path, this.#scans.get(path))),
    };
  }
}
