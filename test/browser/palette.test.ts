/** The palette, the list of keys and each key in it, in a real Chromium on a simulated box. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { shortcutGroups } from '../../renderer/palette/shortcut-table.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';

describe.skipIf(CHROMIUM === null)('4, palette and keys: needs Chromium', () => {
  let browser: Browser;
  let box: SimulatedBox;
  let engine: TestEngine;
  let elsewhere: string;
  let page: Page;
  let errors: readonly string[] = [];

  const show = async (
    name: string,
    options: { colorScheme?: 'light' | 'dark'; viewport?: { width: number; height: number } } = {},
  ): Promise<void> => {
    ({ page, errors } = await openWindow(browser, engine.engine.address, { token: engine.engine.token, page: name, ...options }));
    await page.getByRole('heading', { level: 1 }).waitFor();
  };
  const palette = () => page.getByRole('dialog', { name: 'Search and commands' });
  const field = () => page.getByRole('combobox', { name: 'Page, model, setting or action' });

  beforeAll(async () => {
    browser = await launchChromium();
    box = makeSimulatedBox({ gpus: [{ totalMiB: 4_000 }] });
    engine = await startTestEngine({
      gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 100 },
      llama: { command: box.runtimeCommand, args: ['--memory-mb', '20', '--layers', '17'], port_range: [23_200, 23_299] },
      orchestration: { policies: { load: 'on_request' } },
    });
    await engine.drop('chat', { contextTokens: 2_048 });
    await engine.waitFor('chat', 'unloaded');
    // One that a person added by its path, and may have forgotten.
    elsewhere = mkdtempSync(join(tmpdir(), 'modelium-palette-'));
    await engine.control('POST', '/library', { path: await writeTinyGguf(elsewhere, { name: 'added' }) });
    await engine.waitFor('added', 'ready');
  });
  afterEach(async () => {
    expect(errors).toEqual([]);
    await page?.context().close();
  });
  afterAll(async () => {
    await browser?.close();
    await engine?.close();
    box?.remove();
    rmSync(elsewhere, { recursive: true, force: true });
  });

  test('finds a page, a model, a setting and an action, as a combobox that names its list and what is chosen in it', async () => {
    await show('box');
    await page.keyboard.press('Control+k');
    await field().waitFor();
    expect(await field().evaluate((input) => input === document.activeElement)).toBe(true);
    for (const [typed, first] of [
      ['deci', /^Decisions/],
      ['chat', /^chatModel, not loaded$/],
      ['idle seconds', /evict_after_idle_seconds/],
      ['forget added', /^Forget addedAction$/],
      ['rescan', /^Rescan runtimesAction$/],
      ['sample', /^Get the sample modelAction$/],
      ['new chat', /^New chatAction$/],
      ['load chat', /^Load chat/],
    ] as const) {
      await field().fill(typed);
      await expect.poll(() => page.getByRole('option').first().textContent()).toMatch(first);
      const list = await field().getAttribute('aria-controls');
      await expect.poll(() => page.locator(`[id="${list}"]`).getAttribute('role')).toBe('listbox');
      const active = await field().getAttribute('aria-activedescendant');
      await expect.poll(() => page.locator(`[id="${active}"]`).textContent()).toMatch(first);
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => palette().count()).toBe(0);
    await engine.waitFor('chat', 'ready');
    for (const typed of ['forget added', 'rescan', 'new chat']) {
      await page.keyboard.press('Control+k');
      await field().fill(typed);
      await page.keyboard.press('Enter');
      await expect.poll(() => palette().count()).toBe(0);
    }
    await page.getByText('added is forgotten').waitFor();
    await page.getByText('The search for runtimes has ended').waitFor();
    await page.getByRole('heading', { level: 1, name: 'Playground' }).waitFor();
    await page.keyboard.press('Control+k');
    await field().fill('nothing of the kind');
    await page.getByText('Nothing here has this name.').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => palette().count()).toBe(0);
  });

  test('16, unloads with one choice', async () => {
    await engine.predict('chat');
    await show('models');
    await page.keyboard.press('Control+k');
    await field().fill('unload chat');
    await page.keyboard.press('Enter');
    await engine.waitFor('chat', 'unloaded');
    await page.getByText('Not loaded', { exact: true }).waitFor();
  });

  test.each(['light', 'dark'] as const)('? lists the keys; both are within reach of everybody in %s', async (colorScheme) => {
    await show('box', { colorScheme });
    await page.keyboard.press('?');
    const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    for (const { shortcuts } of shortcutGroups(false))
      for (const { does } of shortcuts) await list.getByText(does, { exact: true }).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('option').first().waitFor();
    await expectAccessible(page);
  });

  test('each key of the list does what it says', async () => {
    await show('box', { viewport: { width: 1280, height: 360 } });
    const dialog = (name: string) => page.getByRole('dialog', { name });
    const heading = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor();
    const press = async (keys: readonly string[]) => {
      if (keys[0] === 'g') for (const key of keys) await page.keyboard.press(key);
      else await page.keyboard.press(keys.join('+').replace('Ctrl', 'Control').replace('Esc', 'Escape'));
    };
    const message = () => page.getByRole('textbox', { name: /message/i });
    const does: Readonly<Record<string, (keys: readonly string[]) => Promise<unknown>>> = {
      'Find a page, a model, a setting or an action': () => palette().waitFor(),
      'Show this list': () => dialog('Keyboard shortcuts').waitFor(),
      'Add a model': () => dialog('Add a model').waitFor(),
      "Go to the page's search": () => expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search'),
      'Close the dialog or panel': () => expect.poll(() => page.getByRole('dialog').count()).toBe(0),
      'Send the message': () =>
        page
          .getByText(/tokens\/s/)
          .first()
          .waitFor(),
      'Begin another line': () => expect.poll(() => message().inputValue()).toBe('one\n'),
      'Stop the answer, or cancel editing a question': () =>
        expect.poll(() => page.getByRole('textbox', { name: 'Your question' }).count()).toBe(0),
      'Follow the newest line, in the list of lines': () =>
        expect.poll(() => page.getByRole('button', { name: 'Jump to latest' }).count()).toBe(0),
    };
    const before: Readonly<Record<string, () => Promise<unknown>>> = {
      "Go to the page's search": async () => {
        await page.goto(`${engine.engine.address}/#/models`);
        await page.getByRole('searchbox').waitFor();
      },
      'Close the dialog or panel': () => page.keyboard.press('Control+k'),
      'Begin another line': async () => {
        await page.goto(`${engine.engine.address}/#/playground/chat`);
        await message().fill('one');
      },
      'Send the message': async () => {
        await page.goto(`${engine.engine.address}/#/playground/chat`);
        await message().fill('Hello');
      },
      'Stop the answer, or cancel editing a question': async () => {
        await page.getByRole('button', { name: 'Edit' }).first().click();
        await page.getByRole('textbox', { name: 'Your question' }).waitFor();
      },
      'Follow the newest line, in the list of lines': async () => {
        await page.goto(`${engine.engine.address}/#/logs`);
        const lines = page.getByRole('region', { name: 'Lines' });
        await lines.locator('[data-index]').first().waitFor();
        await lines.focus();
        await page.keyboard.press('Home');
        await page.getByRole('button', { name: 'Jump to latest' }).waitFor();
      },
    };
    for (const { title, shortcuts } of shortcutGroups(false)) {
      for (const { keys, does: words } of shortcuts) {
        // Nobody writes.
        if (title === 'Pages') await page.getByRole('heading', { level: 1 }).click();
        await before[words]?.();
        await press(keys);
        const check = title === 'Pages' ? () => heading(words.replace('Go to ', '')) : does[words];
        if (check === undefined) throw new Error(`No check for: ${words}`);
        await check(keys);
        if ((await page.getByRole('dialog').count()) > 0) await page.keyboard.press('Escape');
        await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
      }
    }
  });

  test('keys do nothing while one writes, and where they were switched off', async () => {
    await show('models');
    await page.getByRole('searchbox').focus();
    await page.keyboard.type('ga?');
    await expect.poll(() => page.getByRole('searchbox').inputValue()).toBe('ga?');
    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press('?');
    await page.getByRole('switch', { name: 'Keys without Ctrl' }).click();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('a');
    await page.keyboard.press('Control+k');
    await palette().waitFor();
    await expect.poll(() => page.getByRole('dialog').count()).toBe(1);
  });

  test("the app's menu opens them by an address that is gone again", async () => {
    await show('models');
    await page.goto(`${engine.engine.address}/#/do/shortcuts`);
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#/models');
    await page.getByRole('heading', { level: 1, name: 'Models', includeHidden: true }).waitFor();
  });
});
