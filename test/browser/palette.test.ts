/** The palette, the list of keys and each key in it, in a real Chromium on a simulated box. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { shortcutGroups } from '../../renderer/palette/shortcut-table.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';

describe.skipIf(CHROMIUM === null)('4, palette and keys: needs Chromium', () => {
  let browser: Browser;
  let box: SimulatedBox;
  let engine: TestEngine;
  let page: Page;
  let errors: readonly string[] = [];

  const show = async (name: string, options: { colorScheme?: 'light' | 'dark' } = {}): Promise<void> => {
    ({ page, errors } = await openWindow(browser, engine.engine.address, { token: engine.engine.token, page: name, ...options }));
    await page.getByRole('heading', { level: 1 }).waitFor();
  };
  const palette = () => page.getByRole('dialog', { name: 'Find and do' });
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
  });
  afterEach(async () => {
    expect(errors).toEqual([]);
    await page?.context().close();
  });
  afterAll(async () => {
    await browser?.close();
    await engine?.close();
    box?.remove();
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
      ['load chat', /^Load chat/],
    ] as const) {
      await field().fill(typed);
      await expect.poll(() => page.getByRole('option').first().textContent()).toMatch(first);
      const list = await field().getAttribute('aria-controls');
      expect(await page.locator(`[id="${list}"]`).getAttribute('role')).toBe('listbox');
      const active = await field().getAttribute('aria-activedescendant');
      expect(await page.locator(`[id="${active}"]`).textContent()).toMatch(first);
    }
    await page.keyboard.press('Enter');
    await expect.poll(() => palette().count()).toBe(0);
    await engine.waitFor('chat', 'ready');
    await page.keyboard.press('Control+k');
    await field().fill('nothing of the kind');
    await page.getByText('Nothing here is called so.').waitFor();
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
    for (const { shortcuts } of shortcutGroups()) for (const { does } of shortcuts) await list.getByText(does, { exact: true }).waitFor();
    await expectAccessible(page);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.getByRole('option').first().waitFor();
    await expectAccessible(page);
  });

  test('each key of the list does what it says, not while one writes, and not where they were switched off', async () => {
    await show('box');
    const [, pages] = shortcutGroups();
    for (const { keys, does } of pages?.shortcuts ?? []) {
      for (const key of keys) await page.keyboard.press(key);
      await page.getByRole('heading', { level: 1, name: does.replace('Go to ', '') }).waitFor();
    }
    await page.goto(`${engine.engine.address}/#/models`);
    await page.getByRole('searchbox').waitFor();
    await page.keyboard.press('/');
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('type'))).toBe('search');
    await page.keyboard.type('ga?');
    expect(await page.getByRole('searchbox').inputValue()).toBe('ga?');
    await page.getByRole('heading', { level: 1 }).click();
    await page.keyboard.press('a');
    await page.getByRole('dialog', { name: 'Add a model' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('?');
    await page.getByRole('switch', { name: 'Keys without Ctrl' }).click();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.keyboard.press('a');
    await page.keyboard.press('Control+k');
    await palette().waitFor();
    expect(await page.getByRole('dialog').count()).toBe(1);
  });

  test("the app's menu opens them by an address that is gone again", async () => {
    await show('models');
    await page.goto(`${engine.engine.address}/#/do/shortcuts`);
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#/models');
    await page.getByRole('heading', { level: 1, name: 'Models', includeHidden: true }).waitFor();
  });
});
