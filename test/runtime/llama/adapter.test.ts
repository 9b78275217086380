/** The llama adapter's plan and its steps, answered from a table: no process, no socket. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { LoadTarget } from '../../../main/runtime/adapter.ts';
import { LLAMA_CPP_VERSION, llamaAdapter } from '../../../main/runtime/llama/adapter.ts';
import type { Step, Steps } from '../../../main/runtime/step.ts';
import type { Placement } from '../../../shared/decision.ts';
import { DEFAULT_SETTINGS, settingsSchema } from '../../../shared/settings.ts';
import { SMOLLM2, TINY_BERT } from './profiles.ts';

const facts = {
  settings: DEFAULT_SETTINGS.llama,
  node: { command: '/bin/node', args: ['--flag'], env: { ELECTRON_RUN_AS_NODE: '1' } },
  serverProgram: '/app/server.js',
  convertProgram: '/app/convert.js',
  gpu: { usable: true, why: 'CUDA 13 is here.', libraryPath: '/venv/nvidia/cu13/lib', isPresent: true },
  cpuCores: 8,
  hasAmx: false,
};
const adapter = llamaAdapter(facts);
const gguf = SMOLLM2.forms[0]!;
const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };

function targetOf(profile = SMOLLM2, args: readonly string[] = []): LoadTarget {
  const plan = adapter.plan(profile, gguf, CPU, { context: 512, args: [...args] });
  return {
    modelId: 'm',
    path: '/models/m',
    file: '/models/m/m.gguf',
    plan,
    profile,
    proof: profile.kind === 'embedding' ? 'embed' : 'generate',
  };
}

/** Runs the steps; `answer` gives each its answer. */
function drive<Result>(steps: Steps<Result>, answer: (step: Step) => unknown): { taken: Step[]; result: Result } {
  const taken: Step[] = [];
  let turn = steps.next();
  while (!turn.done) {
    taken.push(turn.value);
    turn = steps.next(answer(turn.value));
  }
  return { taken, result: turn.value };
}

function server(healthAnswers: readonly unknown[], proof: unknown): (step: Step) => unknown {
  const health = [...healthAnswers];
  return (step) => {
    if (step.do === 'key') return 'secret';
    if (step.do === 'port') return 8123;
    if (step.do === 'http') return step.path === '/health' ? health.shift() : proof;
    return undefined;
  };
}

const spawned = (taken: readonly Step[]) => taken.find((step) => step.do === 'spawn') as Extract<Step, { do: 'spawn' }>;

test('the libraries of CUDA are passed on to whoever is to use a GPU, and to nobody else', () => {
  const onGpu = { ...targetOf(), plan: adapter.plan(SMOLLM2, gguf, { kind: 'gpu', gpus: ['GPU-1'], gpuLayers: null }, { context: 512 }) };
  const env = (target: LoadTarget, of = adapter) =>
    spawned(drive(of.load(target), server([{ status: 200, body: '' }], { status: 200, body: '' })).taken).env;
  expect(env(onGpu)).toMatchObject({ LD_LIBRARY_PATH: '/venv/nvidia/cu13/lib', CUDA_VISIBLE_DEVICES: 'GPU-1' });
  expect(env(targetOf())).not.toHaveProperty('LD_LIBRARY_PATH');
  const found = llamaAdapter({ ...facts, gpu: { ...facts.gpu, libraryPath: null } });
  expect(env(onGpu, found)).not.toHaveProperty('LD_LIBRARY_PATH');
  // A person's own word stands.
  const reported = llamaAdapter({ ...facts, settings: { ...facts.settings, env: { LD_LIBRARY_PATH: '/mine' } } });
  const plan = reported.plan(SMOLLM2, gguf, { kind: 'gpu', gpus: ['GPU-1'], gpuLayers: null }, { context: 512 });
  expect(env({ ...onGpu, plan }, reported)).toMatchObject({ LD_LIBRARY_PATH: '/mine' });
});

describe('plan', () => {
  test('context: what the model was trained for up to 8192, or what the settings say', () => {
    expect(adapter.plan(SMOLLM2, gguf, CPU, {})).toMatchObject({ contextTokens: 8192, parallelSequences: 4 });
    expect(adapter.plan({ ...SMOLLM2, contextLength: 131_072 }, gguf, CPU, {}).contextTokens).toBe(8192);
    expect(adapter.plan({ ...SMOLLM2, contextLength: 131_072 }, gguf, CPU, { context: 20_000 }).contextTokens).toBe(20_000);
    expect(adapter.plan({ ...SMOLLM2, contextLength: null }, gguf, CPU, {}).contextTokens).toBe(4096);
  });

  test('fewer sequences where four caches would outgrow the weights', () => {
    const ungrouped = { ...SMOLLM2, weightBytes: 3.8e9, kv: { bytesPerToken: 524_288, bytesPerSequence: 0, exact: true, groups: [] } };
    expect(adapter.plan(ungrouped, gguf, CPU, { context: 4096 }).parallelSequences).toBe(1);
    expect(adapter.plan(ungrouped, gguf, CPU, { context: 2048 }).parallelSequences).toBe(2);
  });

  test('embeddings: one sequence, one batch as long as the context, never beyond what was trained', () => {
    const plan = adapter.plan(TINY_BERT, gguf, CPU, { context: 4096 });
    expect(plan).toMatchObject({ contextTokens: 512, parallelSequences: 1 });
    expect(plan.args.join(' ')).toContain('--embeddings --batch-size 512 --ubatch-size 512');
    const decoder = { ...SMOLLM2, kind: 'embedding' as const };
    expect(adapter.plan(decoder, gguf, CPU, {}).contextTokens).toBe(2048);
  });

  test('the whole context for all sequences together, layers by placement, and only the GPUs that were chosen are visible', () => {
    const onGpu = adapter.plan(SMOLLM2, gguf, { kind: 'gpu', gpus: ['GPU-1', 'GPU-2'], gpuLayers: null }, { context: 1000 });
    expect(onGpu.args.join(' ')).toBe('--ctx-size 4000 --parallel 4 --n-gpu-layers 31');
    expect(onGpu.env).toEqual({ CUDA_VISIBLE_DEVICES: 'GPU-1,GPU-2' });
    const onCpu = adapter.plan(SMOLLM2, gguf, CPU, {});
    expect(onCpu.args.join(' ')).toContain('--n-gpu-layers 0');
    expect(onCpu.env).toEqual({ CUDA_VISIBLE_DEVICES: '' });
    expect(adapter.plan(SMOLLM2, gguf, { kind: 'split', gpus: ['GPU-1'], gpuLayers: 12 }, {}).args).toContain('12');
  });

  test('supports GGUF of the kinds that it serves', () => {
    expect(adapter.supports(SMOLLM2, gguf).supported).toBe(true);
    expect(adapter.supports(SMOLLM2, { ...gguf, kind: 'onnx' })).toMatchObject({ supported: false, why: expect.stringMatching(/onnx/) });
    expect(adapter.supports({ ...SMOLLM2, kind: 'speech' }, gguf)).toMatchObject({
      supported: false,
      why: expect.stringMatching(/speech/),
    });
  });
});

describe('load', () => {
  test('starts the server with a key, waits for health through refusals and 503, and asks for one real token', () => {
    const loading = { status: 503, body: '' };
    const answers = server([null, loading, { status: 200, body: '{"status":"ok","bounds":{"contextTokens":512,"schemaValues":9}}' }], {
      status: 200,
      body: '{}',
    });
    const { taken, result } = drive(adapter.load(targetOf()), answers);
    expect(result).toEqual({
      at: { port: 8123 },
      key: 'secret',
      protocol: 'openai',
      model: 'm',
      prefix: '/v1',
      bounds: { contextTokens: 512, schemaValues: 9 },
    });
    const spawn = spawned(taken);
    expect(spawn.command).toBe('/bin/node');
    expect(spawn.args.join(' ')).toBe(
      '--flag /app/server.js --model /models/m/m.gguf --host 127.0.0.1 --port 8123 --alias m --threads 1 --ctx-size 2048 --parallel 4 --n-gpu-layers 0',
    );
    expect(spawn.env).toEqual({ ELECTRON_RUN_AS_NODE: '1', CUDA_VISIBLE_DEVICES: '', LLAMA_API_KEY: 'secret' });
    expect(spawn.ipc).toBe(true);
    expect(taken.filter((step) => step.do === 'pause').map((step) => step.ms)).toEqual([5, 5.1]);
    expect(taken.at(-1)).toMatchObject({ do: 'http', path: '/v1/completions', key: 'secret', body: { max_tokens: 1 } });
  });

  test('an embedding model proves itself by an embedding', () => {
    const { taken } = drive(adapter.load(targetOf(TINY_BERT)), server([{ status: 200, body: '' }], { status: 200, body: '{}' }));
    expect(taken.at(-1)).toMatchObject({ path: '/v1/embeddings', body: { input: 'Hello' } });
  });

  test.each([
    [null, /no answer came/],
    [{ status: 500, body: 'broken' }, /status 500: broken/],
  ])('a first token that fails is a failed load: %j', (proof, words) => {
    expect(() => drive(adapter.load(targetOf()), server([{ status: 200, body: '' }], proof))).toThrow(words);
  });

  test('llama.command: that program with the same flags, its args and env, all cores but one, no message channel', () => {
    const settings = settingsSchema.parse({ llama: { command: '/opt/llama-server', args: ['--no-mmap'], env: { HOME: '/x' } } }).llama;
    const own = llamaAdapter({ ...facts, settings });
    const plan = own.plan(SMOLLM2, gguf, CPU, { context: 512, args: ['--mlock'] });
    const { taken, result } = drive(own.load({ ...targetOf(), plan }), server([{ status: 200, body: 'OK' }], { status: 200, body: '{}' }));
    // It tells no bounds of requests.
    expect(result.bounds).toBeUndefined();
    const spawn = spawned(taken);
    expect(spawn.command).toBe('/opt/llama-server');
    expect(spawn.args.join(' ')).toBe(
      '--model /models/m/m.gguf --host 127.0.0.1 --port 8123 --alias m --threads 7 --no-mmap --ctx-size 2048 --parallel 4 --n-gpu-layers 0 --mlock',
    );
    expect(spawn.env).toEqual({ HOME: '/x', CUDA_VISIBLE_DEVICES: '', LLAMA_API_KEY: 'secret' });
    expect(spawn.ipc).toBe(false);
  });
});

test('says what it found; the version is that of the package', () => {
  expect(adapter.found).toMatchObject({ found: true, version: LLAMA_CPP_VERSION, gpu: { usable: true, why: 'CUDA 13 is here.' } });
  expect(adapter.found.message).toMatch(/^The embedded llama\.cpp v[\d.]+\. CUDA 13 is here\.$/);
  const without = llamaAdapter({ ...facts, gpu: { ...facts.gpu, isPresent: false } });
  expect(without.found.message).toMatch(/^The embedded llama\.cpp v[\d.]+\.$/);
  const entry = createRequire(import.meta.url).resolve('node-llama-cpp');
  const info = JSON.parse(readFileSync(join(dirname(entry), '../llama/llama.cpp.info.json'), 'utf8')) as { tag: string };
  expect(info.tag).toBe(LLAMA_CPP_VERSION);
});

test.each([
  ['as many requests as it has sequences', SMOLLM2, [], 4],
  ["as many as a person's own arguments say", SMOLLM2, ['--parallel', '9'], 9],
  ['the last of them', SMOLLM2, ['-np', '9', '--parallel=2'], 2],
  ['what was planned where they leave it to the server', SMOLLM2, ['--parallel', '-1'], 4],
  ['a handful of embeddings, which are dealt turns', TINY_BERT, [], 16],
] as const)('works on %s at once', (_what, profile, args, places) => {
  expect(adapter.capacity?.(targetOf(profile, args).plan)).toBe(places);
});
