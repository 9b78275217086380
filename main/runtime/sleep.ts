/**
 * Puts a ready process tree to sleep: has the runtime free its GPU memory, and measures the memory
 * that remains. Decides nothing.
 */
import { type DeviceBytes, HOST_DEVICE } from '../../shared/decision.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import type { Endpoint, StateOf } from '../../shared/model.ts';
import { bytesInWords } from '../../shared/units.ts';
import { heldBytes } from '../core/memory/devices.ts';
import { measuredBytes } from '../core/memory/measure.ts';
import type { Ledger, Log, Sample } from '../core/ports.ts';
import { type Registry, stateOf } from '../core/registry.ts';
import type { Adapter } from './adapter.ts';
import type { ModelHost } from './model-host.ts';
import type { RoomPorts } from './room.ts';
import type { Runner } from './runner.ts';

/** Copying the weights of the largest models takes seconds. */
const SLEEP_MS = 120_000;
const LEAST_FREED_SHARE = 0.1;

interface Sleeper {
  readonly adapter: Adapter;
  readonly host: ModelHost;
  readonly endpoint: Endpoint;
  /** The sample before it took memory. */
  readonly before: Sample | null;
  /** What it held while it was awake. */
  readonly awake: DeviceBytes;
  /** Of its weights, which wait in main memory from now on. */
  readonly weightBytes: number;
}

/**
 * @throws ModeliumError when the runtime cannot, does not end in time, or frees next to nothing.
 */
async function fallAsleep(
  { clock, probe, devices }: RoomPorts,
  { adapter, host, endpoint, before, awake, weightBytes }: Sleeper,
): Promise<{ readonly held: DeviceBytes; readonly freedBytes: number; readonly seconds: number }> {
  const steps = adapter.sleep?.(endpoint);
  if (steps === undefined) throw new ModeliumError('runtime-exited', `${adapter.id} cannot sleep.`);
  const startedMs = clock.now();
  await host.run(steps, { stallMs: SLEEP_MS, maxMs: SLEEP_MS }, new AbortController().signal, () => {});
  const sample = await probe.sampleNow();
  // Whoever looks next, a model that wants the room among them, must not reckon with what it held
  // awake.
  devices.applySample(sample);
  const gpus = measuredBytes(sample, before, host.pids(), awake);
  const freedBytes = Object.entries(gpus).reduce((sum, [id, bytes]) => sum + Math.max(0, (awake[id] ?? 0) - bytes), 0);
  const wasBytes = Object.keys(gpus).reduce((sum, id) => sum + (awake[id] ?? 0), 0);
  if (freedBytes < wasBytes * LEAST_FREED_SHARE) throw new ModeliumError('runtime-exited', 'Sleeping freed almost none of its memory.');
  return {
    held: { ...gpus, [HOST_DEVICE]: (awake[HOST_DEVICE] ?? 0) + weightBytes },
    freedBytes,
    seconds: (clock.now() - startedMs) / 1000,
  };
}

export interface SleepPorts extends RoomPorts {
  readonly registry: Registry;
  readonly log: Log;
  readonly ledger: Pick<Ledger, 'settle'>;
  /** Does what must not fail for a full disk. */
  write(work: () => void): void;
}

/**
 * Has a runner's model fall asleep, in the drain that is under way, and commits that. @returns
 * false: it cannot, or something else is wanted of it by now.
 */
export async function sleepRunner(
  ports: SleepPorts,
  { id, host, adapter, before }: Pick<Runner, 'id' | 'host' | 'adapter' | 'before'>,
  { plan, endpoint, predicted, measured }: StateOf<'ready'>,
  decisionId: number,
): Promise<boolean> {
  const { registry, devices, clock, log, ledger } = ports;
  const awake = heldBytes(predicted, measured);
  const weightBytes = registry.get(id)?.profile?.weightBytes ?? 0;
  const settle = (ok: boolean, message: string, freed: DeviceBytes | null, seconds: number | null) =>
    ports.write(() => ledger.settle(decisionId, { ok, message, predictedBytes: awake, measuredBytes: freed, seconds }));
  try {
    const { held, freedBytes, seconds } = await fallAsleep(ports, { adapter, host, endpoint, before, awake, weightBytes });
    settle(true, `asleep, ${bytesInWords(freedBytes)} freed`, held, seconds);
    log.say(`${id} sleeps: ${bytesInWords(freedBytes)} freed in ${seconds.toFixed(1)} s`);
    if (stateOf(registry.get(id), 'draining')?.becomes.to === 'asleep' && host.exit === null) {
      devices.release(id);
      registry.apply(id, { type: 'asleep-settled', tier: 1, held, awake, plan, pids: host.pids(), atMs: clock.now() });
      return true;
    }
  } catch (error) {
    const { message } = toModeliumError(error);
    settle(false, message, null, null);
    log.warn(`${id} could not be put to sleep, so it is unloaded: ${message}`);
  }
  // Meanwhile something else was wanted of it, or it cannot: it leaves.
  const becomes = stateOf(registry.get(id), 'draining')?.becomes;
  if (becomes?.to === 'asleep') registry.apply(id, { type: 'drain-redirected', becomes: { to: 'unloaded', reason: 'idle' } });
  return false;
}
