/**
 * Shows next to a model's state for a while how much memory its unload freed. The engine calls a
 * model unloaded when its memory is measured free (I6); memory that stays held is a leak, and is
 * not counted.
 */
import { create } from 'zustand';
import type { DeviceView, ModelView, Snapshot } from '../shared/snapshot.ts';
import { memoryOf } from './components/model-memory.ts';
import { onSnapshot } from './link.ts';

const SHOWN_MS = 10_000;

/** Bytes by model. */
const useFreed = create<Readonly<Record<string, number>>>(() => ({}));

/** Null: nothing lately. */
export function useFreedBytes(id: string): number | null {
  return useFreed((freed) => freed[id] ?? null);
}

/** The same outside of what is drawn. */
export function freedBytes(id: string): number | null {
  return useFreed.getState()[id] ?? null;
}

/** From now on it is followed. */
export function followFreed(): void {
  let before: Snapshot | null = null;
  onSnapshot((snapshot) => {
    if (before !== null) notifyFreed(before, snapshot);
    before = snapshot;
  });
}

export function notifyFreed(before: Snapshot, snapshot: Snapshot): void {
  if (before.models === snapshot.models) return;
  for (const [id, bytes] of freedBetween(before.models, snapshot)) tell(id, bytes);
}

const timers = new Map<string, ReturnType<typeof setTimeout>>();

function tell(id: string, bytes: number): void {
  clearTimeout(timers.get(id));
  useFreed.setState({ [id]: bytes });
  const forget = (): void => {
    timers.delete(id);
    useFreed.setState(({ [id]: _, ...others }) => others, true);
  };
  timers.set(id, setTimeout(forget, SHOWN_MS));
}

/** Pure. */
export function freedBetween(
  before: readonly ModelView[],
  { models, devices }: { readonly models: readonly ModelView[]; readonly devices: readonly Pick<DeviceView, 'leaks'>[] },
): ReadonlyMap<string, number> {
  const known = new Map(before.map((model) => [model.id, model]));
  const freed = new Map<string, number>();
  for (const { id, state } of models) {
    const was = known.get(id);
    if (state !== 'unloaded' || was === undefined || was.state === 'unloaded') continue;
    const leaked = devices.flatMap(({ leaks }) => leaks).reduce((sum, { modelId, bytes }) => (modelId === id ? sum + bytes : sum), 0);
    const bytes = (memoryOf(was)?.bytes ?? 0) - leaked;
    // What was only promised was never held.
    if (bytes > 0 && was.measuredBytes !== null) freed.set(id, bytes);
  }
  return freed;
}
