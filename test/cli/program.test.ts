import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isPortFree, toFindings } from '../../main/cli/check.ts';
import manifest from '../../package.json' with { type: 'json' };
import type { Snapshot } from '../../shared/snapshot.ts';
import { VERSION } from '../../shared/version.ts';
import { BUILT_COMMAND } from '../helpers/built-app.ts';

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-cli-'));
});

afterAll(() => rmSync(root, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** @param more variables; what is undefined is not set. */
function modeliumWith(more: NodeJS.ProcessEnv, ...args: string[]): Promise<Ran> {
  const folders = { XDG_STATE_HOME: join(root, 's'), XDG_CONFIG_HOME: join(root, 'c'), XDG_CACHE_HOME: join(root, 'k') };
  const env = { ...process.env, ...folders, ...more };
  return new Promise((resolve) => {
    execFile(process.execPath, [BUILT_COMMAND, ...args], { env, cwd: root, timeout: 25_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

function modelium(...args: string[]): Promise<Ran> {
  return modeliumWith({}, ...args);
}

test('compiled code is kept in a folder of this user, never in the common temporary one', async () => {
  const temporary = join(root, 'temporary');
  mkdirSync(temporary);
  await modeliumWith({ TMPDIR: temporary, NODE_COMPILE_CACHE: undefined }, '--version');
  expect(existsSync(join(temporary, 'node-compile-cache'))).toBe(false);
  expect(existsSync(join(root, 'k', 'modelium', 'compiled'))).toBe(true);
});

test('compiled code is not taken from where somebody else can write', async () => {
  const shared = join(root, 'shared');
  mkdirSync(join(shared, 'modelium'), { recursive: true });
  chmodSync(shared, 0o777);
  expect(await modeliumWith({ XDG_CACHE_HOME: shared, NODE_COMPILE_CACHE: undefined }, '--version')).toMatchObject({ code: 0, err: '' });
  expect(existsSync(join(shared, 'modelium', 'compiled'))).toBe(false);
});

test("the version is package.json's", async () => {
  expect(VERSION).toBe(manifest.version);
  expect(await modelium('--version')).toMatchObject({ code: 0, out: `${VERSION}\n` });
});

test('help lists every verb', async () => {
  const { code, out } = await modelium('--help');
  expect(code).toBe(0);
  for (const verb of [
    'serve',
    'demo',
    'init',
    'import',
    'check',
    'status',
    'stop',
    'open',
    'service',
    'completion',
    'ps',
    'forget',
    'run',
    'ls',
    'add',
    'load',
    'unload',
    'pin',
    'trust',
    'chat',
    'plan',
    'why',
    'logs',
  ])
    expect(out).toContain(`  ${verb} `);
});

describe('wrong use ends with 2', () => {
  test.each([
    [['frobnicate']],
    [['load']],
    [['ls', '--frobnicate']],
    [['serve', '--port', '99999']],
    [['why', '-n', '0']],
    [['ls', 'too', 'many']],
  ])('%j', async (args) => {
    expect(await modelium(...args)).toMatchObject({ code: 2, out: '' });
  });
});

const EVIL = '\u001b]0;t\u0007\u001b[31m\u202e\u009b2J';

test.each([
  [[EVIL]],
  [['ls', `--${EVIL}`]],
  [['ls', EVIL]],
  [['help', EVIL]],
  [['completion', EVIL]],
  [['service', EVIL]],
  [['serve', '--port', EVIL]],
  [['why', '-n', EVIL]],
])('a terminal obeys no word of %j', async (args) => {
  const { out, err } = await modelium(...args);
  expect(out + err).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
});

describe('without an engine', () => {
  test.each([
    [['ls']],
    [['load', 'x']],
    [['unload', 'x']],
    [['pin', 'x']],
    [['trust', 'x']],
    [['add', '--found']],
    [['plan', '.']],
    [['why']],
    [['logs']],
    [['add', '.']],
    [['chat', 'x', '-p', 'y']],
  ])('%j says so and ends with 1', async (args) => {
    const { code, out, err } = await modelium(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('No engine runs for the state folder');
    expect(err).toContain('modelium serve');
  });
});

describe('check', () => {
  test('answers without an engine, in JSON too', async () => {
    const { out } = await modelium('check', '--json');
    const found = JSON.parse(out) as { what: string; verdict: string }[];
    expect(found.map(({ what }) => what)).toEqual(expect.arrayContaining(['node', 'settings', 'state folder', 'llama runtime', 'engine']));
    expect(found.find(({ what }) => what === 'engine')).toMatchObject({ verdict: 'missing' });
  });

  test('a broken settings file is found, with its line', async () => {
    const file = join(root, 'broken.yaml');
    writeFileSync(file, 'metrics:\n  prot: 1\n');
    const { code, out } = await modelium('check', '--config', file);
    expect(code).toBe(1);
    expect(out).toContain(`${file}:2:3: unknown key "metrics.prot"`);
  });

  test('a watch folder of the system is found, whatever leads there', async () => {
    const link = join(root, 'machine');
    symlinkSync('/', link);
    const file = join(root, 'system.yaml');
    writeFileSync(file, `orchestration: { model_discovery: { watch_directories: ["/", ${JSON.stringify(link)}] } }\n`);
    const { out } = await modelium('check', '--config', file, '--json');
    const found = JSON.parse(out) as { what: string; verdict: string; message: string }[];
    expect(found.flatMap(({ what, verdict, message }) => (what === 'watch folder' ? [`${verdict}: ${message}`] : []))).toEqual([
      expect.stringMatching(/^wrong: \/ belongs to the system: /),
      `wrong: ${link} leads to /, which belongs to the system.`,
    ]);
  });

  test('what is wrong with a server of one’s own is found by its key', async () => {
    const file = join(root, 'own.yaml');
    writeFileSync(file, 'runtimes: { mine: { command: /nowhere/server, args: ["--prot", "{prot}"] } }\n');
    const { code, out } = await modelium('check', '--config', file, '--json');
    expect(code).toBe(1);
    const found = JSON.parse(out) as { what: string; message: string }[];
    expect(found.flatMap(({ what, message }) => (what === 'runtimes.mine' ? [message] : []))).toEqual([
      expect.stringMatching(/^runtimes\.mine\.command is \/nowhere\/server, and there is no such program/),
      expect.stringMatching(/^runtimes\.mine\.args: \{prot\} is not a placeholder; did you mean \{port\}\?/),
      expect.stringMatching(/neither args nor env contains \{port\}/),
    ]);
  });

  test('what a running engine says is wrong, is wrong, and what is only not here is not', () => {
    const runtime = { enabled: true, found: false, version: null, message: 'So it is.' };
    const nothing = { devices: [], watchFolders: [], settingsProblem: null };
    const runtimes = [
      { id: 'mine', ...runtime, isWrong: true },
      { id: 'other', ...runtime },
    ];
    expect(toFindings({ ...nothing, runtimes } as unknown as Snapshot).map(({ verdict }) => verdict)).toEqual(['wrong', 'missing']);
  });

  test('knows a taken port from a free one', async () => {
    const holder = createServer();
    const port = await new Promise<number>((resolve) => {
      holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port));
    });
    expect(await isPortFree(port)).toBe(false);
    await new Promise((resolve) => holder.close(resolve));
    expect(await isPortFree(port)).toBe(true);
  });
});

describe('serve refuses before it starts', () => {
  test('broken settings', async () => {
    const file = join(root, 'broken.yaml');
    writeFileSync(file, 'metrics: 3\n');
    const { code, err } = await modelium('serve', '--config', file);
    expect(code).toBe(1);
    expect(err).toContain(`${file}:1:10: metrics: expected a section`);
  });
});
