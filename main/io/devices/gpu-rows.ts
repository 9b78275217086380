/**
 * Parses nvidia-smi's rows. Pure; `gpu.ts` and `gpu-follower.ts` run the processes that print them.
 */
import { MIB } from '../../../shared/units.ts';
import type { DeviceSample } from '../../core/ports.ts';

export const GPU_QUERY =
  '--query-gpu=timestamp,index,uuid,name,pci.bus_id,driver_version,memory.total,memory.reserved,memory.used,utilization.gpu,temperature.gpu,power.draw,compute_cap';
export const PROCESS_QUERY = '--query-compute-apps=timestamp,gpu_uuid,pid,process_name,used_gpu_memory';
export const CSV = '--format=csv,noheader,nounits';
/** nvidia-smi dates its rows by local time, which is ours to choose. */
export const TIME_ZONE = { TZ: 'UTC0' };

/** A program chooses its own name (I10). */
const NAME_LENGTH = 80;

/** A row as it was when the driver was asked. */
export interface DatedRow {
  /** By the wall clock; null where nvidia-smi does not tell. */
  readonly readAtMs: number | null;
}

/** A GPU as one row tells it. */
export interface GpuRow extends DatedRow {
  readonly uuid: string;
  readonly index: number;
  readonly driverVersion: string;
  readonly device: Omit<DeviceSample, 'byPid'>;
}

/** What one process holds on one GPU; null bytes where the driver does not tell them. */
export interface ProcessRowOfGpu extends DatedRow {
  readonly uuid: string;
  readonly pid: number;
  /** The program's file without its folder; null where the driver does not tell. */
  readonly name: string | null;
  readonly bytes: number | null;
}

/** Null for a line that is no such row: nvidia-smi prints its errors between them. */
export function parseGpuRow(line: string): GpuRow | null {
  const fields = line.split(', ');
  // Thirteen fields; a name that itself held a comma would have more, and sits between the fields
  // that are counted from each end.
  if (fields.length < 13) return null;
  const [date, index, uuid] = fields;
  const name = fields.slice(3, fields.length - 9).join(', ');
  const [, driverVersion, total, reserved, used, utilization, temperature, power, capability] = fields.slice(-9);
  const totalMib = numberOrNull(total);
  const usedMib = numberOrNull(used);
  const indexNumber = numberOrNull(index);
  if (uuid === undefined || indexNumber === null || totalMib === null || usedMib === null) return null;
  const percent = numberOrNull(utilization);
  return {
    readAtMs: msOfDate(date),
    uuid,
    index: indexNumber,
    driverVersion: driverVersion ?? '',
    device: {
      id: uuid,
      kind: 'gpu',
      index: indexNumber,
      name,
      simulated: name.startsWith('Simulated '),
      // What the driver keeps for itself is no memory that a model could have: free = total -
      // reserved - used.
      totalBytes: (totalMib - (numberOrNull(reserved) ?? 0)) * MIB,
      usedBytes: usedMib * MIB,
      utilizationRatio: percent === null ? null : percent / 100,
      powerWatts: numberOrNull(power),
      temperatureCelsius: numberOrNull(temperature),
      computeCapability: capability !== undefined && /^\d+\.\d+$/.test(capability) ? capability : null,
    },
  };
}

/** Null for a line that is no such row. */
export function parseProcessRow(line: string): ProcessRowOfGpu | null {
  const fields = line.split(', ');
  const [date, uuid, pid] = fields;
  const pidNumber = numberOrNull(pid);
  if (uuid === undefined || pidNumber === null || fields.length < 5) return null;
  // A path may hold commas: it is what lies between the fields that are counted from each end.
  const name = programName(fields.slice(3, -1).join(', '));
  const mib = numberOrNull(fields.at(-1));
  return { readAtMs: msOfDate(date), uuid, pid: pidNumber, name, bytes: mib === null ? null : mib * MIB };
}

/** `/usr/bin/blender` is blender. `[Not Found]`, `[Insufficient Permissions]`, `-` are no names. */
function programName(reported: string): string | null {
  const name = reported.split(/[/\\]/).at(-1)?.trim().slice(0, NAME_LENGTH) ?? '';
  return name === '' || name === '-' || name.startsWith('[') ? null : name;
}

/** `2026/11/30 05:36:21.123`, in the time zone that nvidia-smi was given. */
function msOfDate(text: string | undefined): number | null {
  const match = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d:\d\d:\d\d\.\d{3})$/.exec(text ?? '');
  const ms = match === null ? Number.NaN : Date.parse(`${match[1]}-${match[2]}-${match[3]}T${match[4]}Z`);
  return Number.isNaN(ms) ? null : ms;
}

/** `[N/A]`, `[Not Supported]`, `[Unknown Error]`, `[Insufficient Permissions]` ... are null. */
function numberOrNull(field: string | undefined): number | null {
  return field !== undefined && /^-?\d+(\.\d+)?$/.test(field.trim()) ? Number(field) : null;
}

/**
 * What the box told so far about its processes: it decides whether an empty or strange list means
 * anything.
 */
export interface ProcessSight {
  /** A process of a list was found on this machine at least once. */
  readonly everMatched: boolean;
  /** We live in a container, whose driver tells the host's process ids or none at all. */
  readonly contained: boolean;
}

/**
 * Bytes by process id on one GPU, or null where the driver does not tell: it prints [N/A], names
 * processes that do not exist here, or (in a container, where it never showed one that does) names
 * none.
 */
export function bytesByPid(
  uuid: string,
  simulated: boolean,
  rows: readonly ProcessRowOfGpu[],
  sight: ProcessSight,
): ReadonlyMap<number, number> | null {
  const here = rows.filter((row) => row.uuid === uuid);
  if (here.some((row) => row.bytes === null)) return null;
  if (!sight.everMatched && (rows.length > 0 || (sight.contained && !simulated))) return null;
  const byPid = new Map<number, number>();
  for (const { pid, bytes } of here) byPid.set(pid, (byPid.get(pid) ?? 0) + (bytes ?? 0));
  return byPid;
}
