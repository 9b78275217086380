/**
 * A Triton that somebody else runs, as users meet it; a fake program stands for it
 * (test/fixtures/triton). That the real one behaves so is shown in test/runtimes/triton.test.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeOnnx } from './core/analyzer/synthetic-onnx.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';

const PROGRAM = join(import.meta.dirname, 'fixtures/triton/program.ts');
const KEY = 'key-of-the-lab-8471';
const TEXT_CONFIG = `backend: "python"
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
`;
const repository = mkdtempSync(join(tmpdir(), 'modelium-theirs-'));
let theirs: ChildProcess;
let live: LiveEngine;
let url = '';

async function startTriton(port: string, ...args: readonly string[]): Promise<void> {
  const flags = [`--model-repository=${repository}`, `--http-port=${port}`, ...args];
  theirs = spawn(process.execPath, [PROGRAM, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(theirs.stdout!, 'data')) as [Buffer];
  url = String(line).trim();
}
async function killTriton(): Promise<void> {
  theirs.kill('SIGKILL');
  await once(theirs, 'exit');
}
const portNow = () => new URL(url).port;
const settings = (more: object = {}) => ({ triton: { url, metrics_url: url, ...more }, gpus: { use: 'none' } });
const asked = { inputs: { x: [[1, 2, 3, 4]] } };
const namesThere = async (): Promise<readonly string[]> =>
  ((await (await fetch(`${url}/v2/models/stats`)).json()) as { model_stats: { name: string }[] }).model_stats.map(({ name }) => name);

beforeAll(async () => {
  mkdirSync(join(repository, 'theirs/1'), { recursive: true });
  writeFileSync(join(repository, 'theirs/config.pbtxt'), TEXT_CONFIG);
  writeFileSync(join(repository, 'theirs/1/model.py'), 'pass\n');
  await startTriton('0', '--model-control-mode=explicit', `--http-restricted-api=model-repository:lab-key=${KEY}`, '--leaks');
  live = await startLiveEngine({
    settings: settings({ key_file: 'key' }),
    prepare({ folder, watch }) {
      writeFileSync(join(folder, 'key'), 'key-that-is-wrong-3305\n');
      mkdirSync(join(watch, 'net'));
      writeFileSync(join(watch, 'net/net.onnx'), writeOnnx());
    },
  });
});
afterAll(async () => {
  await live?.close();
  theirs?.kill('SIGKILL');
  rmSync(repository, { recursive: true, force: true });
});

test('a wrong header and a wrong key are each told in a sentence, and no key is ever told', async () => {
  const { message } = await live.comesTo('net', 'blocked');
  expect(message).toContain(`wants its key in the header lab-key, and it is sent in Authorization.`);
  await live.set(settings({ key_file: 'key', key_header: 'lab-key' }));
  await eventually('the key is refused', async () =>
    (await live.model('net'))?.message?.includes('refuses the key that is sent in the header lab-key'),
  );
  writeFileSync(join(live.folder, 'key'), `${KEY}\n`);
  await live.set(settings({ key_file: join(live.folder, 'key'), key_header: 'lab-key' }));
  await live.comesTo('net', 'unloaded');
  const reported = JSON.stringify([live.logged, await live.status(), (await live.control('GET', '/control/settings')).json]);
  expect([reported.includes(KEY), reported.includes('key-that-is-wrong')]).toEqual([false, false]);
});

test('a model goes there with its files under a name of ours, is asked, and leaves; memory that stays is told, and nothing is started anew', async () => {
  expect((await live.predict('net', asked)).json.outputs.y).toEqual([new Array(8).fill(0)]);
  const view = await live.model('net');
  expect([view?.devices, view?.measuredBytes]).toEqual([[], {}]);
  expect(await namesThere()).toEqual([expect.stringMatching(/^modelium-[0-9a-f]{8}-[0-9a-f]{8}-net$/)]);
  await live.control('POST', '/control/models/net/unload', {});
  await live.comesTo('net', 'unloaded', 40_000);
  expect(live.logged.join('\n')).toMatch(
    /net left the Triton at \S+, and 1\.0 GiB of the 1\.0 GiB of GPU memory that it used there are still allocated/,
  );
  expect([await namesThere(), theirs.exitCode]).toEqual([[], null]);
});

test('one that is killed is away, and whoever asks when it is back is answered', async () => {
  expect((await live.predict('net', asked)).status).toBe(200);
  const port = portNow();
  await killTriton();
  await eventually('it is away', async () =>
    (await live.status()).runtimes.find(({ id }) => id === 'triton')?.message.includes('nothing listens there'),
  );
  const refused = await live.predict('net', asked);
  expect(refused.status).toBe(503);
  await startTriton(port, '--model-control-mode=explicit', `--http-restricted-api=model-repository:lab-key=${KEY}`);
  await eventually('it answers again', async () => (await live.predict('net', asked)).status === 200, 40_000);
});

test('one that takes no models offers those that it has; what was dropped is told why', async () => {
  const port = portNow();
  await killTriton();
  await startTriton(port, '--model-control-mode=none');
  await live.comesTo('theirs', 'ready', 60_000);
  expect((await live.predict('theirs', { prompt: 'Hello' })).json).toMatchObject({ text: 'olleH', runtime: 'triton' });
  expect((await live.ask('GET', '/v2/models/theirs')).json.inputs).toMatchObject([{ name: 'text_input', datatype: 'BYTES' }]);
  await live.control('POST', '/control/runtimes/rescan', {});
  mkdirSync(join(live.watch, 'late'));
  writeFileSync(join(live.watch, 'late/net.onnx'), writeOnnx());
  expect((await live.comesTo('late', 'blocked')).message).toContain('--model-control-mode=explicit');
  await live.control('POST', '/control/models/theirs/unload', {});
  expect(await namesThere()).toEqual(['theirs']);
});
