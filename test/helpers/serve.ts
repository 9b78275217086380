/**
 * `modelium serve` as it was built, a process of its own, in temporary folders: started, asked,
 * signalled and cleaned up. For tests of what only a real process can show: how it dies, and what
 * it leaves behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readToken } from '../../main/io/engine-file.ts';
import { readEnvironments, readStat, readText } from '../../main/io/processes/proc.ts';
import type { ModelView, Snapshot } from '../../shared/snapshot.ts';
import { BUILT_COMMAND } from './built-app.ts';
import { eventually } from './eventually.ts';

/**
 * A machine with two busy cores is slow; a test that fails should still say so before its own time
 * is up.
 */
const WAIT_MS = 60_000;
const PORTS_EACH = 100;
let homes = 0;

/** A process that is told from a later one with the same number. */
export interface Seen {
  readonly pid: number;
  readonly startTime: number;
  readonly command: string;
}

/**
 * Folders of one engine, whatever number of times it is started. Its processes carry them as HOME,
 * and so do all their descendants.
 */
export interface Home {
  readonly root: string;
  readonly state: string;
  readonly watch: string;
  readonly config: string;
  /** Every live process that descends from an engine of this home. */
  processes(): readonly Seen[];
  /** Ends what is left, and deletes the folders. */
  remove(): Promise<void>;
}

export interface ServeOptions {
  /** In place of the home's one watch folder. */
  readonly watch?: readonly string[];
  readonly port?: number;
  /** Another build's command line. */
  readonly cli?: string;
  /** A command that becomes the engine: `['setpriv', ...]`. */
  readonly through?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Served {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Empty until it is ready. */
  readonly address: string;
  /** All that it said, on both streams. */
  story(): string;
  /** Resolves with the match once the story has it. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
  /** Sends the signal, and resolves when the process is gone. */
  end(signal: NodeJS.Signals): Promise<Ended>;
  models(): Promise<readonly ModelView[]>;
  snapshot(): Promise<Snapshot>;
  /** By id or alias; undefined: there is none. */
  model(name: string): Promise<ModelView | undefined>;
  /** Resolves once the model is in that state. */
  becomes(name: string, ...states: readonly ModelView['state'][]): Promise<ModelView>;
  predict(name: string, body?: object, signal?: AbortSignal): Promise<Response>;
  control<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<Answer>;
}

/**
 * A new home. `settings` are those of modelium.yaml; the metrics port is off and the runtimes'
 * ports are its own.
 */
export function makeHome(settings: Record<string, unknown> = {}): Home {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'modelium-serve-')));
  const home = { root, state: join(root, 'state'), watch: join(root, 'watch'), config: join(root, 'modelium.yaml') };
  mkdirSync(home.watch);
  const first = 20_000 + ((process.pid * 7 + homes++) % 120) * PORTS_EACH;
  const ports = { port_range: [first, first + PORTS_EACH - 1] };
  const llama = { ...ports, ...(settings['llama'] as object | undefined) };
  const vllm = { ...ports, ...(settings['vllm'] as object | undefined) };
  const whole = { metrics: { enabled: false }, gpus: { use: 'none' }, host: { reserve_mb: 0 }, ...settings, llama, vllm };
  // JSON is YAML.
  writeFileSync(home.config, JSON.stringify(whole), { mode: 0o600 });
  const processes = () => processesOf(root);
  return {
    ...home,
    processes,
    async remove() {
      await eventually('every process of the test is gone', () => {
        for (const { pid } of processes()) signalOne(pid, 'SIGKILL');
        return processes().length === 0;
      });
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Is that very process still there? */
export function isAlive({ pid, startTime }: Pick<Seen, 'pid' | 'startTime'>): boolean {
  const stat = readStat(pid);
  return stat !== null && !stat.zombie && stat.startTime === startTime;
}

/** Starts without waiting for anything. */
export function spawnServe(home: Home, options: ServeOptions = {}): Served {
  const flags = ['--state-folder', home.state, 'serve', '--config', home.config, '--port', String(options.port ?? 0)];
  const engine = [process.execPath, options.cli ?? BUILT_COMMAND, ...flags, '--watch', ...(options.watch ?? [home.watch])];
  const [command = '', ...args] = [...(options.through ?? []), ...engine];
  const child = spawn(command, args, { cwd: home.root, env: environment(home.root), stdio: ['ignore', 'pipe', 'pipe'] });
  let story = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (story += text));
  const ended = once(child, 'close').then(
    ([code, signal]): Ended => ({ code: code as number | null, signal: signal as NodeJS.Signals | null }),
  );
  const address = () => /Server ready at (\S+)/.exec(story)?.[1] ?? '';

  async function json<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${address()}${path}`, init);
    const body = (await response.json()) as Answer;
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
    return body;
  }
  const models = async () => (await json<{ models: ModelView[] }>('/models')).models;
  const model = async (name: string) => (await models()).find(({ id, aliases }) => id === name || aliases.includes(name));
  return {
    child,
    pid: child.pid ?? 0,
    get address() {
      return address();
    },
    story: () => story,
    says: (pattern) =>
      eventually(`${pattern} in the story`, () => pattern.exec(story) ?? stopIfEnded(child, pattern, story), WAIT_MS).catch(
        (error: Error) => {
          throw new Error(`${error.message}. It said:\n${story}`);
        },
      ),
    ended,
    async end(signal) {
      child.kill(signal);
      return await ended;
    },
    models,
    snapshot: () => json('/status'),
    model,
    async becomes(name, ...states) {
      let last = 'not known';
      const look = async () => {
        const view = await model(name);
        last = view === undefined ? 'not known' : `${view.state}: ${view.message}`;
        return view !== undefined && states.includes(view.state) ? view : null;
      };
      return await eventually(`${name} ${states.join(' or ')}`, look, WAIT_MS).catch((error: Error) => {
        throw new Error(`${error.message}; it is ${last}. The story:\n${story}`);
      });
    },
    predict: (name, body = { prompt: 'Hello', max_tokens: 4 }, signal) =>
      fetch(`${address()}/predict/${name}`, { method: 'POST', body: JSON.stringify(body), ...(signal === undefined ? {} : { signal }) }),
    control: (method, path, body) =>
      json(path, {
        method,
        headers: { authorization: `Bearer ${readToken(home.state)}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/**
 * Starts, and waits until it says that it is ready. @throws Error with its story when it ends
 * before.
 */
export async function startServe(home: Home, options: ServeOptions = {}): Promise<Served> {
  const served = spawnServe(home, options);
  await served.says(/Server ready at \S+/);
  return served;
}

function stopIfEnded(child: ChildProcess, pattern: RegExp, story: string): null {
  if (child.exitCode === null && child.signalCode === null) return null;
  throw new Error(`The engine ended with ${child.exitCode ?? child.signalCode} before it said ${pattern}:\n${story}`);
}

/**
 * With the tests' own compile cache (vitest.config.ts): in a new home each engine would compile its
 * bundle anew, a third of its start.
 */
function environment(root: string): NodeJS.ProcessEnv {
  const compiled = process.env['NODE_COMPILE_CACHE'];
  const own = { PATH: process.env['PATH'], HOME: root, XDG_STATE_HOME: join(root, 'xdg'), XDG_CONFIG_HOME: join(root, 'xdg') };
  return compiled === undefined ? own : { ...own, NODE_COMPILE_CACHE: compiled };
}

function processesOf(root: string): readonly Seen[] {
  return readEnvironments('HOME').flatMap(({ pid, value }) => {
    const stat = value === root ? readStat(pid) : null;
    if (stat === null || stat.zombie) return [];
    return [{ pid, startTime: stat.startTime, command: (readText(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim() }];
  });
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone meanwhile.
  }
}
