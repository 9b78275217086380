/**
 * A whole engine in this process, on real files in a temporary folder, asked over HTTP: for tests
 * of what a user sees.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, startEngine } from '../../main/engine/engine.ts';
import { nodeProgram } from '../../main/packaged.ts';
import type { ModelView, Snapshot } from '../../shared/snapshot.ts';
import { eventually } from './eventually.ts';
import { type TinyModelOptions, writeTinyGguf } from './tiny-gguf.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Undefined when the answer is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of it.
  readonly json: any;
}

export interface LiveEngine {
  readonly engine: Engine;
  readonly address: string;
  /** Temporary; holds `watch` and `state`, and goes with the engine. */
  readonly folder: string;
  readonly watch: string;
  readonly state: string;
  /** The story so far. */
  readonly logged: readonly string[];
  ask(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answered>;
  /** With the control token. */
  control(method: string, path: string, body?: unknown): Promise<Answered>;
  predict(model: string, body?: object): Promise<Answered>;
  status(): Promise<Snapshot>;
  model(id: string): Promise<ModelView | undefined>;
  /** Waits until the model is in this state. */
  comesTo(id: string, state: ModelView['state'], withinMs?: number): Promise<ModelView>;
  drop(name: string, options?: TinyModelOptions): Promise<string>;
  /** Edits the settings file, and waits until it is in force. */
  set(settings: object): Promise<void>;
  metrics(): Promise<string>;
  close(): Promise<void>;
}

export interface LiveOptions {
  readonly settings?: object;
  /** Lays files out before the engine starts. */
  readonly prepare?: (folders: { readonly folder: string; readonly watch: string; readonly state: string }) => unknown;
  /** Without it the folder `watch` is watched, whatever the settings say. */
  readonly watchBySettings?: boolean;
}

/**
 * Without a metrics port, on any free API port. The settings' sections are merged with that, one
 * level deep.
 */
export async function startLiveEngine({ settings = {}, prepare, watchBySettings = false }: LiveOptions = {}): Promise<LiveEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'modelium-live-'));
  const [watch, state, config] = [join(folder, 'watch'), join(folder, 'state'), join(folder, 'modelium.yaml')];
  mkdirSync(watch);
  const logged: string[] = [];
  const write = (more: Readonly<Record<string, unknown>>) =>
    writeFileSync(
      config,
      JSON.stringify({
        metrics: { enabled: false },
        cache: { folder: join(folder, 'cache') },
        ...more,
        api: { port: 0, ...(more['api'] ?? {}) },
      }),
    );
  write(settings as Record<string, unknown>);
  let engine: Engine;
  try {
    await prepare?.({ folder, watch, state });
    engine = await startEngine({
      config,
      stateFolder: state,
      ...(watchBySettings ? {} : { watch: [watch] }),
      program: nodeProgram(),
      write: (line) => logged.push(line),
    });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const { address, token } = engine;

  const ask: LiveEngine['ask'] = async (method, path, body, headers = {}) => {
    const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
    return answered(await fetch(address + path, { method, headers, ...init }));
  };
  const live: LiveEngine = {
    engine,
    address,
    folder,
    watch,
    state,
    logged,
    ask,
    control: (method, path, body) => ask(method, path, body, { authorization: `Bearer ${token}` }),
    predict: (model, body = { prompt: 'Hello', max_tokens: 2 }) => ask('POST', `/predict/${model}`, body),
    status: async () => (await ask('GET', '/status')).json as Snapshot,
    // With the token: without it a plan's arguments are not told.
    model: async (id) => ((await live.control('GET', '/control/snapshot')).json as Snapshot).models.find((model) => model.id === id),
    comesTo: (id, wanted, withinMs) =>
      eventually(
        `${id} is ${wanted}`,
        async () => {
          const model = await live.model(id);
          return model?.state === wanted && model;
        },
        withinMs,
      ),
    drop: (name, options) => writeTinyGguf(watch, { name, contextTokens: 512, ...options }),
    async set(more) {
      const reads = () => logged.filter((line) => line.startsWith('Settings read again')).length;
      const before = reads();
      write(more as Record<string, unknown>);
      await eventually('the settings are read again', () => reads() > before);
    },
    metrics: async () => (await ask('GET', '/metrics')).text,
    async close() {
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return live;
}

export async function answered(response: Response): Promise<Answered> {
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { status: response.status, headers: response.headers, text, json };
}
