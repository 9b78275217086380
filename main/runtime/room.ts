/**
 * Waits for memory: until the memory promised to a load is free, and until the memory of an ended
 * process tree is measured free (I6). Decides nothing. Guarded by test/runtime/room.test.ts.
 */
import type { DeviceBytes } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { Devices } from '../core/memory/devices.ts';
import { memoryIsBack } from '../core/memory/measure.ts';
import type { Clock, DeviceProbe, Sample } from '../core/ports.ts';

export interface RoomPorts {
  readonly clock: Clock;
  readonly probe: DeviceProbe;
  readonly devices: Devices;
}

/** How long memory may take to be seen free after the last process is gone; then it is a leak. */
const RELEASE_WAIT_MS = 10_000;
const ROOM_WAIT_MS = 15_000;
const MEMORY_POLL_MS = 50;

/** @throws ModeliumError room-did-not-come with the figures, cancelled. */
export async function awaitRoom({ clock, probe, devices }: RoomPorts, id: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = clock.now() + ROOM_WAIT_MS;
  while (!signal.aborted && !devices.promiseFits(id)) {
    if (clock.now() >= deadlineMs) {
      const message = `The memory that was promised to ${id} did not become free: ${devices.shortfall(id)}.`;
      throw new ModeliumError('room-did-not-come', message);
    }
    devices.applySample(await probe.sampleNow());
    await pause(clock);
  }
  if (signal.aborted) throw new ModeliumError('cancelled', `Loading ${id} was cancelled.`);
}

export interface Leaving {
  /** What the tree held when it began to leave. */
  readonly held: DeviceBytes;
  /** The last sample before it was asked to. */
  readonly before: Sample | null;
  /**
   * Of one that crashed: the sample before it took memory. The last one may be from after its end,
   * when nothing more would come free.
   */
  readonly crashedOver: Sample | null;
}

/**
 * @returns null when the memory of an ended tree is seen free, else what is still held after ten
 * seconds (I6).
 */
export async function seeReleased(
  { clock, probe, devices }: RoomPorts,
  pids: readonly number[],
  { held, before, crashedOver }: Leaving,
): Promise<DeviceBytes | null> {
  const full = crashedOver === null ? null : withHeld(crashedOver, held);
  if (full !== null && before !== null && memoryIsBack(before, full, pids, held) === null) return null;
  const most = full === null || before === null ? before : fuller(before, full);
  const deadlineMs = clock.now() + RELEASE_WAIT_MS;
  for (;;) {
    // A probe that breaks off shows nothing free, and must not leave the model draining for ever.
    const sample = await probe.sampleNow().catch(() => null);
    if (sample !== null) devices.applySample(sample);
    const still = sample === null ? held : memoryIsBack(sample, most, pids, held);
    if (still === null) return null;
    if (clock.now() >= deadlineMs) return still;
    await pause(clock);
  }
}

/** What the sample would have shown with these bytes taken. */
function withHeld(sample: Sample, held: DeviceBytes): Sample {
  return { ...sample, devices: sample.devices.map((device) => ({ ...device, usedBytes: device.usedBytes + (held[device.id] ?? 0) })) };
}

/**
 * Of each device the sample that shows more taken: totals and the list of processes come apart, and
 * either may be from after a crash already.
 */
function fuller(sample: Sample, other: Sample): Sample {
  const more = (device: Sample['devices'][number]) => {
    const matching = other.devices.find(({ id }) => id === device.id);
    return matching !== undefined && matching.usedBytes > device.usedBytes ? matching : device;
  };
  return { ...sample, devices: sample.devices.map(more) };
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(MEMORY_POLL_MS, resolve));
}

/** Resolves when the wait is called off. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
