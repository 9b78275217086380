/**
 * Checks whether one option fits into memory: now, after victims leave, after a wait, or never on
 * this machine. It compares no options: `brain.ts` does.
 */
import type { DeviceBytes, DeviceId } from '../../../shared/decision.ts';
import type { Room } from '../memory/devices.ts';
import { chooseVictims, type EvictableModels, type EvictionRules, evictableModels, type Resident, reloadCost } from '../memory/evictor.ts';
import { cheapestVictims, EvictableIndex } from '../memory/victims.ts';
import type { Option } from './brain-options.ts';

export interface BoxInput {
  readonly devices: readonly Room[];
  readonly residents: readonly Resident[];
  readonly box: 'empty' | 'present';
  readonly mayEvict: boolean;
  readonly rules: EvictionRules;
}

/**
 * What is on the box, prepared once per decision, so that each option costs little (the brain has 2
 * ms for all of them).
 */
export interface Box {
  readonly input: BoxInput;
  readonly rooms: ReadonlyMap<DeviceId, Room>;
  /** Bytes that a load may take now. */
  readonly there: DeviceBytes;
  /** What would be there if every model that is not pinned had left. */
  readonly reachable: DeviceBytes;
  /** Models on their way out, by device. */
  readonly draining: ReadonlyMap<DeviceId, readonly string[]>;
  /** Those who may leave now. */
  readonly evictable: EvictableModels;
  /** Those who could leave some day: neither pinned nor leaving. */
  readonly movable: () => EvictableIndex;
  /** By its id: each option names several, and there may be a thousand. */
  readonly resident: (modelId: string) => Resident | undefined;
}

export type Fit = 'now' | 'draining' | 'victims' | 'waits' | 'held' | 'too-large' | 'impossible';

export interface Weighed {
  readonly option: Option;
  readonly fit: Fit;
  readonly victims: readonly string[];
  /** True when a victim has requests in flight. */
  readonly cuts: boolean;
  /** Expected reload seconds of the victims, per second. */
  readonly cost: number;
  readonly waitsFor: readonly string[];
  readonly lacksRoom: boolean;
}

export function boxOf(input: BoxInput): Box {
  const empty = input.box === 'empty';
  const residents = empty ? [] : input.residents;
  const rooms = new Map(input.devices.filter((room) => room.allowed).map((room) => [room.id, room]));
  const there: Record<DeviceId, number> = {};
  for (const room of rooms.values()) there[room.id] = empty ? room.emptyBytes : room.availableBytes;
  const reachable = { ...there };
  // The driver's list of processes comes apart from its totals: until a promise is over, what it
  // took may count twice, and nobody is refused for a figure that the next sample mends.
  if (!empty) for (const room of rooms.values()) reachable[room.id] = (reachable[room.id] ?? 0) + room.promisedBytes;
  const draining = new Map<DeviceId, string[]>();
  const movable: Resident[] = [];
  for (const resident of residents) {
    if (resident.pinned && resident.state !== 'draining') continue;
    if (resident.state !== 'draining') movable.push(resident);
    for (const id of Object.keys(resident.held)) {
      const bytes = resident.held[id] ?? 0;
      if (reachable[id] !== undefined) reachable[id] += bytes;
      if (resident.state === 'draining' && bytes > 0) draining.set(id, [...(draining.get(id) ?? []), resident.modelId]);
    }
  }
  const { nowMs } = input.rules;
  let indexed: EvictableIndex | null = null;
  let byId: ReadonlyMap<string, Resident> | null = null;
  return {
    input,
    rooms,
    there,
    reachable,
    draining,
    evictable: evictableModels(residents, input.rules),
    // Only a model that has to wait asks for it.
    movable: () => {
      indexed ??= new EvictableIndex(movable.map((one) => ({ modelId: one.modelId, held: one.held, cost: reloadCost(one, nowMs) })));
      return indexed;
    },
    resident: (modelId) => {
      byId ??= new Map(input.residents.map((one) => [one.modelId, one]));
      return byId.get(modelId);
    },
  };
}

export function weigh(option: Option, box: Box): Weighed {
  const needed = Object.entries(option.bytes).filter(([, bytes]) => bytes > 0);
  const result = { option, victims: [], cuts: false, cost: 0, waitsFor: [], lacksRoom: true };
  if (option.obstacle !== null || option.slots.some((id) => !box.rooms.has(id))) return { ...result, fit: 'impossible' };
  if (needed.some(([id, bytes]) => bytes > (box.rooms.get(id)?.emptyBytes ?? 0))) return { ...result, fit: 'too-large' };
  if (box.input.box === 'empty') return { ...result, fit: 'now', lacksRoom: false };
  if (needed.some(([id, bytes]) => bytes > (box.reachable[id] ?? 0))) return { ...result, fit: 'held' };
  const missing: Record<DeviceId, number> = {};
  for (const [id, bytes] of needed) if (bytes > (box.there[id] ?? 0)) missing[id] = bytes - (box.there[id] ?? 0);
  const short = Object.keys(missing);
  const loads = unique(option.slots.flatMap((id) => box.rooms.get(id)?.loading ?? []));
  if (loads.length > 0) return { ...result, fit: 'waits', waitsFor: loads, lacksRoom: short.length > 0 };
  if (short.length === 0) return { ...result, fit: 'now', lacksRoom: false };
  // Whoever is leaving already costs nothing more: waiting for that is cheaper than another victim,
  // and bounded by the drain's deadline.
  const leaving = unique(short.flatMap((id) => box.draining.get(id) ?? []));
  if (leaving.length > 0) return { ...result, fit: 'draining', waitsFor: leaving };
  const victims = box.input.mayEvict ? chooseVictims(box.evictable, missing) : null;
  if (victims === null) return { ...result, ...blockers(box, missing), fit: 'waits' };
  return { ...result, fit: 'victims', victims: victims.modelIds, cost: victims.cost, cuts: victims.cuts };
}

/** The models that could make the room one day, and what that would cost. */
function blockers(box: Box, missing: DeviceBytes): { readonly waitsFor: readonly string[]; readonly cost: number } {
  const victims = cheapestVictims(box.movable(), missing);
  return { waitsFor: victims?.modelIds ?? [], cost: victims?.cost ?? 0 };
}

function unique(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)];
}
