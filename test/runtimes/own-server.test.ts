/**
 * Servers that are not ours, started by a command of one's own (`runtimes.NAME`): xllamacpp's HTTP
 * server with the real SmolLM2, and vLLM as any person would start it by hand. Installed by
 * `setup-own-server` and `setup`.
 */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sampleModel } from '../../main/cli/sample-model.ts';
import { modeliumFolders } from '../../main/io/folders.ts';
import { readAllStats } from '../../main/io/processes/proc.ts';
import { eventually } from '../helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';
import { here } from './children.ts';
import { vllmCommand } from './vllm-run.ts';

const run = promisify(execFile);
const LOAD_MS = 200_000;
const ASKED = { messages: [{ role: 'user' as const, content: 'What is a GPU?' }], max_tokens: 24, temperature: 0 };
let live: LiveEngine;
let client: OpenAI;
let settings: (policies: object) => object;

beforeAll(async () => {
  await run(here('setup-own-server'), [], { timeout: 280_000 });
  await run(here('setup'), [], { timeout: 280_000 });
  const python = (await run(here('setup-own-server'), ['--where'])).stdout.trim();
  const vllm = await vllmCommand();
  const { file, real } = await sampleModel(modeliumFolders().cache, () => {});
  expect(real).toBe(true);
  settings = (policies) => ({
    gpus: { use: 'none' },
    orchestration: { policies: { load: 'on_request', ...policies } },
    runtimes: {
      foreign: {
        command: python,
        args: [here('python/own_server.py'), '--port', '{port}', '--model', '{model}', '--alias', '{name}', '--context', '{context}'],
        env: { OWN_KEY: '{key}' },
        formats: ['gguf'],
        memory_mb: 4000,
      },
      hand: {
        command: vllm,
        args: [
          'serve',
          '{model}',
          '--served-model-name',
          '{name}',
          '--host',
          '127.0.0.1',
          '--port',
          '{port}',
          '--max-model-len',
          '{context}',
          '--enforce-eager',
          '--kv-cache-memory-bytes',
          '256M',
          '--max-num-seqs',
          '4',
          '--dtype',
          'float32',
        ],
        env: { VLLM_API_KEY: '{key}', VLLM_TARGET_DEVICE: 'cpu', HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1', OMP_NUM_THREADS: '1' },
        formats: ['safetensors'],
        memory_mb: 3000,
      },
    },
    models: { smol: { context: 1024 }, other: { context: 1024 }, tiny: { context: 256 } },
  });
  live = await startLiveEngine({ settings: settings({}) });
  client = new OpenAI({ baseURL: `${live.address}/v1`, apiKey: 'any', maxRetries: 0 });
  symlinkSync(file, join(live.watch, 'smol.gguf'));
  copyFileSync(file, join(live.watch, 'other.gguf'));
  for (const name of ['smol', 'other']) await live.comesTo(name, 'unloaded', 60_000);
}, 600_000);
afterAll(() => live?.close());

const living = (pids: readonly number[]): readonly number[] =>
  readAllStats().flatMap(({ pid, zombie }) => (pids.includes(pid) && !zombie ? [pid] : []));

test('SmolLM2 on a foreign server: dropped, loaded by a request, asked by /predict and the openai client, streamed', async () => {
  const answer = await live.predict('smol', ASKED);
  expect(answer.json).toMatchObject({ runtime: 'foreign', text: expect.stringMatching(/graphics/i) });
  const whole = await client.chat.completions.create({ model: 'smol', ...ASKED });
  expect(whole.choices[0]?.message.content).toMatch(/graphics/i);
  let streamed = '';
  for await (const { choices } of await client.chat.completions.create({ model: 'smol', ...ASKED, stream: true })) {
    streamed += choices[0]?.delta.content ?? '';
  }
  expect(streamed).toBe(whole.choices[0]?.message.content);
});

test('what it was guessed to take gives way to what was measured', async () => {
  const { predictedBytes, measuredBytes, pids } = (await live.model('smol'))!;
  expect(measuredBytes?.['cpu']).toBeLessThan(2 * 1024 ** 3);
  expect(predictedBytes?.['cpu']).toBe(4000 * 1024 ** 2);
  process.kill(pids[0]!, 'SIGKILL');
  await eventually('it is loaded again by a request', async () => {
    const answer = await live.predict('smol', ASKED);
    const now = await live.model('smol');
    return answer.status === 200 && now?.state === 'ready' && now.pids[0] !== pids[0];
  });
  expect((await live.model('smol'))?.predictedBytes?.['cpu']).toBeLessThan(2 * 1024 ** 3);
});

test('that hangs in a request is ended after half a minute, the request is told, and the next one starts it anew', async () => {
  const [pid = 0] = (await live.model('smol'))?.pids ?? [];
  process.kill(pid, 'SIGSTOP');
  const hung = await live.predict('smol', ASKED);
  expect([hung.status, hung.json.error.message]).toEqual([502, expect.stringContaining('its process hangs: no answer for 30 s')]);
  expect((await live.predict('smol', ASKED)).json).toMatchObject({ text: expect.stringMatching(/graphics/i) });
  expect([(await live.model('smol'))?.pids.includes(pid), living([pid])]).toEqual([false, []]);
}, 150_000);

test('two models at once, which leave when they are idle, with every process gone', async () => {
  const both = await Promise.all(['smol', 'other'].map((name) => live.predict(name, ASKED)));
  expect(both.map(({ json }) => [json.runtime, /graphics/i.test(json.text)])).toEqual(Array(2).fill(['foreign', true]));
  const pids = (await Promise.all(['smol', 'other'].map((name) => live.model(name)))).flatMap((model) => model?.pids ?? []);
  expect(living(pids).length).toBeGreaterThanOrEqual(2);
  await live.set(settings({ evict_after_idle_seconds: 1 }));
  for (const name of ['smol', 'other']) await live.comesTo(name, 'unloaded', 30_000);
  expect(living(pids)).toEqual([]);
  await live.set(settings({}));
});

test(
  'vLLM by a command of one’s own: a folder, asked by both, ended with all of its processes',
  async () => {
    const made = await writeTinyFolder(join(live.folder, 'made/tiny'), { type: 'F32', hidden: 128 });
    cpSync(made, join(live.watch, 'tiny'), { recursive: true });
    await live.comesTo('tiny', 'unloaded', 60_000);
    const answer = await live.predict('tiny', { prompt: 'Hello', max_tokens: 4, temperature: 0 });
    expect(answer.json).toMatchObject({ runtime: 'hand', usage: { completion_tokens: 4 } });
    const { usage } = await client.chat.completions.create({ model: 'tiny', messages: ASKED.messages, max_tokens: 5 });
    expect(usage?.completion_tokens).toBe(5);
    const pids = (await live.model('tiny'))?.pids ?? [];
    expect(pids.length).toBeGreaterThan(1);
    await live.control('POST', '/control/models/tiny/unload', {});
    await live.comesTo('tiny', 'unloaded', 60_000);
    expect(living(pids)).toEqual([]);
  },
  LOAD_MS,
);
