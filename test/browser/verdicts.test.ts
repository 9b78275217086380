/**
 * Verdicts in the window: a folder that brings code is looked at and trusted there, models of other
 * tools are found and served.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readToken } from '../../main/io/engine-file.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { CODE_FILE, writeCodeModel } from '../helpers/code-model.ts';
import { tinyBytes, writeHubModel, writeOllamaModel } from '../helpers/model-stores.ts';
import { type Home, makeHome, type Served, startServe } from '../helpers/serve.ts';

describe.skipIf(CHROMIUM === null)('verdicts in the window: needs Chromium', () => {
  let browser: Browser;
  let home: Home;
  let served: Served;

  beforeAll(async () => {
    browser = await launchChromium();
    home = makeHome({ orchestration: { model_discovery: { scan_interval_seconds: 1 } } });
    writeCodeModel(join(home.watch, 'coded'));
    writeFileSync(join(home.watch, 'coded', 'a\u202eyp.txt.py'), 'hidden = 1\u202e\n');
    writeHubModel(join(home.root, '.cache/huggingface/hub'), 'owner/Hub-GGUF', { 'tiny-q4.gguf': tinyBytes(1) });
    writeOllamaModel(join(home.root, '.ollama/models'), 'llama3.2', '1b', tinyBytes(3));
    writeFileSync(join(home.watch, 'notes.txt'), 'Notes.');
    mkdirSync(join(home.watch, 'empty'));
    served = await startServe(home);
    await served.becomes('coded', 'blocked');
  });
  afterAll(async () => {
    await browser?.close();
    await served?.end('SIGTERM');
    await home?.remove();
  });

  async function open(name: string): Promise<Page> {
    const { page } = await openWindow(browser, served.address, { token: readToken(home.state) ?? '', page: name });
    return page;
  }

  test('what is no model is said to be none: no trouble, nothing to try again', async () => {
    const page = await open('models');
    for (const [id, sentence] of [
      ['notes.txt', 'It is a text'],
      ['empty', 'It is an empty folder'],
    ] as const) {
      await served.becomes(id, 'blocked');
      const row = page.getByRole('row').filter({ hasText: id });
      await row.getByText(sentence).waitFor();
      await row.getByText('Not served').waitFor();
      await expect.poll(() => row.getByRole('button', { name: /^(?:Retry|Load)/ }).count()).toBe(0);
    }
    // The model that waits for trust is the one that a person should look at.
    await page.getByRole('navigation', { name: 'Pages' }).getByText('1 in trouble').waitFor();
    await page.goto(`${served.address}/#/models/notes.txt`);
    const drawer = page.getByRole('dialog', { name: 'notes.txt' });
    await drawer.getByText('Drop a GGUF file or a model folder.').waitFor();
    await expect.poll(() => drawer.getByRole('button', { name: /^(?:Retry|Try it)/ }).count()).toBe(0);
    await expectAccessible(page);
    await page.context().close();
  });

  test('code is read before it is trusted, and asked for again when it changes', async () => {
    const page = await open('models/coded');
    const drawer = page.getByRole('dialog', { name: 'coded' });
    await drawer.getByRole('button', { name: 'Look at the code' }).click();
    await drawer.locator('summary').filter({ hasText: CODE_FILE }).click();
    // A name that would read otherwise than it is, and a text that hides what follows: shown as
    // they are.
    const shown = (await drawer.innerText()) + (await drawer.locator('pre').allTextContents()).join('');
    expect(shown).toContain('a\\u{202e}yp.txt.py');
    expect(shown).toContain('hidden = 1\\u{202e}');
    expect(shown).not.toContain('\u202e');
    await drawer.locator('details[open] pre').waitFor();
    await expectAccessible(page);
    await drawer.getByRole('button', { name: 'Trust this content' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Trust it' }).click();
    await expect.poll(async () => (await served.model('coded'))?.blockedReason).toBe('no-runtime');
    appendFileSync(join(home.watch, 'coded', CODE_FILE), '\nimport os\n');
    await expect.poll(async () => (await served.model('coded'))?.blockedReason).toBe('needs-trust');
    await drawer.getByRole('button', { name: 'Look at the code' }).first().click();
    await drawer.getByRole('button', { name: 'Trust this content' }).waitFor();
    await page.context().close();
  });

  test("other tools' models are said, listed and served from where they lie", async () => {
    const page = await open('models');
    await page.getByText('2 models of other tools are already on this machine.').waitFor();
    await page.getByRole('button', { name: 'Show them' }).click();
    const dialog = page.getByRole('dialog', { name: 'Already on this machine' });
    await expectAccessible(page);
    await dialog.getByRole('button', { name: /^Serve llama3\.2/ }).click();
    await dialog.getByText(/^here as /).waitFor();
    await page.keyboard.press('Escape');
    const card = page.getByRole('region', { name: 'Dropped items' }).getByRole('listitem');
    await card.getByText(/^Ready: llama on CPU/).waitFor();
    await page.context().close();
  });
});
