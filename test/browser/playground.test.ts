/**
 * The playground in a real Chromium, on a real engine whose runtimes are the fixture program: what
 * they say and how they fail is known.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEngine } from '../../main/engine/engine.ts';
import { nodeProgram } from '../../main/packaged.ts';
import type { ActivityView } from '../../shared/snapshot.ts';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { LONG_TASK_US, longestTask } from '../helpers/long-tasks.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';

const SECTION = `## Section

A paragraph with **strong**, *emphasised* and \`coded\` words, ~~gone~~ ones, and [a link](https://example.org/a?b=1&amp;c=2).

- one, with a [bad link](javascript:alert(1))
- two
  1. inner
  2. list
- [x] done

| name | figure |
|---|---:|
| first | 1 |
| second | 22 |

\`\`\`python
def counted(text):
    return len(text.split())  # **not strong**
\`\`\`

> A quotation & an image: ![a cat](https://example.org/cat.png)

<img src="https://example.org/spy.png" onerror="alert(1)"> <b>bold</b>

Inline $\\frac{1}{x}$ for $5, and

$$
\\sum_{i=0}^n i \\htmlStyle{position:fixed}{x} \\href{javascript:alert(1)}{y} \\includegraphics{https://example.org/spy.png}
$$

\\[ \\int_0^1 x \\, dx \\]

`;
const LONG = SECTION.repeat(Math.ceil(11_500 / SECTION.length));

describe.skipIf(CHROMIUM === null)('the playground: needs Chromium', () => {
  let box: SimulatedBox;
  let engine: TestEngine;
  let browser: Browser;
  let close: () => Promise<void>;

  beforeAll(async () => {
    box = makeSimulatedBox({ gpus: [{ totalMiB: 4_000 }] });
    const answer = join(box.dir, 'answer.md');
    writeFileSync(answer, LONG);
    const args = {
      long: ['--answer-file', answer, '--token-ms', '1'],
      slow: ['--token-ms', '30'],
      thinker: ['--token-ms', '50', '--thinking-tokens', '40'],
      heavy: ['--load-ms', '60000'],
      crash: ['--crash-after-tokens', '5'],
      full: ['--oom'],
    };
    engine = await startTestEngine({
      gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 100 },
      host: { reserve_mb: 0 },
      llama: { command: box.runtimeCommand, args: ['--memory-mb', '20', '--layers', '17'], port_range: [13_001, 13_040] },
      orchestration: { policies: { load: 'on_request', min_residency_seconds: 0, drain_seconds: 1 } },
      models: Object.fromEntries(Object.entries(args).map(([id, own]) => [id, { gpus: [0], args: own }])),
    });
    for (const id of Object.keys(args)) await engine.drop(id, { contextTokens: 8_192 });
    await engine.drop('vectors', { kind: 'bert' });
    for (const id of [...Object.keys(args), 'vectors']) await engine.waitFor(id, 'unloaded');
    close = engine.close;
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    await close?.();
    box?.remove();
  });

  const open = async (name: string, options = {}) => {
    const { address, token } = engine.engine;
    return await openWindow(browser, address, { token, page: `playground${name}`, ...options });
  };
  const status = (page: Page, text: string) => page.getByRole('status').filter({ hasText: text }).waitFor({ state: 'attached' });
  const limit = async (page: Page, tokens: number) => {
    await page.getByRole('switch', { name: 'Until the model stops' }).click();
    await page.getByRole('spinbutton', { name: 'max_tokens' }).fill(String(tokens));
  };
  const draft = (page: Page) => page.getByRole('textbox', { name: /^Message to/ });

  it('is used by keyboard alone: choose, write, send, stop, copy, ask again', async () => {
    const { page, errors } = await open('', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.getByRole('combobox', { name: 'Model' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: 'slow (not loaded)' }).waitFor();
    await page.keyboard.type('slow');
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/playground\/slow$/);
    await draft(page).focus();
    await expect.poll(() => page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true);
    await page.keyboard.type('First line');
    // Enter that ends the composing of a word is not ours.
    await draft(page).dispatchEvent('keydown', { key: 'Enter', isComposing: true });
    await expect.poll(() => page.getByRole('article', { name: 'You asked' }).count()).toBe(0);
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    await page.keyboard.press('Enter');
    await status(page, 'Generating');
    const answer = page.getByRole('article', { name: 'slow answers' });
    await answer.getByText('This answer is simulated').waitFor();
    await page.keyboard.press('Escape');
    await status(page, 'Stopped');
    expect(await draft(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await expect.poll(() => page.getByRole('article', { name: 'You asked' }).locator('p').innerText()).toBe('First line\nsecond line');
    const text = (await answer.locator('p').first().innerText()).trim();
    await page.getByRole('button', { name: 'Copy the answer' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('Copied', { exact: true }).waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(text);
    // The stopped answer frees its runtime.
    await engine.waitFor('slow', 'ready');
    await page.getByRole('button', { name: 'Ask again' }).press('Enter');
    await status(page, 'Generating');
    await page.getByRole('button', { name: 'Stop' }).press('Enter');
    await status(page, 'Stopped');
    expect(await draft(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await page.getByRole('button', { name: 'Edit' }).press('Enter');
    await page.getByRole('textbox', { name: 'Your question' }).fill('Another question');
    await limit(page, 3);
    await page.getByRole('button', { name: 'Ask this instead' }).press('Enter');
    await status(page, 'Complete');
    await page.getByText(/^3 tokens from \d+ · first token .* · cut at max_tokens/).waitFor();
    await expect.poll(() => page.getByRole('article', { name: 'You asked' }).allInnerTexts()).toHaveLength(1);
    await expect.poll(() => page.getByRole('group', { name: 'The request as a curl command' }).innerText()).toContain('"max_tokens": 3');
    await page.getByText('Python', { exact: true }).click();
    await expect.poll(() => page.getByRole('group', { name: 'The request in Python' }).innerText()).toContain('max_tokens=3,');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('22, keeps conversations, draft and parameters over a reload; branches, goes on, and forgets', async () => {
    const { page, errors } = await open('/slow');
    await limit(page, 8);
    await draft(page).fill('The first question');
    await page.keyboard.press('Enter');
    await status(page, 'Complete');
    const answer = page.getByRole('article', { name: 'slow answers' });
    const words = answer.locator('p').first();
    const first = await words.innerText();
    // Cut at its limit: the model goes on from there, and the text before stays.
    await page.getByRole('button', { name: 'Continue' }).click();
    await expect.poll(async () => (await words.innerText()).length).toBeGreaterThan(first.length);
    await status(page, 'Complete');
    expect((await words.innerText()).startsWith(first)).toBe(true);
    const { messages } = JSON.parse(
      /-d '([\s\S]*)'/.exec(await page.getByRole('group', { name: 'The request as a curl command' }).innerText())?.[1] ?? '',
    ) as { messages: unknown[] };
    expect(messages.at(-1)).toMatchObject({ role: 'assistant' });
    await draft(page).fill('half a ques');
    await page.reload();
    await page.getByText('The first question', { exact: true }).waitFor();
    await expect.poll(() => draft(page).inputValue()).toBe('half a ques');
    await expect.poll(() => page.getByRole('spinbutton', { name: 'max_tokens' }).inputValue()).toBe('8');
    expect((await words.innerText()).startsWith(first)).toBe(true);
    // Another question in its place begins a conversation of its own.
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByRole('textbox', { name: 'Your question' }).fill('Its other branch');
    await page.getByRole('button', { name: 'Ask this instead' }).click();
    await status(page, 'Complete');
    await page.getByRole('button', { name: 'Chats' }).click();
    const chats = page.getByRole('dialog', { name: 'Chats' });
    await expect.poll(() => chats.getByRole('listitem').count()).toBe(2);
    await expectAccessible(page);
    await chats.getByRole('button', { name: /^The first question/ }).click();
    await page.getByRole('article', { name: 'You asked' }).getByText('The first question').waitFor();
    await expect.poll(() => chats.count()).toBe(0);
    await page.getByRole('button', { name: 'New chat' }).click();
    await page.getByRole('heading', { name: 'Nothing was asked yet' }).waitFor();
    await page.getByRole('button', { name: 'Chats' }).click();
    await chats.getByRole('button', { name: 'Forget "Its other branch"' }).click();
    await expect.poll(() => chats.getByRole('listitem').count()).toBe(1);
    await chats.getByRole('button', { name: 'Forget all' }).click();
    await page.getByRole('button', { name: 'Forget', exact: true }).click();
    await chats.getByText('No conversation yet').waitFor();
    await chats.getByRole('button', { name: 'Begin one' }).click();
    await expect.poll(() => chats.count()).toBe(0);
    expect(await page.evaluate(() => localStorage.getItem('modelium-chats'))).toBeNull();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('22, compares three of which one fails: each in its own column, with the figures at the end', async () => {
    const { page, errors } = await open('/slow');
    await page.getByText('Compare', { exact: true }).click();
    await page.getByRole('button', { name: 'Add a model' }).click();
    for (const [letter, model] of [
      ['A', 'slow'],
      ['B', 'long'],
      ['C', 'full'],
    ]) {
      await page.getByRole('combobox', { name: `Model ${letter}` }).click();
      await page.getByRole('option', { name: new RegExp(`^${model} `) }).click();
      await page.getByRole('region', { name: `${letter}: ${model}`, exact: true }).waitFor();
    }
    await limit(page, 40);
    await draft(page).fill('Compare');
    await page.keyboard.press('Enter');
    const column = (name: string) => page.getByRole('region', { name, exact: true });
    // Both come at the same time.
    await column('B: long').getByRole('heading', { name: 'Section' }).first().waitFor();
    await column('A: slow').getByText('This answer is').first().waitFor();
    await status(page, 'Complete');
    await column('C: full')
      .getByText(/^full could not be loaded/)
      .waitFor();
    await column('C: full').getByRole('button', { name: 'Retry: full' }).waitFor();
    const rows = page.getByRole('group', { name: 'Figures' }).getByRole('row');
    const cells = async (row: number) => (await rows.nth(row).innerText()).split(/\t|\n/).filter((cell) => cell.trim() !== '');
    await expect.poll(() => rows.count()).toBe(4);
    // Engine and table agree on what was said.
    expect(await cells(1)).toEqual(expect.arrayContaining(['A slow', '40']));
    // 30 ms a token: none of the others is as slow.
    expect(await cells(2)).toEqual(expect.arrayContaining([expect.stringMatching(/\(best\)/)]));
    await expectAccessible(page);
    await page.reload();
    // Which models it was stays, and so does the limit.
    await column('C: full').waitFor();
    await expect.poll(() => page.getByRole('spinbutton', { name: 'max_tokens' }).inputValue()).toBe('40');
    await page.getByRole('button', { name: 'Remove full' }).click();
    await draft(page).fill('Once more');
    await page.keyboard.press('Enter');
    await column('A: slow').getByText('This answer').waitFor();
    await page.keyboard.press('Escape');
    await column('A: slow').getByText('Stopped').waitFor();
    // Parameters of a comparison are no model's own.
    await page.getByText('Ask', { exact: true }).click();
    await page.getByRole('switch', { name: 'Until the model stops' }).waitFor();
    await expect.poll(() => page.getByRole('switch', { name: 'Until the model stops' }).isChecked()).toBe(true);
    // A load that fails before its stream has begun is a 503, and Chromium says so.
    expect(errors.filter((error) => !error.includes('status of 503'))).toEqual([]);
    await page.context().close();
  });

  it('shows what a model thinks while it does, and folds it away in front of the answer', async () => {
    const { page, errors } = await open('/thinker');
    await limit(page, 60);
    await draft(page).fill('Why?');
    await page.keyboard.press('Enter');
    const answer = page.getByRole('article', { name: 'thinker answers' });
    const thoughts = answer.locator('details p');
    // In one look: the thoughts are folded away two seconds after they began.
    await answer.locator('details[open] p').getByText('This answer is simulated').waitFor();
    await status(page, 'Complete');
    // Folded when the answer began; a person opens it again.
    await expect.poll(() => answer.locator('details').getAttribute('open')).toBeNull();
    await answer.getByText('Thinking', { exact: true }).click();
    await expect.poll(() => thoughts.isVisible()).toBe(true);
    const said = 'This answer is simulated: no model was asked.';
    await expect.poll(() => thoughts.innerText()).toBe(said.repeat(4));
    expect((await answer.locator('details ~ div, details ~ p').first().innerText()).trim()).toBe(said.repeat(2));
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('18, 19, 20: draws a long answer in small pieces, follows it, and ends with what one drawing gives', async () => {
    const { page, errors } = await open('/long');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await draft(page).waitFor();
    await page.evaluate(() => {
      const words: (string | null)[] = [];
      Object.assign(window, { words });
      const place = document.querySelector('main section [role=status]');
      if (place !== null)
        new MutationObserver(() => words.push(place.textContent)).observe(place, { childList: true, characterData: true, subtree: true });
    });
    await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline'] });
    await draft(page).fill('Tell me all');
    await page.keyboard.press('Enter');
    const transcript = page.getByRole('region', { name: 'Conversation' });
    await page.getByRole('group', { name: 'Code, python' }).nth(2).waitFor();
    const fromEnd = () => transcript.evaluate(({ scrollHeight, scrollTop, clientHeight }) => scrollHeight - scrollTop - clientHeight);
    await expect.poll(fromEnd).toBeLessThan(41);
    // What scrolls by itself, as a text that becomes shorter does, lets nobody go.
    await transcript.evaluate((element) => element.scrollBy(0, -300));
    await expect.poll(fromEnd).toBeLessThan(41);
    await transcript.hover();
    await page.mouse.wheel(0, -300);
    const jump = page.getByRole('button', { name: 'Jump to latest' });
    await jump.waitFor();
    await page.getByRole('group', { name: 'Code, python' }).nth(5).waitFor();
    expect(await fromEnd()).toBeGreaterThan(300);
    await jump.click();
    await status(page, 'Complete');
    await expect.poll(fromEnd).toBeLessThan(41);
    const longest = longestTask(await browser.stopTracing());
    console.log(`The longest task took ${Math.round(longest / 1000)} ms of processor time.`);
    expect(longest).toBeLessThan(LONG_TASK_US);
    expect(await page.evaluate('words')).toEqual(['Generating', 'Complete']);
    // 21: the figures under the answer are those that the engine counted for itself.
    const { body: activity } = await engine.control('GET', '/activity?model=long&limit=1');
    const [counted] = (activity as ActivityView).requests;
    const figures = await page.getByText(/ tokens from .* tokens\/s/).innerText();
    const [tokens, speed] = [/^([\d,]+) tokens/, /([\d.,]+) tokens\/s/].map((figure) =>
      Number(figure.exec(figures)?.[1]?.replaceAll(',', '')),
    );
    expect(tokens).toBe(counted?.completionTokens);
    expect(Math.abs((speed ?? 0) / (counted?.tokensPerSecond ?? 0) - 1)).toBeLessThan(0.05);
    // 16: unloaded from the chat's head.
    await page.getByRole('button', { name: 'Unload long' }).click();
    await engine.waitFor('long', 'unloaded');

    const answer = page.getByRole('article', { name: 'long answers' });
    const streamed = await answer.locator('div').first().innerHTML();
    await page.getByRole('link', { name: 'Box' }).click();
    await page.getByRole('heading', { level: 1, name: 'Box' }).waitFor();
    await page.goBack();
    expect(await answer.locator('div').first().innerHTML()).toBe(streamed);
    // Nothing of what a model says is fetched or run.
    await expect.poll(() => answer.locator('img, script, b').count()).toBe(0);
    expect(asked.filter((url) => !url.startsWith(engine.engine.address))).toEqual([]);
    const links = await answer
      .getByRole('link')
      .evaluateAll((all) =>
        all.map((link) => [link.getAttribute('href'), link.getAttribute('rel'), link.getAttribute('target')].join(' ')),
      );
    expect(new Set(links)).toEqual(new Set(['https://example.org/a?b=1&c=2 noreferrer noopener _blank']));
    await answer.getByText('a cat (https://example.org/cat.png)').first().waitFor();
    await answer.getByText('<b>bold</b>').first().waitFor();
    // Colours and formulas came when they were needed; what is hostile in them stays text.
    await expect.poll(() => answer.locator('code [data-scope="keyword"]').first().innerText()).toBe('def');
    await expect.poll(() => answer.locator('math mfrac').count()).toBe(LONG.split('frac').length - 1);
    await expect.poll(() => answer.locator('math [href], math a').count()).toBe(0);
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('shows a load under way, and ends it', async () => {
    const { page } = await open('/heavy');
    await draft(page).fill('Hello');
    await page.getByRole('button', { name: 'Send' }).click();
    const answer = page.getByRole('article', { name: 'heavy answers' });
    await answer.getByText(/^Loading: /).waitFor();
    await page.getByRole('button', { name: 'Cancel heavy' }).waitFor();
    await expectAccessible(page);
    await answer.getByRole('button', { name: 'Cancel' }).click();
    await answer.getByText('Cancelled').waitFor();
    // Nobody else waited for it.
    await engine.waitFor('heavy', 'unloaded');
    await page.context().close();
  });

  it('says in its place what failed, and keeps what came', async () => {
    const { page } = await open('/crash', { colorScheme: 'dark' });
    await draft(page).fill('Hello');
    await page.keyboard.press('Enter');
    const crashed = page.getByRole('article', { name: 'crash answers' });
    await crashed.getByText(/^Broken off\. (llama failed|The runtime broke off)/).waitFor();
    await crashed.getByText('This answer is simulated:').waitFor();
    await crashed.getByRole('button', { name: 'Retry' }).waitFor();
    await status(page, 'The answer failed: ');
    await page.goto(`${engine.engine.address}/#/playground/full`);
    await draft(page).fill('Hello');
    await page.keyboard.press('Enter');
    const full = page.getByRole('article', { name: 'full answers' });
    await full.getByText(/^full could not be loaded/).waitFor();
    await full.getByText('The last output of the runtime').click();
    await full.getByText(/failed to allocate CUDA0 buffer/).waitFor();
    await full.getByRole('button', { name: 'Retry' }).click();
    await full.getByText(/^Try again in \d+ s\.$/).waitFor();
    await expectAccessible(page);
    await page.context().close();
  });

  it('turns texts into vectors and compares them', async () => {
    const { page, errors } = await open('/vectors', { colorScheme: 'dark' });
    await page.getByRole('textbox', { name: 'Texts to embed' }).fill('ab\nba\nsomething else');
    await page.getByRole('button', { name: 'Embed', exact: true }).click();
    const rows = page.getByRole('group', { name: 'Similarity' }).getByRole('row');
    // The fixture's vectors depend on the sum of the characters alone.
    await rows.nth(1).waitFor();
    await expect.poll(() => rows.nth(1).innerText()).toMatch(/^1\s+1\.000\s+1\.000\s+-?0\.\d{3}$/);
    await expect.poll(() => page.getByRole('group', { name: 'Vectors' }).getByRole('row').nth(1).innerText()).toMatch(/^1\. ab\s+8\s/);
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('tests a model under load, tells the figures, and stops', async () => {
    const { page, errors } = await open('/slow', { colorScheme: 'dark' });
    await page.getByText('Load test', { exact: true }).click();
    await page.getByText(/^A load test uses the whole machine/).waitFor();
    const set = (name: string, value: number) => page.getByRole('spinbutton', { name }).fill(String(value));
    await set('At the same time', 4);
    await set('Requests in all', 6);
    await set('Tokens of an answer', 5);
    const start = page.getByRole('button', { name: 'Start' });
    await start.click();
    await status(page, 'Complete');
    await page.getByText('6 of 6', { exact: true }).waitFor();
    await page.getByText(/^Done · /).waitFor();
    await expect
      .poll(() => page.getByRole('group', { name: 'Times' }).getByRole('row').nth(1).innerText())
      .toMatch(/^First token\t[\d.]+ m?s\t[\d.]+ m?s$/);
    await expectAccessible(page);
    await set('Requests in all', 1_000);
    await start.click();
    await page.getByText(/^\d+ under way · /).waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText(/^Stopped · /).waitFor();
    await expect.poll(async () => (await engine.model('slow')).inFlight).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  it('fills a small desktop, where only the parameters scroll', async () => {
    const { page } = await open('/long', { viewport: { width: 1280, height: 800 } });
    await page.getByRole('heading', { name: 'As a request' }).waitFor();
    expect(await page.locator('main').evaluate((main) => main.scrollHeight - main.clientHeight)).toBe(0);
    await page.context().close();
  });

  it('holds at 512 pixels, and is accessible when empty', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await open('/long', { colorScheme, viewport: { width: 512, height: 700 } });
      await page.getByRole('button', { name: /Compare tea/ }).waitFor();
      await page.getByRole('button', { name: 'Parameters' }).click();
      await page.getByRole('heading', { name: 'As a request' }).waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(512);
      expect(await page.locator('main').evaluate((main) => main.scrollWidth - main.clientWidth)).toBe(0);
      await expectAccessible(page);
      await page.context().close();
    }
    const { page } = await open('/nobody');
    await page.getByText('There is no model nobody here').waitFor();
    await page.context().close();
  });

  // Last: the engine that the others use ends here.
  it('24, keeps draft and conversation over other pages and over an engine that restarts', async () => {
    const { page } = await open('/slow');
    await draft(page).fill('Hello');
    await page.keyboard.press('Enter');
    const answer = page.getByRole('article', { name: 'slow answers' });
    await answer.getByText('This answer').waitFor();
    await draft(page).fill('Half a thou');
    // While the answer grows, the request that is shown does not change: it is made again for
    // nothing.
    const curl = page.getByRole('group', { name: 'The request as a curl command' });
    await curl.getByText('Half a thou').waitFor();
    await curl.evaluate((element) => {
      const changes: MutationRecord[] = [];
      Object.assign(window, { changes });
      new MutationObserver((records) => changes.push(...records)).observe(element, { childList: true, characterData: true, subtree: true });
    });
    const length = async () => (await answer.innerText()).length;
    const before = await length();
    await expect.poll(length).toBeGreaterThan(before);
    expect(await page.evaluate('changes.length')).toBe(0);
    await page.getByRole('link', { name: 'Box' }).click();
    await page.goBack();
    await expect.poll(() => draft(page).inputValue()).toBe('Half a thou');
    const { address, token } = engine.engine;
    await engine.engine.close();
    await answer.getByText(/^Broken off\. /).waitFor();
    await answer.getByText('This answer').waitFor();
    const again = await startEngine({
      config: join(engine.folder, 'modelium.yaml'),
      stateFolder: join(engine.folder, 'state'),
      watch: [engine.watched],
      port: Number(new URL(address).port),
      program: nodeProgram(),
      write: () => {},
    });
    close = async () => {
      await again.close();
      await engine.close();
    };
    expect([again.address, again.token]).toEqual([address, token]);
    await engine.waitFor('slow', 'unloaded');
    await page.getByText('Engine 0').waitFor();
    await expect.poll(() => draft(page).inputValue()).toBe('Half a thou');
    await answer.getByRole('button', { name: 'Retry' }).click();
    await status(page, 'Generating');
    await answer.getByText('This answer is simulated').waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    // What is drafted waits: the click that stops does not send it.
    await status(page, 'Stopped');
    await expect.poll(() => draft(page).inputValue()).toBe('Half a thou');
    await page.context().close();
  });
});
