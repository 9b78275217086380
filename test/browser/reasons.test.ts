/**
 * A reason in the window: the headline in rows, its facts as chips, the chosen candidate on top,
 * and how figures came about only when opened.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';

describe.skipIf(CHROMIUM === null)('reasons in a browser: needs Chromium', () => {
  let browser: Browser;
  let live: LiveEngine;

  beforeAll(async () => {
    browser = await launchChromium();
    const policies = { load: 'on_request' };
    live = await startLiveEngine({
      settings: { host: { reserve_mb: 0 }, orchestration: { policies }, models: { huge: { context: 4_000_000_000 } } },
    });
    await live.drop('small');
    await live.drop('huge');
    await live.comesTo('huge', 'blocked');
    await live.comesTo('small', 'unloaded');
    await live.predict('small');
  });
  afterAll(async () => {
    await browser?.close();
    await live?.close();
  });

  test('a headline of one line; opened, its facts, and the chosen candidate first', async () => {
    const { page, errors } = await openWindow(browser, live.address, { token: live.engine.token, page: 'decisions' });
    const row = page.getByRole('listitem').filter({ hasText: 'small: On the CPU: there is no GPU here' }).first();
    await row.getByRole('button', { name: /On the CPU: there is no GPU here/ }).click();
    await row.getByText(/^needs \d+ MiB, [\d.]+ GiB free$/).waitFor();
    const [first = ''] = await row.getByRole('table').locator('tbody tr').allInnerTexts();
    expect(first).toMatch(/^llama on CPU\s*taken/);
    await expectAccessible(page);

    await page.goto(`${live.address}/#/models/huge`);
    const drawer = page.getByRole('dialog');
    await drawer
      .getByText(/^Too large for this machine: needs [\d.]+ GiB, CPU has [\d.]+ GiB$/)
      .first()
      .waitFor();
    await expectAccessible(page);
    await page.goto(`${live.address}/#/models`);
    const cell = page.getByRole('row').filter({ hasText: 'huge' });
    await expect.poll(() => cell.innerText()).toMatch(/Too large for this machine: needs [\d.]+ GiB, CPU has [\d.]+ GiB\n/);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
