/**
 * One person's first minutes in a browser, on a real llama.cpp: add a model, watch it load, ask it,
 * unload it; by mouse and by keyboard alone.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { basename, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readToken } from '../../main/io/engine-file.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { eventually } from '../helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { makeHome, startServe } from '../helpers/serve.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';

describe.skipIf(CHROMIUM === null)('the story in a browser: needs Chromium', () => {
  let browser: Browser;
  let live: LiveEngine;

  beforeAll(async () => {
    browser = await launchChromium();
    live = await startLiveEngine({ settings: { llama: { port_range: [23_100, 23_199] }, host: { reserve_mb: 0 } } });
  });
  afterAll(async () => {
    await browser?.close();
    await live?.close();
  });

  const open = (page = 'models') => openWindow(browser, live.address, { token: live.engine.token, page });

  test('25, empty pages teach', async () => {
    const { page, errors } = await open();
    await page.getByRole('heading', { name: 'Add a model' }).waitFor();
    await page.goto(`${live.address}/#/decisions`);
    await page.getByRole('heading', { name: 'No decision yet' }).waitFor();
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('the first model takes the place of the empty page, and not the focus from who had it there', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'Add a model' }).focus();
    const model = await writeTinyGguf(live.watch, { name: 'by-itself', contextTokens: 512 });
    await page.getByRole('link', { name: 'by-itself', exact: true }).waitFor();
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Add a model');
    await page.context().close();
    rmSync(model);
    await eventually('it is gone', async () => (await live.status()).models.length === 0);
  });

  test('15, the sample model: fetched by the engine, cancelled with a button, and a failure says why', async () => {
    const before = { PATH: process.env['PATH'], XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] };
    const programs = join(live.folder, 'programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'python3'), '#!/bin/sh\nexec /bin/sleep 60\n', { mode: 0o755 });
    Object.assign(process.env, { PATH: programs, XDG_CACHE_HOME: join(live.folder, 'cache') });
    try {
      const { page } = await open();
      await page.getByRole('button', { name: 'Get the sample model (93 MB)' }).click();
      await page.getByText(/Fetching SmolLM2-135M-Instruct/).waitFor();
      await expectAccessible(page);
      // It goes on while another page is shown.
      await page.getByRole('link', { name: 'Box' }).click();
      await page.getByRole('heading', { level: 1, name: 'Box' }).waitFor();
      await page.goBack();
      await page.getByText(/Fetching SmolLM2-135M-Instruct/).waitFor();
      await page.getByRole('button', { name: 'Cancel' }).click();
      rmSync(join(programs, 'python3'));
      await page.getByRole('button', { name: 'Get the sample model (93 MB)' }).click();
      const toast = page.getByRole('region', { name: 'Notifications' });
      await toast.getByText('The sample model was not fetched').waitFor();
      await toast.getByText(/pip could not fetch it: python3 is not installed here/).waitFor();
      await expectAccessible(page);
      await page.context().close();
    } finally {
      Object.assign(process.env, before.XDG_CACHE_HOME === undefined ? { PATH: before.PATH } : before);
      if (before.XDG_CACHE_HOME === undefined) delete process.env['XDG_CACHE_HOME'];
    }
  });

  test('a path becomes a card that follows the model to "Ready", and a model that answers', async () => {
    const path = await writeTinyGguf(join(live.folder, 'elsewhere'), { name: 'first', contextTokens: 512 });
    const { page, errors } = await open();
    await page.getByRole('button', { name: 'Add a model' }).first().click();
    await page.getByRole('textbox', { name: 'Path' }).fill(path);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    const said = page.getByTestId('verdicts-said');
    // There before it has anything to say: readers announce what changes in it, and nothing that
    // comes with it.
    await expect.poll(() => said.getAttribute('role')).toBe('status');
    const card = page.getByRole('region', { name: 'Dropped items' }).getByRole('listitem');
    await card.getByText(/^Ready: llama on CPU/).waitFor();
    await expect.poll(() => said.innerText()).toMatch(/^first\.gguf: Ready: llama on CPU/);
    await expectAccessible(page);
    await card.getByRole('button', { name: 'Try it' }).click();
    expect(new URL(page.url()).hash).toBe('#/playground/first');
    await expect.poll(() => page.title()).toBe('first - Playground - Modelium');
    expect(await page.evaluate(() => document.getElementById('main')?.contains(document.activeElement))).toBe(true);
    await page.getByRole('textbox', { name: /message/i }).fill('Hello');
    await page.keyboard.press('Enter');
    await page
      .getByText(/tokens\/s/)
      .first()
      .waitFor();
    await page.goto(`${live.address}/#/models`);
    await page.getByRole('button', { name: 'Unload first' }).click();
    await page.getByText('Not loaded', { exact: true }).waitFor();
    expect((await live.model('first'))?.state).toBe('unloaded');
    // The same file once more is the same model, and that is said.
    for (let times = 0; times < 2; times += 1) {
      await page.getByRole('button', { name: 'Add a model' }).first().click();
      await page.getByRole('textbox', { name: 'Path' }).fill(path);
      await page.keyboard.press('Enter');
      await card.getByText('It is here already, as first: nothing was added.').waitFor();
    }
    // The card of the time before leaves as soon as the engine has named the model.
    await expect.poll(() => card.count()).toBe(1);
    expect(
      await page
        .getByRole('row')
        .filter({ has: page.getByRole('link', { name: 'first', exact: true }) })
        .count(),
    ).toBe(1);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('what is no model gets a verdict too', async () => {
    const { page } = await open();
    for (const [path, words] of [
      ['/nonexistent/model.gguf', /nonexistent/],
      ['relative.gguf', /absolute path/],
      ['/dev/null', /neither a file nor a folder/],
    ] as const) {
      await page.getByRole('button', { name: 'Add a model' }).first().click();
      await page.getByRole('textbox', { name: 'Path' }).fill(path);
      await page.keyboard.press('Enter');
      const card = page.getByRole('region', { name: 'Dropped items' }).getByRole('listitem').last();
      await card.getByText(words).first().waitFor();
      await card.getByRole('button', { name: /Dismiss/ }).click();
    }
    await page.context().close();
  });

  test('14, five items dropped at once: a card for each, with its reason and what to do', async () => {
    const folder = join(live.folder, 'mixed');
    mkdirSync(join(folder, 'empty'), { recursive: true });
    writeFileSync(join(folder, 'notes.txt'), 'Notes.');
    writeFileSync(join(folder, 'strange.xyz'), 'Nobody knows what this is.');
    const model = await writeTinyGguf(folder, { name: 'mixed', contextTokens: 512 });
    const { page } = await open();
    // As in the app: there the page is told the paths of what is dropped.
    await page.addInitScript((at) => {
      const nothing = () => undefined;
      const pathsOf = (items: readonly File[]) => items.map(({ name }) => `${at}/${name}`);
      Object.assign(window, { modelium: { pathsOf, notify: nothing, showInTray: nothing, choose: nothing } });
    }, folder);
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
    const names = ['notes.txt', 'strange.xyz', 'empty', 'gone.gguf', basename(model)];
    await page.evaluate((given) => {
      const data = new DataTransfer();
      for (const name of given) data.items.add(new File(['x'], name));
      const event = { bubbles: true, cancelable: true, dataTransfer: data };
      for (const type of ['dragenter', 'dragover', 'drop']) document.querySelector('#main')?.dispatchEvent(new DragEvent(type, event));
    }, names);
    const card = (name: string) => page.getByRole('region', { name: 'Dropped items' }).getByRole('listitem').filter({ hasText: name });
    for (const [name, reason] of [
      ['notes.txt', /It is a text/],
      ['strange.xyz', /It is (?:no|not)/],
      ['empty', /It is an empty folder/],
      ['gone.gguf', /gone\.gguf/],
      [basename(model), /^Ready: llama on CPU/],
    ] as const) {
      await card(name).getByText(reason).first().waitFor();
      expect(await card(name).getByRole('button').count(), name).toBeGreaterThan(0);
    }
    await expect.poll(() => page.getByRole('region', { name: 'Dropped items' }).getByRole('listitem').count()).toBe(names.length);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
    // An app that is older than its engine lacks what came later: its settings are shown without
    // that.
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('combobox', { name: 'How the window looks' }).waitFor();
    await expect.poll(() => page.getByText('could not be shown').count()).toBe(0);
    await page.context().close();
  });

  test('a part of the window runs only as it was built: a program between it and the engine cannot change it', async () => {
    const changed = "globalThis.stolen = 'yes'; export const DecisionsPage = () => null;";
    const { page, errors } = await openWindow(browser, live.address, {
      token: live.engine.token,
      prepare: (fresh) =>
        fresh.route('**/assets/decisions-page-*.js', (route) => route.fulfill({ body: changed, contentType: 'text/javascript' })),
    });
    await page.getByRole('link', { name: 'Decisions' }).click();
    await page.getByText('This part of the window could not be fetched').waitFor();
    await expectAccessible(page);
    expect(await page.evaluate(() => 'stolen' in globalThis)).toBe(false);
    expect(errors.some((error) => error.includes('integrity'))).toBe(true);
    // The rest of the window lives on, and the part comes with a reload.
    await page.unroute('**/assets/decisions-page-*.js');
    const heading = page.getByRole('heading', { level: 1, name: 'Decisions' });
    const again = page.getByRole('button', { name: 'Load the window again' });
    // A busy machine may break the link to the engine: with the next one the part comes by itself.
    await Promise.race([again.click().catch(() => {}), heading.waitFor()]);
    await heading.waitFor();
    await page.context().close();
  });

  test('a part of the window that its import map forgot does not run', async () => {
    const { page, errors } = await openWindow(browser, live.address, {
      token: live.engine.token,
      prepare: (fresh) =>
        fresh.route(`${live.address}/`, async (route) => {
          const response = await route.fetch();
          const body = (await response.text()).replace(/"\/assets\/decisions-page-[^"]+":"[^"]+",/, '');
          const map = /<script type="importmap">([^<]*)</.exec(body)?.[1] ?? '';
          const hash = `'sha256-${createHash('sha256').update(map).digest('base64')}'`;
          const policy = response.headers()['content-security-policy']?.replace(/'sha256-[^']+'/, hash) ?? '';
          await route.fulfill({ response, body, headers: { ...response.headers(), 'content-security-policy': policy } });
        }),
    });
    await page.getByRole('link', { name: 'Decisions' }).click();
    await page.getByText('This part of the window could not be fetched').waitFor();
    expect(errors.filter((error) => !error.includes('integrity'))).toEqual([]);
    await page.context().close();
  });

  test('13, dragging files shows the overlay once, text none; a drop without paths explains itself', async () => {
    const { page } = await open();
    const overlay = page.getByTestId('drop-overlay');
    const drag = (type: string, kind: 'file' | 'text', selector: string) =>
      page.evaluate(
        ([name, content, where]) => {
          const data = new DataTransfer();
          if (content === 'file') data.items.add(new File(['GGUF'], 'a.gguf'));
          else data.setData('text/plain', 'words');
          document
            .querySelector(where ?? '')
            ?.dispatchEvent(new DragEvent(name ?? '', { bubbles: true, cancelable: true, dataTransfer: data }));
        },
        [type, kind, selector],
      );
    await drag('dragenter', 'text', '#main');
    await expect.poll(() => overlay.count()).toBe(0);
    // Every coming and going of the overlay, seen from inside: one that flickers would be gone
    // again before anybody asks.
    await page.evaluate(() => {
      const seen: string[] = [];
      Object.assign(globalThis, { seen });
      const isOverlay = (node: Node) => node instanceof Element && node.matches('[data-testid=drop-overlay]');
      new MutationObserver((changes) => {
        for (const { addedNodes, removedNodes } of changes) {
          if ([...addedNodes].some(isOverlay)) seen.push('shown');
          if ([...removedNodes].some(isOverlay)) seen.push('gone');
        }
      }).observe(document.body, { childList: true, subtree: true });
    });
    const seen = () => page.evaluate(() => (globalThis as unknown as { seen: readonly string[] }).seen);
    await drag('dragenter', 'file', '#main');
    await overlay.waitFor();
    // As browsers do it: the next element is entered before the last is left.
    const inner = ['h1', 'nav', 'nav a', 'main button'];
    for (const each of inner) await page.locator(each).first().waitFor();
    let under = '#main';
    for (let step = 0; step < 50; step += 1) {
      const next = inner[step % inner.length] ?? '#main';
      await drag('dragenter', 'file', next);
      await drag('dragleave', 'file', under);
      await drag('dragover', 'file', next);
      under = next;
    }
    await drag('dragleave', 'file', under);
    await expect.poll(seen).toEqual(['shown', 'gone']);
    // An element that is taken away under the pointer is never left; the drag that ended elsewhere
    // leaves nothing behind.
    await drag('dragenter', 'file', '#main');
    await overlay.waitFor();
    await expect.poll(seen).toEqual(['shown', 'gone', 'shown', 'gone']);
    await drag('dragenter', 'file', '#main');
    await drag('drop', 'file', '#main');
    await page
      .getByRole('dialog', { name: 'Add a model' })
      .getByText(/Browsers hide the path/)
      .waitFor();
    await expect.poll(() => overlay.count()).toBe(0);

    // What was dropped can be copied to the engine, and gets its verdict like any other; a larger
    // one is chosen.
    await page.getByRole('button', { name: 'Upload this file' }).click();
    const card = (name: string) => page.getByRole('region', { name: 'Dropped items' }).getByRole('listitem').filter({ hasText: name });
    await card('a.gguf').getByText('its header is not complete').waitFor();
    expect(readFileSync(join(live.watch, 'a.gguf'), 'utf8')).toBe('GGUF');
    const chosen = await writeTinyGguf(join(live.folder, 'elsewhere'), { name: 'sent' });
    await page.getByRole('button', { name: 'Add a model' }).first().click();
    await page.getByLabel('Files to upload').setInputFiles(chosen);
    await card('sent.gguf').getByRole('button', { name: 'Try it' }).waitFor();
    expect(readFileSync(join(live.watch, 'sent.gguf'))).toEqual(readFileSync(chosen));
    await expectAccessible(page);

    // Cancelled when the engine has answered, and before the page has heard of it.
    const late = await writeTinyGguf(join(live.folder, 'elsewhere'), { name: 'late' });
    const answered = Promise.withResolvers<boolean>();
    const cancelled = Promise.withResolvers<void>();
    await page.route('**/control/library/upload?*', async (route) => {
      const response = await route.fetch();
      answered.resolve(response.ok() && existsSync(join(live.watch, 'late.gguf')));
      await cancelled.promise;
      await route.fulfill({ response }).catch(() => {});
    });
    await page.getByRole('button', { name: 'Add a model' }).first().click();
    await page.getByLabel('Files to upload').setInputFiles(late);
    expect(await answered.promise).toBe(true);
    await card('late.gguf').getByRole('button', { name: 'Cancel' }).click();
    await eventually('nothing of it is left', async () => !existsSync(join(live.watch, 'late.gguf')));
    cancelled.resolve();
    await eventually('it is no model', async () => !(await live.status()).models.some(({ id }) => id === 'late'));

    for (const name of ['a.gguf', 'sent.gguf']) rmSync(join(live.watch, name));
    await eventually('they are gone', async () => !(await live.status()).models.some(({ id }) => id === 'sent' || id === 'a'));
    await page.context().close();
  });

  test('3, by keyboard alone: add, wait, open, chat, stop, unload, settings; what has the focus is seen', async () => {
    const path = await writeTinyGguf(join(live.folder, 'keys'), { name: 'keys', contextTokens: 512 });
    const { page } = await open();
    const focused = () =>
      page.evaluate(() => {
        const at = document.activeElement;
        if (at === null || at === document.body || at.id === 'main') return 'nothing';
        return at.getAttribute('aria-label') ?? at.textContent;
      });
    await tabTo(page, /Add a model/, focused);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Add a model' }).waitFor();
    await tabTo(page, /^$/, () => page.evaluate(() => (document.activeElement?.tagName === 'INPUT' ? '' : 'no input')));
    await page.keyboard.type(path);
    await page.keyboard.press('Enter');
    await page.getByText(/^Ready: llama/).waitFor();
    // Where one was before the dialog.
    expect(await focused()).toMatch(/Add a model/);
    await tabTo(page, /^keys$/, focused);
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'keys' }).waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(focused).toBe('keys');
    await page.keyboard.press('Escape');
    await tabTo(page, /Playground/, focused);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Playground' }).waitFor();
    await tabTo(page, /^Message to /, () => page.evaluate(() => document.activeElement?.getAttribute('placeholder') ?? ''));
    await page.keyboard.type('Tell me all');
    const spoken = await page.evaluateHandle(() => {
      const texts: string[] = [];
      const hear = () => texts.push(...Array.from(document.querySelectorAll('[role="status"]'), ({ textContent }) => textContent ?? ''));
      new MutationObserver(hear).observe(document.body, { subtree: true, childList: true, characterData: true });
      return texts;
    });
    await page.keyboard.press('Enter');
    // A tiny model may have come to its end by itself before anybody looks.
    await expect.poll(() => spoken.evaluate((texts) => texts.some((text) => text.includes('Generating')))).toBe(true);
    const said = page.getByRole('status');
    await page.keyboard.press('Escape');
    await said.filter({ hasText: /Stopped|Complete/ }).waitFor({ state: 'attached' });
    await tabTo(page, /Models/, focused);
    await page.keyboard.press('Enter');
    await tabTo(page, /Unload keys/, focused);
    await page.keyboard.press('Enter');
    await expect.poll(async () => (await live.model('keys'))?.state).toBe('unloaded');
    await tabTo(page, /Settings/, focused);
    await page.keyboard.press('Enter');
    const changes = page.getByRole('region', { name: 'Changes' });
    await page.getByRole('switch').first().waitFor();
    await tabTo(page, /switch/, () => page.evaluate(() => document.activeElement?.getAttribute('role') ?? ''));
    await page.keyboard.press('Space');
    await changes.waitFor();
    await tabTo(page, /^Discard/, focused);
    await page.keyboard.press('Enter');
    await changes.waitFor({ state: 'detached' });
    await page.context().close();
  });

  test('without its token the window asks for it, and a wrong one is no way in', async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(live.address);
    await page.getByRole('heading', { name: 'This window needs the control token' }).waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
    }
    const alert = page.getByRole('alert');
    await expect.poll(() => alert.innerText()).not.toContain('That is not');
    await page.evaluate(() => Object.assign(document.querySelector('input') ?? {}, { mark: 'the same field' }));
    await page.getByLabel('Control token').fill('wrong');
    await page.keyboard.press('Enter');
    await alert.getByText('That is not the control token of this engine.').waitFor();
    // The field did not go and come: who typed goes on where they were.
    expect(await page.evaluate(() => (document.activeElement as { mark?: string } | null)?.mark)).toBe('the same field');
    // As `modelium open` prints it, wherever the state folder lies.
    await expect.poll(() => page.getByRole('main').innerText()).not.toMatch(/~|\.local/);
    await page.getByLabel('Control token').fill(`${live.address}/#token=${live.engine.token}`);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Box' }).waitFor();
    expect(page.url()).not.toContain(live.engine.token);
    expect(await page.content()).not.toContain(live.engine.token);
    await page.context().close();
  });
});

describe.skipIf(CHROMIUM === null)('an engine that is killed under the window: needs Chromium', () => {
  test('24, banner, the last that was known, nothing for who takes the port, back by itself, nothing twice', async () => {
    const home = makeHome({ orchestration: { policies: { load: 'on_request' } } });
    const browser = await launchChromium();
    try {
      await writeTinyGguf(home.watch, { name: 'kept', contextTokens: 512 });
      const first = await startServe(home);
      await first.becomes('kept', 'unloaded');
      const away = '**/assets/{decisions-page,palette}-*.js';
      const { page, errors } = await openWindow(browser, first.address, {
        token: readToken(home.state) ?? '',
        page: 'models',
        // Parts that the window could not fetch as long as the engine was there.
        prepare: (fresh) => fresh.route(away, (route) => route.abort('connectionrefused')),
      });
      await page.getByRole('button', { name: 'Load kept' }).waitFor();
      const { port } = new URL(first.address);
      await page.evaluate(() => {
        const words: (string | null)[] = [];
        Object.assign(globalThis, { words });
        const place = document.querySelector('[data-testid=link-said]');
        if (place !== null)
          new MutationObserver(() => words.push(place.textContent)).observe(place, { childList: true, characterData: true, subtree: true });
      });
      await first.end('SIGKILL');
      await page.getByText(/The engine (ended|does not answer)/).waitFor();
      await expect.poll(() => page.getByRole('link', { name: 'kept', exact: true }).count()).toBe(1);
      const token = readToken(home.state) ?? '';
      await page.unroute(away);
      await thiefLearnsNothing(page, Number(port), token);
      const second = await startServe(home, { port: Number(port) });
      await expect.poll(() => page.getByText(/The engine (ended|does not answer)/).count()).toBe(0);
      await second.becomes('kept', 'unloaded');
      // 20: a reader hears of the break once, whatever the banner says meanwhile, and of its end.
      const words = ['The engine is away. The window shows the last known state.', 'Connected again.'];
      await expect.poll(() => page.evaluate('words')).toEqual(words);
      // The page that was turned to meanwhile comes by itself.
      await page.getByRole('heading', { level: 1, name: 'Decisions' }).waitFor();
      await page.keyboard.press('Control+k');
      await page.getByRole('combobox').waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Models' }).click();
      await page.getByRole('button', { name: 'Load kept' }).waitFor();
      await expect.poll(() => page.getByRole('link', { name: 'kept', exact: true }).count()).toBe(1);
      await page.getByRole('button', { name: 'Load kept' }).click();
      await page.getByRole('button', { name: 'Unload kept' }).waitFor();
      // A connection that broke is told by the browser itself; nothing else may be.
      expect(errors.filter((error) => !/ERR_(CONNECTION|INCOMPLETE|EMPTY|SOCKET)/.test(error))).toEqual([]);
      await second.end('SIGTERM');
    } finally {
      await browser.close();
      await home.remove();
    }
  });
});

/**
 * Another program on the engine's port, which answers everything as if it were the engine: what it
 * hears, and what the browser keeps for it.
 */
async function thiefLearnsNothing(page: Page, port: number, token: string): Promise<void> {
  const heard: string[] = [];
  const thief = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += String(part)));
    request.on('end', () => {
      if (request.url?.endsWith('.js') === true) response.setHeader('content-type', 'text/javascript');
      heard.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)} ${body}`);
      response.end(JSON.stringify({ run: '0'.repeat(32), timeMs: Date.now(), hmac: '0'.repeat(64), models: [] }));
    });
  });
  thief.listen(port, '127.0.0.1');
  await once(thief, 'listening');
  await page.getByText('The program at this address is not the engine of this window').waitFor();
  await page.getByRole('button', { name: 'Load kept' }).click();
  // What the window has not fetched yet is a program: nothing of it is taken from here.
  await page.getByRole('link', { name: 'Decisions' }).click();
  await page.getByText('it appears when the engine is back').waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('dialog').getByText('it appears when the engine is back').waitFor();
  await page.keyboard.press('Escape');
  // A reload would run the page of the thief: the browser asks before, and this person stays.
  const asked = page.waitForEvent('dialog');
  const reload = page.reload({ timeout: 3_000 }).catch(() => 'stayed');
  const dialog = await asked;
  expect(dialog.type()).toBe('beforeunload');
  await dialog.dismiss();
  expect(await reload).toBe('stayed');
  // Only for the address that is loaded: all that any page of this origin can read.
  const kept = await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, location.href]));
  for (const text of [...heard, kept]) expect(text).not.toContain(token);
  expect(new Set(heard.map((line) => line.split(' ', 2).join(' ')))).toEqual(new Set(['POST /control/prove']));
  expect(heard.every((line) => !line.includes('authorization'))).toBe(true);
  thief.closeAllConnections();
  await new Promise((resolve) => thief.close(resolve));
}

/** Runs in the page: a ring around what has the focus, or around the field that it is in. */
function focusIsSeen(): boolean {
  const at = document.activeElement;
  const around = [at, at?.parentElement, at?.parentElement?.parentElement];
  return around.some((element) => {
    if (element === null || element === undefined) return false;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1;
  });
}

/** Tab, until what has the focus says so. */
async function tabTo(page: Page, wanted: RegExp, focused: () => Promise<string>): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    if (wanted.test(await focused())) {
      expect(await page.evaluate(focusIsSeen), `the focus at ${wanted}`).toBe(true);
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`60 times Tab and never at ${wanted}`);
}
