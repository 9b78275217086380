/** Puts a ready tree to sleep: has the runtime free its GPU memory, and measures what is still held. Decides nothing, and changes no state. */
import { type DeviceBytes, HOST_DEVICE } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { Endpoint } from '../../shared/model.ts';
import { measuredBytes } from '../core/measure.ts';
import type { Sample } from '../core/ports.ts';
import type { Adapter } from './adapter.ts';
import type { ProcessHost } from './process-host.ts';
import type { RoomPorts } from './room.ts';

/** Copying the weights of the largest models takes seconds. */
const SLEEP_MS = 120_000;
const LEAST_FREED_SHARE = 0.1;

export interface Sleeper {
  readonly adapter: Adapter;
  readonly host: ProcessHost;
  readonly endpoint: Endpoint;
  /** The sample before it took memory. */
  readonly before: Sample | null;
  /** What it held while it was awake. */
  readonly awake: DeviceBytes;
  /** Of its weights, which wait in main memory from now on. */
  readonly weightBytes: number;
}

/** @throws ModeliumError when the runtime cannot, does not end in time, or frees next to nothing. */
export async function fallAsleep(
  { clock, probe, devices }: RoomPorts,
  { adapter, host, endpoint, before, awake, weightBytes }: Sleeper,
): Promise<{ readonly held: DeviceBytes; readonly freedBytes: number; readonly seconds: number }> {
  const steps = adapter.sleep?.(endpoint);
  if (steps === undefined) throw new ModeliumError('runtime-exited', `${adapter.id} cannot sleep.`);
  const startedMs = clock.now();
  await host.run(steps, { stallMs: SLEEP_MS, maxMs: SLEEP_MS }, new AbortController().signal, () => {});
  const sample = await probe.sampleNow();
  // Whoever looks next, a model that wants the room among them, must not reckon with what it held awake.
  devices.applySample(sample);
  const gpus = measuredBytes(sample, before, host.pids(), awake);
  const freedBytes = Object.entries(gpus).reduce((sum, [id, bytes]) => sum + Math.max(0, (awake[id] ?? 0) - bytes), 0);
  const wasBytes = Object.keys(gpus).reduce((sum, id) => sum + (awake[id] ?? 0), 0);
  if (freedBytes < wasBytes * LEAST_FREED_SHARE) throw new ModeliumError('runtime-exited', 'Sleeping freed next to nothing of its memory.');
  return {
    held: { ...gpus, [HOST_DEVICE]: (awake[HOST_DEVICE] ?? 0) + weightBytes },
    freedBytes,
    seconds: (clock.now() - startedMs) / 1000,
  };
}
