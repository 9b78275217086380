/** The nodes of a cluster elsewhere as cards on the Box, told apart from this machine's devices. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAccessible } from '../helpers/axe.ts';
import { CHROMIUM, launchChromium, openWindow } from '../helpers/browser.ts';
import { eventually } from '../helpers/eventually.ts';
import { type FakeCluster, startFakeCluster } from '../helpers/fake-cluster.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';

describe.skipIf(CHROMIUM === null)('a cluster in a browser: needs Chromium', () => {
  let browser: Browser;
  let live: LiveEngine;
  let cluster: FakeCluster;

  beforeAll(async () => {
    browser = await launchChromium();
    cluster = await startFakeCluster();
    live = await startLiveEngine({
      settings: { gpus: { use: 'none' }, ray_serve: cluster.settings },
      prepare: ({ folder }) => writeFileSync(join(folder, 'token'), cluster.token),
    });
    await eventually('its nodes are known', async () => (await live.status()).runtimes.some(({ nodes }) => nodes !== undefined));
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    cluster?.stop();
  });

  test('each node with its GPUs, processors and memory', { timeout: 60_000 }, async () => {
    const { page, errors } = await openWindow(browser, live.address, { token: live.engine.token, page: 'box' });
    await page.getByRole('heading', { name: /^Elsewhere: The Ray cluster at 127\.0\.0\.1:\d+$/ }).waitFor();
    const card = page.getByRole('listitem').filter({ hasText: '192.0.2.7' });
    expect((await card.innerText()).split(/\s*\n\s*/)).toEqual([
      '192.0.2.7',
      'GPUs',
      '0 of 2 promised, A100',
      'Processors',
      '0 of 2 promised',
      'Memory',
      '1.0 GiB',
    ]);
    // None of them counts among the GPUs of this machine.
    await page.getByText('No GPU here').waitFor();
    await expectAccessible(page);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
