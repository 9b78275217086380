/**
 * The runtimes on this machine: which are enabled, what was found of each, and their adapters. It
 * searches at the start, on request, and repeatedly while the engine runs. Knows no runtime by
 * name.
 */
import { createHash, randomUUID } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { dirname } from 'node:path';
import type { RuntimeId } from '../../shared/decision.ts';
import type { Settings } from '../../shared/settings.ts';
import type { NodeView, RuntimeView, ServerView } from '../../shared/snapshot.ts';
import type { KnownRuntime } from '../core/decide/planner.ts';
import type { MachineFiles } from '../core/machine-files.ts';
import type { Clock, Log } from '../core/ports.ts';
import { homeFolder, modeliumFolders } from '../io/folders.ts';
import { programs } from '../programs.ts';
import type { Adapter, ForeignFacts, ServerFacts } from '../runtime/adapter.ts';
import { runtimesOf } from '../runtime/adapters.ts';
import type { MachineFacts, NodeProgram, RuntimeModule } from '../runtime/module.ts';
import { Searcher } from '../runtime/searcher.ts';
import type { CorePorts, RuntimeListPorts } from './core-ports.ts';

export interface RuntimesPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly searcher: Searcher;
  settings(): Settings;
  /** What a runtime may know now. */
  machine(): MachineFacts;
  everyMs(): number;
  /** Servers of others that are to be looked at from now on. */
  foreign(servers: readonly ForeignFacts[]): void;
  /**
   * Why such a server cannot be asked now (null: it can), and the machines that it consists of,
   * where it tells.
   */
  seen(server: string): { readonly problem: string | null; readonly nodes: readonly NodeView[]; readonly state: ServerView['state'] };
  /** Another one is there, or none any more: found at a look of its own. */
  onOther(): void;
}

interface Applied {
  module: RuntimeModule;
  found: unknown;
  adapter: Adapter;
  /** What is wrong with it, as it was last told; null: nothing. */
  warned: string | null;
}

/** Adapters are made again when settings or the host change, since an adapter is facts only. */
export class Runtimes {
  readonly #ports: RuntimesPorts;
  readonly #modulesOf: (settings: Settings) => readonly RuntimeModule[];
  /** In their order. */
  #listed: readonly Applied[] = [];
  /**
   * All that were ever listed: a model that is still loaded is ended by the adapter of its runtime,
   * though the settings no longer name that.
   */
  readonly #applied = new Map<RuntimeId, Applied>();
  #cancelRescan: (() => void) | null = null;
  #closed = false;

  constructor(ports: RuntimesPorts, modulesOf = runtimesOf) {
    this.#ports = ports;
    this.#modulesOf = modulesOf;
    this.#list(ports.machine());
  }

  /** @returns names of those of which something is other than before. */
  async find(): Promise<readonly RuntimeId[]> {
    const { searcher, machine } = this.#ports;
    const now = machine();
    const others: RuntimeId[] = [];
    this.#list(now);
    for (const each of this.#listed) {
      const found = await searcher.search(each.module.find(now, each.found));
      if (found !== each.found) others.push(each.module.id);
      each.found = found;
    }
    return others;
  }

  /** Has what was found, and what the settings say, in force. */
  apply(): void {
    const machine = this.#ports.machine();
    this.#list(machine);
    for (const each of this.#listed) each.adapter = each.module.adapter(machine, each.found);
    for (const each of this.#listed) this.#warnOf(each, machine.settings);
    const servers = this.#listed.flatMap(({ adapter }) => adapter.servers ?? []);
    this.#ports.foreign(servers.filter((server) => server.isForeign));
  }

  /** Once for each problem. Those elsewhere are followed, which tells theirs. */
  #warnOf(applied: Applied, settings: Settings): void {
    const { module, adapter } = applied;
    const { isWrong = false, message } = adapter.found;
    const isFollowed = adapter.servers?.some(({ isForeign }) => isForeign) ?? false;
    const warning = isWrong && !isFollowed && module.isEnabled(settings) ? message : null;
    if (warning !== null && warning !== applied.warned) this.#ports.log.warn(warning);
    applied.warned = warning;
  }

  /** Those that the settings name now. */
  #list(machine: MachineFacts): void {
    this.#listed = this.#modulesOf(machine.settings).map((module) => {
      const known = this.#applied.get(module.id);
      // The same name may have become another kind of runtime, which knows nothing of what the
      // other one found.
      if (known?.module.unit === module.unit) return Object.assign(known, { module });
      const applied = { module, found: module.notFound, adapter: module.adapter(machine, module.notFound), warned: null };
      this.#applied.set(module.id, applied);
      return applied;
    });
  }

  adapter(id: RuntimeId): Adapter {
    const applied = this.#applied.get(id);
    if (applied === undefined) throw new Error(`no runtime ${id}`);
    return applied.adapter;
  }

  readonly known = (): readonly KnownRuntime[] =>
    this.#listed.map(({ module, adapter }) => ({
      name: module.name,
      preference: module.preference,
      planner: adapter,
      enabled: module.isEnabled(this.#ports.settings()),
      found: adapter.found,
    }));

  views(): readonly RuntimeView[] {
    return this.#listed.map(({ module, adapter: { id, found, servers = [] } }) => {
      const seen = servers.filter(({ isForeign }) => isForeign).map(({ name }) => this.#ports.seen(name));
      const problems = seen.flatMap(({ problem }) => problem ?? []);
      const nodes = seen.flatMap((one) => one.nodes);
      const [first] = servers;
      return {
        id,
        enabled: module.isEnabled(this.#ports.settings()),
        found: found.found,
        version: found.version,
        message: [found.message, ...problems].join(' '),
        ...(found.isWrong === true || problems.length > 0 ? { isWrong: true } : {}),
        ...(nodes.length > 0 ? { nodes } : {}),
        server: found.found && first !== undefined ? this.#serverView(first) : undefined,
      };
    });
  }

  #serverView(facts: ServerFacts): ServerView {
    return { state: this.#ports.seen(facts.name).state, opens: facts.isForeign ? null : (facts.opens ?? null) };
  }

  /**
   * What those that are here make of the GPUs, without full stops; not what the driver says
   * already.
   */
  gpusInWords(driver: string): readonly string[] {
    const known = this.known().filter(({ enabled, found }) => enabled && found.found);
    return [...new Set(known.map(({ found }) => found.gpu.why.replace(/\.$/, '')))].filter((why) => why !== driver && why !== '');
  }

  /** The prefix of the figures that a runtime keeps itself; null: it keeps none. */
  metricsOf(id: RuntimeId): string | null {
    return this.#applied.get(id)?.module.words.metrics ?? null;
  }

  /** Looks again and again from here on. */
  start(): void {
    this.#cancelRescan = this.#ports.clock.after(this.#ports.everyMs(), () => void this.#rescan());
  }

  close(): void {
    this.#closed = true;
    this.#cancelRescan?.();
  }

  async #rescan(): Promise<void> {
    const others = await this.find().catch((): readonly RuntimeId[] => []);
    if (this.#closed) return;
    if (others.length > 0) {
      this.apply();
      const changed = this.#listed.filter(({ module }) => others.includes(module.id));
      for (const { module, adapter, warned } of changed)
        if (warned === null) this.#ports.log.say(`${module.name}: ${adapter.found.message}`);
      this.#ports.onOther();
    }
    this.start();
  }
}

export interface RuntimeSearchPorts extends Pick<CorePorts, 'clock' | 'log' | 'processes' | 'http' | 'settings'> {
  readonly machineFiles: MachineFiles;
  readonly node: NodeProgram;
  /** modelium.yaml; null: there is none. */
  settingsFile(): string | null;
  /** Does the driver show GPUs, in a sentence without its full stop. */
  driver(): MachineFacts['driver'];
}

/**
 * The runtimes of this machine. @param ports what a core is given, too, and what only a search
 * needs.
 */
export function runtimesOfMachine(ports: RuntimeSearchPorts): (needs: RuntimeListPorts) => Runtimes {
  const { clock, log, machineFiles, processes, http, settings, settingsFile, node, driver } = ports;
  return ({ devices, ...rest }) => {
    const gpu: MachineFacts['gpu'] = (id) => devices.sample?.devices.find((device) => device.id === id) ?? null;
    return new Runtimes({
      clock,
      log,
      settings,
      ...rest,
      searcher: new Searcher({ clock, machineFiles: machineFiles, processes, http }),
      machine: () => machineFacts({ settings: settings(), file: settingsFile() }, { node, gpu, driver: driver() }),
      everyMs: () => settings().orchestration.model_discovery.scan_interval_seconds * 1000,
    });
  };
}

/** By number: a container runs us as a user of whom the system knows nothing else. */
function ownUser(): MachineFacts['user'] {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  return uid === undefined || gid === undefined ? null : { uid, gid };
}

const RUN = randomUUID().slice(0, 8);

/** One engine runs for one user's settings on one machine. */
function ownerWord(file: string | null): string {
  const about = [hostname(), homeFolder(), file ?? modeliumFolders().config, modeliumFolders().state].join('\n');
  return createHash('sha256').update(about).digest('hex').slice(0, 8);
}

/**
 * What a runtime may know of this machine and of us. @param file modelium.yaml; null: there is
 * none.
 */
export function machineFacts(
  { settings, file }: { readonly settings: Settings; readonly file: string | null },
  facts: Pick<MachineFacts, 'node' | 'driver' | 'gpu'>,
): MachineFacts {
  return {
    ...facts,
    settings,
    programs,
    env: process.env,
    home: homeFolder(),
    user: ownUser(),
    root: '/',
    cpuCores: availableParallelism(),
    instance: { owner: ownerWord(file), run: RUN },
    settingsFolder: file === null ? modeliumFolders().config : dirname(file),
    platform: `${process.platform}-${process.arch}`,
  };
}
