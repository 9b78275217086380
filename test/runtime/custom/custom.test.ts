/**
 * A command of one's own: what is wrong with it in words, what it is started with, and when its
 * model counts as ready.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { correctedEstimate } from '../../../main/core/decide/estimate.ts';
import { planHash } from '../../../main/core/decide/plan-hash.ts';
import type { Adapter, LoadTarget } from '../../../main/runtime/adapter.ts';
import { ownRuntimes } from '../../../main/runtime/custom/module.ts';
import type { Step } from '../../../main/runtime/step.ts';
import type { Placement } from '../../../shared/decision.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import type { Endpoint } from '../../../shared/model.ts';
import type { ModelForm, ModelKind } from '../../../shared/profile.ts';
import { settingsSchema } from '../../../shared/settings.ts';
import { MIB } from '../../../shared/units.ts';
import { textProfile } from '../../helpers/core-box.ts';
import { searcher, searchMachine } from '../../helpers/searching.ts';

const folder = mkdtempSync(join(tmpdir(), 'modelium-own-'));
const program = join(folder, 'server');
writeFileSync(program, '#!/bin/sh\n');
chmodSync(program, 0o755);
writeFileSync(join(folder, 'plain'), 'text');
mkdirSync(join(folder, 'folder'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };
const TWO: Placement = { kind: 'gpu', gpus: ['GPU-a', 'GPU-b'], gpuLayers: null };
const GGUF: ModelForm = { kind: 'gguf', files: ['m.gguf'], codeFiles: [] };
const FOLDER: ModelForm = { kind: 'transformers', files: ['model.safetensors'], codeFiles: [] };
const PORT = ['--port', '{port}'];

function settingsWith(own: object) {
  return settingsSchema.parse({ runtimes: { mine: { command: program, args: PORT, ...own } } });
}

async function found(own: object): Promise<Adapter> {
  const settings = settingsWith(own);
  const machine = searchMachine({ settings, settingsFolder: folder, home: folder, env: { PATH: `${folder}:/nowhere` } });
  const [module] = ownRuntimes(settings);
  return module!.adapter(machine, await searcher.search(module!.find(machine, module!.notFound)));
}

describe('what is wrong with it', () => {
  test.each<[string, object, RegExp | null]>([
    ['a path', {}, null],
    ['a name on the PATH', { command: 'server' }, null],
    ['a path from the home', { command: '~/server' }, null],
    ['a path beside modelium.yaml', { command: './server' }, null],
    ['a port by the environment', { args: [], env: { PORT: '{port}' } }, null],
    ['braces that are none', { args: [...PORT, '{"a": {"b": 1}}', '{{date}}'] }, null],
    ['a path to nothing', { command: '/nowhere/server' }, /^runtimes\.mine\.command is \/nowhere\/server, and there is no such program/],
    ['a name that nobody has', { command: 'sever' }, /no folder of the PATH has such a program/],
    ['a whole command line', { command: 'server --port 1' }, /command is server \.\.\., .* its arguments belong in args/],
    ['a folder', { command: './folder' }, /which is a folder/],
    ['a file that is no program', { command: './plain' }, /plain is not executable: `chmod \+x` fixes that\.$/],
    ['no port', { args: ['--model', '{model}'] }, /neither args nor env contains \{port\}.*: add it, such as "--port", "\{port\}"\.$/],
    [
      'a port as llama-swap has it',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: llama-swap writes its macros so.
      { args: ['--port', '${PORT}'] },
      /would not know its port: write \{port\} in place of \$\{PORT\}, which/,
    ],
    ['a port in capitals', { args: ['--port={PORT}'] }, /: write \{port\} in place of \{PORT\}, which is not filled in\.$/],
    [
      'a placeholder that is none',
      { args: [...PORT, '{modle}'] },
      /^runtimes\.mine\.args: \{modle\} is not a placeholder; did you mean \{model\}\?/,
    ],
    [
      'a port in the name',
      { model_name: '{port}' },
      /^runtimes\.mine\.model_name: \{port\} is not a placeholder; known here: \{model\}, \{name\}\./,
    ],
    ['a key that everybody sees', { args: [...PORT, '--api-key={key}'] }, /\{key\} belongs in env/],
    ['the GPUs by hand', { env: { CUDA_VISIBLE_DEVICES: '1' } }, /Modelium itself sets CUDA_VISIBLE_DEVICES/],
  ])('%s', async (_what, own, fault) => {
    const { found: is } = await found(own);
    expect([is.found, is.isWrong]).toEqual([fault === null, fault !== null]);
    if (fault !== null) expect(is.message).toMatch(fault);
    // `modelium check` says the same.
    const settings = settingsWith(own);
    const machine = searchMachine({ settings, settingsFolder: folder, home: folder, env: { PATH: folder } });
    const checked = await searcher.search(ownRuntimes(settings)[0]!.check(machine));
    expect(checked[0]).toMatchObject({ what: 'runtimes.mine', verdict: fault === null ? 'ok' : 'wrong' });
    if (fault !== null) expect(`${checked.map(({ message }) => message).join('. ')}.`).toBe(is.message);
  });
});

describe('which models it serves', () => {
  const profile = { ...textProfile(64 * MIB), kind: 'chat' as ModelKind };

  test('its formats and kinds, in words', async () => {
    const mine = await found({ formats: ['safetensors'], kinds: ['embedding'] });
    expect(mine.supports({ ...profile, kind: 'embedding' }, FOLDER)).toMatchObject({ supported: true });
    expect(mine.supports(profile, FOLDER).why).toBe('runtimes.mine.kinds names embedding; this is a model of kind chat.');
    expect(mine.supports({ ...profile, kind: 'embedding' }, GGUF).why).toBe('runtimes.mine.formats names safetensors; this is gguf.');
    expect(mine.onlyWhenChosen).toBe(false);
  });

  test('without formats only the models that name it', async () => {
    expect(await found({})).toMatchObject({ onlyWhenChosen: true });
  });

  test('the first of the settings comes first, and all of them before what comes along', () => {
    const settings = settingsSchema.parse({
      runtimes: { b: { command: 'x', formats: ['gguf'] }, a: { command: 'x', formats: ['gguf'] }, c: { command: 'x', formats: ['onnx'] } },
    });
    const places = ownRuntimes(settings).map(({ preference }) => preference('chat', 'gguf', 'gpu'));
    expect(places[0]).toBeLessThan(places[1]!);
    expect(places[1]).toBeLessThan(-1);
    expect(places[2]).toBeNull();
  });
});

describe('what it is started with', () => {
  const profile = textProfile(64 * MIB);
  const launch = {
    args: [...PORT, '-m', '{model}', '-c={context}', '-g', '{gpus}', '-t', '{cpu_threads}', '{{port}}'],
    env: { N: '{name}' },
  };

  test('each placeholder is filled in, and the GPUs are set', async () => {
    const mine = await found(launch);
    const plan = mine.plan(profile, GGUF, TWO, { context: 1024, args: ['--more', '{name}'] });
    const { steps } = drive(mine, targetOf(plan, 'generate'), () => 200);
    expect(steps.find((step) => step.do === 'spawn')).toEqual({
      do: 'spawn',
      command: program,
      args: ['--port', '8123', '-m', '/models/m.gguf', '-c=1024', '-g', '2', '-t', '1', '{port}', '--more', 'a-model'],
      env: { N: 'a-model', CUDA_VISIBLE_DEVICES: 'GPU-a,GPU-b' },
      ipc: false,
    });
  });

  test('arguments of one model show no key to everybody, and a word that every object has is not a placeholder', async () => {
    const mine = await found({ env: { API_KEY: '{key}' } });
    const { steps } = drive(mine, targetOf(mine.plan(profile, GGUF, CPU, { args: ['{key}', '{constructor}'] }), 'generate'), () => 200);
    const spawned = steps.find((step) => step.do === 'spawn');
    expect(spawned?.do === 'spawn' && spawned.args.slice(-2)).toEqual(['{key}', '{constructor}']);
  });

  test('a folder is handed over whole, and the processor hides the GPUs', async () => {
    const mine = await found(launch);
    const { steps } = drive(mine, targetOf(mine.plan(profile, FOLDER, CPU, {}), 'generate'), () => 200);
    const spawned = steps.find((step) => step.do === 'spawn');
    expect(spawned).toMatchObject({ env: { CUDA_VISIBLE_DEVICES: '' } });
    expect(spawned?.do === 'spawn' && spawned.args).toContain('/models');
  });

  test('a key is made for each launch that wants one, and asked with', async () => {
    const mine = await found({ env: { API_KEY: '{key}' } });
    const { steps, endpoint } = drive(mine, targetOf(mine.plan(profile, GGUF, CPU, {}), 'generate'), () => 200);
    expect(steps.find((step) => step.do === 'spawn')).toMatchObject({ env: { API_KEY: 'the-key' } });
    expect(endpoint.key).toBe('the-key');
  });

  test('another command, argument, context or another way to ask it is another launch; another guess of its memory is none', async () => {
    const hash = async (own: object, context = 1024) => planHash((await found(own)).plan(profile, GGUF, CPU, { context }));
    const one = await hash(launch);
    expect(await hash({ ...launch, memory_mb: 7 })).toBe(one);
    expect(await hash({ ...launch, env: { N: '2' } })).not.toBe(one);
    expect(await hash({ ...launch, command: '/nowhere/other' })).not.toBe(one);
    expect(await hash(launch, 2048)).not.toBe(one);
    for (const asked of [{ protocol: 'v2' }, { health: '/up' }, { model_name: 'other' }]) {
      expect(await hash({ ...launch, ...asked }), JSON.stringify(asked)).not.toBe(one);
    }
  });

  test('what it is told to end by, and how long it gets', async () => {
    const { stopping } = await found({ stop: { signal: 'SIGINT', grace_seconds: 2 } });
    expect(stopping).toMatchObject({ signal: 'SIGINT', graceSeconds: 2, loadingGraceSeconds: 2 });
  });

  test('it may do one thing at a time: its silence at work is no sign that it hangs', async () => {
    expect((await found({})).isSilentAtWork).toBe(true);
  });

  test('only a server that is told how many GPUs it has is given several', async () => {
    expect((await found({})).groups).toBe(false);
    expect((await found(launch)).groups).toBe(true);
  });

  test('the first guess of its memory gives way to what was measured, however far off it was', async () => {
    const mine = await found({ memory_mb: 6000 });
    const plan = mine.plan(profile, GGUF, CPU, {});
    expect(mine.estimate(profile, plan).bytes).toEqual({ cpu: 6000 * MIB });
    expect(mine.estimate(profile, mine.plan(profile, GGUF, TWO, {})).bytes).toMatchObject({ 'GPU-a': 3000 * MIB, 'GPU-b': 3000 * MIB });
    const measured = { cpu: 150 * MIB };
    const row = { modelId: 'm', runtime: 'mine', planHash: planHash(plan), predicted: { cpu: 6000 * MIB }, measured, loadSeconds: 1 };
    expect(correctedEstimate(mine, profile, plan, 'm', [row]).bytes).toEqual(measured);
  });
});

function targetOf(plan: LoadTarget['plan'], proof: LoadTarget['proof'], kind: ModelKind = 'chat'): LoadTarget {
  const profile = { ...textProfile(64 * MIB), kind };
  return { modelId: 'a-model', path: '/models', file: '/models/m.gguf', plan, profile, proof };
}

const ANSWER = JSON.stringify({ choices: [{ text: 'a' }], data: [{ embedding: [1] }], results: [{}] });

/** Runs the load; `answer` gives each request its status, or null. */
function drive(
  adapter: Adapter,
  target: LoadTarget,
  answer: (step: Extract<Step, { do: 'http' }>, asked: number) => number | null | { readonly status: number; readonly body: string },
): { readonly steps: readonly Step[]; readonly endpoint: Endpoint } {
  const steps: Step[] = [];
  const load = adapter.load(target);
  let asked = 0;
  for (let turn = load.next(); ; ) {
    if (turn.done) return { steps, endpoint: turn.value };
    const step = turn.value;
    steps.push(step);
    if (steps.length > 10_000) throw new Error('it never ends');
    let value: unknown;
    if (step.do === 'key') value = 'the-key';
    if (step.do === 'port') value = 8123;
    if (step.do === 'http') {
      const status = answer(step, asked++);
      value = typeof status === 'number' ? { status, body: status === 200 ? ANSWER : '{"error":"words of its own"}' } : status;
    }
    turn = load.next(value);
  }
}

describe('when a model counts as ready', () => {
  const load = async (
    answer: Parameters<typeof drive>[2],
    proof: LoadTarget['proof'] = 'generate',
    own: object = {},
    kind: ModelKind = 'chat',
  ) => {
    const mine = await found(own);
    return drive(mine, targetOf(mine.plan(textProfile(64 * MIB), GGUF, CPU, {}), proof, kind), answer);
  };
  const phases = (steps: readonly Step[]) => steps.flatMap((step) => (step.do === 'phase' ? [step.phase] : []));

  test('a health that is well too early is not believed: it is asked until it answers, and what it said meanwhile is told', async () => {
    const early = [null, 200, 503, 503, null, 503, 200];
    const { steps, endpoint } = await load((_step, asked) => (asked < early.length ? early[asked]! : 200));
    expect(phases(steps)).toEqual([
      'starting',
      'waiting for port 8123 to open',
      'first token',
      'first token: status 503 so far',
      'first token: no answer so far',
    ]);
    expect(endpoint).toEqual({ at: { port: 8123 }, key: null, protocol: 'openai', model: 'a-model', prefix: '/v1' });
  });

  test('a server that starts over and over gives no sign of life by that, and what it lacks is told', async () => {
    const unwell = [null, 503, null, 503, { status: 0, body: 'timeout' }, null, { status: 0, body: 'timeout' }, 200];
    const { steps } = await load((step, asked) => (step.path === '/health' ? (unwell[asked] as number | null) : 200));
    expect(phases(steps)).toEqual([
      'starting',
      'waiting for port 8123 to open',
      'waiting for /health: status 503 so far',
      'waiting for /health: no answer came within 2 s',
      'first token',
    ]);
  });

  test('a question that is worked on for ever ends the load after four minutes; one that nobody takes does not', async () => {
    const asked: number[] = [];
    const unanswered = load((step) => {
      if (step.path === '/health') return 200;
      asked.push(step.timeoutMs);
      return { status: 0, body: asked.length < 3 ? 'ECONNREFUSED connect' : 'TimeoutError The operation was aborted due to timeout' };
    });
    await expect(unanswered).rejects.toMatchObject({
      code: 'load-stalled',
      message: 'mine loaded a-model, but did not answer its first question (/v1/chat/completions) within 240 s.',
    });
    expect(asked).toEqual([240_000, 240_000, 240_000]);
  });

  test('an answer that holds none is no answer', async () => {
    const answers = (step: { readonly path: string }) => (step.path === '/health' ? 200 : { status: 200, body: '{"choices":[]}' });
    await expect(load(answers)).rejects.toThrow(/mine loaded a-model, but its first token failed: status 200: \{"choices":\[\]\}/);
  });

  test('a refusal that stays is told with its words', async () => {
    const thrown = await load((step) => (step.path === '/health' ? 200 : 401)).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(ModeliumError);
    expect((thrown as ModeliumError).message).toBe(
      'mine loaded a-model, but its first token failed: status 401: {"error":"words of its own"}.',
    );
  });

  test('a server that completes texts alone has answered too', async () => {
    const { endpoint } = await load((step) => (step.path === '/v1/chat/completions' ? 404 : 200));
    expect(endpoint.model).toBe('a-model');
  });

  test.each<[LoadTarget['proof'], ModelKind, string, object]>([
    ['embed', 'embedding', '/v1/embeddings', { model: 'upstream', input: 'Hello' }],
    ['rank', 'reranker', '/v1/rerank', { model: 'upstream', query: 'Hello', documents: ['Hello'] }],
    ['classify', 'classifier', '/classify', { model: 'upstream', input: 'Hello' }],
    ['infer', 'embedding', '/v1/embeddings', { model: 'upstream', input: 'Hello' }],
    ['generate', 'completion', '/v1/completions', { model: 'upstream', prompt: 'Hello', max_tokens: 1 }],
  ])('%s is proven by what a client would ask, under the name that the server has for it', async (proof, kind, path, body) => {
    const { steps, endpoint } = await load(() => 200, proof, { model_name: 'upstream' }, kind);
    expect(steps.findLast((step) => step.do === 'http')).toMatchObject({ path, body });
    expect(endpoint.model).toBe('upstream');
  });

  test('a server of tensors is asked with the smallest that the model takes, or whether it calls it ready', async () => {
    const inputs = [{ name: 'x', type: 'float32', shape: ['batch', 2] }] as const;
    const onnx: ModelForm = { kind: 'onnx', files: ['m.onnx'], codeFiles: [], inputs };
    const profile = { ...textProfile(64 * MIB), forms: [onnx] };
    const mine = await found({ protocol: 'v2', health: '/v2/health/ready' });
    const target = { ...targetOf(mine.plan(profile, onnx, CPU, {}), 'infer'), profile };
    const answered = { status: 200, body: '{"outputs":[{"name":"y"}]}' };
    const { steps, endpoint } = drive(mine, target, () => answered);
    expect(steps.find((step) => step.do === 'http' && step.path.includes('/models/'))).toMatchObject({
      method: 'POST',
      path: '/v2/models/a-model/infer',
      body: { inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [0, 0] }] },
    });
    expect(endpoint.protocol).toBe('v2');
    const bare = drive(mine, targetOf(mine.plan(profile, GGUF, CPU, {}), 'generate'), () => ({ status: 200, body: '' }));
    expect(bare.steps.find((step) => step.do === 'http' && step.path.includes('/models/'))).toMatchObject({
      method: 'GET',
      path: '/v2/models/a-model/ready',
    });
  });

  test('of a server without a protocol its health is all that is known', async () => {
    const { steps, endpoint } = await load(() => 200, 'generate', { protocol: 'none', health: '/up', model_name: '{model}' });
    expect(steps.flatMap((step) => (step.do === 'http' ? [step.path] : []))).toEqual(['/up']);
    expect(endpoint).toMatchObject({ protocol: 'none', model: '/models/m.gguf' });
  });
});

test.each([
  ['line 3', null],
  ['loading 45%', 0.45],
  ['shards: 100.0 % done', 1],
  ['took 250 %', null],
  // A percent of something else is no progress of the load.
  ['GPU memory usage: 43% of 24 GiB', null],
  ['KV cache usage: 12%', null],
  ['CPU utilization 99 %', null],
  ['discount: 50% off', null],
  ['Loading checkpoint shards:  50%|#####     | 1/2', 0.5],
])('%j is progress of %j', async (line, progress) => {
  expect((await found({})).progress(line)?.progress ?? null).toBe(progress);
});

test.each<[string[], string | null, RegExp, string]>([
  [['torch.OutOfMemoryError: CUDA out of memory.'], null, /^mine ran out of memory \(torch\.OutOfMemoryError/, 'out-of-memory'],
  [['[Errno 98] address already in use'], null, /runtimes\.mine\.port_range/, 'runtime-exited'],
  [['Traceback', 'KeyError: 1'], null, /^mine ended with code 1\. Its last output: KeyError: 1\.$/, 'runtime-exited'],
  [[], 'SIGSEGV', /^mine ended by signal SIGSEGV\. It printed nothing\.$/, 'runtime-exited'],
])('an exit after %j is explained', async (lines, signal, sentence, code) => {
  const { message, ...rest } = (await found({})).explainExit({ code: signal === null ? 1 : null, signal }, lines);
  expect(message).toMatch(sentence);
  expect(rest.code).toBe(code);
});
