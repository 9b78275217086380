/**
 * The Settings page in a real Chromium, on a real engine with a real file: what is on the disk
 * afterwards is what counts.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startEngine } from '../../main/engine/engine.ts';
import { nodeProgram } from '../../main/packaged.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { eventually } from '../helpers/eventually.ts';

const FILE = `# What this box serves
metrics:
  enabled: false # another program has the port
orchestration:
  policies:
    evict_after_idle_seconds: 120 # two minutes
    drain_seconds: 5
`;

let engine: TestEngine;
let browser: Browser;
let file: string;

const onDisk = (): string => readFileSync(file, 'utf8');

/** As an editor does it; answers when the engine has read it. */
async function write(text: string): Promise<void> {
  if (onDisk() === text) return;
  const before = engine.logged.length;
  writeFileSync(file, text);
  await eventually('the engine reads the file', () =>
    engine.logged.slice(before).some((line) => line.includes('Settings') || line.includes(file)),
  );
}

async function openSettings(address = engine.engine.address, token = engine.engine.token) {
  const opened = await openWindow(browser, address, { token, page: 'settings' });
  await opened.page.getByRole('searchbox', { name: 'Find a setting' }).waitFor();
  return opened;
}

function field(page: Page, key: string): Locator {
  return page.getByRole('group').filter({ has: page.locator('code').getByText(key, { exact: true }) });
}

async function inForce(): Promise<unknown> {
  const { body } = await engine.control('GET', '/settings');
  return (body as { readonly settings: unknown }).settings;
}

/** As somebody without a mouse: on and on until the focus is there. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let presses = 0; presses < 120; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await target.and(page.locator(':focus')).count()) === 1) return;
  }
  throw new Error('the keyboard does not reach it');
}

describe.skipIf(CHROMIUM === null)('settings: needs Chromium', () => {
  beforeAll(async () => {
    engine = await startTestEngine();
    file = join(engine.folder, 'modelium.yaml');
    browser = await launchChromium();
    await engine.drop('tiny');
    await engine.waitFor('tiny', 'ready');
  });

  beforeEach(() => write(FILE));

  afterAll(async () => {
    await browser?.close();
    await engine?.close();
  });

  test('the idle time, by keyboard alone: changed, listed, saved, in force, with the comments of the file', async () => {
    const { page, errors } = await openSettings();
    const idle = field(page, 'orchestration.policies.evict_after_idle_seconds');
    await idle.getByText('set in the file').waitFor();
    await idle.getByText('default: 300').waitFor();
    await tabTo(page, idle.getByRole('textbox'));
    await page.keyboard.press('Control+a');
    await page.keyboard.type('42.5');
    const bar = page.getByRole('region', { name: 'Changes' });
    await bar.getByText('orchestration.policies.evict_after_idle_seconds: 120 -> 42.5').waitFor();
    await tabTo(page, bar.getByRole('button', { name: 'Save' }));
    await page.keyboard.press('Enter');
    await page.getByText('Saved, and in force.').waitFor();
    expect(onDisk()).toBe(FILE.replace('120 #', '42.5 #'));
    expect(await inForce()).toMatchObject({ orchestration: { policies: { evict_after_idle_seconds: 42.5 } } });

    await tabTo(page, idle.getByRole('button', { name: 'Use the default' }));
    await page.keyboard.press('Enter');
    await bar.getByText('42.5 -> 300 (the default)').waitFor();
    await tabTo(page, bar.getByRole('button', { name: 'Save' }));
    await page.keyboard.press('Enter');
    await page.getByText('Saved, and in force.').waitFor();
    expect(onDisk()).not.toContain('evict_after_idle_seconds');
    expect(onDisk()).toContain('# another program has the port');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('every kind of control writes what it shows: word, switch, list, a model, and what needs a restart', async () => {
    const { page } = await openSettings();
    const idle = field(page, 'orchestration.policies.evict_after_idle_seconds');
    await idle.getByRole('combobox').click();
    await page.getByRole('option', { name: 'auto' }).click();
    await field(page, 'llama.enabled').getByRole('switch').click();
    await field(page, 'llama.enabled').getByRole('switch').click();
    const hosts = field(page, 'api.allowed_hosts');
    await hosts.getByRole('button', { name: 'Add' }).click();
    await hosts.getByText('A row is empty').waitFor();
    await hosts.getByRole('textbox').fill('box.example');
    // What names a program, or what one is started with, is shown and not changed here.
    for (const key of ['llama.env', 'llama.command', 'llama.args', 'gpus.nvidia_smi']) {
      await field(page, key).getByText('only the file itself can change it').waitFor();
      for (const control of await field(page, key).locator('button, input').all()) expect(await control.isDisabled(), key).toBe(true);
    }
    await page.getByRole('combobox', { name: 'Model' }).click();
    await page.getByRole('option', { name: 'tiny' }).click();
    await field(page, 'models.tiny.pin').getByRole('switch').click();
    await field(page, 'api.host').getByText('needs a restart').waitFor();
    await field(page, 'api.host').getByRole('textbox').fill('localhost');
    await page.getByText('4 changes').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('api.host takes effect when Modelium is started again.').waitFor();
    expect(await inForce()).toMatchObject({
      orchestration: { policies: { evict_after_idle_seconds: 'auto' } },
      api: { allowed_hosts: ['box.example'] },
      llama: { env: {}, enabled: true },
      models: { tiny: { pin: true } },
    });
    expect(onDisk()).toContain('host: localhost');
    expect(onDisk()).not.toContain('enabled: true');
    await page.context().close();
  });

  test('what the engine refuses is said at the field and in the bar, and nothing is written', async () => {
    const { page } = await openSettings();
    const range = field(page, 'llama.port_range');
    await range.getByRole('textbox').fill('[9000, ');
    await range.getByText('This is not valid JSON').waitFor();
    await expect.poll(() => page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await range.getByRole('textbox').fill('[9000, 8100]');
    await page.getByRole('button', { name: 'Save' }).click();
    await range.getByText('llama.port_range: expected the lower port first.').waitFor();
    await page.getByRole('region', { name: 'Changes' }).getByText('expected the lower port first').waitFor();
    expect(onDisk()).toBe(FILE);
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByRole('region', { name: 'Changes' }).waitFor({ state: 'detached' });
    await expect.poll(() => range.getByRole('textbox').inputValue()).toBe('[8100,8999]');
    await page.context().close();
  });

  test('a file that someone else changed is read again, and the edits stay: over other pages, and until the window asks', async () => {
    const { page } = await openSettings();
    await field(page, 'orchestration.policies.drain_seconds').getByRole('textbox').fill('7');
    await page.getByText('drain_seconds: 5 -> 7').waitFor();
    await page.getByRole('link', { name: 'Box' }).click();
    await page.getByRole('heading', { name: 'Box', level: 1 }).waitFor();
    // The page reads the file anew when it is shown: to be stale, it must have read it before the
    // change.
    const isRead = page.waitForResponse('**/control/settings');
    await page.getByRole('link', { name: 'Settings' }).click();
    await isRead;
    await page.getByText('drain_seconds: 5 -> 7').waitFor();

    await write(FILE.replace('120 # two minutes', '60 # one minute'));
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The file was changed by someone else meanwhile').waitFor();
    await page.getByText('drain_seconds: 5 -> 7').waitFor();
    await expect.poll(() => field(page, 'orchestration.policies.evict_after_idle_seconds').getByRole('textbox').inputValue()).toBe('60');

    // A real closing asks only if the page answers within a second, which a busy machine does not
    // promise.
    const asksBeforeLeaving = () => page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))");
    expect(await asksBeforeLeaving()).toBe(true);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved, and in force.').waitFor();
    expect(await asksBeforeLeaving()).toBe(false);
    expect(onDisk()).toContain('60 # one minute');
    expect(onDisk()).toContain('drain_seconds: 7');
    await page.context().close();
  });

  test('a broken file is said with its lines, and the form waits until it is mended', async () => {
    const { page } = await openSettings();
    await write(`${FILE}    drain_secnds: 3\n`);
    await page.getByText(`${file}:8:5: unknown key`).waitFor();
    await page.getByText('The form is read-only until you correct the file').waitFor();
    await expect.poll(() => field(page, 'api.port').getByRole('textbox').isDisabled()).toBe(true);
    await write(FILE);
    await page.getByText('The form is read-only').waitFor({ state: 'detached' });
    await expect.poll(() => field(page, 'api.port').getByRole('textbox').isDisabled()).toBe(false);
    await page.context().close();
  });

  test('an engine that may have no file explains itself; one that has none yet makes it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelium-no-file-'));
    vi.stubEnv('XDG_CONFIG_HOME', folder);
    const bare = (config: null | undefined, name: string) =>
      startEngine({
        config,
        stateFolder: join(folder, name),
        port: 0,
        watch: [],
        write: () => {},
        program: nodeProgram(),
      });
    const without = await bare(null, 'without');
    const { page } = await openSettings(without.address, without.token);
    await page.getByText('This engine runs without a settings file').waitFor();
    await expect.poll(() => field(page, 'api.port').getByRole('textbox').isDisabled()).toBe(true);
    await page.context().close();
    await without.close();

    const first = await bare(undefined, 'first');
    const { page: other } = await openSettings(first.address, first.token);
    const made = join(folder, 'modelium', 'modelium.yaml');
    await other.getByText(`There is no settings file yet: the defaults are in force. Saving makes ${made}.`).waitFor();
    await field(other, 'host.reserve_mb').getByRole('textbox').fill('2048');
    await other.getByRole('button', { name: 'Save' }).click();
    await other.getByText(`From the file ${made}.`).waitFor();
    expect(readFileSync(made, 'utf8')).toContain('reserve_mb: 2048');
    await other.context().close();
    await first.close();
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true, force: true });
  });

  test('sections, search and runtimes; nothing in the way of readers, in light, in dark and in a narrow window', async () => {
    const { page, errors } = await openSettings();
    await page.getByRole('button', { name: 'Rescan runtimes' }).click();
    await page.getByText(/Found: llama/).waitFor();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: 'Metrics' }).click();
    await page.waitForURL(/#\/settings\/metrics$/);
    await page.getByRole('searchbox').fill('memory kept free');
    await field(page, 'gpus.reserve_mb').waitFor();
    await expect.poll(() => page.getByRole('group').count()).toBe(2);
    await page.getByRole('searchbox').fill('');
    await field(page, 'gpus.reserve_mb').getByRole('textbox').fill('-1');
    await page.getByText('A number of at least 0 is expected here.').first().waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: 'attached' });
      await expectAccessible(page);
    }
    await page.setViewportSize({ width: 512, height: 700 });
    for (const element of ['document.documentElement', "document.getElementById('main')"]) {
      expect(await page.evaluate(`${element}.scrollWidth <= ${element}.clientWidth`), element).toBe(true);
    }
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
