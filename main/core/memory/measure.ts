/**
 * Computes the memory of one process tree from samples. Pure: by process if the driver reports
 * processes, by difference otherwise.
 */
import type { DeviceBytes, DeviceId } from '../../../shared/decision.ts';
import { HOST_DEVICE } from '../../../shared/decision.ts';
import type { DeviceSample, Sample } from '../ports.ts';

/**
 * Share of what a model held that must be seen back before its memory counts as free, where only
 * totals are known: others move a little too.
 */
const BACK_SHARE = 0.75;

/**
 * @returns bytes on each GPU of `predicted` that the tree holds; the host's are read from the
 * processes themselves.
 */
export function measuredBytes(sample: Sample, before: Sample | null, pids: readonly number[], predicted: DeviceBytes): DeviceBytes {
  const measured: Record<DeviceId, number> = {};
  for (const id of Object.keys(predicted)) {
    if (id === HOST_DEVICE) continue;
    const device = find(sample, id);
    if (device === undefined) continue;
    const held = heldByPids(device, pids);
    measured[id] = held ?? Math.max(0, device.usedBytes - (find(before, id)?.usedBytes ?? device.usedBytes));
  }
  return measured;
}

/**
 * The same for one model of several in a server: by how much more there is than before it was
 * loaded, in each process by itself. One that has ended meanwhile took another model's memory
 * along, and says nothing of this one.
 * @param pids of the whole process tree, now. @param before null: nothing is known.
 */
export function differenceBytes(sample: Sample, before: Sample | null, pids: readonly number[], predicted: DeviceBytes): DeviceBytes {
  const measured: Record<DeviceId, number> = {};
  for (const id of Object.keys(predicted)) {
    const [device, earlier] = [find(sample, id), find(before, id)];
    if (id === HOST_DEVICE || device === undefined || earlier === undefined) continue;
    const [now, then] = [device.byPid, earlier.byPid];
    measured[id] =
      now !== null && then !== null
        ? grownBytes(new Map(pids.map((pid) => [pid, now.get(pid) ?? 0])), then)
        : Math.max(0, device.usedBytes - earlier.usedBytes);
  }
  return measured;
}

/** By how much processes grew together; one that shrank did so for another model that left. */
export function grownBytes(now: ReadonlyMap<number, number>, before: ReadonlyMap<number, number>): number {
  return [...now].reduce((sum, [pid, bytes]) => sum + Math.max(0, bytes - (before.get(pid) ?? 0)), 0);
}

/** What a tree holds on each GPU; nothing where the driver names no processes. */
export function heldByProcesses(sample: Sample, pids: readonly number[]): DeviceBytes {
  const gpus = sample.devices.filter(({ kind }) => kind === 'gpu').map((device) => [device.id, heldByPids(device, pids) ?? 0] as const);
  return Object.fromEntries(gpus.filter(([, bytes]) => bytes > 0));
}

/**
 * @returns null when the memory of an ended tree is back; else the bytes that are still missing, by
 * device.
 */
export function memoryIsBack(sample: Sample, before: Sample | null, pids: readonly number[], held: DeviceBytes): DeviceBytes | null {
  const missing: Record<DeviceId, number> = {};
  for (const [id, bytes] of Object.entries(held)) {
    // The kernel takes a dead process's main memory back at its exit: nothing can stay behind.
    if (id === HOST_DEVICE || bytes <= 0) continue;
    const device = find(sample, id);
    if (device === undefined) continue;
    const byPids = heldByPids(device, pids);
    if (byPids !== null && byPids > 0) missing[id] = byPids;
    const freed = (find(before, id)?.usedBytes ?? 0) - device.usedBytes;
    if (before !== null && freed < bytes * BACK_SHARE) missing[id] = Math.max(missing[id] ?? 0, bytes - Math.max(0, freed));
  }
  return Object.keys(missing).length === 0 ? null : missing;
}

function heldByPids(device: DeviceSample, pids: readonly number[]): number | null {
  if (device.byPid === null) return null;
  return pids.reduce((sum, pid) => sum + (device.byPid?.get(pid) ?? 0), 0);
}

function find(sample: Sample | null, id: DeviceId): DeviceSample | undefined {
  return sample?.devices.find((device) => device.id === id);
}
