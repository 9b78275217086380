/**
 * The Logs page in a real Chromium, on a real engine whose runtime is a fixture that says a lot: in
 * colours, with a key in it.
 */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';
import { RELAY_NAME, startWire } from '../helpers/wire.ts';

const LINES = 1_500;
const KEY = 'a-very-secret-key';

let box: SimulatedBox;
let engine: TestEngine;
let browser: Browser;

/**
 * Talks like a runtime, then becomes the fixture one. What is written to the file `more` it says as
 * well.
 */
function chattyRuntime(): string {
  const path = join(box.dir, 'chatty');
  const colours = '\\033[1;31mERROR\\033[0m in red\\n\\033[2mfaint\\033[0m \\033[32mgreen words\\033[0m\\n';
  writeFileSync(
    path,
    `#!/bin/sh
for each in "$@"; do [ "$each" = --version ] && exec '${box.runtimeCommand}' "$@"; done
seq -f 'tensor %g of a model' 1 ${LINES}
printf '${colours}'
echo "Warning: started with --api-key ${KEY}; Authorization: Bearer ${KEY}"
touch '${join(box.dir, 'more')}'
tail -f -n +1 '${join(box.dir, 'more')}' --pid $$ &
exec '${box.runtimeCommand}' "$@"
`,
  );
  chmodSync(path, 0o755);
  return path;
}

function say(...lines: readonly string[]): void {
  writeFileSync(join(box.dir, 'more'), `${lines.join('\n')}\n`, { flag: 'a' });
}

async function openLogs(name: string, address = engine.engine.address) {
  const opened = await openWindow(browser, address, {
    token: engine.engine.token,
    page: name,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  return opened;
}

function linesOf(page: Page): Locator {
  return page.getByRole('region', { name: 'Lines' });
}

describe.skipIf(CHROMIUM === null)('logs: needs Chromium', () => {
  beforeAll(async () => {
    box = makeSimulatedBox({ gpus: [{ totalMiB: 8_000 }] });
    // What nobody asks for says nothing: `silent` is never loaded.
    engine = await startTestEngine({
      api: { allowed_hosts: [RELAY_NAME] },
      gpus: { nvidia_smi: box.nvidiaSmi },
      llama: { command: chattyRuntime() },
      orchestration: { policies: { load: 'on_request' } },
    });
    browser = await launchChromium();
    await engine.drop('talker');
    await engine.waitFor('talker', 'unloaded');
    await engine.control('POST', '/models/talker/load', {});
    await engine.waitFor('talker', 'ready');
    await engine.drop('silent');
    await engine.waitFor('silent', 'unloaded');
  });

  afterAll(async () => {
    await browser?.close();
    await engine?.close();
    box?.remove();
  });

  test('a model and the engine: chosen, followed, filtered, with times and colours', async () => {
    const { page, errors } = await openLogs('logs');
    await linesOf(page).getByText('talker').first().waitFor();
    const time = linesOf(page).locator('time').first();
    await expect.poll(() => time.textContent()).toMatch(/^\d\d:\d\d:\d\d$/);
    await expect.poll(() => time.getAttribute('title')).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);

    await page.getByRole('combobox', { name: 'Log' }).click();
    await page.getByRole('option', { name: 'talker' }).click();
    await page.waitForURL(/#\/logs\/talker$/);
    await linesOf(page).getByText('main: model loaded').waitFor();
    // Two thousand lines, and no more of them in the page than are in sight.
    await expect.poll(() => linesOf(page).locator('[data-index]').count()).toBeLessThan(120);
    say('said while it is followed');
    await linesOf(page).getByText('said while it is followed').waitFor();

    await page.getByLabel('Filter').fill('99 of|TENSOR 7 of');
    await page.getByText(/^16 of 1,5\d\d$/).waitFor();
    expect(await linesOf(page).locator('mark').allTextContents()).toEqual(expect.arrayContaining(['tensor 7 of', '99 of']));
    await page.getByLabel('Filter').fill('nowhere in it');
    await page.getByText('No line has that').waitFor();
    await page.getByRole('button', { name: 'Show every line' }).click();
    await page.getByLabel('Filter').fill('in red');
    const red = linesOf(page).getByText('ERROR', { exact: true });
    await expect.poll(() => red.getAttribute('class')).toContain('bold');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('scrolling up lets go of the end, End and the button take hold again', async () => {
    const { page } = await openLogs('logs/talker');
    const follow = page.getByRole('switch', { name: 'Follow' });
    await linesOf(page).getByText('main: model loaded').waitFor();
    await linesOf(page).hover();
    await page.mouse.wheel(0, -4_000);
    await page.getByRole('button', { name: 'Jump to latest' }).waitFor();
    await expect.poll(() => follow.isChecked()).toBe(false);
    const seen = await linesOf(page).locator('[data-index]').nth(20).textContent();
    const counted = async () => Number((await page.getByText(/^[\d,]+ lines$/).textContent())?.replace(/\D/g, ''));
    const before = await counted();
    say('said while somebody reads further up');
    await expect.poll(counted).toBe(before + 1);
    await expect.poll(() => linesOf(page).getByText('said while somebody reads').count()).toBe(0);
    expect(
      await linesOf(page)
        .getByText(seen ?? '', { exact: true })
        .count(),
    ).toBe(1);

    await linesOf(page).focus();
    await page.keyboard.press('End');
    await linesOf(page).getByText('said while somebody reads').waitFor();
    await expect.poll(() => follow.isChecked()).toBe(true);
    await page.keyboard.press('Home');
    await page.getByRole('button', { name: 'Jump to latest' }).click();
    await linesOf(page).getByText('said while somebody reads').waitFor();
    await page.context().close();
  });

  test('no key leaves the window: not shown, not copied, not saved', async () => {
    const { page } = await openLogs('logs/talker');
    await linesOf(page).getByText('main: model loaded').waitFor();
    say(`the control token is ${engine.engine.token}`);
    await linesOf(page).getByText('the control token is [redacted]').waitFor();
    await page.getByLabel('Filter').fill('started with');
    await page.getByText(/^1 of/).waitFor();
    await page.getByRole('button', { name: 'Copy visible' }).click();
    await page.getByText('1 line copied').waitFor();
    const copied = await page.evaluate<string>('navigator.clipboard.readText()');
    expect(copied).toBe('Warning: started with --api-key [redacted]; Authorization: Bearer [redacted]\n');

    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toMatch(/^modelium-talker-.*\.txt$/);
    const saved = readFileSync(await download.path(), 'utf8');
    expect(saved.split('\n').length).toBeGreaterThan(LINES);
    expect(saved).toContain(`tensor ${LINES} of a model`);
    for (const secret of [KEY, engine.engine.token]) expect(saved).not.toContain(secret);
    await page.context().close();
  });

  test('a break begins the log anew: nothing is there twice', async () => {
    const wire = await startWire(engine.engine.address);
    const { page } = await openLogs('logs/talker', wire.address);
    await linesOf(page).getByText('main: model loaded').waitFor();
    await page.getByLabel('Filter').fill('model loaded');
    await page.getByText(/^1 of/).waitFor();
    wire.cut();
    await page.getByTestId('link-banner').waitFor();
    say('said during the break');
    wire.mend();
    await page.getByRole('button', { name: 'Try now' }).click();
    say('said after the break');
    await page.getByLabel('Filter').fill('said during|said after');
    await page.getByText(/^2 of/).waitFor();
    await page.getByLabel('Filter').fill('model loaded');
    await page.getByText(/^1 of/).waitFor();
    await page.context().close();
    wire.close();
  });

  test('a log without words says so, and a model that is not there as well', async () => {
    const { page } = await openLogs('logs/silent');
    await page.getByText('No log lines yet').waitFor();
    await page.goto(`${engine.engine.address}/#/logs/absent`);
    await page.getByText('This log does not exist').waitFor();
    await page.getByRole('button', { name: "Show the engine's log" }).click();
    await linesOf(page).waitFor();
    await page.context().close();
  });

  test('nothing is in the way of readers, in light and in dark, nor in a narrow window', async () => {
    const { page, errors } = await openLogs('logs/talker');
    await linesOf(page).getByText('main: model loaded').waitFor();
    await page.getByLabel('Filter').fill('red|faint|started|loaded');
    await linesOf(page).locator('mark').first().waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.locator(`html[data-theme=${colorScheme}]`).waitFor({ state: 'attached' });
      await expectAccessible(page);
    }
    await page.setViewportSize({ width: 512, height: 700 });
    for (const element of ['document.documentElement', "document.getElementById('main')"]) {
      expect(await page.evaluate(`${element}.scrollWidth <= ${element}.clientWidth`), element).toBe(true);
    }
    expect(errors).toEqual([]);
    await page.context().close();
  });

  // Last: it drives everything else out of the engine's memory.
  test('23, of a flood the newest 100,000 lines are kept, the page says so, and a filter goes through them', async () => {
    const { page } = await openLogs('logs/talker');
    await linesOf(page).waitFor();
    say(...Array.from({ length: 101_500 }, (_, index) => `flood ${index}`), 'the flood is over');
    await linesOf(page).getByText('the flood is over').waitFor();
    await page.getByText(/^\d,\d{3} older lines are gone: the window keeps the last 100,000\.$/).waitFor();
    await page.getByText('100,000 lines').waitFor();
    await expect.poll(() => page.getByRole('switch', { name: 'Follow' }).isChecked()).toBe(true);
    await page.getByRole('searchbox', { name: 'Filter' }).fill('flood 10149');
    await page.getByText('11 of 100,000').waitFor();
    await page.getByRole('combobox', { name: 'Level' }).click();
    await page.getByRole('option', { name: 'Errors', exact: true }).click();
    await page.getByText('0 of 100,000').waitFor();
    await page.context().close();
  });
});
