/**
 * What samples tell of one process tree's memory. Pure: by process where the driver names
 * processes, by difference where it does not.
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
 * The same for one model of several in a process: by how much more there is than before it was
 * loaded.
 * @param pids of the whole process tree. @param before null: nothing is known.
 */
export function differenceBytes(sample: Sample, before: Sample | null, pids: readonly number[], predicted: DeviceBytes): DeviceBytes {
  const measured: Record<DeviceId, number> = {};
  for (const id of Object.keys(predicted)) {
    const [device, earlier] = [find(sample, id), find(before, id)];
    if (id === HOST_DEVICE || device === undefined || earlier === undefined) continue;
    const [now, then] = [heldByPids(device, pids), heldByPids(earlier, pids)];
    measured[id] = Math.max(0, now !== null && then !== null ? now - then : device.usedBytes - earlier.usedBytes);
  }
  return measured;
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
