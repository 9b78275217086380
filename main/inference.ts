/** `Inference` for the HTTP layer: names to ids, leases, keep-alive, reports. Wires parts that `engine.ts` built; owns nothing. */
import { nearestNames } from '../shared/nearest.ts';
import type { ModelView } from '../shared/snapshot.ts';
import type { Inference, RequestReport } from './core/gateway.ts';
import type { Clock } from './core/ports.ts';
import type { Registry } from './core/registry.ts';
import { stateInWords } from './core/sentences.ts';
import type { Usage } from './core/usage.ts';
import type { WaitingRoom } from './runtime/waiting-room.ts';

export interface InferenceParts {
  readonly registry: Registry;
  readonly waitingRoom: WaitingRoom;
  readonly usage: Usage;
  readonly clock: Clock;
  view(id: string): ModelView | null;
  report(report: RequestReport): void;
}

const NAMES_OFFERED = 3;

export function createInference(parts: InferenceParts): Inference {
  const { registry, waitingRoom, usage, clock } = parts;
  return {
    resolve: (name) => registry.resolve(name),
    nearest: (name) => nearestNames(name, registry.names(), NAMES_OFFERED),
    servable: () =>
      [...registry.all()].flatMap((record) => {
        const view = SERVABLE.has(record.state.name) && record.profile !== null ? parts.view(record.id) : null;
        return view ?? [];
      }),
    ensureReady: (id, options) => waitingRoom.ensureReady(id, options),
    waitingFor: (id) => {
      const state = registry.get(id)?.state;
      return state === undefined ? 'it was removed' : stateInWords(state, clock.now());
    },
    keepAlive: (id, seconds) => usage.keepAlive(id, seconds),
    report: parts.report,
  };
}

/** A blocked, damaged or half-copied model is not offered; a failed one is, since the next request tries it again. */
const SERVABLE: ReadonlySet<string> = new Set([
  'analyzed',
  'preparing',
  'queued',
  'loading',
  'ready',
  'asleep',
  'draining',
  'unloaded',
  'failed',
]);
