/**
 * Runs a real engine in this process, in a temporary folder, and asks it over HTTP as any client
 * would.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyModel } from '../../main/embedded/gguf/tiny-model.ts';
import { type Engine, startEngine } from '../../main/engine/engine.ts';
import { nodeProgram } from '../../main/packaged.ts';
import type { DecisionRow } from '../../shared/decision.ts';
import type { ErrorEnvelope } from '../../shared/errors.ts';
import type { StateName } from '../../shared/model.ts';
import type { DeviceView, ModelView, Snapshot } from '../../shared/snapshot.ts';
import { eventually } from './eventually.ts';
import type { TinyModelOptions } from './tiny-gguf.ts';

/** What a settings file says: any part of it. */
export type SettingsFile = Readonly<Record<string, unknown>>;

export interface PredictAnswer {
  readonly status: number;
  readonly retryAfter: number | null;
  readonly text: string | null;
  readonly timings: { readonly queue_ms: number; readonly load_ms: number } | null;
  readonly error: ErrorEnvelope['error'] | null;
}

/** A stream as it came: what broke it off in the end is `broken`. */
export interface StreamedAnswer {
  readonly status: number;
  readonly events: readonly Readonly<Record<string, unknown>>[];
  readonly broken: boolean;
}

export interface TestEngine {
  readonly engine: Engine;
  readonly folder: string;
  readonly watched: string;
  /** The story so far. */
  readonly logged: readonly string[];
  /** A tiny GGUF appears whole in the watch folder. */
  drop(name: string, options?: TinyModelOptions): Promise<void>;
  saveSettings(settings: SettingsFile): void;
  predict(model: string, body?: Readonly<Record<string, unknown>>): Promise<PredictAnswer>;
  stream(model: string, body?: Readonly<Record<string, unknown>>): Promise<StreamedAnswer>;
  status(): Promise<Snapshot>;
  /** Devices that are GPUs, by index. */
  gpus(): Promise<readonly DeviceView[]>;
  model(id: string): Promise<ModelView>;
  waitFor(id: string, state: StateName, withinMs?: number): Promise<ModelView>;
  /** The ledger, oldest first. */
  decisions(model?: string): Promise<readonly DecisionRow[]>;
  control(method: 'GET' | 'POST', path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Ends the engine; the folder goes too. A second call does nothing. */
  close(): Promise<void>;
}

/**
 * Starts one with its API on a free port and no metrics port. `settings` is saved as its settings
 * file.
 */
export async function startTestEngine(settings: SettingsFile = {}, options: { readonly folder?: string } = {}): Promise<TestEngine> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'modelium-engine-'));
  const watched = join(folder, 'incoming');
  const config = join(folder, 'modelium.yaml');
  const logged: string[] = [];
  await mkdir(watched, { recursive: true });
  const saveSettings = (next: SettingsFile): void =>
    writeFileSync(config, JSON.stringify({ metrics: { enabled: false }, ...next }, null, 2));
  saveSettings(settings);
  const engine = await startEngine({
    config,
    stateFolder: join(folder, 'state'),
    port: 0,
    watch: [watched],
    program: nodeProgram(),
    write: (line) => void logged.push(line),
  });
  return { ...client(engine), engine, folder, watched, logged, saveSettings, drop, close };

  async function drop(name: string, model: TinyModelOptions = {}): Promise<void> {
    for (const { name: file, bytes } of tinyModel({ ...model, name })) {
      // Renamed into place: it is whole when it is first seen.
      await writeFile(join(folder, file), bytes);
      await rename(join(folder, file), join(watched, file));
    }
  }

  async function close(): Promise<void> {
    await engine.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function client({ address, token }: Engine) {
  const post = (model: string, body: Readonly<Record<string, unknown>>): Promise<Response> =>
    fetch(`${address}/predict/${model}`, { method: 'POST', body: JSON.stringify({ prompt: 'Hello', max_tokens: 4, ...body }) });

  async function predict(model: string, body: Readonly<Record<string, unknown>> = {}): Promise<PredictAnswer> {
    const response = await post(model, body);
    const answer = (await response.json()) as Partial<PredictAnswer>;
    const retryAfter = response.headers.get('retry-after');
    return {
      status: response.status,
      retryAfter: retryAfter === null ? null : Number(retryAfter),
      text: answer.text ?? null,
      timings: answer.timings ?? null,
      error: answer.error ?? null,
    };
  }

  async function stream(model: string, body: Readonly<Record<string, unknown>> = {}): Promise<StreamedAnswer> {
    const response = await post(model, { stream: true, ...body });
    let text = '';
    let broken = false;
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
    } catch {
      broken = true;
    }
    const events = [...text.matchAll(/^data: (\{.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as Record<string, unknown>);
    return { status: response.status, events, broken };
  }

  async function control(method: 'GET' | 'POST', path: string, body?: unknown) {
    const response = await fetch(`${address}/control${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as unknown };
  }

  async function status(): Promise<Snapshot> {
    return (await (await fetch(`${address}/status`)).json()) as Snapshot;
  }

  async function gpus(): Promise<readonly DeviceView[]> {
    return (await status()).devices.filter(({ kind }) => kind === 'gpu');
  }

  async function find(id: string): Promise<ModelView | null> {
    // With the token: without it a plan's arguments are not told.
    const { models } = (await control('GET', '/snapshot')).body as Snapshot;
    return models.find((model) => model.id === id) ?? null;
  }

  async function model(id: string): Promise<ModelView> {
    const found = await find(id);
    if (found === null) throw new Error(`there is no model ${id}`);
    return found;
  }

  async function waitFor(id: string, state: StateName, withinMs = 60_000): Promise<ModelView> {
    let last: ModelView | null = null;
    try {
      return await eventually(
        `${id} ${state}`,
        async () => {
          last = await find(id);
          return last?.state === state ? last : null;
        },
        withinMs,
      );
    } catch {
      throw new Error(`${id} is not ${state} but ${JSON.stringify(last)}`);
    }
  }

  async function decisions(name?: string): Promise<readonly DecisionRow[]> {
    const { body } = await control('GET', `/decisions?limit=500${name === undefined ? '' : `&model=${name}`}`);
    return (body as { readonly decisions: readonly DecisionRow[] }).decisions.toReversed();
  }

  return { predict, stream, control, status, gpus, model, waitFor, decisions };
}
