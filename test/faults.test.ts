/** What nobody caught, wherever it was thrown, takes no model with it: the built engine goes on. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { makeHome, startServe } from './helpers/serve.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

const BUILT = resolve(import.meta.dirname, '../dist/main/cli.js');

/** Loaded into the engine beside its own code. */
const FAULTS = `process.on('SIGUSR2', () => {
  setTimeout(() => {
    throw new Error('thrown in a timer of nobody');
  });
  void Promise.reject(new Error('rejected, and nobody waits'));
});`;

test('an error in a timer of nobody and a promise that nobody waits for are said, and end nothing', async (context) => {
  const home = makeHome();
  context.onTestFinished(() => home.remove());
  const file = join(home.root, 'faults.mjs');
  writeFileSync(file, FAULTS);
  await writeTinyGguf(home.watch, { name: 'tiny', contextTokens: 512 });
  const served = await startServe(home, { cli: BUILT, through: ['env', `NODE_OPTIONS=--import=${file}`] });
  const { pids } = await served.becomes('tiny', 'ready');
  served.child.kill('SIGUSR2');
  await served.says(/Error: .*thrown in a timer of nobody/);
  await served.says(/Error: .*rejected, and nobody waits/);
  expect((await served.predict('tiny')).status).toBe(200);
  expect((await served.model('tiny'))?.pids).toEqual(pids);
  expect(await served.end('SIGTERM')).toEqual({ code: 0, signal: null });
});
