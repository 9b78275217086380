/**
 * The whole story, on a real engine with a real llama.cpp and a real (tiny, untrained) model: drop
 * -> settling -> ready -> answers, streams, embeds -> metrics -> idle -> gone -> back on a request
 * -> SIGTERM leaves nothing.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyModel } from '../main/embedded/gguf/tiny-model.ts';
import type { ModelView } from '../shared/snapshot.ts';
import { BUILT_COMMAND } from './helpers/built-app.ts';

const folder = mkdtempSync(join(tmpdir(), 'modelium-flow-'));
const incoming = join(folder, 'incoming');
const settings = {
  orchestration: {
    model_discovery: { watch_directories: [incoming], scan_interval_seconds: 1 },
    policies: { evict_after_idle_seconds: 15, drain_seconds: 5 },
  },
  api: { port: 0 },
  metrics: { port: 0 },
  cache: { folder: join(folder, 'cache') },
};

let engine: ChildProcess;
let base = '';
let token = '';
const story: string[] = [];

beforeAll(async () => {
  mkdirSync(incoming);
  writeFileSync(join(folder, 'modelium.yaml'), JSON.stringify(settings));
  const args = [BUILT_COMMAND, '--state-folder', join(folder, 'state'), 'serve', '--config', join(folder, 'modelium.yaml')];
  engine = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  engine.stdout?.setEncoding('utf8').on('data', (text: string) => story.push(...text.split('\n').filter((line) => line !== '')));
  await until(() => story.some((line) => line.startsWith('Server ready at')), 'the engine listens');
  base = /http:\S+/.exec(story.find((line) => line.startsWith('Server ready at')) ?? '')?.[0] ?? '';
  token = readFileSync(join(folder, 'state', 'control-token'), 'utf8').trim();
});

afterAll(async () => {
  if (engine.exitCode === null) engine.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function until(condition: () => boolean | Promise<boolean>, what: string, withinMs = 60_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`waited ${withinMs} ms in vain: ${what}\n${story.join('\n')}`);
    await sleep(20);
  }
}

async function model(name = 'tiny'): Promise<ModelView | undefined> {
  const { models } = (await (await fetch(`${base}/models`)).json()) as { models: ModelView[] };
  return models.find(({ id }) => id === name);
}

const isIn = (state: string, name?: string) => async () => (await model(name))?.state === state;
const post = (path: string, body: unknown) => fetch(base + path, { method: 'POST', body: JSON.stringify(body) });

async function metric(line: RegExp): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((each) => line.test(each))
      ?.split(' ')
      .at(-1) ?? Number.NaN,
  );
}

/** As a slow copy writes it: in pieces, in place. @param pause between one and the next */
async function copySlowly(bytes: Uint8Array, target: string, pieces: number, pause: () => Promise<void>): Promise<void> {
  const file = openSync(target, 'w');
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += size) {
    writeSync(file, bytes, at, Math.min(size, bytes.length - at));
    await pause();
  }
  closeSync(file);
}

describe('the story of one model', () => {
  let pids: readonly number[] = [];

  test('a slow copy is followed with its progress and a request to it is told the percentage', async () => {
    const [file] = tinyModel({ name: 'tiny', minimumBytes: 4_000_000 });
    const seen = new Set<number>();
    // On busy cores it goes on only when the last piece was seen, up to four times.
    const pause = async () => {
      const [before, untilMs] = [seen.size, performance.now() + 5_000];
      await sleep(150);
      while (seen.size === before && seen.size <= 3 && performance.now() < untilMs) await sleep(50);
    };
    const copying = copySlowly(file!.bytes, join(incoming, 'tiny.gguf'), 20, pause);
    let refused: { status: number; text: string } | null = null;
    await until(async () => {
      const view = await model();
      if (view?.copy?.bytesExpected) {
        seen.add(view.copy.bytesPresent);
        const answer = await post('/predict/tiny', { prompt: 'Hello' });
        refused ??= { status: answer.status, text: await answer.text() };
      }
      return view?.state === 'ready';
    }, 'ready');
    await copying;
    expect(seen.size).toBeGreaterThan(3);
    expect(refused).toMatchObject({ status: 503, text: expect.stringMatching(/"code":"model-settling"/) });
    expect(refused!.text).toMatch(/\d+ %/);
  });

  test('it is ready on llama with a reason, predicted and measured memory, and a process', async () => {
    const view = await model();
    pids = view?.pids ?? [];
    expect(view).toMatchObject({ runtime: 'llama', devices: ['cpu'], plan: { runtime: 'llama', form: 'gguf' } });
    expect(pids.length).toBeGreaterThan(0);
    const ratio = (view?.measuredBytes?.['cpu'] ?? 0) / (view?.predictedBytes?.['cpu'] ?? 1);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
    for (const words of [
      'New model discovered: tiny',
      'Brain decision for tiny: llama (',
      'Loading tiny ...',
      'tiny loaded successfully (CPU, ',
    ]) {
      expect(
        story.filter((line) => line.startsWith(words)),
        words,
      ).toHaveLength(1);
    }
    const rows = (await (
      await fetch(`${base}/control/decisions?model=tiny`, { headers: { authorization: `Bearer ${token}` } })
    ).json()) as {
      decisions: { action: string; sentence: string; outcome: { ok: boolean } | null }[];
    };
    expect(rows.decisions.find(({ action }) => action === 'load')).toMatchObject({ outcome: { ok: true } });
  });

  test('the seed call works, with plain curl -d and its content type', async () => {
    const answer = await fetch(`${base}/predict/tiny`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: '{"prompt": "Hello", "max_tokens": 50}',
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-modelium-model')).toBe('tiny');
    expect(await answer.json()).toMatchObject({
      model: 'tiny',
      runtime: 'llama',
      text: expect.any(String),
      usage: { completion_tokens: 50 },
    });
  });

  test('it streams, and embeds', async () => {
    const stream = await (await post('/predict/tiny', { prompt: 'Hello', max_tokens: 12, stream: true })).text();
    const events = stream
      .split('\n\n')
      .filter(Boolean)
      .map((event) => JSON.parse(event.replace(/^data: /, '')) as Record<string, unknown>);
    expect(events.at(-1)).toMatchObject({ done: true, usage: { completion_tokens: 12 } });
    expect(events.slice(0, -1).every(({ text }) => typeof text === 'string')).toBe(true);
    const chat = await (
      await post('/v1/chat/completions', { model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 4, stream: true })
    ).text();
    expect(chat).toMatch(/data: \[DONE\]\n\n$/);
    const refused = await post('/v1/embeddings', { model: 'tiny', input: ['one', 'two'] });
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: 'not-supported-by-model' } }]);
    const [file] = tinyModel({ name: 'embedder', kind: 'bert' });
    writeFileSync(join(incoming, 'embedder.gguf'), file!.bytes);
    await until(isIn('ready', 'embedder'), 'the embedding model is ready');
    const embedded = (await (await post('/predict/embedder', { input: ['one', 'two', 'one'] })).json()) as { embeddings: number[][] };
    expect(embedded.embeddings.map((vector) => vector.length)).toEqual([64, 64, 64]);
    expect(embedded.embeddings[0]).toEqual(embedded.embeddings[2]);
    expect(embedded.embeddings[0]).not.toEqual(embedded.embeddings[1]);
  });

  test('the metrics moved', async () => {
    expect(await metric(/^modelium_requests_total\{model="tiny",runtime="llama",status="200"\}/)).toBeGreaterThanOrEqual(3);
    expect(await metric(/^modelium_tokens_total\{model="tiny",direction="completion"\}/)).toBeGreaterThanOrEqual(62);
    expect(await metric(/^modelium_model_loads_total\{runtime="llama",status="ok"\}/)).toBe(2);
    expect(await metric(/^modelium_models_loaded\{runtime="llama"\}/)).toBe(2);
  });

  test('idle, it is unloaded: its process is gone, and no rescan brings it back', async () => {
    await until(isIn('unloaded'), 'unloaded for idleness');
    expect(story.filter((line) => /^Unloading idle model: tiny \(idle: \d+ s, QPS: \d\.\d\d\)$/.test(line))).toHaveLength(1);
    await until(isIn('unloaded', 'embedder'), 'the other one too');
    expect(story.filter((line) => /^Memory freed: .* in .* s$/.test(line))).toHaveLength(2);
    for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(false);
    // Health checks, scrapes and page views are no activity, and three rescans pass.
    for (let look = 0; look < 7; look++) {
      await fetch(`${base}/health`);
      await metric(/./);
      expect((await model())?.state).toBe('unloaded');
      await sleep(500);
    }
  });

  test('a request brings it back, and is told what it waited for', async () => {
    const answer = await post('/predict/tiny', { prompt: 'Hello again', max_tokens: 5 });
    expect(answer.status).toBe(200);
    expect(Number(answer.headers.get('x-modelium-load-ms'))).toBeGreaterThan(0);
    expect(await answer.json()).toMatchObject({ usage: { completion_tokens: 5 }, timings: { load_ms: expect.any(Number) } });
    pids = (await model())?.pids ?? [];
  });

  test('renamed, it answers under both names without a reload', async () => {
    renameSync(join(incoming, 'tiny.gguf'), join(incoming, 'renamed.gguf'));
    await until(async () => (await model())?.aliases.includes('renamed') ?? false, 'the alias');
    const answer = await post('/predict/renamed', { prompt: 'Hello', max_tokens: 2 });
    expect(answer.status).toBe(200);
    expect((await model())?.pids).toEqual(pids);
  });

  test('SIGTERM ends it in order and leaves nothing', async () => {
    const ended = new Promise<number | null>((done) => engine.once('exit', done));
    engine.kill('SIGTERM');
    expect(await ended).toBe(0);
    for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(existsSync(join(folder, 'state', 'engine.json'))).toBe(false);
  });
});
