import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tinyModel } from '../../main/embedded/gguf/tiny-model.ts';
import type { DecisionRow } from '../../shared/decision.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import { BUILT_COMMAND } from '../helpers/built-app.ts';

/**
 * The verbs against a real engine with a real llama.cpp, each as a process of its own. The tests
 * build on each other, in order.
 */
let root: string;
let engine: ChildProcess;
let story = '';
let exited: Promise<number | null>;

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, XDG_STATE_HOME: join(root, 's'), XDG_CONFIG_HOME: join(root, 'c'), XDG_CACHE_HOME: join(root, 'k') };
}

function modelium(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BUILT_COMMAND, ...args], { env: environment(), cwd: root, timeout: 28_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await modelium(...args, '--json');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${err}`);
  return JSON.parse(out) as T;
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'modelium-live-'));
  for (const folder of ['incoming', 'library']) mkdirSync(join(root, folder));
  writeFileSync(join(root, 'modelium.yaml'), 'metrics: { enabled: false }\norchestration: { policies: { load: on_request } }\n', {
    mode: 0o644,
  });
  for (const [folder, name] of [
    ['incoming', 'dropped'],
    ['library', 'added'],
  ] as const) {
    const [file] = tinyModel({ name });
    if (file !== undefined) writeFileSync(join(root, folder, file.name), file.bytes);
  }
  engine = spawn(process.execPath, [BUILT_COMMAND, 'serve', '--port', '0', '--watch', join(root, 'incoming')], {
    env: environment(),
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  exited = new Promise((resolve) => engine.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    void exited.then((code) => reject(new Error(`the engine ended with ${code}: ${story}`)));
    engine.stdout?.setEncoding('utf8').on('data', (text: string) => {
      story += text;
      if (story.includes('Server ready at ')) resolve();
    });
  });
});

afterAll(async () => {
  engine.kill('SIGKILL');
  await exited;
  rmSync(root, { recursive: true });
});

test('serve says which settings are in force, and never the token in a pipe', () => {
  expect(story).toContain(`Settings: ${join(root, 'modelium.yaml')}`);
  expect(story).not.toContain('#token=');
});

test('load follows the model until it is ready; ls shows it', async () => {
  expect(await modelium('load', 'dropped')).toMatchObject({ code: 0, out: expect.stringContaining('ready dropped') });
  const [model] = await json<ModelView[]>('ls');
  expect(model).toMatchObject({ id: 'dropped', state: 'ready', runtime: 'llama' });
  expect((await modelium('ls')).out).toMatch(/^dropped +ready +llama +CPU /m);
});

test('plan changes nothing', async () => {
  const path = join(root, 'library', 'added.gguf');
  expect((await modelium('plan', path)).out).toMatch(/place: .*CPU/);
  expect(await json<ModelView[]>('ls')).toHaveLength(1);
});

test('add serves a file where it lies', async () => {
  expect(await json<{ id: string }>('add', join('library', 'added.gguf'))).toMatchObject({ id: 'added' });
  expect((await modelium('load', 'added', '--json')).code).toBe(0);
});

test('pin and let go', async () => {
  expect(await json<ModelView>('pin', 'dropped')).toMatchObject({ pinned: true });
  expect(await json<ModelView>('pin', 'dropped', '--off')).toMatchObject({ pinned: false });
});

test('why and logs tell what happened', async () => {
  const rows = await json<DecisionRow[]>('why', 'dropped');
  expect(rows).toContainEqual(expect.objectContaining({ modelId: 'dropped', action: 'load' }));
  expect((await modelium('why', 'dropped')).out).toContain('dropped is ready');
  expect((await json<string[]>('logs', 'dropped')).length).toBeGreaterThan(0);
  expect((await modelium('logs')).out).toContain('Brain decision for dropped: llama');
});

test('a name that there is not is an error with a hint', async () => {
  const { code, err } = await modelium('load', 'droped');
  expect(code).toBe(1);
  expect(err).toContain('There is no model "droped"');
});

test('check sees the engine', async () => {
  const found = await json<{ what: string; message: string }[]>('check');
  expect(found).toContainEqual(expect.objectContaining({ what: 'engine', message: expect.stringContaining('runs at http') }));
});

test('a second engine says where the first one is', async () => {
  const { code, err } = await modelium('serve', '--port', '0');
  expect(code).toBe(1);
  expect(err).toContain(`process ${engine.pid}`);
});

test('unload answers when the memory is free', async () => {
  expect(await json<ModelView>('unload', 'dropped')).toMatchObject({ state: 'unloaded' });
});

test('logs -f ends, and says so, when the engine ends; stop is an orderly end', async () => {
  const follower = spawn(process.execPath, [BUILT_COMMAND, 'logs', '-f'], {
    env: environment(),
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const followerExited = new Promise((resolve) => follower.once('exit', resolve));
  await new Promise((resolve) => follower.stdout.once('data', resolve));
  // It ends the engine by SIGTERM, and waits for it.
  expect(await modelium('stop')).toMatchObject({ code: 0, out: expect.stringMatching(/^The engine at http\S+ has ended\.$/m) });
  expect(await exited).toBe(0);
  await followerExited;
  expect(existsSync(join(root, 's', 'modelium', 'engine.json'))).toBe(false);
  expect(await modelium('ls')).toMatchObject({ code: 1, err: expect.stringContaining('No engine runs') });
});
