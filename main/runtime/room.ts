/** Waits for memory: until what was promised to a load is there, and until what an ended tree held is seen free (I6). Decides nothing. */
import type { DeviceBytes } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { Devices } from '../core/devices.ts';
import { memoryIsBack } from '../core/measure.ts';
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
      const message = `The memory that was promised to ${id} did not come free: ${devices.shortfall(id)}.`;
      throw new ModeliumError('room-did-not-come', message);
    }
    devices.applySample(await probe.sampleNow());
    await pause(clock);
  }
  if (signal.aborted) throw new ModeliumError('cancelled', `Loading ${id} was cancelled.`);
}

/** @returns null when the memory is seen free, else what is still held after ten seconds (I6). */
export async function seeMemoryFree(
  { clock, probe, devices }: RoomPorts,
  pids: readonly number[],
  held: DeviceBytes,
  before: Sample | null,
): Promise<DeviceBytes | null> {
  const deadlineMs = clock.now() + RELEASE_WAIT_MS;
  for (;;) {
    // A probe that breaks off shows nothing free, and must not leave the model draining for ever.
    const sample = await probe.sampleNow().catch(() => null);
    if (sample !== null) devices.applySample(sample);
    const still = sample === null ? held : memoryIsBack(sample, before, pids, held);
    if (still === null) return null;
    if (clock.now() >= deadlineMs) return still;
    await pause(clock);
  }
}

/** What the sample would have shown with these bytes taken. */
export function withHeld(sample: Sample, held: DeviceBytes): Sample {
  return { ...sample, devices: sample.devices.map((device) => ({ ...device, usedBytes: device.usedBytes + (held[device.id] ?? 0) })) };
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(MEMORY_POLL_MS, resolve));
}
