/**
 * Owns the memory figures of each device: the last sample, the bytes promised to running loads,
 * leaks, and which load holds the device's load slot. `grant` takes all or nothing, in the same
 * event-loop turn as the decision. It decides nothing and measures nothing: the probe passes
 * samples in.
 *
 * A new load may take on a GPU: measured free - reserve - bytes promised but not yet allocated. A
 * leak still shows as used in the driver, so it is already missing from "free" and is not
 * subtracted again; it is named so that people see who holds it. For main memory see
 * `host-room.ts`.
 */
import { type DeviceBytes, type DeviceId, HOST_DEVICE, type Placement } from '../../../shared/decision.ts';
import type { Settings } from '../../../shared/settings.ts';
import type { DeviceView, ProgramView } from '../../../shared/snapshot.ts';
import { bytesInWords, MIB } from '../../../shared/units.ts';
import type { DeviceSample, Sample } from '../ports.ts';
import { deviceName } from '../sentences.ts';
import { gpuRoom, type Holder, pidBytes } from './gpu-room.ts';
import { hostRoom } from './host-room.ts';

/** A device as the brain sees it. */
export interface Room extends DeviceView {
  /** False: `gpus.use` leaves it to others. */
  readonly allowed: boolean;
  /** What a load could take if nobody else were on it: total - reserve, or the limit for models. */
  readonly emptyBytes: number;
  /** The model that is being loaded on it; there is one load per device at a time. */
  readonly loading: string | null;
}

export interface DevicesPorts {
  settings(): Pick<Settings, 'gpus' | 'host'>;
  /** Every model with a process now. */
  holders(): readonly Holder[];
}

export interface Grant {
  readonly modelId: string;
  readonly bytes: DeviceBytes;
  /** Devices whose load slot it takes: see `slotsOf`. */
  readonly slots: readonly DeviceId[];
  /** Models that leave first; what they hold counts as there. */
  readonly victims: readonly string[];
}

interface Promised {
  readonly bytes: DeviceBytes;
  readonly slots: readonly DeviceId[];
  /** Monotonic; null while the load runs. */
  readyAtMs: number | null;
}

interface Leak {
  readonly modelId: string;
  readonly device: DeviceId;
  readonly pids: readonly number[];
  bytes: number;
  /** Below this much used, the leak is gone; runs down with every sample. */
  readonly usedWithout: number;
  /** The driver named its processes once: when it names them no more, they are gone. */
  named: boolean;
}

/** Less of a leak than this is noise of the driver. */
const LEAK_NOISE_BYTES = 16 * MIB;
/** Other programs that are named on a GPU (I10). */
const PROGRAMS_SHOWN = 12;
/**
 * A promise may dip this far into the reserve: other programs' memory moves a little while victims
 * leave, and that is what a reserve is for.
 */
const RESERVE_TOLERANCE = 0.25;

export class Devices {
  readonly #ports: DevicesPorts;
  readonly #promises = new Map<string, Promised>();
  /**
   * Used bytes above which growth belongs to promises, for drivers that name no processes. Runs
   * down with the sample.
   */
  readonly #baselines = new Map<DeviceId, number>();
  #leaks: readonly Leak[] = [];
  #sample: Sample | null = null;

  constructor(ports: DevicesPorts) {
    this.#ports = ports;
  }

  get sample(): Sample | null {
    return this.#sample;
  }

  /**
   * Takes a sample in; one that is older than the last is dropped. Ends promises of models that
   * were ready before it was taken.
   */
  applySample(sample: Sample): void {
    if (this.#sample !== null && sample.atMs < this.#sample.atMs) return;
    this.#sample = sample;
    for (const device of sample.devices) {
      const baseline = this.#baselines.get(device.id);
      // Victims leave while the promise stands: what is allocated afterwards counts from the lowest
      // point.
      if (baseline !== undefined && device.usedBytes < baseline) this.#baselines.set(device.id, device.usedBytes);
    }
    for (const [modelId, { readyAtMs }] of this.#promises) if (readyAtMs !== null && sample.atMs > readyAtMs) this.#end(modelId);
    this.#leaks = this.#leaks.filter((leak) => stillLeaks(leak, this.#device(leak.device)));
  }

  /** Every device of the last sample; empty before the first. */
  rooms(): readonly Room[] {
    const holders = this.#ports.holders();
    return (this.#sample?.devices ?? []).map((device) => this.#room(device, holders));
  }

  /** The same for people. */
  views(): readonly DeviceView[] {
    return this.rooms().map(({ allowed: _allowed, emptyBytes: _empty, loading: _loading, ...view }) => view);
  }

  /**
   * Promises memory and load slots to a load: all or nothing, in the turn in which the brain
   * decided. False when a slot is taken, a device is away or not ours to use, or the room together
   * with what the victims hold is too small.
   */
  grant({ modelId, bytes, slots, victims }: Grant): boolean {
    if (this.#promises.has(modelId)) throw new Error(`${modelId} has a promise already`);
    const holders = this.#ports.holders();
    const leaving = holders.filter((holder) => victims.includes(holder.modelId));
    for (const id of new Set([...slots, ...Object.keys(bytes)])) {
      const device = this.#device(id);
      if (device === undefined) return false;
      const room = this.#room(device, holders);
      const needed = bytes[id] ?? 0;
      if (!room.allowed || (slots.includes(id) && room.loading !== null)) return false;
      const freed = leaving.reduce((sum, holder) => sum + (holder.held[id] ?? 0), 0);
      if (needed > 0 && room.availableBytes + freed < needed) return false;
    }
    for (const id of Object.keys(bytes)) {
      const device = this.#device(id);
      if (device !== undefined && !this.#baselines.has(id)) this.#baselines.set(id, device.usedBytes);
    }
    this.#promises.set(modelId, { bytes, slots, readyAtMs: null });
    return true;
  }

  /**
   * The model is ready: its slots come free now, its promise ends with the first sample taken after
   * `atMs` (which shows what it took).
   */
  settlePromise(modelId: string, atMs: number): void {
    const promise = this.#promises.get(modelId);
    if (promise !== undefined) promise.readyAtMs ??= atMs;
  }

  /** Ends the promise and the slots of a load that failed, was cancelled, or whose model left. */
  release(modelId: string): void {
    this.#end(modelId);
  }

  /** Is what was promised there by now, victims gone? */
  promiseFits(modelId: string): boolean {
    return this.#shortages(modelId).length === 0;
  }

  /** What of a promise is still missing, for people. */
  shortfall(modelId: string): string {
    const parts = this.#shortages(modelId).map(([id, bytes]) => `${bytesInWords(bytes)} on ${deviceName(id, this.#sample)}`);
    return parts.length === 0 ? 'nothing' : parts.join(', ');
  }

  /** Memory that an ended model still holds. Named until a sample shows it gone. */
  leak(modelId: string, bytes: DeviceBytes, pids: readonly number[]): void {
    const leaks = Object.entries(bytes).flatMap(([id, leaked]) => {
      const device = this.#device(id);
      if (device === undefined || leaked <= 0) return [];
      return [{ modelId, device: id, pids, bytes: leaked, usedWithout: Math.max(0, device.usedBytes - leaked), named: false }];
    });
    this.#leaks = [...this.#leaks, ...leaks].filter((leak) => stillLeaks(leak, this.#device(leak.device)));
  }

  #shortages(modelId: string): readonly (readonly [DeviceId, number])[] {
    const promise = this.#promises.get(modelId);
    if (promise === undefined) return [];
    return this.rooms().flatMap((room) => {
      if ((promise.bytes[room.id] ?? 0) <= 0) return [];
      const missing = -room.availableBytes - room.reservedBytes * RESERVE_TOLERANCE;
      return missing > 0 ? [[room.id, missing] as const] : [];
    });
  }

  #end(modelId: string): void {
    const promise = this.#promises.get(modelId);
    if (promise === undefined) return;
    this.#promises.delete(modelId);
    for (const [id, bytes] of Object.entries(promise.bytes)) {
      const used = this.#device(id)?.usedBytes ?? 0;
      const shared = [...this.#promises.values()].some((other) => other.bytes[id] !== undefined);
      // Its growth must not count for the promises that remain.
      if (shared) this.#baselines.set(id, Math.min(used, (this.#baselines.get(id) ?? used) + bytes));
      else this.#baselines.delete(id);
    }
  }

  #device(id: DeviceId): DeviceSample | undefined {
    return this.#sample?.devices.find((device) => device.id === id);
  }

  #loading(id: DeviceId): string | null {
    for (const [modelId, { slots, readyAtMs }] of this.#promises) if (readyAtMs === null && slots.includes(id)) return modelId;
    return null;
  }

  /** Promised bytes of a device by model. */
  #promised(id: DeviceId): ReadonlyMap<string, number> {
    const promised = new Map<string, number>();
    for (const [modelId, { bytes }] of this.#promises) if ((bytes[id] ?? 0) > 0) promised.set(modelId, bytes[id] ?? 0);
    return promised;
  }

  #room(device: DeviceSample, holders: readonly Holder[]): Room {
    const { gpus, host } = this.#ports.settings();
    const onHost = device.kind === 'host';
    const reservedBytes = (onHost ? host.reserve_mb : gpus.reserve_mb) * MIB;
    const limitBytes = onHost && host.memory_limit_mb !== null ? host.memory_limit_mb * MIB : Number.POSITIVE_INFINITY;
    const leaks = this.#leaks.filter((leak) => leak.device === device.id);
    const promised = this.#promised(device.id);
    const room = onHost
      ? hostRoom({ device, holders, promised, leaks, reservedBytes, limitBytes })
      : gpuRoom({ device, holders, promised, reservedBytes, baselineBytes: this.#baselines.get(device.id) ?? device.usedBytes });
    const leakedBytes = leaks.reduce((sum, leak) => sum + leak.bytes, 0);
    const { kind, id, index, name, simulated, totalBytes, usedBytes, utilizationRatio, powerWatts, temperatureCelsius } = device;
    return {
      id,
      kind,
      index,
      name,
      simulated,
      totalBytes,
      usedBytes,
      reservedBytes,
      leakedBytes,
      utilizationRatio,
      powerWatts,
      temperatureCelsius,
      promisedBytes: room.promisedBytes,
      availableBytes: room.availableBytes,
      byModel: Object.fromEntries(room.byModel),
      othersBytes: Math.max(0, room.othersBytes - (onHost ? 0 : leakedBytes)),
      programs: onHost ? [] : programsOf(device, [...holders, ...leaks]),
      leaks: leaks.map(({ modelId, pids, bytes }) => ({ modelId, pids, bytes })),
      allowed: onHost || isNamed(gpus.use, device),
      emptyBytes: Math.max(0, Math.min(totalBytes - reservedBytes, limitBytes)),
      loading: this.#loading(device.id),
    };
  }
}

/**
 * The devices whose load slot a placement takes. A model on a GPU also takes some main memory, but
 * does not keep others from loading; one elsewhere nobody.
 */
export function slotsOf(placement: Placement): readonly DeviceId[] {
  if (placement.kind === 'elsewhere') return [];
  return placement.kind === 'gpu' ? placement.gpus : [...placement.gpus, HOST_DEVICE];
}

/**
 * What a model counts as holding: on GPUs what was measured (predicted where nothing was); on the
 * host what was predicted, or more where it runs without a GPU and measured more. Beside a GPU the
 * resident bytes on the host are mostly mapped weights, which the kernel may drop.
 */
export function heldBytes(predicted: DeviceBytes, measured: DeviceBytes): DeviceBytes {
  const gpus = Object.keys({ ...predicted, ...measured }).filter((id) => id !== HOST_DEVICE);
  const held: Record<DeviceId, number> = {};
  for (const id of gpus) held[id] = measured[id] || predicted[id] || 0;
  const host = gpus.length === 0 ? Math.max(predicted[HOST_DEVICE] ?? 0, measured[HOST_DEVICE] ?? 0) : (predicted[HOST_DEVICE] ?? 0);
  return host > 0 ? { ...held, [HOST_DEVICE]: host } : held;
}

/** Does a list of settings name this GPU, by index or UUID? */
export function isNamed(names: Settings['gpus']['use'], device: { readonly id: DeviceId; readonly index: number | null }): boolean {
  if (names === 'all' || names === 'none') return names === 'all';
  return names.some((name) => name === device.id || name === device.index || name === String(device.index));
}

/**
 * The processes on a GPU that are none of ours, the largest first. None where the driver does not
 * tell.
 */
function programsOf({ byPid, programs }: DeviceSample, ours: readonly { readonly pids: readonly number[] }[]): readonly ProgramView[] {
  const known = new Set(ours.flatMap(({ pids }) => pids));
  return [...(byPid ?? [])]
    .filter(([pid, bytes]) => bytes > 0 && !known.has(pid))
    .sort(([, first], [, second]) => second - first)
    .slice(0, PROGRAMS_SHOWN)
    .map(([pid, bytes]) => ({ pid, name: programs?.get(pid) ?? null, bytes }));
}

/** Lowers the leak to what the sample still shows of it; false when that is nothing. */
function stillLeaks(leak: Leak, device: DeviceSample | undefined): boolean {
  if (device === undefined) return false;
  const named = pidBytes(device, leak.pids);
  // On the host a dead process holds nothing, and a driver that named its processes before would
  // name them still.
  if (named === 0 && device.byPid !== null && (leak.named || device.kind === 'host')) return false;
  leak.named ||= named > 0;
  leak.bytes = Math.min(leak.bytes, named > 0 ? named : Math.max(0, device.usedBytes - leak.usedWithout));
  return leak.bytes > LEAK_NOISE_BYTES;
}
