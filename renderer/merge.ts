/** What an event makes of the snapshot. Pure; models that did not change stay the same objects, so that their rows are not drawn again. */
import type { EngineEvent, Snapshot } from '../shared/snapshot.ts';

/** Null: a change of a snapshot that was never seen, which only another one can mend. */
export function merge(before: Snapshot | null, event: EngineEvent): Snapshot | null {
  if (event.type === 'snapshot') return { ...event.snapshot, models: byId(event.snapshot.models) };
  if (before === null) return null;
  const { models: changedModels, ...rest } = event.changed;
  if (changedModels === undefined && event.removedModels.length === 0) return { ...before, ...rest };
  const models = new Map(before.models.map((model) => [model.id, model]));
  for (const model of changedModels ?? []) models.set(model.id, model);
  for (const id of event.removedModels) models.delete(id);
  return { ...before, ...rest, models: byId([...models.values()]) };
}

/** By name: rows that swap places under the pointer cannot be clicked. */
function byId(models: Snapshot['models']): Snapshot['models'] {
  return [...models].sort((first, second) => first.id.localeCompare(second.id, 'en', { numeric: true }));
}
