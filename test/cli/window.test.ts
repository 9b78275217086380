/**
 * `modelium` without a verb, with a program in Electron's place that tells how it was started. The
 * real one: test/electron/window.test.ts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findWindow } from '../../main/cli/window.ts';
import { BUILT_COMMAND } from '../helpers/built-app.ts';
import { eventually } from '../helpers/eventually.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Tests may run as root. */
const NO_SANDBOX = { ELECTRON_DISABLE_SANDBOX: '1' };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelium-window-'));
  // Called as Electron would be; ends with 7, or with the signal that it waits for.
  const script = '#!/bin/sh\nprintf "%s\\n" "run as node: $ELECTRON_RUN_AS_NODE" "$@" >"$SEEN"\n[ -z "$STAY" ] || exec sleep 60\nexit 7\n';
  writeFileSync(join(folder, 'electron'), script, { mode: 0o755 });
});

afterAll(() => rmSync(folder, { recursive: true }));

function modelium(environment: Readonly<Record<string, string>>) {
  const env = { PATH: process.env['PATH'], HOME: folder, SEEN: join(folder, 'seen'), ELECTRON_RUN_AS_NODE: '1', ...environment };
  const child = spawn(process.execPath, [BUILT_COMMAND, '--state-folder', join(folder, 'state')], { cwd: folder, env });
  const ran = { child, words: '', ended: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (ran.words += text));
  return ran;
}

test('opens the window of its state folder, and ends with its code', async () => {
  const { ended } = modelium({ ...NO_SANDBOX, DISPLAY: ':1', ELECTRON_OVERRIDE_DIST_PATH: folder });
  expect(await ended).toEqual([7, null]);
  const switches = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  expect(readFileSync(join(folder, 'seen'), 'utf8').trimEnd().split('\n')).toEqual([
    'run as node: ',
    ...switches,
    `${ROOT}/`,
    '--state-folder',
    join(folder, 'state'),
  ]);
});

test('hands a signal on, and says how the window ended', async () => {
  rmSync(join(folder, 'seen'), { force: true });
  const ran = modelium({ ...NO_SANDBOX, STAY: '1', WAYLAND_DISPLAY: 'wayland-0', ELECTRON_OVERRIDE_DIST_PATH: folder });
  await eventually('the window is open', () => existsSync(join(folder, 'seen')));
  ran.child.kill('SIGTERM');
  expect(await ran.ended).toEqual([1, null]);
  expect(ran.words).toContain('The window ended with SIGTERM.');
});

test('serves where there is no display, and says so', async () => {
  const xdg = join(folder, 'xdg');
  writeFileSync(join(folder, 'modelium.yaml'), JSON.stringify({ api: { port: 0 }, metrics: { enabled: false } }));
  const ran = modelium({ ...NO_SANDBOX, XDG_CONFIG_HOME: xdg, ELECTRON_OVERRIDE_DIST_PATH: folder });
  await eventually('it serves', () => ran.words.includes('Server ready at'), 60_000);
  expect(ran.words).toContain('There is no display here: DISPLAY and WAYLAND_DISPLAY are not set. Serving without a window');
  ran.child.kill('SIGTERM');
  expect(await ran.ended).toEqual([0, null]);
});

describe('why there is no window', () => {
  test('no display', () => {
    expect(findWindow({ ...NO_SANDBOX })).toEqual({ why: expect.stringContaining('no display') });
  });

  test('no binary: what fetches it', () => {
    const elsewhere = { ...NO_SANDBOX, DISPLAY: ':1', ELECTRON_OVERRIDE_DIST_PATH: join(folder, 'nowhere') };
    expect(findWindow(elsewhere)).toEqual({ why: expect.stringContaining('npx install-electron') });
  });

  test('root, who must ask to go without the sandbox', () => {
    const environment = { DISPLAY: ':1', ELECTRON_OVERRIDE_DIST_PATH: folder };
    expect(findWindow(environment, true)).toEqual({ why: expect.stringContaining('sandbox') });
    expect(findWindow({ ...environment, ...NO_SANDBOX }, true)).toMatchObject({ args: ['--no-sandbox', expect.any(String)] });
    expect(findWindow(environment, false)).toMatchObject({ args: [expect.any(String)] });
  });
});
