/**
 * What the window costs in a real Chromium (headless, drawn by the processor): its first load, how
 * it keeps up with 8 GPUs, ten minutes or a day, and 500 models, and what it takes of a core at
 * rest, seen and hidden. The GPUs are simulated; what was is made up and handed to the page in
 * place of the engine's own, which would take a day to gather.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright-core';
import type { History, Snapshot } from '../../shared/snapshot.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { startTestEngine, type TestEngine } from '../helpers/engine.ts';
import { makeSimulatedBox, type SimulatedBox } from '../helpers/simulated-box.ts';
import { type BenchOptions, median, pause, type Row } from './kit.ts';

const GPUS = 8;
const MODELS = 500;
/** As the engine keeps them. */
const SPANS = {
  minutes: { points: 600, stepMs: 1_000, words: '10 minutes' },
  day: { points: 720, stepMs: 120_000, words: '24 hours' },
} as const;
type Span = keyof typeof SPANS;
const LOADS = 5;
const DIST = fileURLToPath(new URL('../../dist/renderer', import.meta.url));
/** Longer than the pause of a frame that was missed: what a person sees as a jerk. */
const LONG_TASK_MS = 50;

export async function page({ seconds }: BenchOptions): Promise<readonly Row[]> {
  if (CHROMIUM === null) throw new Error('The page is measured in Chromium, which is not here.');
  const box = makeSimulatedBox({ gpus: Array.from({ length: GPUS }, () => ({ totalMiB: 24_564 })) });
  const engine = await busyEngine(box);
  const browser = await launchChromium();
  try {
    return [...firstLoadBytes(), ...(await firstLoad(browser, engine)), ...(await drawing(browser, engine, seconds))];
  } finally {
    await browser.close();
    await engine.close();
    box.remove();
  }
}

async function busyEngine(box: SimulatedBox): Promise<TestEngine> {
  const engine = await startTestEngine({
    gpus: { nvidia_smi: box.nvidiaSmi },
    host: { reserve_mb: 0 },
    llama: { command: box.runtimeCommand, args: ['--memory-mb', '533', '--layers', '17'] },
    orchestration: { policies: { load: 'on_request' } },
  });
  const names = Array.from({ length: MODELS }, (_, index) => `model-${index}`);
  for (const name of names) await engine.drop(name, { layers: 16, contextTokens: 2_048 });
  for (const name of names) await engine.waitFor(name, 'unloaded', 300_000);
  // Some that hold memory, so that bars and rows have something to show.
  for (const name of names.slice(0, GPUS)) await engine.predict(name);
  return engine;
}

/** What a browser fetches for the first page, packed as a server would. */
function firstLoadBytes(): readonly Row[] {
  const html = readFileSync(join(DIST, 'index.html'), 'utf8');
  const assets = readdirSync(join(DIST, 'assets')).filter((name) => html.includes(`"/assets/${name}" integrity`));
  const packed = assets.reduce((sum, name) => sum + gzipSync(readFileSync(join(DIST, 'assets', name))).length, 0);
  return [{ what: 'page: scripts and styles of the first load, gzipped', unit: 'KB', value: packed / 1000 }];
}

async function firstLoad(browser: Browser, engine: TestEngine): Promise<readonly Row[]> {
  const times: number[] = [];
  for (let round = 0; round < LOADS; round += 1) {
    const began = performance.now();
    const { page: window } = await openWindow(browser, engine.engine.address, { token: engine.engine.token });
    await bars(window);
    times.push(performance.now() - began);
    await window.context().close();
  }
  return [{ what: 'page: a new browser context to bars', unit: 'ms', value: median(times) }];
}

async function drawing(browser: Browser, engine: TestEngine, seconds: number): Promise<readonly Row[]> {
  const window = await (await browser.newContext({ viewport: { width: 1920, height: 1080 } })).newPage();
  await window.route('**/control/history*', async (route) => {
    const span = route.request().url().includes('span=day') ? 'day' : 'minutes';
    await route.fulfill({ json: madeUpHistory(await engine.status(), span) });
  });
  await window.addInitScript(() => {
    // A second tab does not hide the first one of a headless browser: the page is told that it is
    // hidden, as a browser would tell it.
    let isHidden = false;
    Object.defineProperty(document, 'hidden', { get: () => isHidden });
    Object.assign(globalThis, {
      hide(hide: boolean) {
        isHidden = hide;
        document.dispatchEvent(new Event('visibilitychange'));
      },
    });
  });
  await window.goto(`${engine.engine.address}/#token=${engine.engine.token}`);
  await bars(window);
  const rows: Row[] = [];
  for (const [name, span] of [
    ['box', 'minutes'],
    ['box', 'day'],
    ['models', 'minutes'],
  ] as const) {
    await window.goto(`${engine.engine.address}/#/${name}`);
    await window.getByRole('heading', { level: 1 }).waitFor();
    if (name === 'box') {
      await window.getByRole('radio', { name: span === 'day' ? '24 hours' : '10 minutes' }).check({ force: true });
      await openCharts(window);
    }
    await pause(1_000);
    const { framesPerSecond, longest, longTasks } = await frames(window, seconds * 1000);
    const what = `page: ${name}, ${GPUS} GPUs x ${SPANS[span].words}, ${MODELS} models`;
    rows.push(
      { what: `${what}: frames`, unit: '/s', value: framesPerSecond, bar: '60', within: framesPerSecond >= 59 },
      { what: `${what}: longest task (over ${LONG_TASK_MS} ms: ${longTasks})`, unit: 'ms', value: longest },
    );
  }
  await window.goto(`${engine.engine.address}/#/box`);
  await bars(window);
  // Drawing the page for the first time is no rest.
  await pause(2_000);
  const seen = await rendererShare(browser, seconds * 1000);
  await openCharts(window);
  const charts = await rendererShare(browser, seconds * 1000);
  await window.evaluate(() => (globalThis as unknown as { hide(hide: boolean): void }).hide(true));
  await pause(1_000);
  const hidden = await rendererShare(browser, seconds * 1000);
  return [
    ...rows,
    { what: 'page: its process at rest, seen (Box)', unit: '% of a core', value: seen, bar: '<= 3 %', within: seen <= 3 },
    { what: `page: its process at rest, seen, the charts of ${GPUS} GPUs open`, unit: '% of a core', value: charts },
    {
      what: 'page: its process at rest, told that it is hidden',
      unit: '% of a core',
      value: hidden,
      bar: '<= 0.3 %',
      within: hidden <= 0.3,
    },
  ];
}

/** Box shows each GPU. */
async function bars(window: Page): Promise<void> {
  await window
    .getByRole('region', { name: `GPU ${GPUS - 1}` })
    .getByRole('img')
    .first()
    .waitFor();
}

/** With so many GPUs their past is folded: opened, it is the most that the page has to draw. */
async function openCharts(window: Page): Promise<void> {
  const closed = window.getByRole('button', { name: /^Show the past of GPU/ });
  // Each is called otherwise once it is open.
  while ((await closed.count()) > 0) await closed.first().click();
  await window.locator('canvas').first().waitFor();
}

function madeUpHistory({ devices }: Snapshot, span: Span): History {
  const { points, stepMs } = SPANS[span];
  const atMs = Array.from({ length: points }, (_, index) => Date.now() - (points - index) * stepMs);
  const wave = (total: number, shift: number) => atMs.map((_, index) => (total / 8) * (1 + Math.sin(index / 40 + shift)));
  const zero = atMs.map(() => 0);
  const columns = devices.map(({ id, totalBytes }) => {
    const byModel = Object.fromEntries(Array.from({ length: 3 }, (_, model) => [`model-${model}`, wave(totalBytes, model)]));
    const usedBytes = atMs.map((_, index) => Object.values(byModel).reduce((sum, column) => sum + (column[index] ?? 0), 0));
    return [
      id,
      {
        usedBytes,
        othersBytes: zero,
        promisedBytes: zero,
        leakedBytes: zero,
        utilizationRatio: zero,
        powerWatts: zero,
        temperatureCelsius: zero,
        byModel,
      },
    ] as const;
  });
  return { stepMs, nowMs: Date.now(), atMs, devices: Object.fromEntries(columns) };
}

async function frames(window: Page, ms: number): Promise<{ framesPerSecond: number; longest: number; longTasks: number }> {
  return await window.evaluate(async (forMs) => {
    const tasks: number[] = [];
    const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)));
    observer.observe({ type: 'longtask' });
    let count = 0;
    const began = performance.now();
    await new Promise<void>((resolve) => {
      const next = (): void => {
        count += 1;
        if (performance.now() - began < forMs) requestAnimationFrame(next);
        else resolve();
      };
      requestAnimationFrame(next);
    });
    observer.disconnect();
    return { framesPerSecond: (count * 1000) / (performance.now() - began), longest: Math.max(0, ...tasks), longTasks: tasks.length };
  }, ms);
}

/** CPU time of all pages' processes over a while, as a share of one core. */
async function rendererShare(browser: Browser, ms: number): Promise<number> {
  const devtools = await browser.newBrowserCDPSession();
  const seconds = async (): Promise<number> => {
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    return processInfo.filter(({ type }) => type === 'renderer').reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const before = await seconds();
  await pause(ms);
  const after = await seconds();
  await devtools.detach();
  return ((after - before) * 100_000) / ms;
}
