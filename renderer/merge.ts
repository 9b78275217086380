/**
 * Applies an event to the snapshot. Unchanged parts stay the same objects, so that they are not
 * drawn again. Pure.
 */
import type { EngineEvent, ModelView, Snapshot } from '../shared/snapshot.ts';
import { byName } from './by-name.ts';

/** Null: a change of a snapshot that was never seen, which only another one can mend. */
export function merge(before: Snapshot | null, event: EngineEvent): Snapshot | null {
  if (event.type === 'snapshot') return { ...event.snapshot, models: byId(event.snapshot.models) };
  if (before === null) return null;
  const { models: changedModels, devices, ...others } = event.changed;
  const rest = devices === undefined ? others : { ...others, devices: kept(before.devices, devices) };
  if (changedModels === undefined && event.removedModels.length === 0) return { ...before, ...rest };
  return { ...before, ...rest, models: withChanges(before.models, changedModels ?? [], event.removedModels) };
}

/** Mostly the same models in the same order: sorted again only when one came. */
function withChanges(before: readonly ModelView[], changed: readonly ModelView[], removed: readonly string[]): readonly ModelView[] {
  const changedById = new Map(changed.map((model) => [model.id, model]));
  const stayed = before.filter(({ id }) => !removed.includes(id)).map((model) => changedById.get(model.id) ?? model);
  const known = new Set(before.map(({ id }) => id));
  const came = changed.filter(({ id }) => !known.has(id));
  return came.length === 0 ? stayed : byId([...stayed, ...came]);
}

/** Devices are told all together when one of them differs. */
function kept(before: Snapshot['devices'], after: Snapshot['devices']): Snapshot['devices'] {
  const known = new Map(before.map((device) => [device.id, device]));
  return after.map((device) => {
    const old = known.get(device.id);
    return old !== undefined && JSON.stringify(old) === JSON.stringify(device) ? old : device;
  });
}

/** By name: rows that swap places under the pointer cannot be clicked. */
function byId(models: Snapshot['models']): Snapshot['models'] {
  return [...models].sort((first, second) => byName(first.id, second.id));
}
