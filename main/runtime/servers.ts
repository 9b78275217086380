/** The servers that models live in, by name: made when they are first needed. Owns no rule. */
import type { RuntimeId } from '../../shared/decision.ts';
import type { Holder } from '../core/gpu-room.ts';
import type { Adapter } from './adapter.ts';
import { Seat } from './seat.ts';
import { ServerHost, type ServerPorts, type ServerState } from './server-host.ts';

export interface ServersPorts extends ServerPorts {
  adapter(runtime: RuntimeId): Adapter;
}

export class Servers {
  readonly #ports: ServersPorts;
  readonly #own = new Map<string, ServerHost>();

  constructor(ports: ServersPorts) {
    this.#ports = ports;
  }

  /** A place for one model in the server of this name. */
  seat(server: string, adapter: Adapter, modelId: string): Seat {
    let host = this.#own.get(server);
    if (host === undefined) {
      host = new ServerHost(this.#ports, server, () => this.#ports.adapter(adapter.id));
      this.#own.set(server, host);
    }
    return new Seat(this.#ports, host, adapter, modelId);
  }

  /** Of those that have processes: what they hold beside their models. */
  holders(): readonly Holder[] {
    return [...this.#own.values()].flatMap((host) => host.holder() ?? []);
  }

  pids(): readonly number[] {
    return [...this.#own.values()].flatMap((host) => host.pids());
  }

  state(server: string): ServerState {
    return this.#own.get(server)?.state ?? 'absent';
  }
}
