/** A real Chromium on the window: where it is found, and a page that carries the control token. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/**
 * The shell first: the same pages cost it half the processor time, because it draws no window
 * around them.
 */
const PLACES = [
  process.env['MODELIUM_CHROMIUM'],
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Null: there is no browser here, and the tests that need one are skipped by name. */
export const CHROMIUM = PLACES.find((path) => path !== undefined && existsSync(path)) ?? null;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launchChromium(): Promise<Browser> {
  if (CHROMIUM === null) throw new Error('There is no Chromium here.');
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

export interface OpenOptions extends BrowserContextOptions {
  readonly token: string;
  /** As in the address: `models/tiny`. */
  readonly page?: string;
  /** Before the first file is fetched. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

/**
 * The window in a context of its own, ready when it shows what the engine told it. Errors in the
 * page fail whoever asks `errors`.
 */
export async function openWindow(
  browser: Browser,
  address: string,
  { token, page: name = 'box', prepare, ...context }: OpenOptions,
): Promise<{ page: Page; errors: readonly string[] }> {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context })).newPage();
  // Below a test's own limit, so that the step that waits says what it waited for.
  page.setDefaultTimeout(60_000);
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await prepare?.(page);
  await page.goto(`${address}/#token=${token}`);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.goto(`${address}/#/${name}`);
  return { page, errors };
}
