/**
 * The window in a real Chromium on a simulated box: what it shows is what the engine says, while
 * things happen.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { bytesInWords, GIB } from '../../shared/units.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';
import { startWire } from '../helpers/wire.ts';

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
    box = makeSimulatedBox({
      gpus: [
        { totalMiB: 8_000, utilizationPercent: 97, temperatureCelsius: 84, powerWatts: 421 },
        { totalMiB: 8_000, others: { 4000001: 1_500 }, names: { 4000001: '/usr/bin/blender' } },
      ],
    });
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

  test('8, Box: the segments of a bar add up to its figure, and everything is in GiB', async () => {
    await show('box');
    const [gpu] = await engine.gpus();
    const device = page.getByRole('region', { name: 'GPU 0' });
    await device.getByText(`${((gpu?.usedBytes ?? 0) / GIB).toFixed(1)} / ${((gpu?.totalBytes ?? 0) / GIB).toFixed(1)} GiB`).waitFor();
    await expect.poll(() => device.getByRole('img', { name: /chat 5\d\d MiB/ }).count()).toBe(1);
    const label = (await page.getByRole('region', { name: 'GPU 1' }).getByRole('img').first().getAttribute('aria-label')) ?? '';
    const bytes = [...label.matchAll(/ ([\d.]+) ([KMG])iB(?=,)/g)].map(
      ([, value, unit]) => Number(value) * { K: 1024, M: 1024 ** 2, G: GIB }[unit as 'K' | 'M' | 'G'],
    );
    const shown = Number(/([\d.]+) \/ /.exec(await page.getByRole('region', { name: 'GPU 1' }).innerText())?.[1]);
    expect(Math.abs(bytes.reduce((sum, each) => sum + each, 0) / GIB - shown)).toBeLessThanOrEqual(0.1);
    expect(await page.getByText('Simulated: a program stands in').count()).toBe(1);
    expect(await page.getByRole('heading', { name: 'CPU and memory' }).count()).toBe(1);
    expect(await page.locator('#main').innerText()).not.toMatch(/\d [KMGT]B\b/);
  });

  test('10, Box: another program by name, process and bytes, and nothing that would end it; a leak with its model', async () => {
    await show('box');
    const device = page.getByRole('region', { name: 'GPU 1' });
    await expect.poll(() => device.innerText(), { timeout: 10_000 }).toContain('blender (pid 4000001)');
    expect(await device.innerText()).toMatch(/blender \(pid 4000001\)\s+1\.5 GiB/);
    for (const word of [/kill/i, /end process/i, /terminate/i]) expect(await page.getByRole('button', { name: word }).count()).toBe(0);
    // Names of models lead to them.
    await page.getByRole('region', { name: 'GPU 0' }).getByRole('link', { name: 'chat', exact: true }).click();
    await page.waitForURL(/#\/models\/chat$/);
  });

  test('11, Box: what was, with a crosshair that says the value and its unit; ten minutes and a day', async () => {
    await show('box');
    const device = page.getByRole('region', { name: 'GPU 0' });
    await expect.poll(() => device.locator('canvas').count()).toBe(4);
    expect(await device.innerText()).toMatch(/97 %[\s\S]*84 °C[\s\S]*421 W/);
    for (const [title, words] of [
      ['Memory, GiB', /\d\d:\d\d:\d\d · chat 5\d\d MiB/],
      ['Load, %', /\d\d:\d\d:\d\d · 97 %/],
      ['Temperature, °C', /· 84 °C/],
      ['Power, W', /· 421 W/],
    ] as const) {
      const figure = device.getByRole('figure').filter({ hasText: title });
      const box = await figure.getByRole('img').boundingBox();
      await expect
        .poll(
          async () => {
            // The newest moments lie at the right edge.
            await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 16, (box?.y ?? 0) + 40);
            await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 15, (box?.y ?? 0) + 40);
            return figure.innerText();
          },
          { timeout: 15_000 },
        )
        .toMatch(words);
    }
    await page.getByRole('radio', { name: '24 hours' }).check({ force: true });
    await expect
      .poll(() => device.getByRole('img', { name: /Load of the last 24 hours: between 97 % and 97 %/ }).count(), { timeout: 10_000 })
      .toBe(1);
  });

  test('Box: the strip says memory, watts, tokens, requests, and what a new model may take', async () => {
    await show('box');
    await engine.predict('chat', { max_tokens: 30 });
    await expect.poll(() => page.getByText('Writing').locator('..').innerText(), { timeout: 10_000 }).not.toContain('0.0 tokens/s');
    expect(await page.getByText('Power', { exact: true }).locator('..').innerText()).toContain('421 W');
    expect(await page.getByText('Requests', { exact: true }).locator('..').innerText()).toMatch(/0 running, 0 queued/);
    expect(await page.getByText('A new model may take', { exact: true }).locator('..').innerText()).toMatch(
      /GiB on one GPU, .* GiB over 2/,
    );
  });

  test('9, 15, Box: what a load was promised is hatched, as many bytes as the engine says; Cancel takes it back; loaded it is solid', async () => {
    await show('box');
    await engine.control('POST', '/models/slow/load', {});
    await engine.waitFor('slow', 'loading');
    await expect.poll(() => page.getByText('promised to slow').count()).toBeGreaterThan(0);
    const promised = (await engine.gpus()).find(({ promisedBytes }) => promisedBytes > 0);
    const legend = page
      .getByRole('region', { name: `GPU ${promised?.index}` })
      .getByRole('listitem')
      .filter({ hasText: 'promised to slow' });
    expect(await legend.innerText()).toContain(bytesInWords(promised?.promisedBytes ?? 0));
    await page.getByRole('link', { name: 'Models' }).click();
    await row('slow').getByRole('button', { name: 'Cancel slow' }).click();
    await row('slow').getByText('Not loaded').waitFor();
    await page.getByRole('link', { name: 'Box' }).click();
    await expect.poll(() => page.getByText('promised to slow').count()).toBe(0);
    await engine.predict('other');
    await page
      .getByRole('region', { name: 'GPU 1' })
      .getByRole('img', { name: /(?<!promised to )other 533 MiB/ })
      .waitFor();
    await expect.poll(() => page.getByText('promised to other').count()).toBe(0);
    await engine.control('POST', '/models/other/unload', {});
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
    expect(await row('broken').innerText()).toMatch(/out of memory/i);
  });

  test('Models: the drawer tells what it is, pins it, and plans without doing', async () => {
    await show('models');
    await page.getByRole('link', { name: 'other', exact: true }).click();
    const drawer = page.getByRole('dialog', { name: 'other' });
    await drawer.getByText('Attention heads').waitFor();
    await drawer.getByRole('switch', { name: 'Pinned' }).click();
    await expect.poll(async () => (await engine.model('other')).pinned).toBe(true);
    await drawer.getByRole('switch', { name: 'Pinned' }).click();
    await drawer.getByRole('tab', { name: 'Plan' }).click();
    await drawer.getByText(/^On GPU 1: it fits/).waitFor();
    await drawer.getByText(/ways that were weighed/).click();
    await drawer.getByText('taken', { exact: true }).waitFor();
    expect((await engine.model('other')).state).toBe('unloaded');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });

  test('Models: sorted by a head, several handled at once, how fast each answers, and when it leaves', async () => {
    await show('models');
    const names = () => page.getByRole('rowheader').evaluateAll((all) => all.map((cell) => cell.querySelector('a')?.textContent));
    await expect.poll(names).toEqual(['broken', 'chat', 'other', 'slow']);
    await page.getByRole('button', { name: 'Memory' }).click();
    expect(await page.getByRole('columnheader', { name: 'Memory' }).getAttribute('aria-sort')).toBe('descending');
    // A failed model that is tried again holds memory for a moment.
    await expect.poll(async () => (await names())[0]).toBe('chat');
    await page.getByRole('button', { name: 'Model', exact: true }).click();
    await page.getByRole('button', { name: 'Model', exact: true }).click();
    await expect.poll(names).toEqual(['slow', 'other', 'chat', 'broken']);
    await expect.poll(() => row('chat').innerText()).toMatch(/p50 [\d.]+ m?s, p95 [\d.]+ m?s/);
    // The evictor's own rule, in its own words: five minutes without a request.
    await row('chat')
      .getByText(/^unloads in [0-4]:\d\d$/)
      .waitFor();
    await page.getByRole('checkbox', { name: 'Choose chat' }).check();
    await page.getByRole('checkbox', { name: 'Choose other' }).check();
    const bar = page.getByRole('region', { name: 'Chosen models' });
    await bar.getByText('2 chosen').waitFor();
    await expectAccessible(page);
    await bar.getByRole('button', { name: 'Pin' }).click();
    await expect.poll(async () => [(await engine.model('chat')).pinned, (await engine.model('other')).pinned]).toEqual([true, true]);
    expect(await bar.count()).toBe(0);
    for (const id of ['chat', 'other']) await engine.control('POST', `/models/${id}/pin`, { pinned: false });
  });

  test('Models: what has no column on a small window stands in the row', async () => {
    await show('models', { viewport: { width: 390, height: 844 } });
    await expect.poll(() => row('chat').innerText()).toMatch(/llama · GPU 0 · 533 MiB/);
    expect(
      await page.evaluate(() => (document.getElementById('main')?.scrollWidth ?? 0) - (document.getElementById('main')?.clientWidth ?? 0)),
    ).toBe(0);
  });

  test('Activity: requests as the engine counted them, by model and by outcome', async () => {
    await engine.predict('chat', { max_tokens: 7 });
    await engine.predict('broken');
    await show('activity');
    const first = page.getByRole('group', { name: 'Requests' }).getByRole('row');
    await expect.poll(() => first.nth(1).innerText()).toMatch(/^\d\d:\d\d:\d\d\s+broken\s+failed \(503\)/);
    expect(await first.nth(2).innerText()).toMatch(/chat\s+answered\s+\d+, 7\s/);
    await page.getByRole('combobox', { name: 'Outcome' }).click();
    await page.getByRole('option', { name: 'Answered' }).click();
    await expect.poll(() => page.getByText(/^failed/).count()).toBe(0);
    await page.goto(`${engine.engine.address}/#/activity/other`);
    await page.getByRole('combobox', { name: 'Model' }).getByText('other').waitFor();
    await expectAccessible(page);
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

  test('Decisions: by action and by outcome, those included whose memory was a surprise', async () => {
    await show('decisions');
    const choose = async (filter: string, choice: string) => {
      await page.getByRole('combobox', { name: filter }).click();
      await page.getByRole('option', { name: choice, exact: true }).click();
    };
    await choose('Outcome', 'Failed');
    await expect
      .poll(() => page.locator('ol > li').allInnerTexts())
      .toSatisfy((rows: string[]) => rows.length > 0 && rows.every((row) => row.includes('failed')));
    await choose('Outcome', 'Memory was a surprise');
    await expect
      .poll(() => page.locator('ol > li').allInnerTexts())
      .toSatisfy((rows: string[]) => rows.every((row) => /% (over|under)/.test(row)));
    await choose('Outcome', 'Every outcome');
    await choose('Action', 'Unload');
    await expect
      .poll(() => page.locator('ol > li').allInnerTexts())
      .toSatisfy((rows: string[]) => rows.length > 0 && rows.every((row) => row.includes('Unload')));
    await expectAccessible(page);
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

  test.each(['light', 'dark'] as const)('1, 2: nothing is out of reach in %s, and everything has a name', async (colorScheme) => {
    await show('box', { colorScheme });
    for (const name of ['box', 'models', 'models/chat', 'models/broken', 'activity', 'decisions']) {
      await page.goto(`${engine.engine.address}/#/${name}`);
      await page.getByRole('heading').first().waitFor();
      await expectAccessible(page);
      expect(await withoutName(page), name).toEqual([]);
    }
    await page
      .getByRole('button', { name: /Load chat|Load/ })
      .first()
      .click();
    await expectAccessible(page);
  });

  test('6: who wants no motion sees none', async () => {
    ({ page, errors } = await openWindow(browser, engine.engine.address, {
      token: engine.engine.token,
      page: 'models',
      reducedMotion: 'reduce',
    }));
    await row('chat').waitFor();
    await engine.control('POST', '/models/slow/load', {});
    await engine.waitFor('slow', 'loading');
    await row('slow').getByText('Loading', { exact: true }).waitFor();
    for (const name of ['models', 'models/chat', 'box']) {
      await page.goto(`${engine.engine.address}/#/${name}`);
      await page.getByRole('heading').first().waitFor();
      const moving = await page.evaluate(() =>
        [...document.querySelectorAll('*')].flatMap((element) => {
          const { transitionDuration, animationName, animationDuration } = getComputedStyle(element);
          const animated = animationName === 'none' ? '0s' : animationDuration;
          const isStill = `${transitionDuration}, ${animated}`.split(', ').every((each) => Number.parseFloat(each) === 0);
          return isStill ? [] : [`${element.tagName} ${element.className}`];
        }),
      );
      expect(moving, name).toEqual([]);
    }
    await engine.control('POST', '/models/slow/unload', {});
  });

  test.each([
    ['at 200 % of a small window', { width: 512, height: 320 }],
    ['at 1024x640', { width: 1024, height: 640 }],
  ] as const)('5: %s nothing is cut off sideways', async (_, viewport) => {
    await show('box', { viewport });
    for (const name of ['box', 'models', 'models/chat', 'decisions', 'activity', 'playground', 'logs', 'settings']) {
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

/** Buttons and links that a reader could not name, and pictures that it would read out. */
async function withoutName(page: Page): Promise<readonly string[]> {
  return await page.evaluate(() => {
    const textOf = (ids: string): string =>
      ids
        .split(' ')
        .map((id) => document.getElementById(id)?.textContent ?? '')
        .join(' ');
    const nameOf = (element: Element): string =>
      element.getAttribute('aria-label') ??
      textOf(element.getAttribute('aria-labelledby') ?? '').trim() + (element.textContent ?? '').trim();
    const controls = [...document.querySelectorAll('button, a[href], [role=button], [role=tab], [role=combobox]')];
    const nameless = controls.filter((element) => nameOf(element).trim() === '' || nameOf(element).includes('[object'));
    const told = [...document.querySelectorAll('svg')].filter((icon) => icon.getAttribute('aria-hidden') !== 'true');
    return [...nameless, ...told].map((element) => element.outerHTML.slice(0, 160));
  });
}
