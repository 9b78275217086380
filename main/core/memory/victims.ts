/**
 * Searches for the cheapest set of models whose unloading frees what each device lacks, without a
 * superfluous one. Knows costs and bytes, not models: the evictor says who may leave and at what
 * cost.
 */
import type { DeviceBytes, DeviceId } from '../../../shared/decision.ts';

export interface Evictable {
  readonly modelId: string;
  readonly held: DeviceBytes;
  readonly cost: number;
}

export interface Victims {
  readonly modelIds: readonly string[];
  readonly cost: number;
}

/**
 * Up to so many models every subset is weighed (1,024 at most, far fewer with the bound); above,
 * the most promising ones only.
 */
const EXACT_LIMIT = 10;

interface Item {
  readonly modelId: string;
  readonly cost: number;
  /** By position in the list of devices that lack something. */
  readonly gives: readonly number[];
  /** Share of what is missing that it gives, summed over the devices; never zero. */
  readonly use: number;
  /** Cost for that share. */
  readonly price: number;
}

/**
 * Evictable models by device. Built once per decision and read for every option, so a device's list
 * is sorted when it is first read.
 */
export class EvictableIndex {
  readonly #unsorted = new Map<DeviceId, Evictable[]>();
  readonly #sorted = new Map<DeviceId, readonly Evictable[]>();
  readonly #known = new Map<DeviceId, Map<number, Victims | null>>();
  readonly #evictables: readonly Evictable[];
  /** Devices on which some evictable model holds something at once. */
  #together: ReadonlyMap<DeviceId, ReadonlySet<DeviceId>> | null = null;

  constructor(evictables: readonly Evictable[]) {
    this.#evictables = evictables;
    for (const evictable of evictables) {
      for (const id of Object.keys(evictable.held)) {
        if ((evictable.held[id] ?? 0) <= 0) continue;
        const there = this.#unsorted.get(id);
        if (there === undefined) this.#unsorted.set(id, [evictable]);
        else there.push(evictable);
      }
    }
  }

  /** Does no evictable model hold something on two of these devices? */
  areApart(devices: readonly DeviceId[]): boolean {
    if (devices.length < 2) return true;
    this.#together ??= heldTogether(this.#evictables);
    return devices.every((one, at) => devices.slice(at + 1).every((other) => this.#together?.get(one)?.has(other) !== true));
  }

  /** Who gives so many bytes of this device, worked out once. */
  known(id: DeviceId, bytes: number, workOut: () => Victims | null): Victims | null {
    const there = this.#known.get(id) ?? new Map<number, Victims | null>();
    this.#known.set(id, there);
    let victims = there.get(bytes);
    if (victims === undefined) {
      victims = workOut();
      there.set(bytes, victims);
    }
    return victims;
  }

  /** Those who hold something on the device, the cheapest per byte first. */
  on(id: DeviceId): readonly Evictable[] {
    const known = this.#sorted.get(id);
    if (known !== undefined) return known;
    const priced = (this.#unsorted.get(id) ?? []).map((evictable) => {
      const bytes = evictable.held[id] ?? 0;
      return { evictable, bytes, price: evictable.cost / bytes };
    });
    priced.sort((a, b) => a.price - b.price || b.bytes - a.bytes);
    const sorted = priced.map(({ evictable }) => evictable);
    this.#sorted.set(id, sorted);
    return sorted;
  }
}

function heldTogether(evictables: readonly Evictable[]): ReadonlyMap<DeviceId, ReadonlySet<DeviceId>> {
  const together = new Map<DeviceId, Set<DeviceId>>();
  for (const { held } of evictables) {
    const devices = Object.keys(held).filter((id) => (held[id] ?? 0) > 0);
    if (devices.length < 2) continue;
    for (const id of devices) {
      const others = together.get(id) ?? new Set();
      for (const other of devices) others.add(other);
      together.set(id, others);
    }
  }
  return together;
}

/**
 * @param missing bytes that each device lacks; zero and less means nothing.
 * @returns null when even all of them together are too little; no victims when nothing is missing.
 */
export function cheapestVictims(index: EvictableIndex, missing: DeviceBytes): Victims | null {
  const devices = Object.keys(missing).filter((id) => (missing[id] ?? 0) > 0);
  if (devices.length === 0) return { modelIds: [], cost: 0 };
  if (!index.areApart(devices)) return cheapestTogether(index, devices, missing);
  // Where nobody holds something on two of them, the cheapest set is that of each device by itself,
  // which other options ask for too.
  const modelIds: string[] = [];
  let cost = 0;
  for (const id of devices) {
    const bytes = missing[id] ?? 0;
    const there = index.known(id, bytes, () => cheapestTogether(index, [id], { [id]: bytes }));
    if (there === null) return null;
    modelIds.push(...there.modelIds);
    cost += there.cost;
  }
  return { modelIds, cost };
}

function cheapestTogether(index: EvictableIndex, devices: readonly DeviceId[], missing: DeviceBytes): Victims | null {
  const promising = new Set<Evictable>();
  for (const id of devices) if (!addPromising(promising, index.on(id), id, missing[id] ?? 0)) return null;
  const wanted = devices.map((id) => missing[id] ?? 0);
  const items = [...promising].map((evictable) => toItem(evictable, devices, wanted));
  // The cheapest for what it gives first: the order of the greedy choice, and a good order for the
  // bound of the search.
  items.sort((a, b) => a.price - b.price || b.use - a.use || (a.modelId < b.modelId ? -1 : 1));
  const greedy = pruned(greedyCover(items, wanted), wanted);
  const best = searched(items.slice(0, EXACT_LIMIT), wanted, greedy);
  return { modelIds: best.map((item) => item.modelId), cost: costOf(best) };
}

/**
 * Enough of a device's evictable models to cover what is missing there, and as many again as the
 * search can weigh. False: there are not enough.
 */
function addPromising(promising: Set<Evictable>, there: readonly Evictable[], id: DeviceId, missing: number): boolean {
  let bytes = 0;
  let spare = EXACT_LIMIT;
  for (const evictable of there) {
    if (bytes >= missing && spare-- === 0) break;
    promising.add(evictable);
    bytes += evictable.held[id] ?? 0;
  }
  return bytes >= missing;
}

function toItem({ modelId, held, cost }: Evictable, devices: readonly string[], wanted: readonly number[]): Item {
  const gives = devices.map((id) => held[id] ?? 0);
  let use = 0;
  for (let device = 0; device < gives.length; device += 1) use += Math.min(1, (gives[device] ?? 0) / (wanted[device] ?? 1));
  return { modelId, cost, gives, use, price: cost / use };
}

function greedyCover(items: readonly Item[], wanted: readonly number[]): readonly Item[] {
  const chosen: Item[] = [];
  const left = [...wanted];
  let lacking = left.length;
  for (const item of items) {
    if (lacking === 0) break;
    if (!givesWhatIsLeft(item, left)) continue;
    chosen.push(item);
    for (let device = 0; device < left.length; device += 1) {
      const before = left[device] ?? 0;
      const after = before - (item.gives[device] ?? 0);
      left[device] = after;
      if (before > 0 && after <= 0) lacking -= 1;
    }
  }
  return chosen;
}

function givesWhatIsLeft({ gives }: Item, left: readonly number[]): boolean {
  for (let device = 0; device < left.length; device += 1) if ((gives[device] ?? 0) > 0 && (left[device] ?? 0) > 0) return true;
  return false;
}

/** Takes out whoever is not needed, the dearest first. */
function pruned(items: readonly Item[], wanted: readonly number[]): readonly Item[] {
  const spare = wanted.map((bytes) => -bytes);
  for (const { gives } of items) addTo(spare, gives, 1);
  const superfluous = new Set<Item>();
  for (const item of [...items].sort((a, b) => b.cost - a.cost || a.use - b.use)) {
    if (givesMoreThan(item, spare)) continue;
    superfluous.add(item);
    addTo(spare, item.gives, -1);
  }
  return superfluous.size === 0 ? items : items.filter((item) => !superfluous.has(item));
}

function addTo(sums: number[], gives: readonly number[], sign: 1 | -1): void {
  for (let device = 0; device < sums.length; device += 1) sums[device] = (sums[device] ?? 0) + sign * (gives[device] ?? 0);
}

function givesMoreThan({ gives }: Item, spare: readonly number[]): boolean {
  for (let device = 0; device < spare.length; device += 1) if ((gives[device] ?? 0) > (spare[device] ?? 0)) return true;
  return false;
}

/**
 * Every subset of `items`, cut off where it cannot beat the best known or cannot suffice any more.
 */
function searched(items: readonly Item[], wanted: readonly number[], known: readonly Item[]): readonly Item[] {
  let best = known;
  let bestCost = costOf(known);
  const rest = suffixSums(items, wanted.length);
  const chosen: Item[] = [];
  function visit(index: number, left: readonly number[], cost: number): void {
    if (cost >= bestCost) return;
    if (left.every((bytes) => bytes <= 0)) {
      best = pruned([...chosen], wanted);
      bestCost = costOf(best);
      return;
    }
    const item = items[index];
    if (item === undefined || left.some((bytes, device) => bytes > (rest[index]?.[device] ?? 0))) return;
    chosen.push(item);
    const leftWith = left.map((bytes, device) => bytes - (item.gives[device] ?? 0));
    visit(index + 1, leftWith, cost + item.cost);
    chosen.pop();
    visit(index + 1, left, cost);
  }
  visit(0, wanted, 0);
  return best;
}

function suffixSums(items: readonly Item[], devices: number): readonly (readonly number[])[] {
  const sums: number[][] = [];
  let sum: number[] = new Array(devices).fill(0);
  for (let index = items.length - 1; index >= 0; index -= 1) {
    sum = sum.map((bytes, device) => bytes + (items[index]?.gives[device] ?? 0));
    sums[index] = sum;
  }
  return sums;
}

function costOf(items: readonly Item[]): number {
  return items.reduce((sum, item) => sum + item.cost, 0);
}
