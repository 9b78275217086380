/**
 * The window in a real Chromium on a simulated box: what it shows is what the engine says, while
 * things happen.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { StateName } from '../../shared/model.ts';
import type { DeviceView, ModelView, Snapshot } from '../../shared/snapshot.ts';
import { bytesInWords, GIB } from '../../shared/units.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startCrowd } from '../helpers/crowd.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { FULL } from '../helpers/full.ts';
import { LONG_TASK_US, longestTask } from '../helpers/long-tasks.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';
import { RELAY_NAME, startWire } from '../helpers/wire.ts';

const MODEL = { layers: 16, contextTokens: 2048 };
const PORTS = [23_000, 23_099];
/** What is looked at in each theme takes ten seconds. */
const THEMES = FULL ? (['light', 'dark'] as const) : (['dark'] as const);

describe.skipIf(CHROMIUM === null)('five hundred models: needs Chromium', () => {
  test('17, 5 % of them change each second: nobody waits, nothing swaps places, what was chosen and where one read stays', async () => {
    const browser = await launchChromium();
    const engine = await startTestEngine({ api: { allowed_hosts: [RELAY_NAME] }, orchestration: { policies: { load: 'on_request' } } });
    try {
      await engine.drop('model', MODEL);
      await engine.waitFor('model', 'unloaded');
      const snapshot = await engine.status();
      const [model] = snapshot.models;
      const ids = Array.from({ length: 500 }, (_, index) => `model-${String(index).padStart(3, '0')}`);
      const models = ids.map((id) => ({ ...model, id, aliases: [] }));
      const crowd = await startCrowd(engine.engine.address, { ...snapshot, models } as Snapshot);
      const { page, errors } = await openWindow(browser, crowd.address, { token: engine.engine.token, page: 'models' });
      const table = page.getByRole('table');
      await page.getByText('500 models, 0 loaded').waitFor();
      await expect.poll(() => table.getAttribute('aria-rowcount')).toBe('501');
      // Only what is in sight is drawn, and what is not is found all the same.
      await expect.poll(() => page.getByRole('rowheader').count()).toBeLessThan(60);
      await page.getByRole('checkbox', { name: 'Choose model-003' }).check();
      const main = page.locator('#main');
      await main.evaluate((element) => element.scrollTo({ top: element.scrollHeight / 2 }));
      const middle = page.getByRole('row').filter({ hasText: /model-25\d/ });
      await middle.first().waitFor();
      const top = () => main.evaluate((element) => element.scrollTop);
      const names = () => page.getByRole('rowheader').locator('a').allInnerTexts();
      const [topBefore, namesBefore] = [await top(), await names()];
      await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline'] });
      // Those in sight among them.
      for (let turn = 0; turn < 8; turn += 1) {
        crowd.change(
          ids.filter((_, index) => (index + turn) % 20 === 0).map((id) => ({ ...model, id, queriesPerSecond: turn + 1 }) as ModelView),
        );
        await page
          .getByText(`${turn + 1}.00/s`)
          .filter({ visible: true })
          .first()
          .waitFor();
      }
      const longest = longestTask(await browser.stopTracing());
      expect(longest).toBeLessThan(LONG_TASK_US);
      expect([await top(), await names()]).toEqual([topBefore, namesBefore]);
      await page.getByText('1 chosen').waitFor();
      await page.getByRole('searchbox', { name: 'Find a model' }).fill('model-499');
      await page.getByRole('link', { name: 'model-499' }).waitFor();
      await page.getByRole('searchbox', { name: 'Find a model' }).fill('');
      await main.evaluate((element) => element.scrollTo({ top: element.scrollHeight }));
      await page.getByRole('link', { name: 'model-499' }).waitFor();
      await main.evaluate((element) => element.scrollTo({ top: 0 }));
      await expect.poll(() => page.getByRole('checkbox', { name: 'Choose model-003' }).isChecked()).toBe(true);
      await expectAccessible(page);
      expect(errors).toEqual([]);
      await page.context().close();
      crowd.close();
    } finally {
      await browser.close();
      await engine.close();
    }
  });
});

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
      api: { allowed_hosts: [RELAY_NAME] },
      gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 100 },
      host: { reserve_mb: 0 },
      llama: { command: box.runtimeCommand, args: ['--memory-mb', '533', '--layers', '17'], port_range: PORTS },
      orchestration: { policies: { load: 'on_request', min_residency_seconds: 0 } },
      models: {
        slow: { args: ['--load-ms', '600000'] },
        broken: { args: ['--oom'] },
        late: { args: ['--oom', '--load-ms', '600'] },
        chat: { gpus: [0] },
        second: { gpus: [0] },
        other: { gpus: [1] },
      },
    });
    for (const name of ['chat', 'second', 'other', 'slow', 'broken']) await engine.drop(name, MODEL);
    for (const name of ['chat', 'second', 'other', 'slow', 'broken']) await engine.waitFor(name, 'unloaded');
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
    await expect.poll(() => page.getByText('Simulated: a program stands in').count()).toBe(1);
    await expect.poll(() => page.getByRole('heading', { name: 'CPU and memory' }).count()).toBe(1);
    await expect.poll(() => page.locator('#main').innerText()).not.toMatch(/\d [KMGT]B\b/);
  });

  test('10, Box: another program by name, process and bytes, and nothing that would end it', async () => {
    await show('box');
    const device = page.getByRole('region', { name: 'GPU 1' });
    await expect.poll(() => device.innerText()).toContain('blender (pid 4000001)');
    await expect.poll(() => device.innerText()).toMatch(/blender \(pid 4000001\)\s+1\.5 GiB/);
    for (const word of [/kill/i, /end process/i, /terminate/i]) expect(await page.getByRole('button', { name: word }).count()).toBe(0);
    // Names of models lead to them.
    await page.getByRole('region', { name: 'GPU 0' }).getByRole('link', { name: 'chat', exact: true }).click();
    await page.waitForURL(/#\/models\/chat$/);
  });

  test('Box: memory of other programs that changes starts no animation, so that the page rests between samples', async () => {
    await show('box');
    const device = page.getByRole('region', { name: 'GPU 1' });
    await device.getByText('1.5 GiB', { exact: true }).waitFor();
    await page.evaluate(() => {
      const started: unknown[] = [];
      Object.assign(globalThis, { started });
      document.addEventListener('transitionrun', ({ target }) => void started.push((target as Element).className));
    });
    box.setOthers(box.uuids[1] ?? '', { 4000001: 3_000 });
    await device.getByText('2.9 GiB', { exact: true }).waitFor();
    box.setOthers(box.uuids[1] ?? '', { 4000001: 1_500 });
    await device.getByText('1.5 GiB', { exact: true }).waitFor();
    const started = await page.evaluate(() => (globalThis as unknown as { started: string[] }).started);
    expect(started.filter((name) => name.includes('others'))).toEqual([]);
  });

  test('11, Box: what was, with a crosshair that says the value and its unit; ten minutes and a day', async () => {
    await show('box');
    const device = page.getByRole('region', { name: 'GPU 0' });
    await expect.poll(() => device.locator('canvas').count()).toBe(4);
    await expect.poll(() => device.innerText()).toMatch(/97 %[\s\S]*84 °C[\s\S]*421 W/);
    for (const [title, words] of [
      ['Memory, GiB', /\d\d:\d\d:\d\d · chat 5\d\d MiB/],
      ['Load, %', /\d\d:\d\d:\d\d · 97 %/],
      ['Temperature, °C', /· 84 °C/],
      ['Power, W', /· 421 W/],
    ] as const) {
      const figure = device.getByRole('figure').filter({ hasText: title });
      const box = await figure.getByRole('img').boundingBox();
      await expect
        .poll(async () => {
          // The newest moments lie at the right edge.
          await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 16, (box?.y ?? 0) + 40);
          await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 15, (box?.y ?? 0) + 40);
          return figure.innerText();
        })
        .toMatch(words);
    }
    await page.getByRole('radio', { name: '24 hours' }).check({ force: true });
    await expect.poll(() => device.getByRole('img', { name: /Load of the last 24 hours: between 97 % and 97 %/ }).count()).toBe(1);
  });

  test('Box: the strip says memory, watts, tokens, requests, and what a new model may take', async () => {
    await show('box');
    await engine.predict('chat', { max_tokens: 30 });
    await expect.poll(() => page.getByText('Writing').locator('..').innerText()).not.toContain('0.0 tokens/s');
    await expect.poll(() => page.getByText('Power', { exact: true }).locator('..').innerText()).toContain('421 W');
    await expect.poll(() => page.getByText('Requests', { exact: true }).locator('..').innerText()).toMatch(/0 running, 0 queued/);
    await expect
      .poll(() => page.getByText('A new model may take', { exact: true }).locator('..').innerText())
      .toMatch(/GiB on one GPU, .* GiB over 2/);
  });

  test('9, 15, Box: what a load was promised is hatched, as many bytes as the engine says; Cancel takes it back; loaded it is solid', async () => {
    await show('box');
    await engine.control('POST', '/models/slow/load', {});
    // Loading for ten minutes, it would hold up the load of any other test.
    onTestFinished(async () => void (await engine.control('POST', '/models/slow/unload', {})));
    const { devices, predictedBytes } = await engine.waitFor('slow', 'loading');
    await expect.poll(() => page.getByText('promised to slow').count()).toBeGreaterThan(0);
    // By its own plan: the broken one is tried again meanwhile, and is promised memory, too.
    const [gpu] = (await engine.gpus()).filter(({ id }) => devices.includes(id));
    const legend = page
      .getByRole('region', { name: `GPU ${gpu?.index}` })
      .getByRole('listitem')
      .filter({ hasText: 'promised to slow' });
    await expect.poll(() => legend.innerText()).toContain(bytesInWords(predictedBytes?.[gpu?.id ?? ''] ?? 0));
    const piece = page.getByTitle(/^promised to slow: /).first();
    expect(await piece.evaluate((element) => getComputedStyle(element).backgroundImage)).toContain('repeating-linear-gradient');
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

  test('16, Models: load and unload from the row, the state followed live', async () => {
    await show('models');
    await row('other').getByRole('button', { name: 'Load other' }).click();
    await row('other').getByText('Ready').waitFor();
    await expect.poll(() => row('other').innerText()).toContain('GPU 1');
    await row('other').getByRole('button', { name: 'Unload other' }).click();
    await row('other').getByText('Not loaded').waitFor();
    expect((await engine.model('other')).state).toBe('unloaded');
    // Said once the GPU is seen free, and only what it held.
    await row('other').getByText('freed 533 MiB').waitFor();
    await row('broken').getByText('Failed', { exact: true }).waitFor();
    await expect.poll(() => row('broken').innerText()).toMatch(/out of memory/i);
    // What to do names the setting of this model.
    expect((await engine.model('broken')).message).toContain('set a smaller models.broken.context');
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
    await drawer.getByText(/^All \d+ options$/).click();
    await drawer.getByText('taken', { exact: true }).waitFor();
    expect((await engine.model('other')).state).toBe('unloaded');
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
  });

  test('Models: sorted by a head, several handled at once, how fast each answers, and when it leaves', async () => {
    await show('models');
    const names = () => page.getByRole('rowheader').evaluateAll((all) => all.map((cell) => cell.querySelector('a')?.textContent));
    await expect.poll(names).toEqual(['broken', 'chat', 'other', 'second', 'slow']);
    await page.getByRole('button', { name: 'Memory' }).click();
    await expect.poll(() => page.getByRole('columnheader', { name: 'Memory' }).getAttribute('aria-sort')).toBe('descending');
    // A failed model that is tried again holds memory for a moment.
    await expect.poll(async () => (await names())[0]).toBe('chat');
    await page.getByRole('button', { name: 'Model', exact: true }).click();
    await page.getByRole('button', { name: 'Model', exact: true }).click();
    await expect.poll(names).toEqual(['slow', 'second', 'other', 'chat', 'broken']);
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
    await expect.poll(() => bar.count()).toBe(0);
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
    await expect.poll(() => first.nth(2).innerText()).toMatch(/chat\s+answered\s+\d+, 7\s/);
    await page.getByRole('combobox', { name: 'Outcome' }).click();
    await page.getByRole('option', { name: 'Answered' }).click();
    await expect.poll(() => page.getByText(/^failed/).count()).toBe(0);
    // Among the kept ones, not among those that are shown: those that failed are older than the
    // newest 200.
    for (let times = 0; times < 201; times += 1) await engine.predict('chat', { max_tokens: 1 });
    await page.getByText(/^The newest 200 of 2\d\d are shown\./).waitFor();
    await page.getByRole('combobox', { name: 'Outcome' }).click();
    await page.getByRole('option', { name: 'Failed or cancelled' }).click();
    await first.nth(1).getByText('failed (503)').waitFor();
    await page.getByRole('combobox', { name: 'Outcome' }).click();
    await page.getByRole('option', { name: 'Every outcome' }).click();
    await page.getByRole('button', { name: 'Show all' }).click();
    await expect.poll(() => first.count()).toBeGreaterThan(202);
    await expect.poll(() => page.getByText('are shown.').count()).toBe(0);
    await page.goto(`${engine.engine.address}/#/activity/other`);
    await page.getByRole('combobox', { name: 'Model' }).getByText('other').waitFor();
    await expectAccessible(page);
  });

  test('Models: found by a word, and by state', async () => {
    await show('models');
    await page.getByRole('searchbox', { name: 'Find a model' }).fill('brok');
    await expect.poll(() => page.getByRole('row').count()).toBe(2);
    await page.getByRole('searchbox', { name: 'Find a model' }).fill('nothing like it');
    await page.getByText('No model matches').waitFor();
  });

  test('Decisions: a sentence opens into its candidates, the one that was taken marked, and its outcome', async () => {
    await show('decisions/chat');
    const line = page.getByRole('button', { name: /Load chat:/ }).last();
    await line.click();
    await expect.poll(() => line.getAttribute('aria-expanded')).toBe('true');
    const taken = page.getByRole('row').filter({ hasText: 'taken' });
    await taken.waitFor();
    await expect.poll(() => taken.innerText()).toContain('llama on GPU 0');
    await page.getByText(/predicted, .* measured/).waitFor();
    // The same question with what is free now; nothing is done.
    const rows = (await engine.decisions()).length;
    await page.getByRole('button', { name: 'Decide again now' }).click();
    await page
      .getByRole('status')
      .filter({ hasText: /^Now: On GPU 0: / })
      .waitFor();
    expect((await engine.decisions()).length).toBe(rows);
    await expectAccessible(page);
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
    await choose('Outcome', 'Memory differed from the estimate');
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
    // Of one model: another one that failed is tried again whenever it likes.
    await show('decisions/other', { viewport: { width: 1024, height: 420 } });
    await page
      .getByRole('button', { name: /Unload/ })
      .first()
      .waitFor();
    const newest = await page.locator('ol > li').first().innerText();
    await page.locator('#main').evaluate((main) => main.scrollTo({ top: 200 }));
    await engine.predict('other');
    await page.getByRole('button', { name: /new$/ }).waitFor();
    await expect.poll(() => page.locator('ol > li').first().innerText()).toBe(newest);
    await page.getByRole('button', { name: /new$/ }).click();
    await expect.poll(() => page.locator('#main').evaluate((main) => main.scrollTop)).toBe(0);
    await expect.poll(() => page.locator('ol > li').first().innerText()).not.toBe(newest);
    await expect.poll(() => page.locator('ol > li').first().innerText()).toContain('Load');
  });

  test('Decisions: more than a page of them during a break are all there after it', async () => {
    const wire = await startWire(engine.engine.address);
    ({ page, errors } = await openWindow(browser, wire.address, { token: engine.engine.token, page: 'decisions/other' }));
    await page.locator('ol > li').first().waitFor();
    const all = async () => (await engine.decisions('other')).length;
    const before = await all();
    await expect.poll(() => page.locator('ol > li').count()).toBe(before);
    wire.cut();
    for (let times = 0; times < 26; times += 1) {
      await engine.predict('other');
      await engine.control('POST', '/models/other/unload', {});
    }
    wire.mend();
    // Or it has tried by itself just now.
    const tryNow = page.getByRole('button', { name: 'Try now' });
    await tryNow.click({ timeout: 2_000 }).catch(() => {});
    await expect.poll(() => page.locator('ol > li').count()).toBe(await all());
    expect(await all()).toBeGreaterThan(before + 50);
    // A connection that broke is told by the browser itself.
    errors = errors.filter((error) => !/ERR_(CONNECTION|INCOMPLETE|EMPTY|SOCKET)/.test(error));
    wire.close();
  });

  test.each(THEMES)('1, 2: nothing is out of reach in %s, and everything has a name', async (colorScheme) => {
    await show('box', { colorScheme });
    const drawer = page.getByRole('dialog');
    const tab = async (name: string, words: RegExp) => {
      await drawer.getByRole('tab', { name }).click();
      await drawer.getByText(words).first().waitFor();
    };
    const places: Readonly<Record<string, () => Promise<unknown>>> = {
      box: () =>
        page
          .getByRole('region', { name: 'GPU 1' })
          .getByText(/blender/)
          .first()
          .waitFor(),
      models: () => row('chat').waitFor(),
      'models/broken': () =>
        drawer
          .getByText(/out of memory/i)
          .first()
          .waitFor(),
      'models/chat': () => drawer.getByText('Attention heads').waitFor(),
      'models/chat: Plan': () => tab('Plan', /^All \d+ options$/),
      'models/chat: Settings': () => tab('Settings', /context/i),
      'models/chat: Log': () => tab('Log', /./),
      'models/chat: History': () => tab('History', /^All of them/),
      activity: () => page.getByRole('group', { name: 'Requests' }).getByRole('row').nth(1).waitFor(),
      decisions: () => page.locator('ol > li').first().waitFor(),
      'playground/chat': () => page.getByRole('textbox', { name: /message/i }).waitFor(),
      'playground/chat: Chats': async () => {
        await page.getByRole('button', { name: 'Chats' }).click();
        await drawer.getByText('No conversation yet').waitFor();
      },
      logs: () => page.getByRole('region', { name: 'Lines' }).locator('[data-index]').first().waitFor(),
      settings: () => page.getByRole('switch').first().waitFor(),
      'settings: add': async () => {
        await page.getByRole('heading', { level: 1 }).click();
        await page.keyboard.press('a');
        await page.getByRole('dialog', { name: 'Add a model' }).waitFor();
      },
    };
    for (const [place, ready] of Object.entries(places)) {
      if (!place.includes(':')) await page.goto(`${engine.engine.address}/#/${place}`);
      await ready();
      await expectAccessible(page);
      expect(await withoutName(page), place).toEqual([]);
    }
    await page.keyboard.press('Escape');
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0);
    await page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(['GGUF'], 'a.gguf'));
      document.querySelector('#main')?.dispatchEvent(new DragEvent('dragenter', { bubbles: true, cancelable: true, dataTransfer: data }));
    });
    await page.getByTestId('drop-overlay').waitFor();
    await expectAccessible(page);
  });

  test.each(THEMES)(
    '7, 10, 15, 25: eight GPUs in sight, what leaks and what is promised striped, heat and each state told without colour, in %s',
    async (colorScheme) => {
      const crowd = await startCrowd(engine.engine.address, busySnapshot(await engine.status()));
      ({ page, errors } = await openWindow(browser, crowd.address, { token: engine.engine.token, page: 'box', colorScheme }));
      const gpu = (index: number) => page.getByRole('region', { name: `GPU ${index}`, exact: true });
      const last = await gpu(7).boundingBox();
      expect((last?.y ?? 0) + (last?.height ?? Number.NaN)).toBeLessThanOrEqual(800);
      // The paint itself: a colour alone would not tell it in a grey picture.
      const paint = (title: RegExp) =>
        gpu(3)
          .getByTitle(title)
          .first()
          .evaluate((piece) => {
            const { backgroundColor, backgroundImage } = getComputedStyle(piece);
            return `${backgroundColor} ${backgroundImage}`;
          });
      const leak = await paint(/^still held by pid 4242 after gone left: 2\.0 GiB$/);
      const promised = await paint(/^promised to loading: 1\.0 GiB$/);
      for (const each of [leak, promised]) expect(each).toMatch(/repeating-linear-gradient\((?:45|135)deg/);
      expect(leak).not.toMatch(/^rgba\(0, 0, 0, 0\)/);
      expect(await paint(/^ready: /)).toMatch(/ none$/);
      await gpu(3).getByText('still held by pid 4242 after gone left').filter({ visible: true }).first().waitFor();
      await expect.poll(() => gpu(1).innerText()).toMatch(/81 °C\s+warm/);
      await expect.poll(() => gpu(2).innerText()).toMatch(/89 °C\s+hot/);
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Models' }).click();
      await row('failed').waitFor();
      const chips = await page.getByRole('row').evaluateAll((rows) =>
        rows.slice(1).map((each) => {
          const chip = each.querySelector('[class*=chip]');
          return `${chip?.querySelector('svg')?.innerHTML} ${chip?.querySelector(':scope > span:nth-child(2)')?.textContent}`;
        }),
      );
      expect(new Set(chips).size).toBe(MODEL_STATES.length);
      await page.getByRole('button', { name: 'Unload now draining' }).click();
      await page.getByRole('alertdialog').getByText('2 requests run on it').waitFor();
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Cut them and unload' }).click();
      // What the engine refuses is said in a message that covers nothing.
      const message = page.getByText('draining cannot be unloaded');
      await message.waitFor();
      const main = await page.locator('#main').boundingBox();
      expect((main?.y ?? 0) + (main?.height ?? Number.NaN)).toBeLessThanOrEqual((await message.boundingBox())?.y ?? 0);
      errors = errors.filter((error) => !error.includes('404'));
      crowd.close();
    },
  );

  test('the desktop is told, while nobody looks: what failed to load, once, and what made room', async () => {
    const notices: { title: string; page: string }[] = [];
    ({ page, errors } = await openWindow(browser, engine.engine.address, {
      token: engine.engine.token,
      page: 'models',
      // As in the app, behind another window.
      prepare: async (fresh) => {
        // The engine tries `broken` again by itself, at a moment of its own.
        const noted = (notice: { title: string; page: string }) => notice.title.startsWith('broken') || notices.push(notice);
        await fresh.exposeFunction('noted', noted);
        await fresh.addInitScript(() => {
          const { noted } = globalThis as unknown as { noted: (notice: unknown) => void };
          const nothing = () => undefined;
          Object.assign(window, { modelium: { notify: noted, pathsOf: () => [], showInTray: nothing, choose: nothing } });
          document.hasFocus = () => false;
        });
      },
    }));
    await engine.drop('late', MODEL);
    await row('late').getByText('Not loaded').waitFor();
    for (let times = 0; times < 2; times += 1) {
      await engine.control('POST', '/models/late/load', {});
      await engine.waitFor('late', 'loading');
      await engine.waitFor('late', 'failed');
      await expect.poll(() => notices).toEqual([expect.objectContaining({ title: 'late failed to load' })]);
    }
    await engine.predict('chat');
    await row('chat').getByText('Ready').waitFor();
    // What is left on GPU 0 is less than one of them takes.
    const [first = ''] = box.uuids;
    box.setOthers(first, { 4000002: 7_000 });
    await expect.poll(async () => (await engine.gpus())[0]?.othersBytes).toBeGreaterThan(6 * GIB);
    expect((await engine.predict('second')).status).toBe(200);
    await expect
      .poll(() => notices)
      .toEqual([
        { title: 'late failed to load', body: expect.stringContaining('out of memory'), page: 'models' },
        { title: 'chat made room for second', body: 'The next request to it loads it again.', page: 'decisions' },
      ]);
    box.setOthers(first, {});
    await engine.control('POST', '/models/second/unload', {});
    await engine.predict('chat');
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
    ['on a phone', { width: 390, height: 844 }],
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

const MODEL_STATES = Object.keys({
  discovered: 0,
  settling: 0,
  analyzed: 0,
  blocked: 0,
  preparing: 0,
  queued: 0,
  loading: 0,
  ready: 0,
  asleep: 0,
  draining: 0,
  unloaded: 0,
  failed: 0,
} satisfies Record<StateName, number>) as readonly StateName[];

/**
 * Eight GPUs, among them a warm one, a hot one and one with a leak and a promise; a model in each
 * state.
 */
function busySnapshot(snapshot: Snapshot): Snapshot {
  const [model] = snapshot.models;
  const [device] = snapshot.devices.filter(({ kind }) => kind === 'gpu');
  const hosts = snapshot.devices.filter(({ kind }) => kind === 'host');
  const none = { byModel: {}, programs: [], othersBytes: 0, leaks: [], leakedBytes: 0, promisedBytes: 0, temperatureCelsius: 50 };
  const gpus = Array.from({ length: 8 }, (_, index) => ({ ...device, ...none, index, id: `GPU-${index}` }) as DeviceView);
  const special: Readonly<Record<number, Partial<DeviceView>>> = {
    1: { temperatureCelsius: 81 },
    2: { temperatureCelsius: 89 },
    3: {
      byModel: { ready: GIB },
      leakedBytes: 2 * GIB,
      leaks: [{ modelId: 'gone', pids: [4242], bytes: 2 * GIB }],
      promisedBytes: GIB,
    },
  };
  const models = MODEL_STATES.map((state) => {
    const own = state === 'loading' ? { predictedBytes: { 'GPU-3': GIB } } : state === 'draining' ? { inFlight: 2 } : {};
    return { ...model, idleMs: null, progress: null, copy: null, blockedReason: null, inFlight: 0, ...own, id: state, aliases: [], state };
  });
  const devices = [...gpus.map((each, index) => ({ ...each, ...special[index] })), ...hosts];
  return { ...snapshot, devices, models } as Snapshot;
}

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
    const reported = [...document.querySelectorAll('svg')].filter((icon) => icon.getAttribute('aria-hidden') !== 'true');
    return [...nameless, ...reported].map((element) => element.outerHTML.slice(0, 160));
  });
}
