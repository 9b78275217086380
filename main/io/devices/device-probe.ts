/**
 * Implements the port DeviceProbe: host and GPUs in one sample. It decides when to sample; other
 * files read the values.
 */
import type { Clock, DeviceProbe, Log, Sample } from '../../core/ports.ts';
import type { Processes } from '../../core/process-ports.ts';
import { inProcessNamespace } from '../processes/proc.ts';
import { createGpuProbe, type GpuFacts } from './gpu.ts';
import { endOrphanedProbes } from './gpu-orphans.ts';
import { createHostProbe } from './host.ts';

/** Samples go on at this pace, in periods of the GPUs' rows, while those do not come. */
const HICCUP_PERIODS = 3;

export interface DeviceProbeOptions {
  /** The setting gpus.nvidia_smi. */
  readonly nvidiaSmi: string | null;
  readonly processes: Pick<Processes, 'launch' | 'identify' | 'signal'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RunningDeviceProbe extends DeviceProbe {
  /**
   * Looks for GPUs; after it, samples come by themselves. The first is the answer. Called again, it
   * looks for GPUs that came since.
   */
  start(): Promise<Sample>;
  /** Processes whose main memory the host's sample tells: those of our models. */
  setPids(pids: readonly number[]): void;
  /** What was found of GPUs, for `check` and the runtimes' view. */
  gpuFacts(): GpuFacts;
  close(): Promise<void>;
}

export function createDeviceProbe({ nvidiaSmi, processes, clock, log }: DeviceProbeOptions): RunningDeviceProbe {
  const gpus = createGpuProbe({ command: nvidiaSmi, processes, clock, log, contained: inProcessNamespace() });
  const host = createHostProbe(clock, (error) => log.debug(`The processor could not be identified: ${String(error)}`));
  const listeners: Array<(sample: Sample) => void> = [];
  let cancelTimer = (): void => {};
  let closed = false;

  /**
   * Dated by the older of its readings: a promise ends with the first sample that is newer than the
   * load.
   */
  function sampleWith(reading: ReturnType<typeof gpus.last>, atMs: number): Sample {
    const sample = { atMs: gpus.facts().found ? Math.min(reading.atMs, atMs) : atMs, devices: [host.read(), ...reading.devices] };
    if (!closed) for (const listener of listeners) listener(sample);
    return sample;
  }

  function tick(): void {
    cancelTimer();
    if (closed) return;
    cancelTimer = clock.after(gpus.facts().found ? gpus.periodMs * HICCUP_PERIODS : gpus.periodMs, tick);
    try {
      sampleWith(gpus.last(), clock.now());
    } catch (error) {
      log.error('A sample of the devices met a bug', error);
    }
  }

  gpus.onReading(tick);
  return {
    async start() {
      endOrphanedProbes(processes);
      const identified = host.start();
      const facts = await gpus.start();
      log.debug(facts.message);
      await identified;
      tick();
      return sampleWith(gpus.last(), clock.now());
    },
    async sampleNow() {
      const atMs = clock.now();
      return sampleWith(await gpus.readNow(), atMs);
    },
    setFast(fast) {
      gpus.setFast(fast);
      if (!gpus.facts().found) tick();
    },
    onSample: (listener) => void listeners.push(listener),
    setPids: host.setPids,
    gpuFacts: () => gpus.facts(),
    async close() {
      closed = true;
      cancelTimer();
      await gpus.close();
    },
  };
}
