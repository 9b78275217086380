/**
 * `modelium demo`: fetches a model, serves it and asks it. It starts an engine with its own state
 * folder, watch folder and port, so that it never disturbs the user's engine, and talks to it over
 * HTTP only.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { basename, join } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';
import type { EngineEvent, ModelView } from '../../shared/snapshot.ts';
import { secondsInWords } from '../../shared/units.ts';
import { createClient, type EngineClient } from '../client.ts';
import type { Engine } from '../engine/engine.ts';
import { modeliumFolders } from '../io/folders.ts';
import { openStateFolder } from '../io/state-folder.ts';
import { isPortFree } from './check.ts';
import { followModel } from './load.ts';
import { paint, print, printText } from './output.ts';
import { dropInto, type SampleModel, sampleModel } from './sample-model.ts';
import { host, pageLine, stopSignals } from './serve.ts';
import { findWindow, spawnWindow } from './window.ts';

const FIRST_PORT = 8000;
const PORTS_TRIED = 100;
const QUESTION = 'What is a GPU?';
/**
 * From drop to verdict is a second; who has seen nothing after this long looks at a broken watch
 * folder.
 */
const NOTICE_LIMIT_MS = 60_000;

export interface DemoOptions {
  readonly once: boolean;
  /** Undefined: on a terminal. A script that runs the demo does not expect one. */
  readonly window: boolean | undefined;
}

export async function demo(options: DemoOptions): Promise<number> {
  const stop = stopSignals();
  const ended = new AbortController();
  void stop.then(() => ended.abort());
  const folders = modeliumFolders();
  const sample = await sampleModel(folders.cache, print);
  const stateFolder = join(folders.state, 'demo');
  const watch = join(folders.cache, 'demo', 'incoming');
  const engine = await startDemoEngine(stateFolder, watch);
  const window = !options.once && (options.window ?? process.stdout.isTTY === true) ? openWindow(stateFolder) : null;
  try {
    const answered = await tell(engine, sample, watch, ended.signal);
    if (options.once || !answered) return answered ? 0 : 1;
    if (process.stdout.isTTY === true) print(pageLine(engine));
    print(paint('dim', 'Serving until Ctrl-C.'));
    await Promise.race([stop, engine.closed]);
    return 0;
  } catch (thrown) {
    if (ended.signal.aborted) return 1;
    throw thrown;
  } finally {
    window?.kill();
    await engine.close();
    await rm(watch, { recursive: true, force: true });
  }
}

/**
 * Before anything is dropped, so that the person sees it happen. Quitting it leaves the demo
 * serving. @returns null where there can be none.
 */
function openWindow(stateFolder: string): ChildProcess | null {
  const found = findWindow();
  if ('why' in found) {
    print(paint('dim', `No window: ${found.why}`));
    return null;
  }
  const child = spawnWindow(found, stateFolder, 'ignore');
  child.once('error', (error) => print(`The window cannot be opened: ${error.message}`));
  child.once('exit', (code, signal) => {
    if ((code ?? 0) > 0 || (signal !== null && signal !== 'SIGTERM')) print(`The window ended with ${code ?? signal}.`);
  });
  return child;
}

/**
 * The watch folder of a demo that was killed is emptied, but only where no other demo serves from
 * it.
 */
async function startDemoEngine(stateFolder: string, watch: string): Promise<Engine> {
  const port = await freePort();
  if (port !== FIRST_PORT) print(`Port ${FIRST_PORT} is taken; the demo takes ${port}.`);
  openStateFolder(stateFolder).close();
  await rm(watch, { recursive: true, force: true });
  await mkdir(watch, { recursive: true });
  return host({ stateFolder, config: null, port, watch: [watch] });
}

async function freePort(): Promise<number> {
  for (let port = FIRST_PORT; port < FIRST_PORT + PORTS_TRIED; port += 1) if (await isPortFree(port)) return port;
  throw new ModeliumError('port-taken', `All ports from ${FIRST_PORT} to ${FIRST_PORT + PORTS_TRIED - 1} are taken.`);
}

/** Drop, ready, answer. @returns whether a text came back. */
async function tell(engine: Engine, sample: SampleModel, watch: string, signal: AbortSignal): Promise<boolean> {
  const client = createClient(engine.address, engine.token);
  const name = basename(sample.file);
  print(`Dropping ${name} into ${watch}`);
  const dropped = await dropInto(watch, sample.file, name);
  const model = await ready(client, await noticed(client, dropped, signal), signal);
  if (model.state !== 'ready') {
    print(`${paint('red', model.state)} ${model.message}${model.help === null ? '' : ` ${model.help}`}`);
    return false;
  }
  const path = `/predict/${model.id}`;
  const body = { prompt: QUESTION, max_tokens: 200, temperature: 0 };
  const answer = await predict(engine.address, path, body, signal);
  printText(`\n${paint('bold', QUESTION)}\n${answer.text.trim()}\n`);
  if (!sample.real) print('(Noise: this model was never trained.)');
  printText(`${paint('dim', timesOf(answer))}\n\nAsk it yourself:\n  curl ${engine.address}${path} -d '${JSON.stringify(body)}'\n`);
  return answer.text.trim() !== '';
}

/** The model as soon as the engine lists the dropped file. */
async function noticed(client: EngineClient, path: string, signal: AbortSignal): Promise<ModelView> {
  let found: ModelView | undefined;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(NOTICE_LIMIT_MS)]);
  const see = (data: unknown): boolean => {
    const event = data as EngineEvent;
    const models = event.type === 'snapshot' ? event.snapshot.models : (event.changed.models ?? []);
    found = models.find((model) => model.path === path);
    return found === undefined;
  };
  await client.follow('/control/events', see, limit);
  if (found === undefined) throw new ModeliumError('internal', `The engine did not notice ${path} within ${NOTICE_LIMIT_MS / 1000} s.`);
  return found;
}

/**
 * Follows the drop; where the same file was served by an earlier demo the engine knows it, and
 * waits to be asked (I4).
 */
async function ready(client: EngineClient, seen: ModelView, signal: AbortSignal): Promise<ModelView> {
  const model = await followModel(client, seen, signal);
  if (model.state !== 'unloaded') return model;
  const asked = await client.post<'load'>(`/control/models/${encodeURIComponent(model.id)}/load`, { force: false });
  return followModel(client, asked.model, signal);
}

interface Answer {
  readonly text: string;
  readonly runtime: string;
  readonly timings: { readonly total_ms: number; readonly tokens_per_second: number | null };
}

function timesOf({ runtime, timings }: Answer): string {
  const speed = timings.tokens_per_second === null ? '' : `, ${timings.tokens_per_second.toFixed(0)} tokens/s`;
  return `${runtime}, ${secondsInWords(timings.total_ms / 1000)}${speed}`;
}

/** As curl would: no token, no content type. */
function predict(address: string, path: string, body: unknown, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, address), { method: 'POST', signal }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('error', reject);
      response.once('end', () => {
        const failed = new ModeliumError('upstream-failed', `POST ${path} answered with status ${response.statusCode}: ${text}`);
        if (response.statusCode === 200) resolve(JSON.parse(text) as Answer);
        else reject(failed);
      });
    });
    sent.once('error', reject);
    sent.end(JSON.stringify(body));
  });
}
