/**
 * The shared servers by name: our own are created when first needed, those of others are checked.
 * Has no logic of its own.
 */
import type { RuntimeId } from '../../shared/decision.ts';
import type { NodeView, ServerView } from '../../shared/snapshot.ts';
import type { Holder } from '../core/memory/gpu-room.ts';
import type { ServerReport } from '../core/notice/elsewhere.ts';
import type { Adapter, ForeignFacts, ForeignStatus } from './adapter.ts';
import { ForeignServer } from './foreign.ts';
import { ServerHost, type ServerPorts, type ServerState } from './server-host.ts';
import { SharedHost, type SharedHostPorts } from './shared-host.ts';

export interface ServersPorts extends ServerPorts, SharedHostPorts {
  adapter(runtime: RuntimeId): Adapter;
  /** What a server that is not ours offers is other than before. */
  onReport(report: ServerReport): void;
}

export class Servers {
  readonly #ports: ServersPorts;
  readonly #own = new Map<string, ServerHost>();
  readonly #foreign = new Map<string, ForeignServer>();

  constructor(ports: ServersPorts) {
    this.#ports = ports;
  }

  /** The host of one model in the server of this name. */
  host(server: string, adapter: Adapter, modelId: string): SharedHost {
    const shared = this.#foreign.get(server) ?? this.#own.get(server) ?? this.#make(server, adapter.id);
    return new SharedHost(this.#ports, shared, adapter, modelId);
  }

  #make(server: string, runtime: RuntimeId): ServerHost {
    const host = new ServerHost(this.#ports, server, () => this.#ports.adapter(runtime));
    this.#own.set(server, host);
    return host;
  }

  /** Of those of ours that have processes: what they hold beside their models. */
  holders(): readonly Holder[] {
    return [...this.#own.values()].flatMap((host) => host.holder() ?? []);
  }

  pids(): readonly number[] {
    return [...this.#own.values()].flatMap((host) => host.pids());
  }

  state(server: string): ServerState {
    return this.#own.get(server)?.state ?? 'absent';
  }

  /** Null: there is none of that name. */
  foreign(name: string): ForeignServer | null {
    return this.#foreign.get(name) ?? null;
  }

  /** One of others as it was last looked at; of ours its state alone. */
  seen(name: string): { readonly problem: string | null; readonly nodes: readonly NodeView[]; readonly state: ServerView['state'] } {
    const server = this.#foreign.get(name);
    const there = server?.status?.isThere === true ? 'there' : 'away';
    return {
      problem: server?.explanation?.message ?? null,
      nodes: server?.nodes ?? [],
      state: server === undefined ? this.state(name) : there,
    };
  }

  /**
   * These are the servers of others from now on. One that is other than before is looked at again;
   * one that is no more offers nothing.
   */
  follow(all: readonly ForeignFacts[]): void {
    const changed = new Set<string>();
    for (const [name, server] of [...this.#foreign]) {
      const now = all.find((facts) => facts.name === name);
      if (now?.about === server.facts.about) continue;
      const { where } = server.facts;
      this.#foreign.delete(name);
      if (now === undefined) {
        server.close(`${where} is no longer in the settings.`);
        this.#ports.onReport({ server: name, where, offers: null, away: null });
        continue;
      }
      changed.add(name);
      // Its models wait for what it answers when it is asked again.
      const why = `${where} is checked again, because its settings or its key changed.`;
      this.#ports.onReport({ server: name, where, offers: server.status?.offers ?? [], away: { why, help: '' } });
      server.close(why);
    }
    for (const facts of all) {
      if (this.#foreign.has(facts.name)) continue;
      let isAnew = changed.has(facts.name);
      const server = new ForeignServer(this.#ports, facts, (status) => {
        this.#ports.onReport({ ...reportOf(facts, status), isAnew: isAnew && status.isThere });
        isAnew &&= !status.isThere;
      });
      this.#foreign.set(facts.name, server);
      server.checkNow();
    }
  }

  close(): void {
    for (const server of this.#foreign.values()) server.close('Modelium is ending.');
    this.#foreign.clear();
  }
}

function reportOf({ name, where }: ForeignFacts, status: ForeignStatus): ServerReport {
  return { server: name, where, offers: status.offers, away: status.isThere ? null : { why: status.why, help: status.help } };
}
