/**
 * Hosting: the built main process under plain Node 24, with test/fixtures/electron.cjs in place of
 * Electron, since the one that tests can fetch brings a Node too old for the engine. The engine,
 * its models and all processes are real; only what would be seen is told to the test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../../main/client.ts';
import { readEngineFile } from '../../main/io/engine-file.ts';
import { openStateFolder } from '../../main/io/state-folder.ts';
import { ERRORS } from '../../shared/errors.ts';
import { VERSION } from '../../shared/version.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Home, isAlive, makeHome, startServe } from '../helpers/serve.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { ROOT } from './driver.ts';

const MAIN = join(ROOT, 'dist/main/electron/main.cjs');
const FAKE = join(ROOT, 'test/fixtures/electron.cjs');

interface Call {
  readonly call: string;
  readonly args: readonly unknown[];
}

interface Question {
  readonly message: string;
  readonly detail: string;
  readonly buttons: readonly string[];
}

interface Shell {
  readonly child: ChildProcess;
  readonly calls: readonly Call[];
  story(): string;
  /** The engine's address, once the window shows its page. */
  shows(): Promise<string>;
  /** The next question in a dialog. */
  asked(): Promise<Question>;
  send(message: {
    readonly tray?: string;
    readonly answer?: string;
    readonly tell?: string;
    readonly value?: unknown;
    readonly close?: true;
    readonly second?: readonly string[];
  }): void;
  readonly ended: Promise<number | null>;
}

interface ShellOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

let homes: Home[] = [];
afterEach(async () => {
  for (const home of homes) await home.remove();
  homes = [];
});

/** A home with a port of the engine's choice. */
function newHome(settings: Record<string, unknown> = {}): Home {
  const home = makeHome({ api: { port: 0 }, ...settings });
  const whole = JSON.parse(readFileSync(home.config, 'utf8')) as Record<string, unknown>;
  const orchestration = { model_discovery: { watch_directories: [home.watch] }, ...(settings['orchestration'] as object | undefined) };
  writeFileSync(home.config, JSON.stringify({ ...whole, orchestration }));
  homes.push(home);
  return home;
}

function startShell(home: Home, { args = ['--state-folder', home.state, '--config', home.config], env = {} }: ShellOptions = {}): Shell {
  const xdg = join(home.root, 'xdg');
  const child = spawn(process.execPath, ['--require', FAKE, MAIN, ...args], {
    cwd: home.root,
    env: { PATH: process.env['PATH'], HOME: home.root, DISPLAY: ':none', XDG_STATE_HOME: xdg, XDG_CONFIG_HOME: xdg, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const calls: Call[] = [];
  let story = '';
  let questions = 0;
  child.on('message', (call) => calls.push(call as Call));
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (story += text));
  const of = (name: string) => calls.filter(({ call }) => call === name);
  const wait = <Result>(what: string, look: () => Result | null | undefined) =>
    eventually(what, look).catch((error: Error) => {
      throw new Error(`${error.message}. It said:\n${story}\n${calls.map(({ call }) => call).join(' ')}`);
    });
  return {
    child,
    calls,
    story: () => story,
    shows: () => wait('the page', () => /^(http:\S+)\/#token=/.exec(String(of('load').at(-1)?.args[0]))?.[1]),
    async asked() {
      const question = await wait('a question', () => of('showMessageBox')[questions]?.args[0] as Question | undefined);
      questions += 1;
      return question;
    },
    send: (message) => void child.send(message),
    ended: once(child, 'close').then(([code]) => code as number | null),
  };
}

/** A stream that goes on until it is cut; resolves once its first words are there. */
async function startStream(address: string, model: string): Promise<void> {
  const body = JSON.stringify({ prompt: 'Once upon a time', max_tokens: 4096, stream: true });
  const response = await fetch(`${address}/predict/${model}`, { method: 'POST', body });
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(first?.done).toBe(false);
  const rest = async () => {
    while ((await reader?.read())?.done === false);
  };
  void rest().catch(() => undefined);
}

describe('a window that hosts the engine', () => {
  test('starts one where none runs, shows that it starts, then its page; quit ends it and leaves no process', async () => {
    const home = newHome();
    // As the login starts it, after an evening on the whole screen.
    mkdirSync(home.state, { recursive: true, mode: 0o700 });
    const place = join(home.state, 'window.json');
    writeFileSync(place, JSON.stringify({ bounds: null, maximized: true }), { mode: 0o600 });
    const shell = startShell(home, { args: ['--state-folder', home.state, '--config', home.config, '--hidden'] });
    const address = await shell.shows();
    const looks = () => shell.calls.map(({ call }) => call).filter((call) => call === 'show' || call === 'maximize');
    expect(looks()).toEqual([]);
    shell.send({ second: [] });
    await eventually('the window is shown as it was', () => looks().join() === 'maximize,show');
    shell.send({ second: [] });
    await eventually('the window is shown again', () => looks().join() === 'maximize,show,show');
    expect(readEngineFile(home.state)).toMatchObject({ pid: shell.child.pid, address });
    expect((await fetch(`${address}/health`)).status).toBe(200);
    const loads = shell.calls.filter(({ call }) => call === 'load').map(({ args }) => String(args[0]));
    expect(Buffer.from(loads[0]?.split('base64,')[1] ?? '', 'base64').toString()).toContain('Starting the engine');
    expect(shell.calls).toContainEqual({ call: 'disableHardwareAcceleration', args: [] });
    expect(shell.calls).toContainEqual({ call: 'setPath', args: ['userData', join(home.state, 'window')] });
    expect(shell.calls).toContainEqual({ call: 'setWindowOpenHandler', args: [{ action: 'deny' }] });
    shell.send({ tray: 'Quit' });
    expect(await shell.ended).toBe(0);
    expect(home.processes()).toEqual([]);
    expect(readEngineFile(home.state)).toBeNull();
    expect(JSON.parse(readFileSync(place, 'utf8'))).toMatchObject({ maximized: true });
    expect(shell.calls.filter(({ call }) => call === 'showMessageBox')).toEqual([]);
  });

  test('serves a dropped model; quit asks when a request runs, and then ends it all', async () => {
    const home = newHome({ orchestration: { policies: { drain_seconds: 1 } } });
    const shell = startShell(home);
    const address = await shell.shows();
    await writeTinyGguf(home.watch, { name: 'tiny', contextTokens: 8192 });
    const client = await connect(home.state);
    const model = () => client.get<'snapshot'>('/control/snapshot').then(({ models }) => models.find(({ id }) => id === 'tiny'));
    await eventually('tiny is ready', async () => (await model())?.state === 'ready');
    const pids = (await model())?.pids ?? [];
    // Electron's binary is told to be a Node.
    expect(readFileSync(`/proc/${pids[0]}/environ`, 'utf8')).toContain('ELECTRON_RUN_AS_NODE=1');
    await startStream(address, 'tiny');
    shell.send({ tray: 'Quit' });
    expect(await shell.asked()).toMatchObject({ message: '1 request is running.', buttons: ['Quit', 'Cancel'] });
    shell.send({ answer: 'Cancel' });
    expect((await fetch(`${address}/health`)).status).toBe(200);
    expect((await model())?.inFlight).toBe(1);
    shell.send({ tray: 'Quit' });
    await shell.asked();
    shell.send({ answer: 'Quit' });
    expect(await shell.ended).toBe(0);
    expect(home.processes()).toEqual([]);
  });

  test('without a tray, closing the window is a wish to quit; with one it is told once that it goes on', async () => {
    const home = newHome();
    const programs = join(home.root, 'programs');
    mkdirSync(programs);
    const answer = (text: string) => writeFileSync(join(programs, 'busctl'), `#!/bin/sh\necho '${text}'\n`, { mode: 0o755 });
    const shell = startShell(home, { env: { XDG_SESSION_TYPE: 'wayland', PATH: `${programs}:${process.env['PATH']}` } });
    const count = (name: string) => shell.calls.filter(({ call }) => call === name).length;
    answer('b true');
    const address = await shell.shows();
    for (const times of [1, 2]) {
      shell.send({ close: true });
      await eventually('the window is hidden', () => count('hide') === times);
    }
    expect(shell.calls.filter(({ call }) => call === 'notification').map(({ args }) => args[0])).toMatchObject([
      { title: 'Modelium keeps serving' },
    ]);
    // A link turns the page of the window that is there, and can do nothing else.
    const loads = () => shell.calls.filter(({ call }) => call === 'load').map(({ args }) => args[0]);
    shell.send({ tell: 'modelium:show-in-tray', value: { sentence: 'idle', loadedCount: 0, inFlight: 0, unsavedCount: 0 } });
    const before = loads().length;
    for (const link of ['modelium://do/add', 'modelium://models/../../x', 'https://example.org/'])
      shell.send({ second: ['modelium', link] });
    shell.send({ second: ['modelium', '--flag', 'modelium://models/tiny'] });
    await eventually('the page', () => loads().at(-1) === `${address}/#/models/tiny`);
    expect(loads()).toHaveLength(before + 1);
    // What the login starts is a file that is there or not.
    const entry = join(home.root, 'xdg/autostart/modelium.desktop');
    shell.send({ tray: 'Start at login' });
    const exec = await eventually('the entry', () => existsSync(entry) && /^Exec=(.*)$/m.exec(readFileSync(entry, 'utf8'))?.[1]);
    expect(exec).toContain(`"/the app" "--state-folder" "${home.state}"`);
    expect(exec).toMatch(/ "--hidden"$/);
    shell.send({ tray: 'Start at login' });
    await eventually('no entry', () => !existsSync(entry));
    answer('b false');
    shell.send({ close: true });
    expect(await shell.ended).toBe(0);
    expect(count('hide')).toBe(2);
  });

  test('the tray tells what the page tells, and unloads what is loaded', async () => {
    const home = newHome();
    const shell = startShell(home);
    await shell.shows();
    await writeTinyGguf(home.watch, { name: 'tiny', contextTokens: 512 });
    const client = await connect(home.state);
    const state = async () => (await client.get<'snapshot'>('/control/snapshot')).models[0]?.state;
    await eventually('tiny is ready', async () => (await state()) === 'ready');
    const menus = () => shell.calls.filter(({ call }) => call === 'trayMenu').map(({ args }) => args[0] as readonly string[]);
    expect(menus().at(-1)).toContain('Unload all models (disabled)');
    shell.send({ tell: 'modelium:show-in-tray', value: { sentence: '1 model loaded', loadedCount: 1, inFlight: -1, unsavedCount: 0 } });
    shell.send({ tell: 'modelium:show-in-tray', value: { sentence: '1 model loaded', loadedCount: 1, inFlight: 0, unsavedCount: 0 } });
    await eventually('the tray tells it', () => menus().at(-1)?.[0] === '1 model loaded (disabled)');
    shell.send({ tray: 'Unload all models' });
    await eventually('tiny is unloaded', async () => (await state()) === 'unloaded');
    // A signal asks nobody.
    shell.child.kill('SIGTERM');
    expect(await shell.ended).toBe(0);
    expect(home.processes()).toEqual([]);
  });

  test('a signal ends it in order, without a question, while a request runs', async () => {
    const home = newHome({ orchestration: { policies: { drain_seconds: 1 } } });
    await writeTinyGguf(home.watch, { name: 'tiny', contextTokens: 8192 });
    const shell = startShell(home);
    const address = await shell.shows();
    await startStream(address, 'tiny');
    shell.child.kill('SIGINT');
    expect(await shell.ended).toBe(0);
    expect(shell.calls.filter(({ call }) => call === 'showMessageBox')).toEqual([]);
    expect(home.processes()).toEqual([]);
  });

  test('a signal while the engine starts ends it in order too', async () => {
    const home = newHome();
    const shell = startShell(home);
    await eventually('the engine starts', () => shell.story().includes('Settings:'));
    shell.child.kill('SIGTERM');
    expect(await shell.ended).toBe(0);
    expect(home.processes()).toEqual([]);
    expect(readEngineFile(home.state)).toBeNull();
    // In order: the books are closed, and nothing of them is left to be taken in.
    expect(readdirSync(home.state).filter((name) => name.endsWith('-wal'))).toEqual([]);
    openStateFolder(home.state).close();
  });

  test('an engine that is just starting or ending is waited for', async () => {
    const home = newHome();
    const other = openStateFolder(home.state);
    const shell = startShell(home);
    await eventually('it waits', () => shell.calls.some(({ call }) => call === 'load'));
    // Its lock was seen at least once.
    await eventually('it met the lock', () => shell.story().includes('Settings:'));
    other.close();
    await shell.shows();
    shell.send({ tray: 'Quit' });
    expect(await shell.ended).toBe(0);
  });

  test('where one runs it attaches, and leaves it running', async () => {
    const home = newHome();
    const engine = await startServe(home);
    const shell = startShell(home);
    expect(await shell.shows()).toBe(engine.address);
    shell.send({ tray: 'Quit' });
    expect(await shell.ended).toBe(0);
    expect(isAlive({ pid: engine.pid, startTime: home.processes()[0]?.startTime ?? 0 })).toBe(true);
    expect((await fetch(`${engine.address}/health`)).status).toBe(200);
    await engine.end('SIGTERM');
  });
});

describe('what keeps it from starting is said', () => {
  test('settings that are wrong: once they are mended it starts', async () => {
    const home = newHome();
    const good = readFileSync(home.config, 'utf8');
    writeFileSync(home.config, '{"api":{"prot":1,"\\e[31m\\u202egood":1}}');
    const shell = startShell(home);
    const question = await shell.asked();
    expect(question).toMatchObject({ message: 'Modelium cannot start', buttons: ['Try again', 'Quit'] });
    expect(question.detail).toContain('prot');
    expect(question.detail).toContain(ERRORS['settings-invalid'].hint);
    // A name in a file of somebody else does not rule the terminal.
    expect(shell.story()).toContain('unknown key "api.\\u{1b}[31m\\u{202e}good"');
    writeFileSync(home.config, good);
    shell.send({ answer: 'Try again' });
    await shell.shows();
    shell.send({ tray: 'Quit' });
    expect(await shell.ended).toBe(0);
  });

  test("another user's Modelium on the port is named", async () => {
    const stranger = newHome();
    const engine = await startServe(stranger);
    const home = newHome({ api: { port: Number(new URL(engine.address).port) } });
    const shell = startShell(home);
    const { detail } = await shell.asked();
    expect(detail).toContain(`another Modelium (version ${VERSION})`);
    expect(detail).toContain(ERRORS['port-taken'].hint);
    shell.send({ answer: 'Quit' });
    expect(await shell.ended).toBe(1);
    expect(home.processes()).toEqual([]);
    await engine.end('SIGTERM');
  });

  test('any other program on the port is not called one', async () => {
    const program = createServer((_, response) => response.end('{"status":"fine"}'));
    program.listen(0, '127.0.0.1');
    await once(program, 'listening');
    const home = newHome({ api: { port: (program.address() as AddressInfo).port } });
    const shell = startShell(home);
    const { detail } = await shell.asked();
    expect(detail).toContain('is taken by another program');
    expect(detail).not.toContain('another Modelium');
    shell.send({ answer: 'Quit' });
    expect(await shell.ended).toBe(1);
    program.closeAllConnections();
    program.close();
  });

  test('a state folder that cannot be', async () => {
    const home = newHome();
    const shell = startShell(home, { args: ['--state-folder', join(home.config, 'state')] });
    expect((await shell.asked()).detail).toContain(home.config);
    shell.send({ answer: 'Quit' });
    expect(await shell.ended).toBe(1);
  });
});

describe('the packaged binary is the command line too', () => {
  const PACKAGED = { FAKE_ELECTRON_PACKAGED: '1' };

  test.each([
    [['--version'], 0, VERSION],
    [['--no-sandbox', 'frobnicate'], 2, 'unknown verb'],
    [['--state-folder', 'here', 'ls'], 1, 'No engine runs for the state folder'],
  ])('%j', async (args, code, words) => {
    const shell = startShell(newHome(), { args, env: PACKAGED });
    expect(await shell.ended).toBe(code);
    expect(shell.story()).toContain(words);
    expect(shell.calls).toEqual([]);
  });

  test('without a display it serves, says why, and ends with the signal', async () => {
    const home = newHome();
    const shell = startShell(home, { env: { ...PACKAGED, DISPLAY: '' } });
    await eventually('it serves', () => shell.story().includes('Server ready'));
    expect(shell.story()).toContain('There is no display');
    expect(readEngineFile(home.state)?.pid).toBe(shell.child.pid);
    shell.child.kill('SIGTERM');
    expect(await shell.ended).toBe(0);
    expect(home.processes()).toEqual([]);
  });
});
