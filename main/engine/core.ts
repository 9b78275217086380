/**
 * Builds and wires the core's parts and the runtime manager. `engine.ts` calls it with this
 * machine's ports and runtimes, the tests (test/helpers/core-box.ts) with simulated ones.
 */
import type { Policies } from '../../shared/settings.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import { Admission } from '../core/admission.ts';
import { Questions } from '../core/decide/questions.ts';
import { createFileChecks } from '../core/file-checks.ts';
import { withMeasurementsInMemory } from '../core/measurements.ts';
import { Devices } from '../core/memory/devices.ts';
import { idleLimitMs } from '../core/memory/evictor.ts';
import { isPinned, type ResidentFacts, residents, settingsOf, toResident } from '../core/memory/residents.ts';
import { Catalog } from '../core/notice/catalog.ts';
import { Elsewhere } from '../core/notice/elsewhere.ts';
import { Settler } from '../core/notice/settler.ts';
import { Orchestrator } from '../core/orchestrator.ts';
import type { Clock } from '../core/ports.ts';
import { type ModelRecord, Registry } from '../core/registry.ts';
import { Activity } from '../core/tell/activity.ts';
import { modelView } from '../core/tell/views.ts';
import { Trust } from '../core/trust.ts';
import { Usage } from '../core/usage.ts';
import { LATER_RUNTIMES } from '../runtime/adapters.ts';
import { createDoer } from '../runtime/doer.ts';
import { Guests } from '../runtime/guests.ts';
import { Manager, type ManagerPorts } from '../runtime/manager.ts';
import { Preparations } from '../runtime/preparations.ts';
import { Servers, type ServersPorts } from '../runtime/servers.ts';
import { ThreadShare } from '../runtime/thread-share.ts';
import { WaitingRoom, type WaitingRoomPorts } from '../runtime/waiting-room.ts';
import type { CorePorts, RuntimeList, RuntimeListPorts } from './core-ports.ts';
import type { Runtimes } from './runtimes.ts';

export type Core = ReturnType<typeof buildCore<Runtimes>>;

/** @param listRuntimes called once, before anything of the core moves. */
export function buildCore<List extends RuntimeList>(ports: CorePorts, listRuntimes: (needs: RuntimeListPorts) => List) {
  const { clock, log, settings, probe, library, tracker } = ports;
  const ledger = withMeasurementsInMemory(ports.ledger);
  const policies = () => settings().orchestration.policies;
  const wake = (id: string): void => orchestrator.wake(id);

  const registry = new Registry(() => settings().models);
  const usage = new Usage();
  const admission = new Admission();
  const activity = activityOf(registry);
  const facts = { registry, usage, settings, inFlight: (id: string): number => doer.inFlight(id) };
  const devices = new Devices({ settings, holders: () => [...residents(facts), ...servers.holders()] });
  const shared = { registry, admission, devices, usage, ledger, facts, clock, log, settings };
  const runtimes = listRuntimes({
    devices,
    onOther: () => orchestrator.reconsiderAll(),
    foreign: (all) => servers.follow(all),
    seen: (server) => servers.seen(server),
  });

  const { trustTable, codeReader: reader } = ports;
  const trust: Trust = new Trust({ registry, trustTable, reader, clock, log, changed: (id, by) => orchestrator.trustChanged(id, by) });

  const threads = new ThreadShare(ports.cpuCores);
  const { processes, table, http, scratch, randomWord, bootId, released } = ports;
  const adapter: ManagerPorts['adapter'] = (id) => runtimes.adapter(id);
  const hostPorts = { clock, processes, table, http, scratch, randomWord, bootId, probe, log, policies, settings };
  const onReport: ServersPorts['onReport'] = (report) => elsewhere.apply(report);
  const servers: Servers = new Servers({ ...hostPorts, machineFiles: ports.machineFiles, adapter, onReport });
  const launching = { servers, adapter, threads, wake, released };
  const fileChecks = createFileChecks({ registry, reader, library, trust, clock, stallMs: () => policies().load_stall_seconds * 1000 });
  const managerPorts: ManagerPorts = {
    ...shared,
    ...hostPorts,
    ...launching,
    placeIsFree: () => waitingRoom.placeIsFree(),
    preparedFile: (record, plan) => preparations.use(record, plan),
    ...fileChecks,
  };
  const manager = new Manager(managerPorts);
  const guests = new Guests(managerPorts, manager);
  const preparations: Preparations = new Preparations({
    ...managerPorts,
    prepared: ports.prepared,
    list: ports.listSource,
    output: (id: string) => manager.output(id),
  });
  const doer = createDoer(manager, preparations, guests);
  const lease: WaitingRoomPorts['lease'] = (id, waited) => (guests.holds(id) ? guests.lease(id, waited) : manager.lease(id, waited));
  const waitingRoom: WaitingRoom = new WaitingRoom({ registry, admission, clock, policies, wake, lease, ...fileChecks });
  const elsewhere: Elsewhere = new Elsewhere({ registry, admission, doer, clock, log });
  const questions = new Questions({
    ...shared,
    away: (id) => elsewhere.problemOf(id),
    runtimes: () => runtimes.known(),
    laterRuntimes: LATER_RUNTIMES,
    trusted: (record, form) => trust.standing(record, form) === 'trusted',
  });
  const settler: Settler = new Settler({ ...shared, library, known: (record) => catalog.endedBefore(record) });
  const orchestrator: Orchestrator = new Orchestrator({ ...shared, settler, questions, trust, doer });
  const inspectAgain = (id: string): void => {
    settler.inspect(id);
    wake(id);
  };
  const catalog: Catalog = new Catalog({ ...shared, tracker, inspectAgain, doer, folders: ports.folders });

  const noteOf = (record: ModelRecord): string | null => servers.foreign(record.server?.name ?? '')?.note ?? null;
  const view = createView(facts, { admission, activity, clock, devices, policies, noteOf });
  const doers = { manager, preparations, servers, doer, waitingRoom };
  return { ...shared, ...doers, activity, questions, trust, settler, orchestrator, catalog, runtimes, view };
}

/** What is told of a model's requests is forgotten with it. */
function activityOf(registry: Registry): Activity {
  const activity = new Activity();
  registry.onChange(({ id, record }) => {
    if (record === null) activity.forget(id);
  });
  return activity;
}

interface ViewPorts {
  readonly admission: Admission;
  readonly activity: Activity;
  readonly devices: Devices;
  readonly clock: Clock;
  policies(): Policies;
  noteOf(record: ModelRecord): string | null;
}

/** What people see of one model; null where there is none. */
function createView(facts: ResidentFacts, ports: ViewPorts) {
  const { registry, usage, settings, inFlight } = facts;
  const { admission, activity, clock, policies, noteOf, devices } = ports;
  const indexOf = (id: string): number | null => devices.sample?.devices.find((device) => device.id === id)?.index ?? null;
  const idleSeconds = (record: Parameters<typeof toResident>[0]): number | null => {
    const resident = toResident(record, facts);
    const limitMs = resident === null ? null : idleLimitMs(resident, policies());
    return limitMs === null ? null : limitMs / 1000;
  };
  return (id: string): ModelView | null => {
    const record = registry.get(id);
    if (record === undefined) return null;
    const pinned = isPinned(record, settings());
    const aliases = [...record.aliases, ...(settingsOf(record, settings()).aliases ?? [])];
    const nowMs = clock.now();
    const paceOf = (name: string) => activity.paceOf(name, nowMs);
    const own = { nowMs, inFlight, idleSeconds, indexOf, noteOf, paceOf, pinned: () => pinned };
    return modelView({ ...record, aliases }, { admission, usage, ...own });
  };
}
