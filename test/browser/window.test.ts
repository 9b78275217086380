/** The window in a real Chromium on a simulated box: what it shows is what the engine says, while things happen. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';
import { startWire } from '../helpers/wire.ts';

const GIB = 1024 ** 3;
const MODEL = { layers: 16, contextTokens: 2048 };
const PORTS = [23_000, 23_099];

describe.skipIf(CHROMIUM === null)('the window on a simulated box: needs Chromium', () => {
  let browser: Browser;
  let box: SimulatedBox;
  let engine: TestEngine;
  let page: Page;
  let errors: readonly string[] = [];

  async function show(
    name: string,
    options: { colorScheme?: 'light' | 'dark'; viewport?: { width: number; height: number } } = {},
  ): Promise<Page> {
    ({ page, errors } = await openWindow(browser, engine.engine.address, { token: engine.engine.token, page: name, ...options }));
    return page;
  }
  const row = (id: string) => page.getByRole('row').filter({ has: page.getByRole('link', { name: id, exact: true }) });

  beforeAll(async () => {
    browser = await launchChromium();
    box = makeSimulatedBox({ gpus: [{ totalMiB: 8_000 }, { totalMiB: 8_000, others: { 4000001: 1_500 } }] });
    engine = await startTestEngine({
      gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 100 },
      host: { reserve_mb: 0 },
      llama: { command: box.runtimeCommand, args: ['--memory-mb', '533', '--layers', '17'], port_range: PORTS },
      orchestration: { policies: { load: 'on_request', min_residency_seconds: 0 } },
      models: { slow: { args: ['--load-ms', '600000'] }, broken: { args: ['--oom'] }, chat: { gpus: [0] }, other: { gpus: [1] } },
    });
    for (const name of ['chat', 'other', 'slow', 'broken']) await engine.drop(name, MODEL);
    for (const name of ['chat', 'other', 'slow', 'broken']) await engine.waitFor(name, 'unloaded');
    await engine.predict('chat');
    await engine.control('POST', '/models/broken/load', {});
    await engine.waitFor('broken', 'failed');
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

  test('Box: a bar adds up to its figure, and says who holds what', async () => {
    await show('box');
    const [gpu] = await engine.gpus();
    const card = page
      .locator('section')
      .filter({ has: page.getByRole('heading', { name: 'GPU 0' }) })
      .last();
    const figure = await card.locator('header').innerText();
    expect(figure).toContain(`${((gpu?.usedBytes ?? 0) / GIB).toFixed(1)} / ${((gpu?.totalBytes ?? 0) / GIB).toFixed(1)} GiB`);
    await expect.poll(() => card.getByRole('img', { name: /chat 5\d\d MiB/ }).count()).toBe(1);
    expect(await page.getByText('Simulated: a program stands in').count()).toBe(1);
    const others = page
      .locator('section')
      .filter({ has: page.getByRole('heading', { name: 'GPU 1' }) })
      .last();
    await expect.poll(() => others.getByText('other programs').count()).toBeGreaterThan(0);
    expect(await card.locator('canvas').count()).toBe(1);
    expect(await page.getByRole('heading', { name: 'CPU and memory' }).count()).toBe(1);
  });

  test('Box: what a load was promised is hatched, and Cancel takes it back', async () => {
    await show('box');
    await engine.control('POST', '/models/slow/load', {});
    await engine.waitFor('slow', 'loading');
    await expect.poll(() => page.getByText('promised to slow').count()).toBeGreaterThan(0);
    await page.getByRole('link', { name: 'Models' }).click();
    await row('slow').getByRole('button', { name: 'Cancel slow' }).click();
    await row('slow').getByText('Not loaded').waitFor();
    await page.getByRole('link', { name: 'Box' }).click();
    await expect.poll(() => page.getByText('promised to slow').count()).toBe(0);
  });

  test('Models: load and unload from the row, the state followed live', async () => {
    await show('models');
    await row('other').getByRole('button', { name: 'Load other' }).click();
    await row('other').getByText('Ready').waitFor();
    expect(await row('other').innerText()).toContain('GPU 1');
    await row('other').getByRole('button', { name: 'Unload other' }).click();
    await row('other').getByText('Not loaded').waitFor();
    expect((await engine.model('other')).state).toBe('unloaded');
    await row('broken').getByText('Failed', { exact: true }).waitFor();
    expect(await row('broken').innerText()).toMatch(/out of memory/);
  });

  test('Models: the drawer tells what it is, pins it, and plans without doing', async () => {
    await show('models');
    await page.getByRole('link', { name: 'other', exact: true }).click();
    const drawer = page.getByRole('dialog', { name: 'other' });
    await drawer.getByText('Attention heads').waitFor();
    await drawer.getByRole('switch', { name: 'Pinned' }).click();
    await expect.poll(async () => (await engine.model('other')).pinned).toBe(true);
    await drawer.getByRole('switch', { name: 'Pinned' }).click();
    await drawer.getByRole('button', { name: /Plan it/ }).click();
    await drawer.getByText('taken', { exact: true }).waitFor();
    expect((await engine.model('other')).state).toBe('unloaded');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });

  test('Models: found by a word, and by state', async () => {
    await show('models');
    await page.getByRole('searchbox', { name: 'Find a model' }).fill('brok');
    expect(await page.getByRole('row').count()).toBe(2);
    await page.getByRole('searchbox', { name: 'Find a model' }).fill('nothing like it');
    await page.getByText('No model matches').waitFor();
  });

  test('Decisions: a sentence opens into its candidates, the one that was taken marked, and its outcome', async () => {
    await show('decisions/chat');
    const line = page.getByRole('button', { name: /Load chat:/ }).last();
    await line.click();
    expect(await line.getAttribute('aria-expanded')).toBe('true');
    const taken = page.getByRole('row').filter({ hasText: 'taken' });
    await taken.waitFor();
    expect(await taken.innerText()).toContain('llama on GPU 0');
    await page.getByText(/predicted, .* measured/).waitFor();
  });

  test('Decisions: what is decided while one reads further down waits', async () => {
    for (let times = 0; times < 6; times += 1) {
      await engine.predict('other');
      await engine.control('POST', '/models/other/unload', {});
    }
    await show('decisions', { viewport: { width: 1024, height: 420 } });
    await page
      .getByRole('button', { name: /Unload/ })
      .first()
      .waitFor();
    const newest = await page.locator('ol > li').first().innerText();
    await page.locator('#main').evaluate((main) => main.scrollTo({ top: 200 }));
    await engine.predict('other');
    await page.getByRole('button', { name: /new$/ }).waitFor();
    expect(await page.locator('ol > li').first().innerText()).toBe(newest);
    await page.getByRole('button', { name: /new$/ }).click();
    await expect.poll(() => page.locator('#main').evaluate((main) => main.scrollTop)).toBe(0);
    await expect.poll(() => page.locator('ol > li').first().innerText()).not.toBe(newest);
    expect(await page.locator('ol > li').first().innerText()).toContain('Load');
  });

  test('Decisions: more than a page of them during a break are all there after it', async () => {
    const wire = await startWire(engine.engine.address);
    ({ page, errors } = await openWindow(browser, wire.address, { token: engine.engine.token, page: 'decisions/other' }));
    await page.locator('ol > li').first().waitFor();
    const all = async () => (await engine.decisions('other')).length;
    const before = await all();
    expect(await page.locator('ol > li').count()).toBe(before);
    wire.cut();
    for (let times = 0; times < 26; times += 1) {
      await engine.predict('other');
      await engine.control('POST', '/models/other/unload', {});
    }
    wire.mend();
    await page.getByRole('button', { name: 'Try now' }).click();
    await expect.poll(() => page.locator('ol > li').count(), { timeout: 10_000 }).toBe(await all());
    expect(await all()).toBeGreaterThan(before + 50);
    // A connection that broke is told by the browser itself.
    errors = errors.filter((error) => !/ERR_(CONNECTION|INCOMPLETE|EMPTY|SOCKET)/.test(error));
    wire.close();
  });

  test.each(['light', 'dark'] as const)('nothing is out of reach in %s', async (colorScheme) => {
    await show('box', { colorScheme });
    for (const name of ['box', 'models', 'models/chat', 'models/broken', 'decisions']) {
      await page.goto(`${engine.engine.address}/#/${name}`);
      await page.getByRole('heading').first().waitFor();
      await expectAccessible(page);
    }
    await page
      .getByRole('button', { name: /Load chat|Load/ })
      .first()
      .click();
    await expectAccessible(page);
  });

  test('at 200 % of a small window nothing is cut off sideways', async () => {
    await show('box', { viewport: { width: 512, height: 320 } });
    for (const name of ['box', 'models', 'models/chat', 'decisions', 'playground', 'logs', 'settings']) {
      await page.goto(`${engine.engine.address}/#/${name}`);
      await page.getByRole('heading').first().waitFor();
      const overflow = await page.evaluate(() => {
        const main = document.getElementById('main');
        return [document.documentElement.scrollWidth - innerWidth, (main?.scrollWidth ?? 0) - (main?.clientWidth ?? 0)];
      });
      expect(overflow, name).toEqual([0, 0]);
    }
  });
});
