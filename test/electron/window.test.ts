/**
 * The real main process and preload in a real Electron (25.1.1: Chrome 114, Node 18), attached to a
 * real engine under Node 24. Its Node cannot host the engine, so whatever the window shows after
 * the engine ended is one that somebody else started: hosting is test/electron/hosting.test.ts's.
 * One window for all tests of this file, in the order of a session: used, closed, restored, its
 * engine lost, quit.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ElectronApplication, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readToken } from '../../main/io/engine-file.ts';
import { shortcutGroups } from '../../renderer/palette/shortcut-table.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Home, makeHome, type Served, startServe } from '../helpers/serve.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import {
  type Display,
  ELECTRON,
  ELECTRON_FOLDER,
  environment,
  MISSING,
  openApp,
  pageAt,
  quitApp,
  startDisplay,
  windowArguments,
} from './driver.ts';

/** Copy, link and move, as file managers offer. */
const ANY_DRAG = 19;

describe.skipIf(MISSING !== '')(`a real window on an engine that runs${MISSING}`, () => {
  let home: Home;
  let display: Display;
  let engine: Served;
  let app: ElectronApplication;
  let page: Page;
  /** Stands for the rest of the world; counts who came. */
  let elsewhere: Server;
  let elsewhereAddress: string;
  let visits = 0;

  beforeAll(async () => {
    home = makeHome();
    display = await startDisplay();
    elsewhere = createServer((_, response) => {
      visits += 1;
      response.end('elsewhere');
    });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    elsewhereAddress = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    engine = await startServe(home);
    app = await openApp(home, display);
    page = await pageAt(app, engine.address);
  });

  afterAll(async () => {
    elsewhere?.close();
    await home?.remove();
    await display?.stop();
  });

  const isVisible = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isVisible() ?? false);
  const engines = () => home.processes().filter(({ command }) => command.includes(' serve '));
  const mark = () => page.evaluate(() => Object.assign(globalThis, { marker: 'the same document' }));
  const isMarked = () => page.evaluate(() => 'marker' in globalThis);
  const banner = () => page.getByTestId('link-banner');
  /**
   * No banner, and each model once: what the page knew before and what the engine told anew are the
   * same models.
   */
  const showsEachOnce = async () => {
    await banner().waitFor({ state: 'hidden' });
    await page.evaluate(() => {
      (globalThis as unknown as { location: { hash: string } }).location.hash = '#/models';
    });
    const names = page.getByRole('rowheader').getByRole('link');
    await expect.poll(() => names.allInnerTexts()).toEqual(['a folder', 'dropped one']);
    expect((await engine.models()).map(({ id }) => id).sort()).toEqual(['a folder', 'dropped one']);
  };
  /** What a page's request gets: a status, or that nobody was asked. */
  const ask = (url: string) =>
    page.evaluate(
      (target) =>
        fetch(target, { mode: 'no-cors' }).then(
          ({ status }) => status,
          () => 'refused',
        ),
      url,
    );

  test("shows the engine's page, which takes the token out of its address and follows the engine", async () => {
    await page.waitForURL(`${engine.address}/#/box`);
    const kept = () =>
      page.evaluate(() => Object.values((globalThis as unknown as { sessionStorage: Record<string, string> }).sessionStorage));
    // Not the token: what a browser keeps, whoever takes the port can read.
    expect(JSON.stringify(await kept())).not.toContain(readToken(home.state));
  });

  test("4: the menu's keys are those that the list of keys names", async () => {
    const menu = await app.evaluate(({ Menu }) =>
      (Menu.getApplicationMenu()?.items ?? []).flatMap(({ submenu }) =>
        (submenu?.items ?? []).flatMap(({ accelerator, role }) => (accelerator && !role ? [String(accelerator)] : [])),
      ),
    );
    const listed = shortcutGroups(true).find(({ title }) => title === 'The app')?.shortcuts ?? [];
    expect(menu).toEqual(listed.map(({ keys }) => keys.join('+').replace('Ctrl', 'CommandOrControl')));
  });

  test('the page gets the functions of the bridge, and nothing of Node or Electron', async () => {
    const seen = await page.evaluate(() => {
      const { modelium } = globalThis as unknown as { modelium: Record<string, unknown> };
      return {
        bridge: Object.entries(modelium).map(([name, value]) => `${name}: ${typeof value}`),
        leaks: ['require', 'process', 'module', 'Buffer', 'electron', 'ipcRenderer'].filter((name) => name in globalThis),
      };
    });
    expect(seen).toEqual({
      bridge: [
        'pathsOf: function',
        'choose: function',
        'notify: function',
        'showInTray: function',
        'openSettings: function',
        'openFolder: function',
        'startAtLogin: function',
      ],
      leaks: [],
    });
    const preferences = await app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as { getLastWebPreferences(): Record<string, unknown> };
      const { sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity } = contents.getLastWebPreferences();
      return { sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity };
    });
    expect(preferences).toEqual({ sandbox: true, contextIsolation: true, nodeIntegration: false, webviewTag: false, webSecurity: true });
  });

  test('a file and a folder dropped onto the page tell their paths', async () => {
    const folder = join(home.root, 'a folder');
    const file = await writeTinyGguf(folder, { name: 'dropped one', contextTokens: 512 });
    await app.evaluate(({ Notification }) => {
      const titles: string[] = [];
      Object.assign(globalThis, { titles });
      Notification.prototype.show = function show() {
        titles.push(this.title);
      };
    });
    await page.evaluate(() => {
      const bridge = (globalThis as unknown as { modelium: { pathsOf(items: readonly unknown[]): readonly string[] } }).modelium;
      const target = globalThis as unknown as EventTarget & { dropped: readonly string[] };
      // Before the page, which takes the event for itself.
      target.addEventListener(
        'drop',
        (event) => {
          const { files } = (event as unknown as { dataTransfer: { files: Iterable<unknown> } }).dataTransfer;
          target.dropped = bridge.pathsOf([...files, 'no file']);
        },
        { capture: true },
      );
    });
    const devtools = await page.context().newCDPSession(page);
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
      await devtools.send('Input.dispatchDragEvent', {
        type,
        x: 300,
        y: 300,
        data: { items: [], files: [file, folder], dragOperationsMask: ANY_DRAG },
      });
    }
    const dropped = () => page.evaluate(() => (globalThis as { dropped?: readonly string[] }).dropped ?? null);
    expect(await eventually('the drop', dropped)).toEqual([file, folder, '']);
    await devtools.detach();
    // And the page does what a drop is for: the engine serves the file from where it lies.
    expect((await engine.becomes('dropped one', 'ready')).path).toBe(file);
    // Out of sight, the person is told when it has become ready again.
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.hide());
    await engine.control('POST', '/control/models/dropped%20one/unload', {});
    await engine.control('POST', '/control/models/dropped%20one/load', {});
    const titles = () => app.evaluate(() => (globalThis as unknown as { titles: readonly string[] }).titles);
    await eventually('the notification', async () => (await titles()).includes('dropped one is ready'));
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.show());
  });

  test('a notification says what the page says; a click on it shows the window on that page, in the same document', async () => {
    await mark();
    await app.evaluate(({ Notification, BrowserWindow }) => {
      const shown: unknown[] = [];
      Object.assign(globalThis, { shown });
      Notification.prototype.show = function show() {
        shown.push({ title: this.title, body: this.body });
        BrowserWindow.getAllWindows()[0]?.hide();
        this.emit('click');
      };
    });
    const notify = (notice: unknown) =>
      page.evaluate((given) => (globalThis as unknown as { modelium: { notify(notice: unknown): void } }).modelium.notify(given), notice);
    // Refused: a page that there is not, and a text that is none.
    await notify({ title: 'Bad', body: '', page: '../evil' });
    await notify({ title: 5, body: '', page: 'models' });
    await notify({ title: 'tiny is ready', body: 'Try it', page: 'models' });
    await page.waitForURL(`${engine.address}/#/models`);
    expect(await app.evaluate(() => (globalThis as unknown as { shown: unknown }).shown)).toEqual([
      { title: 'tiny is ready', body: 'Try it' },
    ]);
    expect(await isVisible()).toBe(true);
    expect(await isMarked()).toBe(true);
  });

  test('the native dialog gives paths, or none when it was cancelled', async () => {
    const choose = (what: string) =>
      page.evaluate(
        (asked) => (globalThis as unknown as { modelium: { choose(what: string): Promise<unknown> } }).modelium.choose(asked),
        what,
      );
    await app.evaluate(({ dialog }) => {
      const canned = async (...given: unknown[]) => {
        const { properties } = given[1] as { properties: readonly string[] };
        const isFolder = properties.includes('openDirectory');
        return { canceled: !isFolder, filePaths: isFolder ? ['/models/a'] : [] };
      };
      dialog.showOpenDialog = canned as typeof dialog.showOpenDialog;
    });
    expect(await choose('folder')).toEqual(['/models/a']);
    expect(await choose('files')).toEqual([]);
    expect(await choose('anything')).toEqual([]);
  });

  test('leads nowhere: no navigation, no window, no request to elsewhere, no permission', async () => {
    const before = page.url();
    await page.evaluate((url) => {
      (globalThis as unknown as { location: { href: string } }).location.href = url;
    }, elsewhereAddress);
    // A link of an answer: the person is shown where it leads, and the desktop's browser opens it,
    // or nothing does.
    await app.evaluate(({ dialog, shell }) => {
      const asked: string[] = [];
      const opened: string[] = [];
      Object.assign(globalThis, { asked, opened });
      const answer = async (...given: unknown[]) => {
        asked.push((given.at(-1) as { detail: string }).detail);
        return { response: asked.length === 1 ? 1 : 0, checkboxChecked: false };
      };
      dialog.showMessageBox = answer as typeof dialog.showMessageBox;
      shell.openExternal = async (url) => void opened.push(url);
    });
    const links = [`${elsewhereAddress}/declined`, 'file:///etc/passwd', 'https://user:secret@example.org/', `${elsewhereAddress}/opened`];
    for (const link of links) {
      expect(await page.evaluate((url) => (globalThis as unknown as { open(url: string): unknown }).open(url), link)).toBeNull();
    }
    const seen = () =>
      app.evaluate(() => {
        const { asked, opened } = globalThis as unknown as { asked: string[]; opened: string[] };
        return { asked, opened };
      });
    await expect
      .poll(seen)
      .toEqual({ asked: [`${elsewhereAddress}/declined`, `${elsewhereAddress}/opened`], opened: [`${elsewhereAddress}/opened`] });
    expect(await ask(elsewhereAddress)).toBe('refused');
    expect(await ask(`${engine.address}/health`)).toBe(200);
    const permissions = await page.evaluate(async () => {
      const { Notification, navigator } = globalThis as unknown as {
        Notification: { requestPermission(): Promise<string> };
        navigator: {
          permissions: { query(what: { name: string }): Promise<{ state: string }> };
          clipboard: { readText(): Promise<string>; writeText(text: string): Promise<void> };
        };
      };
      const names = ['geolocation', 'camera', 'microphone', 'notifications', 'clipboard-read', 'midi'];
      const states = await Promise.all(names.map(async (name) => (await navigator.permissions.query({ name })).state));
      const asked = await Notification.requestPermission();
      const outcome = (done: Promise<unknown>) =>
        done.then(
          () => 'granted',
          ({ name }: Error) => name,
        );
      return { states: [...new Set(states)], asked, reading: await outcome(navigator.clipboard.readText()) };
    });
    expect(permissions).toEqual({ states: ['denied'], asked: 'denied', reading: 'NotAllowedError' });
    // The one that a Copy button needs.
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.focus());
    const hasFocus = () => page.evaluate(() => (globalThis as unknown as { document: { hasFocus(): boolean } }).document.hasFocus());
    await eventually('the page has the focus', hasFocus);
    await page.evaluate(() =>
      (globalThis as unknown as { navigator: { clipboard: { writeText(text: string): Promise<void> } } }).navigator.clipboard.writeText(
        'curl',
      ),
    );
    expect({ url: page.url(), visits, windows: app.windows().length }).toEqual({ url: before, visits: 0, windows: 1 });
  });

  test("listens to nobody but the engine's page", async () => {
    await app.evaluate(() => Object.assign(globalThis, { shown: [] }));
    await app.evaluate(({ Notification }) => {
      Notification.prototype.show = function show() {
        (globalThis as unknown as { shown: unknown[] }).shown.push(this.title);
      };
    });
    const own = `file://${join(import.meta.dirname, '../../dist/main/electron/starting.html')}`;
    await app.evaluate(({ BrowserWindow }, url) => BrowserWindow.getAllWindows()[0]?.loadURL(url), own);
    await page.waitForURL(own);
    const answered = await page.evaluate(async () => {
      const { modelium } = globalThis as unknown as { modelium: { notify(notice: object): void; choose(what: string): Promise<unknown> } };
      modelium.notify({ title: 'From a file', body: '', page: 'models' });
      return modelium.choose('folder');
    });
    expect(answered).toEqual([]);
    expect(await app.evaluate(() => (globalThis as unknown as { shown: unknown }).shown)).toEqual([]);
    await app.evaluate(({ BrowserWindow }, url) => BrowserWindow.getAllWindows()[0]?.loadURL(url), `${engine.address}/#/box`);
    await page.waitForURL(`${engine.address}/#/box`);
  });

  test('closing hides it; a second start shows it again, and ends', async () => {
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.close());
    await eventually('the window is hidden', async () => !(await isVisible()));
    await mark();
    const start = async (link: string) => {
      const second = spawn(ELECTRON, [...windowArguments(home, [link])], {
        env: environment(home, display),
        cwd: home.root,
        stdio: 'ignore',
      });
      expect(await once(second, 'exit')).toEqual([0, null]);
    };
    // By a link, which turns the page and does nothing else; one that would do more does nothing.
    await start('modelium://playground/dropped%20one');
    await eventually('the window is shown', isVisible);
    await page.waitForURL(`${engine.address}/#/playground/dropped%20one`);
    await start('modelium://models/dropped%20one/unload?force=true');
    expect([page.url(), await isMarked()]).toEqual([`${engine.address}/#/playground/dropped%20one`, true]);
    expect(app.windows()).toHaveLength(1);
  });

  test('`modelium` without a verb opens it, which here shows the one that is open', async () => {
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.hide());
    const cli = join(import.meta.dirname, '../../dist/main/cli.js');
    const env = { ...environment(home, display), ELECTRON_OVERRIDE_DIST_PATH: ELECTRON_FOLDER, ELECTRON_DISABLE_SANDBOX: '1' };
    const child = spawn(process.execPath, [cli, '--state-folder', home.state], { env, cwd: home.root, stdio: 'ignore' });
    expect(await once(child, 'exit')).toEqual([0, null]);
    await eventually('the window is shown', isVisible);
  });

  test('its place is remembered, by the owner only, and taken again', async () => {
    const place = { x: 120, y: 90, width: 1111, height: 777 };
    await app.evaluate(({ BrowserWindow }, bounds) => BrowserWindow.getAllWindows()[0]?.setBounds(bounds), place);
    const bounds = () => app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.getBounds());
    await eventually('the window is placed', async () => JSON.stringify(await bounds()) === JSON.stringify(place));
    await quitApp(app);
    expect(statSync(join(home.state, 'window.json')).mode & 0o777).toBe(0o600);
    app = await openApp(home, display);
    page = await pageAt(app, engine.address);
    expect(await bounds()).toEqual(place);
  });

  test('an engine that was killed is waited for, and nothing is sent to who takes its port', async () => {
    await showsEachOnce();
    await mark();
    const { port } = new URL(engine.address);
    await engine.end('SIGKILL');
    await banner()
      .getByText(/^The engine (ended|does not answer)\./)
      .waitFor();
    const stolen: string[] = [];
    const thief = createServer(({ url, headers }, response) => {
      stolen.push(`${url} ${headers.authorization ?? 'without a token'}`);
      response.end('{"status":"ok"}');
    });
    thief.listen(Number(port), '127.0.0.1');
    await once(thief, 'listening');
    await eventually('the thief is asked for a proof', () => stolen.length > 0);
    for (let index = 0; index < 20; index += 1) expect(await ask(`http://127.0.0.1:${port}/health`)).toBe('refused');
    thief.closeAllConnections();
    await new Promise((resolve) => thief.close(resolve));
    expect(engines()).toEqual([]);
    engine = await startServe(home, { port: Number(port) });
    await eventually('the page reaches its engine again', async () => (await ask(`${engine.address}/health`)) === 200);
    expect([...new Set(stolen)]).toEqual(['/control/prove without a token']);
    await showsEachOnce();
    expect(await isMarked()).toBe(true);
    expect(page.url()).toMatch(new RegExp(`^${engine.address}/#/`));
    expect(engines()).toHaveLength(1);
  });

  test('an engine that comes back elsewhere is loaded from there', async () => {
    const before = engine.address;
    await engine.end('SIGKILL');
    await eventually('the page is cut off', async () => (await ask(`${before}/health`)) === 'refused');
    engine = await startServe(home);
    expect(engine.address).not.toBe(before);
    await page.waitForURL((url) => url.origin === engine.address);
    expect(await isMarked()).toBe(false);
    expect(await ask(`${engine.address}/health`)).toBe(200);
    await showsEachOnce();
    expect(engines()).toHaveLength(1);
  });

  test('a page that cannot be loaded waits with a word, and comes by itself', async () => {
    const { address } = engine;
    await engine.end('SIGKILL');
    await eventually('the page is cut off', async () => (await ask(`${address}/health`)) === 'refused');
    await app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.reload());
    await eventually('our own page', () => /^data:.*#waiting$/.test(page.url()));
    expect(await page.innerText('body')).toContain('Waiting for the engine');
    engine = await startServe(home, { port: Number(new URL(address).port) });
    await page.waitForURL((url) => url.origin === address);
  });

  test('the settings have it start with the login, and show what the tray does', async () => {
    const entry = join(home.root, 'xdg/autostart/modelium.desktop');
    await page.evaluate(() => Object.assign((globalThis as unknown as { location: { hash: string } }).location, { hash: '#/settings' }));
    const login = page.getByRole('switch', { name: 'Start with your login' });
    await login.click();
    await eventually('the entry', () => existsSync(entry));
    expect(readFileSync(entry, 'utf8')).toContain(`"--state-folder" "${home.state}"`);
    await expect.poll(() => login.isChecked()).toBe(true);
    await login.click();
    await eventually('no entry', () => !existsSync(entry));
  });

  test('quit asks before it loses edits of the settings', async () => {
    await page.evaluate(() => Object.assign((globalThis as unknown as { location: { hash: string } }).location, { hash: '#/settings' }));
    const field = page.getByRole('group').filter({ has: page.locator('code').getByText('llama.enabled', { exact: true }) });
    await field.getByRole('switch').click();
    await page.getByRole('region', { name: 'Changes' }).waitFor();
    await app.evaluate(({ dialog }) => {
      const asked: unknown[] = [];
      Object.assign(globalThis, { asked });
      const cancel = async (...given: unknown[]) => {
        asked.push((given.at(-1) as { message: string }).message);
        return { response: 1, checkboxChecked: false };
      };
      dialog.showMessageBox = cancel as typeof dialog.showMessageBox;
    });
    const asked = () => app.evaluate(() => (globalThis as unknown as { asked: readonly string[] }).asked);
    // What the page told may still be on its way.
    await expect
      .poll(async () => {
        await app.evaluate(({ app: electron }) => electron.quit());
        return (await asked()).at(-1);
      })
      .toBe('1 change of the settings is not saved.');
    expect(await isVisible()).toBe(true);
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('region', { name: 'Changes' }).waitFor({ state: 'detached' });
  });

  test('quit leaves the engine serving, and nothing of the window', async () => {
    await quitApp(app);
    expect(engines()).toHaveLength(1);
    expect(home.processes()).toHaveLength(1);
    expect((await fetch(`${engine.address}/health`)).status).toBe(200);
    await engine.end('SIGTERM');
  });
});
