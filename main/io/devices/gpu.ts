/**
 * Reads the GPUs through nvidia-smi: two children that print a row a second, and single calls for a
 * fresher reading. It opens no CUDA context and loads no driver library, so that monitoring takes
 * no GPU memory. Decides nothing; which GPUs may be used is decided in `core/`.
 */
import type { Clock, DeviceSample, Log } from '../../core/ports.ts';
import type { LaunchedProcess, Processes } from '../../core/process-ports.ts';
import { ownMark } from '../processes/proc.ts';
import { createFollower, type Follower } from './gpu-follower.ts';
import { OWNER_VARIABLE } from './gpu-orphans.ts';
import {
  bytesByPid,
  CSV,
  type DatedRow,
  GPU_QUERY,
  type GpuRow,
  PROCESS_QUERY,
  type ProcessRowOfGpu,
  parseGpuRow,
  parseProcessRow,
  TIME_ZONE,
} from './gpu-rows.ts';

/** Where the driver puts it: on the PATH, or (WSL) in a folder of its own. */
const COMMANDS = ['nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'];
const SLOW_MS = 1_000;
const FAST_MS = 200;
/** Periods without a row after which the list of processes is asked for by itself. */
const SILENT_PERIODS = 2.5;
/**
 * A load follows a drain and a drain a load: going slow at once would start new children for every
 * swap.
 */
const STAY_FAST_MS = 5_000;
/**
 * A first call without persistence mode wakes the driver up, which takes seconds on boxes with many
 * GPUs.
 */
const ONE_SHOT_MS = 20_000;

/**
 * Rows lie in the pipe for some milliseconds. A date that says much more than that is none of ours:
 * a clock was set, or another time zone is in force all the same.
 */
const LONGEST_AGE_MS = 10_000;

export interface GpuReading {
  readonly atMs: number;
  readonly devices: readonly DeviceSample[];
}

export interface GpuFacts {
  readonly found: boolean;
  /** What was found, or why nothing, in a sentence. */
  readonly message: string;
}

export interface GpuProbe {
  /**
   * Looks for GPUs and follows them from then on. May be called again, when a driver may have come.
   */
  start(): Promise<GpuFacts>;
  facts(): GpuFacts;
  /** The last reading: GPUs stay in it while nvidia-smi hiccups. */
  last(): GpuReading;
  /**
   * A reading that was begun after this call. Falls back to the last one when nvidia-smi does not
   * answer.
   */
  readNow(): Promise<GpuReading>;
  setFast(fast: boolean): void;
  readonly periodMs: number;
  /** Calls back whenever the followed rows of all GPUs came in. */
  onReading(listener: () => void): void;
  close(): Promise<void>;
}

export interface GpuProbeOptions {
  /** The setting gpus.nvidia_smi; null: where the driver puts it. */
  readonly command: string | null;
  readonly processes: Pick<Processes, 'launch' | 'identify' | 'signal'>;
  readonly clock: Clock;
  readonly log: Log;
  /** True when we live in a process namespace of our own. */
  readonly contained: boolean;
}

export function createGpuProbe(options: GpuProbeOptions): GpuProbe {
  return new NvidiaSmi(options);
}

class NvidiaSmi implements GpuProbe {
  readonly #options: GpuProbeOptions;
  readonly #listeners: Array<() => void> = [];
  #command: string;
  #facts: GpuFacts = { found: false, message: 'The GPUs have not been searched for yet.' };
  #gpus: readonly GpuRow[] = [];
  #rows: readonly ProcessRowOfGpu[] = [];
  #atMs = 0;
  #rowsAtMs = 0;
  #rowsAskedMs = 0;
  #everMatched = false;
  #followers: readonly Follower[] = [];
  #fast = false;
  #cancelSlowing: (() => void) | null = null;
  #running: Promise<GpuReading> | null = null;
  #next: Promise<GpuReading> | null = null;
  #closed = false;

  constructor(options: GpuProbeOptions) {
    this.#options = options;
    this.#command = options.command ?? COMMANDS[0] ?? '';
  }

  async start(): Promise<GpuFacts> {
    const commands = this.#options.command === null ? COMMANDS : [this.#options.command];
    for (const command of commands) {
      this.#command = command;
      this.#facts = await this.#query(command);
      if (this.#facts.found) break;
    }
    if (this.#facts.found && !this.#closed && this.#followers.length === 0) this.#follow();
    return this.#facts;
  }

  facts(): GpuFacts {
    return this.#facts;
  }

  get periodMs(): number {
    return this.#fast ? FAST_MS : SLOW_MS;
  }

  last(): GpuReading {
    const sight = { everMatched: this.#everMatched, contained: this.#options.contained };
    const programs = new Map(this.#rows.flatMap(({ pid, name }) => (name === null ? [] : [[pid, name] as const])));
    const devices = this.#gpus.map(({ device }) => ({
      ...device,
      programs,
      byPid: bytesByPid(device.id, device.simulated, this.#rows, sight),
    }));
    return { atMs: this.#atMs, devices };
  }

  onReading(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * At most one call runs and one waits: whoever asks while one runs needs one that begins later,
   * and shares it with the others.
   */
  readNow(): Promise<GpuReading> {
    if (!this.#facts.found) return Promise.resolve(this.last());
    if (this.#running === null) {
      this.#running = this.#readOnce().finally(() => {
        this.#running = null;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.readNow();
    });
    return this.#next;
  }

  setFast(fast: boolean): void {
    this.#cancelSlowing?.();
    this.#cancelSlowing = null;
    if (fast === this.#fast || this.#closed) return;
    if (fast) this.#setPeriod(true);
    else this.#cancelSlowing = this.#options.clock.after(STAY_FAST_MS, () => this.#setPeriod(false));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelSlowing?.();
    await Promise.all(this.#followers.map((follower) => follower.close()));
  }

  #setPeriod(fast: boolean): void {
    this.#fast = fast;
    for (const follower of this.#followers) follower.restart();
  }

  #follow(): void {
    const { clock, log, processes } = this.#options;
    const launch = (query: string): Promise<LaunchedProcess> => this.#launch([query, CSV, '-lms', String(this.periodMs)]);
    const common = { clock, log, processes, periodMs: () => this.periodMs };
    const gpus = createFollower({
      ...common,
      what: 'GPUs',
      launch: () => launch(GPU_QUERY),
      parse: parseGpuRow,
      key: (row) => row.uuid,
      size: () => this.#gpus.length,
      onFrame: (frame, receivedMs) => {
        this.#keepGpus(frame, this.#readMs(frame, receivedMs));
        this.#doubtRows(processRows.receivedMs());
        for (const listener of this.#listeners) listener();
      },
    });
    const processRows = createFollower({
      ...common,
      what: 'GPU processes',
      launch: () => launch(PROCESS_QUERY),
      parse: parseProcessRow,
      key: (row) => `${row.uuid} ${row.pid}`,
      size: () => null,
      onFrame: (frame, receivedMs) => this.#keepRows(frame, this.#readMs(frame, receivedMs)),
    });
    this.#followers = [gpus, processRows];
  }

  /**
   * An empty list prints nothing, and so does a child that is slow or hangs: after some silence one
   * call tells which it is.
   */
  #doubtRows(receivedMs: number): void {
    const now = this.#options.clock.now();
    if (this.#rows.length === 0 || now - Math.max(receivedMs, this.#rowsAskedMs) < this.periodMs * SILENT_PERIODS) return;
    this.#rowsAskedMs = now;
    void this.readNow();
  }

  async #readOnce(): Promise<GpuReading> {
    const { clock, log } = this.#options;
    const begunMs = clock.now();
    try {
      const [gpus, rows] = await Promise.all([this.#call(GPU_QUERY), this.#call(PROCESS_QUERY)]);
      const found = gpus.flatMap((line) => parseGpuRow(line) ?? []);
      if (found.length === 0) throw new Error(gpus.at(-1) ?? 'it printed nothing');
      const processRows = rows.flatMap((line) => parseProcessRow(line) ?? []);
      this.#keepRows(processRows, Math.max(begunMs, this.#readMs(processRows, begunMs)));
      this.#keepGpus(found, Math.max(begunMs, this.#readMs(found, begunMs)));
    } catch (error) {
      log.debug(`nvidia-smi did not answer: ${String(error)}`);
    }
    return this.last();
  }

  /**
   * When the first of these rows was read, by our clock: a row that was printed before memory came
   * free, and reaches us after, must not count as newer. @param otherwiseMs where no date tells.
   */
  #readMs(rows: readonly DatedRow[], otherwiseMs: number): number {
    const { clock } = this.#options;
    const ages = rows.map(({ readAtMs }) => (readAtMs === null ? Number.NaN : clock.wallTime() - readAtMs));
    // No row, or one without a date, gives NaN or -Infinity.
    const ageMs = Math.max(...ages);
    return ageMs >= 0 && ageMs <= LONGEST_AGE_MS ? clock.now() - ageMs : otherwiseMs;
  }

  #keepGpus(frame: readonly GpuRow[], atMs: number): void {
    if (atMs < this.#atMs) return;
    this.#gpus = [...frame].sort((a, b) => a.index - b.index);
    this.#atMs = atMs;
  }

  /** A call of its own may have told something newer meanwhile. */
  #keepRows(frame: readonly ProcessRowOfGpu[], atMs: number): void {
    if (atMs < this.#rowsAtMs) return;
    this.#rowsAtMs = atMs;
    this.#rows = frame;
    this.#everMatched ||= frame.some((row) => this.#options.processes.identify(row.pid) !== null);
  }

  async #query(command: string): Promise<GpuFacts> {
    try {
      const lines = await this.#call(GPU_QUERY);
      const gpus = lines.flatMap((line) => parseGpuRow(line) ?? []);
      const [first] = gpus;
      if (first === undefined) return none(`${command} shows no GPU with known memory${lines[0] === undefined ? '' : `: ${lines[0]}`}`);
      this.#keepGpus(gpus, this.#options.clock.now());
      const rows = (await this.#call(PROCESS_QUERY)).flatMap((line) => parseProcessRow(line) ?? []);
      this.#keepRows(rows, this.#options.clock.now());
      return { found: true, message: `${kindsInWords(gpus.map(({ device }) => device.name))}, driver ${first.driverVersion}` };
    } catch (error) {
      if (isMissing(error)) return none(`There is no ${command}: no NVIDIA driver, so models run on the CPU`);
      return none(`${command} does not work: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** One call, its lines. @throws when the program cannot be started or takes too long. */
  async #call(query: string): Promise<readonly string[]> {
    const { processes, clock } = this.#options;
    const child = await this.#launch([query, CSV]);
    const lines: string[] = [];
    child.onLine((line) => lines.push(line));
    const cancel = clock.after(ONE_SHOT_MS, () => stop(processes, child.pid));
    const exit = await child.exited;
    cancel();
    if (exit.code === null) throw new Error(`no answer within ${ONE_SHOT_MS / 1000} s`);
    return lines;
  }

  #launch(args: readonly string[]): Promise<LaunchedProcess> {
    const env = { ...TIME_ZONE, [OWNER_VARIABLE]: ownMark() };
    return this.#options.processes.launch({ command: this.#command, args, env, cwd: null, ipc: false });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && (error.cause as { readonly code?: unknown } | undefined)?.code === 'ENOENT';
}

/** `2 × RTX 4090 + 1 × L40S`. */
export function kindsInWords(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(' + ');
}

function none(message: string): GpuFacts {
  return { found: false, message: message.endsWith('.') ? message : `${message}.` };
}

function stop(processes: GpuProbeOptions['processes'], pid: number): void {
  const identity = processes.identify(pid);
  if (identity !== null) processes.signal([identity], 'SIGKILL', null);
}
