/**
 * Computes how much main memory a new load may take. The formula differs from that of GPUs, because
 * the kernel counts mapped weights as available: they are in the page cache, and `used` does not
 * include them. So the needs of our models are summed, and only the use of other programs is
 * measured:
 *
 *     available = min(total - reserve - others, limit) - what ours need - leaks
 *     others    = used - what of ours is anonymous memory (the part of ours that `used` shows)
 *
 * If the system does not report the anonymous part, others = used. Our anonymous memory then counts
 * twice, which is the safe error.
 */
import { HOST_DEVICE } from '../../../shared/decision.ts';
import type { DeviceSample } from '../ports.ts';

export interface HostRoom {
  /** May be negative: a promise stands while its victims leave. */
  readonly availableBytes: number;
  /** Promised and not yet seen taken. */
  readonly promisedBytes: number;
  readonly byModel: ReadonlyMap<string, number>;
  readonly othersBytes: number;
}

interface HostFacts {
  readonly device: DeviceSample;
  readonly holders: readonly {
    readonly modelId: string;
    readonly pids: readonly number[];
    readonly held: Readonly<Record<string, number>>;
    /** Of a model that shares its process: the holder of that process. */
    readonly server?: string | undefined;
  }[];
  readonly promised: ReadonlyMap<string, number>;
  readonly leaks: readonly { readonly pids: readonly number[]; readonly bytes: number }[];
  readonly reservedBytes: number;
  /** For all models together; infinite without a limit. */
  readonly limitBytes: number;
}

export function hostRoom({ device, holders, promised, leaks, reservedBytes, limitBytes }: HostFacts): HostRoom {
  const anonymous = device.anonymousByPid ?? null;
  const byModel = new Map<string, number>();
  const waiting = new Map(promised);
  let needed = 0;
  let shown = 0;
  let unseen = 0;
  const guests = guestBytes(holders, promised);
  for (const { modelId, pids, held } of holders) {
    const all = sum(pids, anonymous);
    const taken = Math.max(0, all - (guests.get(modelId) ?? 0));
    const promise = promised.get(modelId) ?? 0;
    waiting.delete(modelId);
    shown += all;
    unseen += Math.max(0, promise - sum(pids, device.byPid));
    const bytes = Math.max(held[HOST_DEVICE] ?? 0, taken, promise);
    needed += bytes;
    const resident = Math.max(0, sum(pids, device.byPid) - (guests.get(modelId) ?? 0)) || bytes;
    if (resident > 0) byModel.set(modelId, resident);
  }
  // Granted this very turn: no process yet.
  for (const bytes of waiting.values()) {
    needed += bytes;
    unseen += bytes;
  }
  for (const leak of leaks) {
    needed += leak.bytes;
    shown += sum(leak.pids, anonymous);
  }
  const othersBytes = Math.max(0, device.usedBytes - shown);
  const availableBytes = Math.min(device.totalBytes - reservedBytes - othersBytes, limitBytes) - needed;
  return { availableBytes, promisedBytes: unseen, byModel, othersBytes };
}

/** What the models in a shared process count for themselves, by the process's holder. */
function guestBytes(holders: HostFacts['holders'], promised: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const bytes = new Map<string, number>();
  for (const { modelId, held, server } of holders) {
    if (server !== undefined) bytes.set(server, (bytes.get(server) ?? 0) + Math.max(held[HOST_DEVICE] ?? 0, promised.get(modelId) ?? 0));
  }
  return bytes;
}

function sum(pids: readonly number[], bytes: ReadonlyMap<number, number> | null): number {
  return bytes === null ? 0 : pids.reduce((total, pid) => total + (bytes.get(pid) ?? 0), 0);
}
