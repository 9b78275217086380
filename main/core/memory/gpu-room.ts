/**
 * Computes how much a new load may take of a GPU, and who holds the rest: measured free - reserve -
 * bytes promised but not yet allocated. Pure. Main memory follows another formula: `host-room.ts`.
 */
import type { DeviceBytes } from '../../../shared/decision.ts';
import type { DeviceSample } from '../ports.ts';
import type { HostRoom } from './host-room.ts';

/** A model with a process: loading, ready, asleep or draining; or a server that models live in. */
export interface Holder {
  readonly modelId: string;
  readonly pids: readonly number[];
  /** What it holds, and what comes free when it leaves: see `heldBytes`. */
  readonly held: DeviceBytes;
  /** Of a model that shares its process: the holder of that process. */
  readonly server?: string | undefined;
}

export interface GpuFacts {
  readonly device: DeviceSample;
  readonly holders: readonly Holder[];
  /** By model. */
  readonly promised: ReadonlyMap<string, number>;
  readonly reservedBytes: number;
  /** Used bytes above which growth belongs to promises. */
  readonly baselineBytes: number;
}

export function gpuRoom({ device, holders, promised, reservedBytes, baselineBytes }: GpuFacts): HostRoom {
  const byModel = new Map<string, number>();
  // A model that shares its process has none that the driver could name: it counts by growth, and
  // then by what was measured of it.
  const byGrowth = (id: string): boolean =>
    device.byPid === null || holders.some(({ modelId, server }) => modelId === id && server !== undefined);
  for (const holder of holders) {
    const { modelId, server, held } = holder;
    const isCounted = device.byPid === null || server !== undefined;
    const bytes = isCounted ? (promised.has(modelId) ? 0 : (held[device.id] ?? 0)) : pidBytes(device, holder.pids);
    if (bytes > 0) byModel.set(modelId, bytes);
  }
  let growth = Math.max(0, device.usedBytes - baselineBytes);
  let promisedBytes = 0;
  for (const [modelId, bytes] of promised) {
    const grows = byGrowth(modelId);
    const seen = Math.min(bytes, grows ? growth : (byModel.get(modelId) ?? 0));
    if (grows) growth -= seen;
    if (grows && seen > 0) byModel.set(modelId, seen);
    promisedBytes += bytes - seen;
  }
  withoutGuests(byModel, holders);
  const ours = [...byModel.values()].reduce((sum, bytes) => sum + bytes, 0);
  return {
    availableBytes: device.totalBytes - device.usedBytes - reservedBytes - promisedBytes,
    promisedBytes,
    byModel,
    othersBytes: device.usedBytes - ours,
  };
}

/** What a shared process holds is that of the models in it, and the rest its own. */
function withoutGuests(byModel: Map<string, number>, holders: readonly Holder[]): void {
  for (const { modelId, server } of holders) {
    const [whole, part] = [byModel.get(server ?? ''), byModel.get(modelId)];
    if (server !== undefined && whole !== undefined && part !== undefined) byModel.set(server, Math.max(0, whole - part));
  }
}

export function pidBytes(device: DeviceSample, pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (device.byPid?.get(pid) ?? 0), 0);
}
