/**
 * The manager's record of one bring-up (one attempt to start and serve a model), and its
 * construction. Has no logic of its own.
 */
import type { Candidate, DecisionOutcome, DeviceBytes } from '../../shared/decision.ts';
import type { Endpoint } from '../../shared/model.ts';
import { MOST_IN_FLIGHT } from '../core/admission.ts';
import { planHash, wakeHash } from '../core/decide/plan-hash.ts';
import type { Devices } from '../core/memory/devices.ts';
import type { Measurement, Sample } from '../core/ports.ts';
import type { ModelRecord } from '../core/registry.ts';
import type { Adapter, LoadTarget } from './adapter.ts';
import type { LastOutput } from './last-output.ts';
import { Leases } from './leases.ts';
import { LoadOutcome } from './load-outcome.ts';
import type { ModelHost } from './model-host.ts';
import { type HostPorts, ProcessHost } from './process-host.ts';
import type { Servers } from './servers.ts';
import { Stay, type StayPorts } from './stay.ts';
import type { ThreadShare } from './thread-share.ts';

export interface Runner {
  readonly id: string;
  readonly adapter: Adapter;
  readonly host: ModelHost;
  readonly stay: Stay;
  readonly decisionId: number;
  readonly outcome: LoadOutcome;
  readonly predicted: DeviceBytes;
  /** Requests that it works on at once; more would wait inside, where nobody counts them. */
  readonly capacity: number;
  /** Of one that is ready, or sleeps. */
  endpoint: Endpoint | null;
  /**
   * The sample before it took memory: where the driver names no processes, its share is the
   * difference.
   */
  before: Sample | null;
  waitedForRoom: boolean;
  cancelForgiving: () => void;
  endHealthCheck: () => void;
  /** An answer of it was that of a broken one. */
  doubt: () => void;
}

export interface RunnerPorts extends HostPorts, StayPorts {
  readonly devices: Devices;
  readonly threads: ThreadShare;
  readonly servers: Pick<Servers, 'host'>;
  adapter(runtime: Candidate['plan']['runtime']): Adapter;
  placeIsFree(): void;
  wake(id: string): void;
}

interface BringUp {
  readonly decisionId: number;
  /** Writes how it ended. */
  readonly write: (outcome: DecisionOutcome) => void;
}

function bringUpOf({ state }: ModelRecord, candidate: Candidate, adapter: Adapter, { decisionId, write }: BringUp) {
  const capacity = adapter.capacity?.(candidate.plan) ?? candidate.plan.parallelSequences;
  return {
    capacity: Math.min(MOST_IN_FLIGHT, Math.max(1, capacity)),
    decisionId,
    outcome: new LoadOutcome(write),
    // Woken, it holds more than was asked for: what it held before.
    predicted: state.name === 'loading' ? state.predicted : candidate.bytesNeeded,
    waitedForRoom: candidate.victims.length > 0,
  };
}

/** For a process that is to be started. */
export function startRunner(
  ports: RunnerPorts,
  record: ModelRecord,
  candidate: Candidate,
  bringUp: BringUp & { readonly output: LastOutput },
): Runner {
  const { devices, usage, clock, threads, servers, placeIsFree, wake } = ports;
  const { id } = record;
  const { output } = bringUp;
  const adapter = ports.adapter(candidate.plan.runtime);
  output.begin(`--- ${new Date(clock.wallTime()).toISOString()} loading again ---`);
  const leases = new Leases(() => {
    usage.ended(id, clock.now());
    placeIsFree();
    // The last one to leave may make room, or be what a keep-alive of zero waited for.
    if (leases.inFlight === 0) wake(id);
  });
  const { server } = candidate.plan;
  const host = server === undefined ? new ProcessHost(ports, adapter, id, output) : servers.host(server, adapter, id);
  const fresh = bringUpOf(record, candidate, adapter, bringUp);
  host.onMessage((message) => threads.receive(host, message));
  host.onMessage((message) => fresh.outcome.receive(message));
  const stay = new Stay(ports, id, leases);
  const nothing = { endpoint: null, cancelForgiving: () => {}, endHealthCheck: () => {}, doubt: () => {} };
  return { id, adapter, host, stay, before: devices.sample, ...fresh, ...nothing };
}

/** For one that sleeps: its process goes on. */
export function wakeRunner(ports: StayPorts, asleep: Runner, record: ModelRecord, candidate: Candidate, bringUp: BringUp): Runner {
  asleep.cancelForgiving();
  const stay = new Stay(ports, asleep.id, asleep.stay.leases);
  return { ...asleep, stay, ...bringUpOf(record, candidate, asleep.adapter, bringUp) };
}

/** What a load that worked teaches the next prediction. */
export function measurementOf(
  { id, adapter, endpoint }: Runner,
  { plan, profile }: LoadTarget,
  seen: Pick<Measurement, 'measured' | 'loadSeconds' | 'reported'>,
): Measurement {
  // What the planner computed before any correction: a correction that learned from itself would
  // swing.
  const predicted = adapter.estimate(profile, plan).bytes;
  const hash = endpoint === null ? planHash(plan) : wakeHash(plan);
  return { modelId: id, runtime: plan.runtime, planHash: hash, predicted, ...seen };
}
