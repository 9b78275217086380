/**
 * The machine's own memory and processors as a device. Alone imports systeminformation, for what the processor is called, its load and, where
 * there is no /proc, memory: its calls are slow, so that the rest is read from the kernel's files.
 */
import { HOST_DEVICE } from '../../shared/decision.ts';
import type { Clock, DeviceSample } from '../core/ports.ts';
import { readGroupMemory } from './cgroup.ts';
import { readAnonymousBytes, readMemory, readResidentBytes, readText } from './proc.ts';

/** Reading the load of every core costs more than all the rest of a sample. */
const LOAD_EVERY_MS = 2_000;

export interface HostProbe {
  start(): Promise<void>;
  read(): Promise<DeviceSample>;
  /** Whose resident bytes a sample tells. */
  setPids(pids: readonly number[]): void;
}

export function createHostProbe(clock: Clock): HostProbe {
  let name = 'This machine';
  let pids: readonly number[] = [];
  let load: number | null = null;
  let loadReadMs = Number.NEGATIVE_INFINITY;
  let library: Promise<typeof import('systeminformation')> | null = null;
  /** Loaded after the start: it is large, and nobody waits for it. */
  function systeminformation(): Promise<typeof import('systeminformation')> {
    library ??= import('systeminformation');
    return library;
  }

  async function refreshLoad(): Promise<void> {
    if (clock.now() - loadReadMs < LOAD_EVERY_MS) return;
    loadReadMs = clock.now();
    load = (await (await systeminformation()).currentLoad()).currentLoad / 100;
  }

  async function memory(): Promise<{ totalBytes: number; availableBytes: number }> {
    const kernel = readMemory();
    if (kernel === null) {
      const { total, available } = await (await systeminformation()).mem();
      return { totalBytes: total, availableBytes: available };
    }
    const group = readGroupMemory(readText);
    if (group === null) return kernel;
    return {
      totalBytes: Math.min(kernel.totalBytes, group.limitBytes),
      availableBytes: Math.max(0, Math.min(kernel.availableBytes, group.limitBytes - group.usedBytes)),
    };
  }

  return {
    async start() {
      const { cpu } = await systeminformation();
      const { manufacturer, brand, cores } = await cpu();
      const words = `${manufacturer} ${brand}`.trim();
      name = `${words === '' ? 'Processor' : words}, ${cores} ${cores === 1 ? 'core' : 'cores'}`;
    },
    async read() {
      // Not waited for: the load is for people, the memory for the brain.
      void refreshLoad().catch(() => {});
      const { totalBytes, availableBytes } = await memory();
      return {
        id: HOST_DEVICE,
        kind: 'host',
        index: null,
        name,
        simulated: false,
        totalBytes,
        usedBytes: totalBytes - availableBytes,
        byPid: new Map(pids.map((pid) => [pid, readResidentBytes(pid)])),
        anonymousByPid: readMemory() === null ? null : new Map(pids.map((pid) => [pid, readAnonymousBytes(pid)])),
        utilizationRatio: load,
        powerWatts: null,
        temperatureCelsius: null,
        computeCapability: null,
      };
    },
    setPids(next) {
      pids = next;
    },
  };
}
