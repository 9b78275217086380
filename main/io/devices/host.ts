/**
 * The main memory and processors as a device. The only importer of systeminformation, for the
 * processor's name and, without /proc, for load and memory. All else comes from the kernel's files,
 * because that package is slow and starts programs. It is imported before the first sample, because
 * later no file descriptor may be free.
 */
import { freemem, totalmem } from 'node:os';
import { HOST_DEVICE } from '../../../shared/decision.ts';
import type { Clock, DeviceSample } from '../../core/ports.ts';
import { HAS_PROC, readAnonymousBytes, readMemory, readResidentBytes, readText } from '../processes/proc.ts';
import { readGroupMemory } from './cgroup.ts';

/** The load of a shorter time than this would jump about. */
const LOAD_EVERY_MS = 2_000;

interface HostMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

export interface HostProbe {
  /** Before the first read; throws nothing. */
  start(): Promise<void>;
  /** Without a free descriptor, the last reading. */
  read(): DeviceSample;
  /** Whose resident bytes a sample tells. */
  setPids(pids: readonly number[]): void;
}

/** @param onUnknown hears why the machine could not be identified. */
export function createHostProbe(clock: Clock, onUnknown: (error: unknown) => void): HostProbe {
  const load = new ProcessorLoad(clock);
  let name = 'This machine';
  let pids: readonly number[] = [];
  let last: DeviceSample | null = null;
  let elsewhere: Elsewhere | null = null;

  return {
    start: () => identify().catch(onUnknown),
    read() {
      const kernel = readMemory();
      if (kernel === null && HAS_PROC && last !== null) return last;
      const memory = kernel ?? elsewhere?.memory ?? { totalBytes: totalmem(), availableBytes: freemem() };
      const { totalBytes, availableBytes } = withinGroup(memory);
      void elsewhere?.refresh().catch(() => {});
      last = {
        id: HOST_DEVICE,
        kind: 'host',
        index: null,
        name,
        simulated: false,
        totalBytes,
        usedBytes: totalBytes - availableBytes,
        byPid: new Map(pids.map((pid) => [pid, readResidentBytes(pid)])),
        anonymousByPid: !HAS_PROC ? null : new Map(pids.map((pid) => [pid, readAnonymousBytes(pid)])),
        utilizationRatio: elsewhere === null ? load.ratio() : elsewhere.load,
        powerWatts: null,
        temperatureCelsius: null,
        computeCapability: null,
      };
      return last;
    },
    setPids(next) {
      pids = next;
    },
  };

  async function identify(): Promise<void> {
    const library = await import('systeminformation');
    // A bundle has of a CommonJS package the default export alone.
    const { cpu, currentLoad, mem } = 'cpu' in library ? library : (library as { readonly default: typeof library }).default;
    if (!HAS_PROC) {
      elsewhere = new Elsewhere({ currentLoad, mem });
      await elsewhere.refresh();
    }
    // Not waited for: it starts programs, and is for people.
    void cpu().then(({ manufacturer, brand, cores }) => {
      const words = `${manufacturer} ${brand}`.trim();
      name = `${words === '' ? 'Processor' : words}, ${cores} ${cores === 1 ? 'core' : 'cores'}`;
    }, onUnknown);
  }
}

/** In a container, what it may have. */
function withinGroup(machine: HostMemory): HostMemory {
  const group = readGroupMemory(readText);
  if (group === null) return machine;
  return {
    totalBytes: Math.min(machine.totalBytes, group.limitBytes),
    availableBytes: Math.max(0, Math.min(machine.availableBytes, group.limitBytes - group.usedBytes)),
  };
}

/** Load and memory where there is no /proc: asked for by each sample, and told by the next one. */
class Elsewhere {
  readonly #library: Pick<typeof import('systeminformation'), 'currentLoad' | 'mem'>;
  /** 0 to 1. */
  load: number | null = null;
  memory: HostMemory | null = null;

  constructor(library: Pick<typeof import('systeminformation'), 'currentLoad' | 'mem'>) {
    this.#library = library;
  }

  async refresh(): Promise<void> {
    const { total, available } = await this.#library.mem();
    this.memory = { totalBytes: total, availableBytes: available };
    this.load = (await this.#library.currentLoad()).currentLoad / 100;
  }
}

interface ProcessorTime {
  readonly idle: number;
  readonly all: number;
}

/**
 * How busy all processors together were between two looks. For people; nothing is decided by it.
 */
class ProcessorLoad {
  readonly #clock: Clock;
  #before = processorTime();
  #readMs: number;
  #ratio: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#readMs = clock.now();
  }

  /** 0 to 1; null until there were two looks. */
  ratio(): number | null {
    const nowMs = this.#clock.now();
    if (nowMs - this.#readMs < LOAD_EVERY_MS) return this.#ratio;
    this.#readMs = nowMs;
    const now = processorTime();
    if (now !== null && this.#before !== null) {
      const passed = now.all - this.#before.all;
      if (passed > 0) this.#ratio = Math.min(1, Math.max(0, 1 - (now.idle - this.#before.idle) / passed));
    }
    this.#before = now ?? this.#before;
    return this.#ratio;
  }
}

function processorTime(): ProcessorTime | null {
  const text = readText('/proc/stat');
  return text === null ? null : parseProcessorTime(text);
}

/**
 * Clock ticks since the machine started, of all processors: the first line of /proc/stat, which is,
 * by proc(5), `cpu user nice system idle iowait irq softirq steal guest guest_nice`. Waiting for a
 * disk is idle; the time of guests is part of user's and nice's.
 */
export function parseProcessorTime(text: string): ProcessorTime {
  const ticks = /^cpu +([\d ]+)/.exec(text)?.[1]?.trim().split(' ').map(Number).slice(0, 8) ?? [];
  const [, , , idle = 0, waiting = 0] = ticks;
  return { idle: idle + waiting, all: ticks.reduce((sum, each) => sum + each, 0) };
}
