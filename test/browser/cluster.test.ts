/** The nodes of a cluster elsewhere as cards on the Box, told apart from this machine's devices. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
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
      settings: { gpus: { use: 'none' }, ray_serve: cluster.settings, triton: { command: 'triton/bin/tritonserver' } },
      prepare: ({ folder }) => {
        writeFileSync(join(folder, 'token'), cluster.token);
        for (const name of ['bin', 'backends/python']) mkdirSync(join(folder, 'triton', name), { recursive: true });
        writeFileSync(join(folder, 'triton/TRITON_VERSION'), '2.51.0\n');
        writeFileSync(join(folder, 'triton/bin/tritonserver'), '#!/bin/sh\n');
        chmodSync(join(folder, 'triton/bin/tritonserver'), 0o755);
      },
    });
    await eventually('its nodes are known', async () => (await live.status()).runtimes.some(({ nodes }) => nodes !== undefined));
  });
  afterAll(async () => {
    await browser?.close();
    await live?.close();
    cluster?.stop();
  });

  test('each node with its GPUs, processors and memory', async () => {
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
    await page.getByRole('button', { name: 'GPU settings' }).click();
    await page.waitForURL(/#\/settings\/gpus$/);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('servers in the settings: found or how to get them, their state, and what they open', async () => {
    const { page, errors } = await openWindow(browser, live.address, { token: live.engine.token, page: 'settings' });
    const row = (name: RegExp) => page.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) });
    await expect.poll(() => row(/^ray/).innerText()).toMatch(/The Ray cluster at 127\.0\.0\.1:\d+\.\s+Its server answers\.$/);
    await expect
      .poll(() => row(/^triton/).innerText())
      .toMatch(
        /Triton [\d.]+: .*tritonserver, with the backends python\.\s+Its server does not run: it starts with its first model\. While it runs it listens at two sockets/,
      );
    await live.set({ gpus: { use: 'none' }, triton: { command: '/nowhere/tritonserver' }, ray_serve: { command: '/nowhere/ray' } });
    await row(/^triton/)
      .getByText('triton.command is /nowhere/tritonserver, and there is no such program')
      .waitFor();
    await row(/^ray/).getByText('ray_serve.command is /nowhere/ray, and there is no such program').waitFor();
    await expect.poll(() => page.getByText('Its server').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });
});
