/**
 * The drawer of a model in a real Chromium on a simulated box: what a launch would take follows the
 * sliders, and what is saved is what is loaded.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Decision, OwnLaunch } from '../../shared/decision.ts';
import { bytesInWords } from '../../shared/units.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';

const GPU_MIB = 8_000;

describe.skipIf(CHROMIUM === null)('the drawer of a model: needs Chromium', () => {
  let browser: Browser;
  let box: SimulatedBox;
  let engine: TestEngine;
  let page: Page;
  let errors: readonly string[] = [];

  async function show(model: string, tab: string, colorScheme: 'light' | 'dark' = 'light') {
    ({ page, errors } = await openWindow(browser, engine.engine.address, {
      token: engine.engine.token,
      page: `models/${model}`,
      colorScheme,
      permissions: ['clipboard-read', 'clipboard-write'],
    }));
    const drawer = page.getByRole('dialog', { name: model });
    await drawer.getByRole('tab', { name: tab }).click();
    return drawer;
  }
  async function planned(target: string): Promise<{ readonly decision: Decision; readonly own: OwnLaunch }> {
    return (await engine.control('POST', '/plan', { target })).body as { decision: Decision; own: OwnLaunch };
  }
  const total = (bytes: Readonly<Record<string, number>>) => Object.values(bytes).reduce((sum, each) => sum + each, 0);

  beforeAll(async () => {
    browser = await launchChromium();
    box = makeSimulatedBox({ gpus: [{ totalMiB: GPU_MIB }, { totalMiB: GPU_MIB }] });
    engine = await startTestEngine({
      gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 100 },
      host: { reserve_mb: 0 },
      llama: { command: box.runtimeCommand, args: ['--memory-mb', '533', '--layers', '17'], port_range: [23_300, 23_399] },
      orchestration: { policies: { load: 'on_request', min_residency_seconds: 0 } },
      models: { large: { gpus: [1], memory_mb: 200_000 }, filler: { gpus: [1] }, wide: { gpus: [1], memory_mb: 7_600 } },
    });
    for (const name of ['chat', 'large', 'filler', 'wide']) await engine.drop(name, { layers: 16, contextTokens: 8192 });
    for (const name of ['chat', 'filler', 'wide']) await engine.waitFor(name, 'unloaded');
    await engine.waitFor('large', 'blocked');
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

  test('11: the plan’s slider and its number agree, the figure follows, and is the one that the load records', async () => {
    const drawer = await show('chat', 'Plan');
    const figure = drawer.getByRole('heading', { name: /^Its memory: / });
    const before = await figure.innerText();
    const box = drawer.getByRole('spinbutton', { name: 'Context, tokens' });
    const slider = drawer.getByRole('slider', { name: 'Context, tokens' });
    await expect.poll(() => box.inputValue()).toBe('8192');
    const contexts = new Set<unknown>();
    page.on('request', (request) => {
      if (request.url().endsWith('/control/plan')) contexts.add(request.postDataJSON().with.context);
    });
    await box.fill('512');
    await expect.poll(() => figure.innerText()).not.toBe(before);
    // The engine was asked for it: the page reckons nothing, and waits for nothing before it asks.
    // It is asked again whenever room comes or goes.
    expect(contexts).toContain(512);
    await expect.poll(() => slider.getAttribute('aria-valuenow')).toBe('512');
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => box.inputValue()).toBe('768');
    await drawer.getByText('768 tokens for each of 4 requests').waitFor();
    await drawer.getByText('Not saved').waitFor();
    await expectAccessible(page);
    const wished = ((await engine.control('POST', '/plan', { target: 'chat', with: { context: 768 } })).body as { decision: Decision })
      .decision;
    const bytes = wished.kind === 'place' ? wished.candidate.bytesNeeded : {};
    await expect.poll(() => figure.innerText()).toBe(`Its memory: ${bytesInWords(total(bytes))}`);
    await drawer.getByRole('button', { name: 'Use this and load it' }).click();
    const ready = await engine.waitFor('chat', 'ready');
    expect(ready.plan?.contextTokens).toBe(768);
    expect((await planned('chat')).own.context).toBe(768);
    const load = (await engine.decisions('chat')).findLast(({ action }) => action === 'load');
    expect(load?.outcome?.predictedBytes).toEqual(bytes);
    await drawer.getByText('From the settings').waitFor();
  });

  test('a ready model is planned as if it had left, and loaded anew with what was chosen', async () => {
    await engine.predict('chat');
    const drawer = await show('chat', 'Plan');
    await drawer.getByRole('combobox', { name: 'Place' }).click();
    await page.getByRole('option', { name: 'GPU 1', exact: true }).click();
    await drawer.getByText('On GPU 1: it fits').waitFor();
    await drawer.getByRole('button', { name: 'Use this and reload it' }).click();
    await expect.poll(async () => (await engine.model('chat')).devices.includes(box.uuids[1] ?? '')).toBe(true);
    await engine.waitFor('chat', 'ready');
    await drawer.getByRole('button', { name: 'Automatic place' }).click();
    await drawer.getByText('gpus: (automatic)').waitFor();
    await drawer.getByRole('button', { name: 'Use this and reload it' }).click();
    await expect.poll(async () => (await planned('chat')).own.gpus).toBe(null);
    await drawer.getByText('Not saved').waitFor({ state: 'hidden' });
    await engine.waitFor('chat', 'ready');
    await engine.control('POST', '/models/chat/unload', {});
  });

  test('12: what does not fit says what it needs, what there is and who must leave; it can be overridden, and that is on record', async () => {
    const drawer = await show('large', 'Plan', 'dark');
    await drawer.getByText(/^Too large for this machine: needs 195\.3 GiB, GPU 1 has 7\.7 GiB/).waitFor();
    await drawer.getByText(/The most that is free in one place is 7\.\d GiB/).waitFor();
    await expectAccessible(page);
    await drawer.getByRole('button', { name: 'Override the estimate' }).click();
    await drawer.getByText('On GPU 1: it fits').waitFor();
    await drawer.getByRole('button', { name: 'Use this and load it' }).click();
    await engine.waitFor('large', 'ready');
    const load = (await engine.decisions('large')).findLast(({ action }) => action === 'load');
    expect(load?.because?.facts.find(({ fact }) => fact === 'overridden')).toBeDefined();
    await engine.control('POST', '/models/large/unload', {});
    // Who must leave is named where it fits only then.
    await engine.predict('filler');
    await page.goto(`${engine.engine.address}/#/models/wide`);
    const other = page.getByRole('dialog', { name: 'wide' });
    await other.getByRole('tab', { name: 'Plan' }).click();
    await other.getByText('Must leave first: filler').waitFor();
    await engine.control('POST', '/models/filler/unload', {});
  });

  test('what is in force says who said so; the log, the history and the reason of a ready model; lines to copy', async () => {
    await engine.predict('chat', { max_tokens: 5 });
    const drawer = await show('chat', 'Settings');
    const row = (name: string) => drawer.getByRole('row').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
    await expect.poll(() => row('Context').innerText()).toMatch(/768 tokens\s+This model's settings/);
    await expect.poll(() => row('GPUs').innerText()).toMatch(/GPU 0\s+Automatic/);
    await expect.poll(() => row('Unloaded').innerText()).toMatch(/after 5 min without a request\s+Settings of all models/);
    await expectAccessible(page);
    await drawer.getByRole('tab', { name: 'Log' }).click();
    await drawer.getByRole('group', { name: 'Last lines' }).waitFor();
    await expectAccessible(page);
    await drawer.getByRole('tab', { name: 'History' }).click();
    await drawer.getByRole('heading', { name: 'Requests' }).waitFor();
    await expect.poll(() => drawer.getByRole('row').nth(1).innerText()).toMatch(/\d\d:\d\d:\d\d\s+answered\s+\d+, 5/);
    await expectAccessible(page);
    await drawer.getByRole('tab', { name: 'Overview' }).click();
    await drawer.getByRole('heading', { name: 'Why there' }).waitFor();
    await drawer.getByText(/^On GPU \d: it fits/).waitFor();
    await drawer.getByText('0 running, 0 waiting').waitFor();
    await drawer.getByRole('button', { name: 'Copy the curl command' }).click();
    const curl = await page.evaluate(() => navigator.clipboard.readText());
    expect(curl).toContain(`curl '${engine.engine.address}/predict/chat' -d '{"messages":`);
    await drawer.getByText('Python', { exact: true }).click();
    await drawer.getByText('from openai import OpenAI').waitFor();
    await expectAccessible(page);
  });
});
