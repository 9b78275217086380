/**
 * The search behind evictions: the cheapest set of models whose leaving gives each device what it lacks, none of them superfluous.
 * Knows costs and bytes, not models: who may leave and what that costs is the evictor's matter.
 */
import type { DeviceBytes, DeviceId } from '../../../shared/decision.ts';

export interface Leaver {
  readonly modelId: string;
  readonly held: DeviceBytes;
  readonly cost: number;
}

export interface Victims {
  readonly modelIds: readonly string[];
  readonly cost: number;
}

/** Up to so many models every subset is weighed (1,024 at most, far fewer with the bound); above, the most promising ones only. */
const EXACT_LIMIT = 10;

interface Item {
  readonly modelId: string;
  readonly cost: number;
  /** By position in the list of devices that lack something. */
  readonly gives: readonly number[];
  /** Share of what is missing that it gives, summed over the devices; never zero. */
  readonly use: number;
}

/** Leavers by device. Built once per decision and asked for every option, so a device's list is sorted when it is first asked for. */
export class LeaverIndex {
  readonly #unsorted = new Map<DeviceId, Leaver[]>();
  readonly #sorted = new Map<DeviceId, readonly Leaver[]>();

  constructor(leavers: readonly Leaver[]) {
    for (const leaver of leavers) {
      for (const id of Object.keys(leaver.held)) {
        if ((leaver.held[id] ?? 0) <= 0) continue;
        const there = this.#unsorted.get(id);
        if (there === undefined) this.#unsorted.set(id, [leaver]);
        else there.push(leaver);
      }
    }
  }

  /** Those who hold something on the device, the cheapest per byte first. */
  on(id: DeviceId): readonly Leaver[] {
    const known = this.#sorted.get(id);
    if (known !== undefined) return known;
    const priced = (this.#unsorted.get(id) ?? []).map((leaver) => {
      const bytes = leaver.held[id] ?? 0;
      return { leaver, bytes, price: leaver.cost / bytes };
    });
    priced.sort((a, b) => a.price - b.price || b.bytes - a.bytes);
    const sorted = priced.map(({ leaver }) => leaver);
    this.#sorted.set(id, sorted);
    return sorted;
  }
}

/**
 * @param missing bytes that each device lacks; zero and less means nothing.
 * @returns null when even all of them together are too little; no victims when nothing is missing.
 */
export function cheapestVictims(index: LeaverIndex, missing: DeviceBytes): Victims | null {
  const devices = Object.keys(missing).filter((id) => (missing[id] ?? 0) > 0);
  if (devices.length === 0) return { modelIds: [], cost: 0 };
  const promising = new Set<Leaver>();
  for (const id of devices) if (!addPromising(promising, index.on(id), id, missing[id] ?? 0)) return null;
  const wanted = devices.map((id) => missing[id] ?? 0);
  const items = [...promising].map((leaver) => toItem(leaver, devices, wanted));
  // The cheapest for what it gives first: the order of the greedy choice, and a good order for the bound of the search.
  items.sort((a, b) => a.cost / a.use - b.cost / b.use || b.use - a.use || (a.modelId < b.modelId ? -1 : 1));
  const greedy = pruned(greedyCover(items, wanted), wanted);
  const best = searched(items.slice(0, EXACT_LIMIT), wanted, greedy);
  return { modelIds: best.map((item) => item.modelId), cost: costOf(best) };
}

/** Enough of a device's leavers to cover what is missing there, and as many again as the search can weigh. False: there are not enough. */
function addPromising(promising: Set<Leaver>, there: readonly Leaver[], id: DeviceId, missing: number): boolean {
  let bytes = 0;
  let spare = EXACT_LIMIT;
  for (const leaver of there) {
    if (bytes >= missing && spare-- === 0) break;
    promising.add(leaver);
    bytes += leaver.held[id] ?? 0;
  }
  return bytes >= missing;
}

function toItem({ modelId, held, cost }: Leaver, devices: readonly string[], wanted: readonly number[]): Item {
  const gives = devices.map((id) => held[id] ?? 0);
  const use = gives.reduce((sum, bytes, index) => sum + Math.min(1, bytes / (wanted[index] ?? 1)), 0);
  return { modelId, cost, gives, use };
}

function greedyCover(items: readonly Item[], wanted: readonly number[]): readonly Item[] {
  const chosen: Item[] = [];
  const left = [...wanted];
  for (const item of items) {
    if (left.every((bytes) => bytes <= 0)) break;
    if (!item.gives.some((bytes, index) => bytes > 0 && (left[index] ?? 0) > 0)) continue;
    chosen.push(item);
    item.gives.forEach((bytes, index) => {
      left[index] = (left[index] ?? 0) - bytes;
    });
  }
  return chosen;
}

/** Takes out whoever is not needed, the dearest first. */
function pruned(items: readonly Item[], wanted: readonly number[]): readonly Item[] {
  const spare = wanted.map((bytes, device) => items.reduce((sum, item) => sum + (item.gives[device] ?? 0), 0) - bytes);
  const superfluous = new Set<Item>();
  for (const item of [...items].sort((a, b) => b.cost - a.cost || a.use - b.use)) {
    if (item.gives.some((bytes, device) => bytes > (spare[device] ?? 0))) continue;
    superfluous.add(item);
    item.gives.forEach((bytes, device) => {
      spare[device] = (spare[device] ?? 0) - bytes;
    });
  }
  return items.filter((item) => !superfluous.has(item));
}

/** Every subset of `items`, cut off where it cannot beat the best known or cannot suffice any more. */
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
