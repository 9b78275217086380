/**
 * Lists the resident models (those with a process) with the facts that an eviction weighs, from the
 * registry, the usage and the settings. Read-only and pure.
 */
import type { DeviceBytes } from '../../../shared/decision.ts';
import { assertNever } from '../../../shared/errors.ts';
import type { ModelState } from '../../../shared/model.ts';
import type { ModelSettings, Settings } from '../../../shared/settings.ts';
import type { ModelRecord, Registry } from '../registry.ts';
import type { Usage } from '../usage.ts';
import { heldBytes } from './devices.ts';
import type { Resident } from './evictor.ts';

export interface ResidentFacts {
  readonly registry: Registry;
  readonly usage: Usage;
  settings(): Settings;
  inFlight(id: string): number;
}

/** A model's own settings: under its id or one of its aliases. */
export function settingsOf(record: Pick<ModelRecord, 'id' | 'aliases'>, settings: Settings): ModelSettings {
  for (const name of [record.id, ...record.aliases]) {
    const own = settings.models[name];
    if (own !== undefined) return own;
  }
  return {};
}

export function isPinned(record: ModelRecord, settings: Settings): boolean {
  return record.pinned || (settingsOf(record, settings).pin ?? false);
}

/** One elsewhere too: nothing is gained when it leaves. */
export function isAlwaysLoaded(record: Pick<ModelRecord, 'id' | 'aliases' | 'server'>, settings: Settings): boolean {
  if (record.server !== undefined) return true;
  const { always_loaded } = settings.orchestration.policies;
  return [record.id, ...record.aliases].some((name) => always_loaded.includes(name));
}

export function residents(facts: ResidentFacts): readonly Resident[] {
  const found: Resident[] = [];
  for (const record of facts.registry.all()) {
    const resident = toResident(record, facts);
    if (resident !== null) found.push(resident);
  }
  return found;
}

/** Null: the model has no process. */
export function toResident(record: ModelRecord, facts: ResidentFacts): Resident | null {
  const held = holding(record);
  if (held === null) return null;
  const { usage } = facts;
  const settings = facts.settings();
  const { id, state } = record;
  return {
    modelId: id,
    state: held.state,
    held: held.bytes,
    server: serverOf(state),
    pids: pidsOf(state),
    pinned: isPinned(record, settings),
    alwaysLoaded: isAlwaysLoaded(record, settings),
    inFlight: facts.inFlight(id),
    sinceMs: 'sinceMs' in state ? state.sinceMs : 0,
    lastUsedMs: usage.lastMs(id),
    gapMs: usage.gapMs(id),
    loadSeconds: state.name === 'ready' ? state.loadSeconds : null,
    idleAfterSeconds: settingsOf(record, settings).evict_after_idle_seconds ?? null,
    keepAliveSeconds: usage.keepAliveSeconds(id),
  };
}

function pidsOf(state: ModelState): readonly number[] {
  if (state.name === 'queued') return state.asleep?.pids ?? [];
  return 'pids' in state ? state.pids : [];
}

function serverOf(state: ModelState): string | undefined {
  return 'plan' in state ? state.plan.server : state.name === 'draining' ? state.ready?.plan.server : undefined;
}

function holding({ state }: ModelRecord): { state: Resident['state']; bytes: DeviceBytes } | null {
  switch (state.name) {
    case 'loading':
      return { state: 'loading', bytes: state.predicted };
    case 'ready':
      return { state: 'ready', bytes: heldBytes(state.predicted, state.measured) };
    case 'asleep':
      return { state: 'asleep', bytes: state.held };
    case 'draining':
      return { state: 'draining', bytes: state.ready === null ? state.held : heldBytes(state.ready.predicted, state.held) };
    case 'queued':
      return state.asleep === null ? null : { state: 'asleep', bytes: state.asleep.held };
    case 'discovered':
    case 'settling':
    case 'analyzed':
    case 'blocked':
    case 'preparing':
    case 'unloaded':
    case 'failed':
      return null;
    default:
      return assertNever(state);
  }
}
