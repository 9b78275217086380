import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEngineFile, readToken } from '../../main/io/engine-file.ts';
import { openStore } from '../../main/io/ledger/store.ts';
import { openStateFolder } from '../../main/io/state-folder.ts';

let root: string;
let path: string;
const ENGINE = { pid: 7, startTime: 1, run: 'run', bootId: 'b', address: 'http://127.0.0.1:8000', version: '1', startedAt: 'now' };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'modelium-state-'));
  path = join(root, 'deep', 'state');
});

afterEach(() => rmSync(root, { recursive: true }));

function modeOf(file: string): number {
  return statSync(file).mode & 0o777;
}

test('folder, token and engine file are for the owner only', () => {
  const folder = openStateFolder(path);
  folder.announce(ENGINE);
  expect(modeOf(path)).toBe(0o700);
  for (const name of readdirSync(path)) expect([name, modeOf(join(path, name))]).toEqual([name, 0o600]);
  expect(folder.token).toMatch(/^[\w-]{43}$/);
  expect(readEngineFile(path)).toEqual(ENGINE);
  folder.close();
});

test('the token stays over restarts, the engine file does not', () => {
  expect(readToken(path)).toBeNull();
  const first = openStateFolder(path);
  first.announce(ENGINE);
  first.close();
  expect(readEngineFile(path)).toBeNull();
  chmodSync(path, 0o755);
  const second = openStateFolder(path);
  expect(second.token).toBe(first.token);
  expect(readToken(path)).toBe(first.token);
  expect(modeOf(path)).toBe(0o700);
  second.close();
});

test('an engine that was killed leads nobody to its port any more, as soon as the next one starts', () => {
  openStateFolder(path).close();
  writeFileSync(join(path, 'engine.json'), JSON.stringify(ENGINE));
  expect(readEngineFile(path)).toEqual(ENGINE);
  const next = openStateFolder(path);
  expect(readEngineFile(path)).toBeNull();
  next.close();
});

test('a second engine is told where the first one is', () => {
  const first = openStateFolder(path);
  expect(() => openStateFolder(path)).toThrow(/just starting/);
  first.announce(ENGINE);
  expect(() => openStateFolder(path)).toThrow(
    expect.objectContaining({ code: 'already-running', message: expect.stringContaining('http://127.0.0.1:8000, process 7') }),
  );
  first.close();
  openStateFolder(path).close();
});

test('kill -9 leaves no lock behind', async () => {
  const script = `const { openStateFolder } = await import(${JSON.stringify(new URL('../../main/io/state-folder.ts', import.meta.url))});
    // Kept, as an engine does: what nobody holds is collected, and its lock with it.
    globalThis.held = openStateFolder(process.argv[1]);
    held.announce(${JSON.stringify(ENGINE)}); console.log('held'); setInterval(() => {}, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => other.once('exit', resolve));
  await new Promise((resolve) => other.stdout.once('data', resolve));
  expect(() => openStateFolder(path)).toThrow(expect.objectContaining({ code: 'already-running' }));
  other.kill('SIGKILL');
  await exited;
  openStateFolder(path).close();
});

test('a folder that cannot be made is said', () => {
  writeFileSync(join(root, 'file'), '');
  expect(() => openStateFolder(join(root, 'file', 'state'))).toThrow(expect.objectContaining({ code: 'state-unusable' }));
});

test('a folder that others may write, or that is not ours, is refused with what to do', () => {
  mkdirSync(path, { recursive: true });
  for (const mode of [0o777, 0o775, 0o702]) {
    chmodSync(path, mode);
    expect(() => openStateFolder(path)).toThrow(`${path} cannot be used: other users can write it; \`chmod go-w ${path}\``);
    expect(() => readToken(path)).toThrow('other users can write it');
    expect(modeOf(path)).toBe(mode);
  }
});

test('a link in its place is never followed with chmod', () => {
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o755 });
  mkdirSync(join(root, 'deep'));
  symlinkSync(elsewhere, path);
  for (const written of [path, `${path}/`, `${path}//.`]) {
    expect(() => openStateFolder(written)).toThrow(/other users can read it; `chmod 700 /);
    expect(modeOf(elsewhere)).toBe(0o755);
  }
  chmodSync(elsewhere, 0o700);
  openStateFolder(path).close();
});

test('a token that others may write, or that is no file, is refused', () => {
  openStateFolder(path).close();
  chmodSync(join(path, 'control-token'), 0o622);
  expect(() => readToken(path)).toThrow(/control-token cannot be used: other users can write it/);
  rmSync(join(path, 'control-token'));
  execFileSync('mkfifo', [join(path, 'control-token')]);
  expect(() => readToken(path)).toThrow(/it is a pipe, not a regular file/);
  expect(() => openStateFolder(path)).toThrow(/it is a pipe/);
});

test.runIf(process.getuid?.() === 0)("another user's folder or token is refused for root too", () => {
  openStateFolder(path).close();
  chownSync(join(path, 'control-token'), 12_345, 12_345);
  expect(() => openStateFolder(path)).toThrow(/control-token cannot be used: it belongs to another user \(number 12345\); `chown 0 /);
  chownSync(path, 12_345, 12_345);
  expect(() => openStateFolder(path)).toThrow(/state cannot be used: it belongs to another user/);
  const link = join(root, 'link');
  symlinkSync(path, link);
  expect(() => openStateFolder(link)).toThrow(/it belongs to another user/);
});

describe.each(['engine.lock', 'modelium.db', 'modelium.db-wal', 'modelium.db-shm'])('%s', (name) => {
  const opened = () => {
    const folder = openStateFolder(path);
    try {
      openStore(path, () => 0).close();
    } finally {
      folder.close();
    }
  };
  let file: string;
  beforeEach(() => {
    opened();
    file = join(path, name);
  });
  const refusal = (why: string) => expect.objectContaining({ code: 'state-unusable', message: `${file} cannot be used: ${why}.` });

  test('is no link: neither it nor the rights of what it leads to are changed', () => {
    const elsewhere = join(root, 'elsewhere');
    writeFileSync(elsewhere, '');
    rmSync(file, { force: true });
    symlinkSync(elsewhere, file);
    for (const mode of [0o644, 0o666]) {
      chmodSync(elsewhere, mode);
      expect(opened).toThrow(refusal('it is a link, not a regular file; move it away, and Modelium makes a new one'));
      expect([modeOf(elsewhere), statSync(elsewhere).size]).toEqual([mode, 0]);
    }
    rmSync(elsewhere);
    expect(opened).toThrow(refusal('it is a link, not a regular file; move it away, and Modelium makes a new one'));
  });

  test('is a file, which others cannot write', () => {
    rmSync(file, { force: true });
    execFileSync('mkfifo', [file]);
    expect(opened).toThrow(refusal('it is a pipe, not a regular file; move it away, and Modelium makes a new one'));
    rmSync(file);
    writeFileSync(file, '');
    chmodSync(file, 0o622);
    expect(opened).toThrow(refusal(`other users can write it; \`chmod go-w ${file}\` fixes that`));
    chmodSync(file, 0o644);
    opened();
    if (!name.includes('-')) expect(modeOf(file)).toBe(0o600);
  });

  test.runIf(process.getuid?.() === 0)('belongs to nobody else, for root too', () => {
    writeFileSync(file, '', { flag: 'a' });
    chownSync(file, 12_345, 12_345);
    expect(opened).toThrow(refusal(`it belongs to another user (number 12345); \`chown 0 ${file}\` would make it yours`));
    chownSync(file, 0, 0);
    opened();
  });
});

test('deleted while it is open, it is made again: the engine is found, and stays the only one', () => {
  const first = openStateFolder(path);
  first.announce(ENGINE);
  expect(first.check()).toBe('there');
  for (const name of ['engine.json', 'control-token']) rmSync(join(path, name));
  expect(first.check()).toBe('there');
  expect([readEngineFile(path), readToken(path)]).toEqual([ENGINE, first.token]);
  rmSync(path, { recursive: true });
  expect(first.check()).toBe('made-again');
  expect([modeOf(path), readEngineFile(path), readToken(path)]).toEqual([0o700, ENGINE, first.token]);
  expect(() => openStateFolder(path)).toThrow(expect.objectContaining({ code: 'already-running' }));
  expect(first.check()).toBe('there');
  first.close();
  expect(readEngineFile(path)).toBeNull();
});

test('where a second engine was quicker, the first one notices, and leaves the second alone', () => {
  const first = openStateFolder(path);
  rmSync(path, { recursive: true });
  const second = openStateFolder(path);
  second.announce(ENGINE);
  expect(first.check()).toBe('taken');
  first.close();
  expect([readEngineFile(path), readToken(path)]).toEqual([ENGINE, second.token]);
  second.close();
});

test('what was remembered outlives the deletion of its file', () => {
  const folder = openStateFolder(path);
  const store = openStore(path, () => 0);
  const decide = (sentence: string) =>
    store.ledger.decide({
      modelId: 'tiny',
      action: 'load',
      reason: 'fits',
      sentence,
      because: { cause: { kind: 'by-hand' }, facts: [] },
      inputs: {},
      candidates: [],
    });
  decide('Before.');
  rmSync(path, { recursive: true });
  expect(folder.check()).toBe('made-again');
  store.rescue();
  decide('After.');
  store.close();
  const again = openStore(path, () => 0);
  expect(again.ledger.decisions({ limit: 9 }).map(({ sentence }) => sentence)).toEqual(['After.', 'Before.']);
  again.close();
  folder.close();
});
