/**
 * Drives the real Electron that `test/electron/setup` fetched: a screen for it, the built app in
 * it, and everything gone afterwards. Electron carries the home of its engine, so that
 * `Home.processes()` sees it and its children too.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, type ElectronApplication, type Page } from 'playwright-core';
import type { Home } from '../helpers/serve.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
const CACHE = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
export const ELECTRON_FOLDER = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(CACHE, 'modelium-tests', 'electron');
export const ELECTRON = join(ELECTRON_FOLDER, 'electron');
/** Named in the report of a run without it. */
export const MISSING = existsSync(ELECTRON) ? '' : ' (skipped: no Electron here; test/electron/setup fetches it)';
/** Root may not use Chromium's sandbox; there is no GPU to be had in any case. */
export const SWITCHES = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-dev-shm-usage'];

export interface Display {
  readonly name: string;
  stop(): Promise<void>;
}

/** The display that there is, or an Xvfb of our own. */
export async function startDisplay(): Promise<Display> {
  const there = process.env['DISPLAY'] ?? '';
  if (there !== '') return { name: there, stop: async () => undefined };
  const server = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const pipe = server.stdio[3];
  if (pipe === null || pipe === undefined || !('setEncoding' in pipe)) throw new Error('Xvfb has no pipe.');
  const [number] = (await once(pipe.setEncoding('utf8'), 'data')) as [string];
  return { name: `:${number.trim()}`, stop: () => ended(server) };
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill();
  await gone;
}

export function environment(home: Home, display: Display): Record<string, string> {
  const xdg = join(home.root, 'xdg');
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home.root,
    DISPLAY: display.name,
    NO_AT_BRIDGE: '1',
    XDG_STATE_HOME: xdg,
    XDG_CONFIG_HOME: xdg,
    XDG_CACHE_HOME: xdg,
    TMPDIR: home.root,
  };
}

/** What the window is called with, Electron's own switches included. */
export function windowArguments(home: Home, more: readonly string[] = []): readonly string[] {
  return [...SWITCHES, ROOT, '--state-folder', home.state, '--config', home.config, ...more];
}

export async function openApp(home: Home, display: Display, more: readonly string[] = []): Promise<ElectronApplication> {
  return _electron.launch({
    executablePath: ELECTRON,
    args: [...windowArguments(home, more)],
    env: environment(home, display),
    cwd: home.root,
    timeout: 60_000,
  });
}

/** The window's page, once it shows the engine's. */
export async function pageAt(app: ElectronApplication, address: string): Promise<Page> {
  const page = await app.firstWindow();
  await page.waitForURL((url) => url.origin === address, { timeout: 60_000 });
  return page;
}

/** Ends it as a person does, and waits until it has. @returns its exit code. */
export async function quitApp(app: ElectronApplication): Promise<number | null> {
  const child = app.process();
  const gone = once(child, 'exit');
  // The answer may get lost on the way out.
  await app.evaluate(({ app: electron }) => electron.quit()).catch(() => undefined);
  await gone;
  return child.exitCode;
}
