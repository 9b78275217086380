/**
 * What the parts of the bench share: programs started and ended, a cheap client, readings of /proc,
 * statistics and the table.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUILT_COMMAND } from '../helpers/built-app.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';

const UPSTREAM = fileURLToPath(new URL('instant-upstream.ts', import.meta.url));
const LEAST_PROXY = fileURLToPath(new URL('least-proxy.ts', import.meta.url));

/**
 * A line of the table. `baseline`: the same taken without Modelium, or with the least that could be
 * done, in the same run.
 */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  readonly baseline?: number;
  readonly baselineName?: string;
  /** The bar of the design, for people. */
  readonly bar?: string;
  readonly within?: boolean;
}

export interface BenchOptions {
  /** About how long each part that repeats itself may take. */
  readonly seconds: number;
  /** Of a part that has several measurements by name, those whose name holds this; '' for all. */
  readonly only: string;
}

export type Part = (options: BenchOptions) => Promise<readonly Row[]>;

// ---- programs -----------------------------------------------------------------------------------

const running = new Set<ChildProcess>();
const folders = new Set<string>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export interface Program {
  readonly pid: number;
  readonly child: ChildProcess;
  /** What it printed so far. */
  words(): string;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Left out: Node. */
  readonly command?: string;
  /** A nice value counts only within a session, where the kernel shares by these first. */
  readonly ownSession?: boolean;
}

/**
 * Starts a Node program of this checkout, or another command; it ends with the bench at the latest.
 */
export function start(args: readonly string[], options: StartOptions = {}): Program {
  const { env = {}, command = process.execPath, ownSession = false } = options;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, detached: ownSession });
  running.add(child);
  let words = '';
  const hear = (text: string): void => {
    words = (words + text).slice(-20_000);
  };
  child.stdout?.setEncoding('utf8').on('data', hear);
  child.stderr?.setEncoding('utf8').on('data', hear);
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  return {
    pid: child.pid ?? -1,
    child,
    words: () => words,
    async stop() {
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await gone;
      clearTimeout(hard);
    },
  };
}

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-bench-'));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return (address as { port: number }).port;
}

export async function startUpstream(): Promise<{ port: number; program: Program }> {
  const port = await freePort();
  const program = start([UPSTREAM, '--port', String(port)]);
  await untilOk(port, '/health', program);
  return { port, program };
}

export async function startLeastProxy(upstreamPort: number): Promise<{ port: number; program: Program }> {
  const port = await freePort();
  const program = start([LEAST_PROXY, '--port', String(port), '--upstream-port', String(upstreamPort)]);
  await untilOk(port, '/', program);
  return { port, program };
}

/** A command without arguments of its own, as `llama.command` wants it. */
export function upstreamCommand(folder: string): string {
  const path = join(folder, 'instant-upstream');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${UPSTREAM}' "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

export interface Served {
  readonly port: number;
  readonly program: Program;
  readonly folder: string;
  readonly watch: string;
  get<Answer>(path: string): Promise<Answer>;
  stop(): Promise<void>;
}

export interface ServeOptions {
  /** Written as tiny GGUFs into the watch folder. */
  readonly models?: readonly string[];
  /** The upstream's further arguments, by model; null: the embedded llama.cpp serves. */
  readonly upstream?: Readonly<Record<string, readonly string[]>> | null;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly policies?: Readonly<Record<string, unknown>>;
}

/** `modelium serve` from the build, in a process and folders of its own, listening. */
export async function serve(options: ServeOptions = {}): Promise<Served> {
  const folder = temporaryFolder();
  const watch = join(folder, 'incoming');
  mkdirSync(watch);
  for (const name of options.models ?? []) await writeTinyGguf(watch, { name });
  const { upstream = null } = options;
  const config = join(folder, 'modelium.yaml');
  const settings = {
    metrics: { enabled: false },
    gpus: { use: 'none' },
    orchestration: { policies: { load: 'on_request', min_residency_seconds: 0, ...options.policies } },
    ...(upstream === null ? {} : { llama: { command: upstreamCommand(folder) } }),
    ...(upstream === null ? {} : { models: Object.fromEntries(Object.entries(upstream).map(([id, args]) => [id, { args }])) }),
    ...options.settings,
  };
  writeFileSync(config, JSON.stringify(settings));
  const port = await freePort();
  const program = start([
    ...process.execArgv,
    BUILT_COMMAND,
    '--state-folder',
    join(folder, 'state'),
    'serve',
    '--config',
    config,
    '--port',
    String(port),
    '--watch',
    watch,
  ]);
  await eventually(() => program.words().includes('Server ready at'), program);
  return {
    port,
    program,
    folder,
    watch,
    async get<Answer>(path: string) {
      return (await (await fetch(`http://127.0.0.1:${port}${path}`)).json()) as Answer;
    },
    async stop() {
      await program.stop();
      removeFolder(folder);
    },
  };
}

/** Until a model answers its first request, which loads it. */
export async function bringUp(served: Served, model: string): Promise<void> {
  await eventually(async () => {
    const response = await fetch(`http://127.0.0.1:${served.port}/v1/chat/completions`, { method: 'POST', body: chat(model) });
    const text = await response.text();
    if (response.status !== 200 && response.status !== 503 && response.status !== 404) throw new Error(`${model}: ${text}`);
    return response.status === 200;
  }, served.program);
}

export async function eventually(ask: () => boolean | Promise<boolean>, program: Program, everyMs = 5): Promise<void> {
  const endMs = performance.now() + 60_000;
  while (!(await ask())) {
    if (program.child.exitCode !== null) throw new Error(`The program ended with ${program.child.exitCode}:\n${program.words()}`);
    if (performance.now() > endMs) throw new Error(`It did not come within 60 s:\n${program.words()}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

export async function untilOk(port: number, path: string, program: Program): Promise<void> {
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}${path}`).catch(() => null))?.ok === true, program);
}

// ---- client -------------------------------------------------------------------------------------

export function chat(model: string, more: object = {}): string {
  return JSON.stringify({ model, messages: [{ role: 'user', content: 'the model answers '.repeat(14) }], ...more });
}

/**
 * One kept-alive connection and one request at a time, over a bare socket: far cheaper than
 * node:http, so that it does not blur what it measures.
 */
export class Connection {
  #socket: Socket | null = null;
  #pending: Buffer = Buffer.alloc(0);
  #settle: ((status: number) => void) | null = null;
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<this> {
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true });
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    socket.on('data', (part: Buffer) => this.#read(part));
    socket.on('close', () => this.#settle?.(-1));
    socket.on('error', () => {});
    return this;
  }

  request(body: string): Buffer {
    const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${this.#port}\r\ncontent-type: application/json\r\n`;
    return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  /** @returns the status of the answer, once it is whole; -1: the connection broke. */
  send(request: Buffer): Promise<number> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket?.write(request);
    });
  }

  close(): void {
    this.#settle = null;
    this.#socket?.destroy();
  }

  #read(part: Buffer): void {
    this.#pending = this.#pending.length === 0 ? part : Buffer.concat([this.#pending, part]);
    const end = this.#pending.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = this.#pending.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN);
    const whole = Number.isNaN(length)
      ? this.#pending.toString('latin1', this.#pending.length - 5) === '0\r\n\r\n'
      : this.#pending.length >= end + 4 + length;
    if (!whole) return;
    this.#pending = Buffer.alloc(0);
    const settle = this.#settle;
    this.#settle = null;
    settle?.(Number(head.slice(9, 12)));
  }
}

// ---- readings -----------------------------------------------------------------------------------

/**
 * Milliseconds of CPU that a process has used, to the microsecond where the kernel tells it. NaN
 * where there is no /proc.
 */
export function cpuMs(pid: number): number {
  try {
    const threads = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return (Number(threads[11]) + Number(threads[12])) * 10;
  } catch {
    return Number.NaN;
  }
}

export function residentMiB(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024;
  } catch {
    return Number.NaN;
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// ---- statistics ---------------------------------------------------------------------------------

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/**
 * The same list beginning elsewhere: each round another one goes first, so that what else the
 * machine does weighs on all alike.
 */
export function rotated<Item>(items: readonly Item[], round: number): readonly Item[] {
  const at = round % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

export function printTable(rows: readonly Row[]): void {
  const shown = (value: number | undefined): string => {
    if (value === undefined || Number.isNaN(value)) return '';
    return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
  };
  const lines = rows.map(({ what, unit, value, baseline, baselineName, bar, within }) => [
    what,
    `${shown(value)} ${unit}`,
    baseline === undefined ? '' : `${shown(baseline)}${baselineName === undefined ? '' : ` ${baselineName}`}`,
    baseline === undefined || baseline === 0 ? '' : `x ${shown(value / baseline)}`,
    bar ?? '',
    within === undefined ? '' : within ? 'yes' : 'NO',
  ]);
  const table = [['what', 'Modelium', 'baseline', 'ratio', 'bar', 'within'], ...lines];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0))) ?? [];
  for (const line of table)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  console.log();
}
