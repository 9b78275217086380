/**
 * The list of runtimes applied: which are switched on, what was found of each, and their adapters. Looked for at the start, when a person asks, and again
 * and again while we run, as models are. Knows no runtime by name.
 */
import type { RuntimeId } from '../../shared/decision.ts';
import type { Settings } from '../../shared/settings.ts';
import type { RuntimeView } from '../../shared/snapshot.ts';
import type { KnownRuntime } from '../core/planner.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { Adapter, ForeignFacts } from '../runtime/adapter.ts';
import { runtimesOf } from '../runtime/adapters.ts';
import type { RuntimeModule, RuntimeWorld } from '../runtime/module.ts';
import type { Searcher } from '../runtime/searcher.ts';

export interface RuntimesPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly searcher: Searcher;
  settings(): Settings;
  /** What a runtime may know now. */
  world(): RuntimeWorld;
  everyMs(): number;
  /** Servers of others that are to be looked at from now on. */
  foreign(servers: readonly ForeignFacts[]): void;
  /** Another one is there, or none any more: found at a look of its own. */
  onOther(): void;
}

interface Applied {
  module: RuntimeModule;
  found: unknown;
  adapter: Adapter;
}

/** Adapters are made anew when settings or the host change, since an adapter is facts only. */
export class Runtimes {
  readonly #ports: RuntimesPorts;
  readonly #modulesOf: (settings: Settings) => readonly RuntimeModule[];
  /** In their order. */
  #listed: readonly Applied[] = [];
  /** All that were ever listed: a model that is still loaded is ended by the adapter of its runtime, though the settings no longer name that. */
  readonly #applied = new Map<RuntimeId, Applied>();
  #cancelLook: (() => void) | null = null;
  #closed = false;

  constructor(ports: RuntimesPorts, modulesOf = runtimesOf) {
    this.#ports = ports;
    this.#modulesOf = modulesOf;
    this.#list(ports.world());
  }

  /** @returns names of those of which something is other than before. */
  async find(): Promise<readonly RuntimeId[]> {
    const { searcher, world } = this.#ports;
    const now = world();
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
    const world = this.#ports.world();
    this.#list(world);
    for (const each of this.#listed) each.adapter = each.module.adapter(world, each.found);
    const servers = this.#listed.flatMap(({ adapter }) => adapter.servers ?? []);
    this.#ports.foreign(servers.filter((server) => server.isForeign));
  }

  /** Those that the settings name now. */
  #list(world: RuntimeWorld): void {
    this.#listed = this.#modulesOf(world.settings).map((module) => {
      const known = this.#applied.get(module.id);
      // The same name may have become another kind of runtime, which knows nothing of what the other one found.
      if (known?.module.unit === module.unit) return Object.assign(known, { module });
      const applied = { module, found: module.notFound, adapter: module.adapter(world, module.notFound) };
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
      ...{ name: module.name, preference: module.preference },
      ...{ planner: adapter, enabled: module.isEnabled(this.#ports.settings()), found: adapter.found },
    }));

  views(): readonly RuntimeView[] {
    return this.known().map(({ planner, enabled, found }) => ({
      ...{ id: planner.id, enabled, found: found.found, version: found.version, message: found.message },
    }));
  }

  /** What each of those that are here makes of the GPUs, without the full stop. */
  gpusInWords(): string {
    const known = this.known().filter(({ enabled, found }) => enabled && found.found);
    return known.map(({ found }) => found.gpu.why.replace(/\.$/, '')).join('; ');
  }

  /** The prefix of the figures that a runtime keeps itself; null: it keeps none. */
  metricsOf(id: RuntimeId): string | null {
    return this.#applied.get(id)?.module.words.metrics ?? null;
  }

  /** Looks again and again from here on. */
  start(): void {
    this.#cancelLook = this.#ports.clock.after(this.#ports.everyMs(), () => void this.#look());
  }

  close(): void {
    this.#closed = true;
    this.#cancelLook?.();
  }

  async #look(): Promise<void> {
    const others = await this.find().catch((): readonly RuntimeId[] => []);
    if (this.#closed) return;
    if (others.length > 0) {
      this.apply();
      const told = this.#listed.filter(({ module }) => others.includes(module.id));
      for (const { module, adapter } of told) this.#ports.log.say(`${module.name}: ${adapter.found.message}`);
      this.#ports.onOther();
    }
    this.start();
  }
}
