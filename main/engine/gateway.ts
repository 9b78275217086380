/**
 * Implements `Inference` for the HTTP layer: turns names into ids, hands out leases, applies
 * keep-alive, counts requests. Wires parts that `engine.ts` built; owns nothing.
 */
import { SERVABLE_STATES } from '../../shared/model.ts';
import { nearestNames } from '../../shared/nearest.ts';
import type { ModelProfile } from '../../shared/profile.ts';
import type { Settings } from '../../shared/settings.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import { describedTensors } from '../../shared/tensors.ts';
import type { Admission } from '../core/admission.ts';
import type { KnownRuntime } from '../core/decide/planner.ts';
import type { Inference, ListedModel, RequestReport, Served, Taken } from '../core/gateway.ts';
import { settingsOf } from '../core/memory/residents.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { ModelRecord, Registry } from '../core/registry.ts';
import { stateInWords } from '../core/sentences.ts';
import type { Usage } from '../core/usage.ts';
import type { Manager } from '../runtime/manager.ts';
import type { Servers } from '../runtime/servers.ts';
import type { WaitingRoom } from '../runtime/waiting-room.ts';

export interface InferencePorts {
  readonly registry: Registry;
  readonly admission: Admission;
  readonly waitingRoom: WaitingRoom;
  readonly usage: Usage;
  readonly servers: Pick<Servers, 'foreign'>;
  readonly manager: Pick<Manager, 'doubt'>;
  readonly runtimes: { known(): readonly KnownRuntime[] };
  readonly clock: Clock;
  readonly log: Log;
  view(id: string): ModelView | null;
  settings(): Settings;
  report(report: RequestReport): void;
  begun(): Promise<void> | null;
}

const NAMES_OFFERED = 3;

export function createInference(ports: InferencePorts): Inference {
  const { registry, admission, waitingRoom, usage, clock, log } = ports;
  const reported = new Set<string>();
  const warnOnce = ({ modelId, ignoredFields }: RequestReport) => {
    for (const field of ignoredFields) {
      if (reported.has(field)) continue;
      reported.add(field);
      log.say(`A request for ${modelId} has the field "${field}", which has no effect here. It is ignored; later ones are only counted`);
    }
  };
  const doubt = (id: string): void => {
    ports.servers.foreign(registry.get(id)?.server?.name ?? '')?.checkNow();
    ports.manager.doubt(id);
  };
  return {
    resolve: (name) => registry.resolve(name),
    begun: ports.begun,
    nearest: (name) => {
      const beside = registry.quantizationsBeside(name);
      return beside.length > 0 ? beside : nearestNames(name, registry.names(), NAMES_OFFERED);
    },
    servable: (only) =>
      (only === undefined ? [...registry.all()] : [registry.get(only)]).flatMap((record) => {
        if (record === undefined) return [];
        const { state, profile } = record;
        // Trying again would help nothing: it cannot be asked.
        const isLost = state.name === 'failed' && state.failure.permanent;
        const view = SERVABLE_STATES.has(state.name) && !isLost ? ports.view(record.id) : null;
        return view === null || profile === null ? [] : toListed(record, view, profile, ports.settings());
      }),
    ensureReady(id, options) {
      // Whoever asks again finds it as soon as it is back, without waiting for the next look.
      if (registry.get(id)?.state.name === 'blocked') doubt(id);
      return waitingRoom.ensureReady(id, options);
    },
    doubt,
    served: (id) => servedBy(registry.get(id)),
    taken: (id) => takenBy(registry.get(id), ports.runtimes.known(), ports.settings()),
    imageInputs: (id) => {
      const record = registry.get(id);
      return record === undefined ? {} : (settingsOf(record, ports.settings()).image_inputs ?? {});
    },
    waitingFor: (id) => {
      const state = registry.get(id)?.state;
      if (state?.name === 'ready') return `busy: ${admission.waiting(id)} waiting`;
      return state === undefined ? 'it was removed' : stateInWords(state, clock.now());
    },
    isWaitedFor: (id) => admission.waiting(id) > 0,
    keepAlive: (id, seconds) => usage.keepAlive(id, seconds),
    report(report) {
      if (report.ignoredFields.length > 0) warnOnce(report);
      ports.report(report);
    },
  };
}

/** As its server says; of one that is not loaded as its files do. */
function servedBy(record: ModelRecord | undefined): Served {
  const ready = record?.state.name === 'ready' ? record.state : null;
  const described = record?.profile?.forms.find(({ inputs, outputs }) => inputs !== undefined && outputs !== undefined);
  const files =
    ready !== null || described === undefined
      ? null
      : { inputs: describedTensors(described.inputs ?? []), outputs: describedTensors(described.outputs ?? []) };
  return { isReady: ready !== null, runtime: ready?.runtime ?? null, tensors: ready?.endpoint.tensors ?? files };
}

/** Asked only of those that are not ready: whoever would be asked for a place for it counts. */
function takenBy(record: ModelRecord | undefined, runtimes: readonly KnownRuntime[], settings: Settings): Taken | null {
  const profile = record?.profile ?? null;
  if (record === undefined || profile === null || record.state.name === 'ready') return null;
  // It is asked as its base is.
  if (profile.forms.every(({ kind }) => kind === 'adapter')) return null;
  const { runtime } = settingsOf(record, settings);
  const able = runtimes.filter(
    ({ planner, enabled, found }) =>
      (runtime === undefined ? planner.onlyWhenChosen !== true : planner.id === runtime) &&
      enabled &&
      found.found &&
      profile.forms.some((form) => planner.supports(profile, form).supported),
  );
  if (able.length === 0) return null;
  const speakers = able.filter(({ planner }) => planner.speaks === 'openai').length;
  return { profile, speaksOpenai: speakers === able.length, speaksTensors: speakers === 0, tensors: servedBy(record).tensors };
}

function toListed(record: ModelRecord, view: ModelView, { kind, contextLength }: ModelProfile, settings: Settings): ListedModel {
  const { context } = settingsOf(record, settings);
  const possible = contextLength === null || context === undefined ? (context ?? contextLength) : Math.min(context, contextLength);
  return {
    id: view.id,
    aliases: view.aliases,
    kind,
    remote: view.remote,
    // The plan of a LoRA has no context length: its base has it.
    contextTokens: view.plan?.contextTokens || possible,
    createdSeconds: Math.floor(record.files.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0) / 1000),
  };
}
