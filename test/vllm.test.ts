/**
 * vLLM as users meet it, on a simulated box: a fake program with the real one's flags, processes
 * and failures (test/fixtures/vllm).
 */
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import OpenAI from 'openai';
import { describe, expect, type TestContext, test, vi } from 'vitest';
import { readStat, readText } from '../main/io/processes/proc.ts';
import type { DecisionRow } from '../shared/decision.ts';
import { GIB, MIB } from '../shared/units.ts';
import { readBox, readHoldings, usedBytes as usedOnGpu } from './fixtures/box.ts';
import { VLLM_FAILURES } from './fixtures/vllm/failures.ts';
import { eventually } from './helpers/eventually.ts';
import { FULL } from './helpers/full.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { makeHome, startServe } from './helpers/serve.ts';
import { makeSimulatedBox, type SimulatedBox, type SimulatedBoxOptions, writeVllm } from './helpers/simulated-box.ts';
import { writeTinyFolder, writeTinyLora } from './helpers/tiny-folder.ts';

// They wait more than they work, and side by side: each has the time that all of them together may
// need on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let lastPort = 14_000;

/** Engines that run side by side look for free ports in the same moment. */
function nextPorts(): readonly [number, number] {
  const first = lastPort + 1;
  lastPort += 40;
  return [first, lastPort];
}

interface Setting {
  readonly box: SimulatedBox;
  readonly live: LiveEngine;
  /** A tiny Llama as transformers keeps it, in the watch folder. */
  drop(name: string): Promise<void>;
  rows(model: string): Promise<readonly DecisionRow[]>;
}

type StartOptions = Partial<SimulatedBoxOptions> & { readonly settings?: Record<string, unknown> };

async function start({ onTestFinished }: TestContext, options: StartOptions = {}): Promise<Setting> {
  const box = makeSimulatedBox({ gpus: [{ totalMiB: 24_000 }], ...options });
  onTestFinished(() => box.remove());
  const { settings = {} } = options;
  const vllm = { command: box.vllmCommand, port_range: nextPorts(), ...(settings['vllm'] as object | undefined) };
  const policies = { load: 'on_request', min_residency_seconds: 0, ...(settings['policies'] as object | undefined) };
  const live = await startLiveEngine({
    settings: {
      gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 0 },
      llama: { command: box.runtimeCommand, port_range: nextPorts() },
      orchestration: { policies },
      ...Object.fromEntries(Object.entries(settings).filter(([name]) => name !== 'policies')),
      vllm,
    },
  });
  onTestFinished(() => live.close());
  return {
    box,
    live,
    async drop(name) {
      const made = await writeTinyFolder(join(live.folder, 'made', name), { type: 'F16' });
      cpSync(made, join(live.watch, name), { recursive: true });
      await live.comesTo(name, 'unloaded');
    },
    rows: async (model) =>
      ((await live.control('GET', `/control/decisions?model=${model}&limit=100`)).json.decisions as DecisionRow[]).toReversed(),
  };
}

const isAlive = (pid: number): boolean => {
  const stat = readStat(pid);
  return stat !== null && !stat.zombie;
};
/** The server, and the engine that holds the memory. */
async function pidsOf({ live }: Setting, name: string): Promise<readonly [number, number]> {
  const [server = 0, engine = 0] = (await live.model(name))?.pids ?? [];
  expect([isAlive(server), isAlive(engine)]).toEqual([true, true]);
  return [server, engine];
}
/** As the engine knows it. */
const shownBytes = async ({ live }: Setting): Promise<number> =>
  (await live.status()).devices.find(({ kind }) => kind === 'gpu')?.usedBytes ?? 0;
/** On the GPU itself: the engine's last sample may be a row that was printed a moment before. */
const usedBytes = ({ box }: Setting): number => {
  const now = readBox(box.dir);
  return usedOnGpu(now.gpus[0]!, readHoldings(box.dir, now));
};
const retries = async (setting: Setting, name: string) => (await setting.rows(name)).filter(({ action }) => action === 'retry');

test.concurrent('a dropped folder is served by vLLM on a GPU, with a share of its memory that was computed, and leaves nothing', async (context) => {
  const setting = await start(context);
  const { live, box, drop, rows } = setting;
  await drop('tiny');
  const answer = await live.predict('tiny');
  expect(answer.json).toMatchObject({ runtime: 'vllm', text: 'This answer' });
  const model = await live.model('tiny');
  const [gpu = ''] = box.uuids;
  expect(model?.plan?.env).toMatchObject({ CUDA_VISIBLE_DEVICES: gpu, HF_HUB_OFFLINE: '1', VLLM_NO_USAGE_STATS: '1' });
  const share = Number(/--gpu-memory-utilization (\S+)/.exec(model?.plan?.args.join(' ') ?? '')?.[1]);
  expect(share).toBeGreaterThan(0.02);
  expect(share).toBeLessThan(0.3);
  // What it took lies within what was promised to it, and that is no guess from above.
  expect(model?.measuredBytes?.[gpu]).toBeLessThanOrEqual(model?.predictedBytes?.[gpu] ?? 0);
  expect(model?.measuredBytes?.[gpu]).toBeGreaterThan((model?.predictedBytes?.[gpu] ?? 0) * 0.7);
  const load = (await rows('tiny')).find(({ action }) => action === 'load');
  expect(load?.outcome?.reportedBytes?.['vllm']).toMatchObject({ modelBytes: expect.closeTo(64 * MIB, -7) });
  const [server, engine] = await pidsOf(setting, 'tiny');
  await live.control('POST', '/control/models/tiny/unload', {});
  await live.comesTo('tiny', 'unloaded');
  expect([isAlive(server), isAlive(engine), usedBytes(setting)]).toEqual([false, false, 0]);
  await eventually('the engine sees it free, too', async () => (await shownBytes(setting)) === 0);
});

test.concurrent('two on one GPU: one is loaded after the other, each within its share', async (context) => {
  const setting = await start(context, { settings: { vllm: { args: ['--fake-load-ms', '600'] } } });
  const { live, drop, rows } = setting;
  await drop('one');
  await drop('two');
  const answers = await Promise.all([live.predict('one'), live.predict('two')]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect([(await live.model('one'))?.state, (await live.model('two'))?.state]).toEqual(['ready', 'ready']);
  const waits = [...(await rows('one')), ...(await rows('two'))].filter(({ action }) => action === 'wait');
  expect(waits.map(({ sentence }) => sentence).join()).toContain('is being loaded there');
});

test.concurrent('less memory than the driver shows: tried again at once with what is there', async (context) => {
  const setting = await start(context, { gpus: [{ totalMiB: 3_000 }], settings: { vllm: { args: ['--fake-hidden-mb', '2200'] } } });
  const { live, drop } = setting;
  await drop('tiny');
  expect(await live.predict('tiny')).toMatchObject({ status: 200 });
  const [retry] = await retries(setting, 'tiny');
  expect(retry).toMatchObject({ reason: 'retry-with', sentence: expect.stringMatching(/again at once with \d.* of GPU memory/) });
});

test.concurrent('a context for which the cache is too small: tried again once with the one that vLLM names', async (context) => {
  const setting = await start(context, { settings: { models: { tiny: { context: 4096 } } } });
  const { live, drop } = setting;
  await drop('tiny');
  expect(await live.predict('tiny')).toMatchObject({ status: 200 });
  const [retry] = await retries(setting, 'tiny');
  const tokens = Number(/a context of (\d+) tokens/.exec(retry?.sentence ?? '')?.[1]);
  expect((await live.model('tiny'))?.plan?.args.join(' ')).toContain(`--max-model-len ${tokens}`);
});

test.concurrent("others' memory that moved while it was measured is no failure of its own", async (context) => {
  const setting = await start(context, { settings: { vllm: { args: ['--fake-profile-error'] } } });
  const { live, drop } = setting;
  await drop('tiny');
  expect(await live.predict('tiny')).toMatchObject({ status: 200 });
  expect((await retries(setting, 'tiny')).map(({ sentence }) => sentence)).toEqual([
    expect.stringContaining('does not count as a failure'),
  ]);
});

/**
 * What is made of each recorded failure is proven by explain.test.ts; here, that it gets to people.
 */
const TOLD = VLLM_FAILURES.filter(({ name }, at) => FULL || at === 0 || name === 'missing-shard' || name === 'too-little-memory');

test.concurrent('a recorded failure is told in one sentence, with the last words; a permanent one is not tried again', {
  timeout: 300_000,
}, async (context) => {
  const said = (name: string) => join(import.meta.dirname, `fixtures/vllm/${name}.txt`);
  expect(TOLD.length).toBeGreaterThanOrEqual(3);
  const models = Object.fromEntries(TOLD.map(({ name }) => [name, { args: ['--fake-say', said(name)] }]));
  const { live, drop } = await start(context, { settings: { models } });
  for (const { name, says } of TOLD) {
    await drop(name);
    const { status, json } = await live.predict(name);
    expect(status).toBe(503);
    expect(json.error.message).toMatch(says);
    expect(json.error.last_words.length).toBeGreaterThan(0);
    const { state, retryInMs } = (await live.model(name))!;
    expect(state).toBe('failed');
    if (name === 'missing-shard') expect(retryInMs).toBeNull();
    if (name === 'too-little-memory') expect(retryInMs).toBeGreaterThan(0);
  }
});

test.concurrent('a load that stands still is ended, its engine too', async (context) => {
  const setting = await start(context, { settings: { vllm: { args: ['--fake-stall'] }, policies: { load_stall_seconds: 2 } } });
  const { live, drop } = setting;
  await drop('tiny');
  const asked = live.predict('tiny');
  const engine = await eventually('its engine is seen', async () => (await live.model('tiny'))?.pids[1]);
  expect((await asked).json.error.message).toContain('no sign of progress');
  await live.comesTo('tiny', 'failed');
  expect([isAlive(engine), usedBytes(setting)]).toEqual([false, 0]);
});

test.concurrent('a cancelled load: SIGTERM is lost while the engine starts, and the group goes all the same', async (context) => {
  const setting = await start(context, { settings: { vllm: { args: ['--fake-load-ms', '20000'] } } });
  const { live, drop } = setting;
  await drop('tiny');
  const leaving = new AbortController();
  const asked = fetch(`${live.address}/predict/tiny`, { method: 'POST', body: '{"prompt":"Hello"}', signal: leaving.signal }).catch(
    () => null,
  );
  const engine = await eventually('its engine is seen', async () => (await live.model('tiny'))?.pids[1]);
  leaving.abort();
  await asked;
  await live.control('POST', '/control/models/tiny/unload', {});
  await live.comesTo('tiny', 'unloaded');
  expect([isAlive(engine), usedBytes(setting)]).toEqual([false, 0]);
});

test.concurrent('a ready one that ignores SIGTERM is killed when its grace is over', async (context) => {
  const setting = await start(context, { settings: { vllm: { args: ['--fake-ignore-term'] } } });
  const { live, drop } = setting;
  await drop('tiny');
  await live.predict('tiny');
  const pids = await pidsOf(setting, 'tiny');
  await live.control('POST', '/control/models/tiny/unload', {});
  await live.comesTo('tiny', 'unloaded');
  expect([...pids.map(isAlive), usedBytes(setting)]).toEqual([false, false, 0]);
  await eventually('the engine sees it free, too', async () => (await shownBytes(setting)) === 0);
});

test.concurrent('a killed server leaves no engine behind, and comes back when it is asked', async (context) => {
  const setting = await start(context);
  const { live, drop } = setting;
  await drop('tiny');
  await live.predict('tiny');
  const [server, engine] = await pidsOf(setting, 'tiny');
  process.kill(server, 'SIGKILL');
  await live.comesTo('tiny', 'unloaded');
  expect([isAlive(engine), usedBytes(setting)]).toEqual([false, 0]);
  // Nobody ran out of memory, and one death is no verdict.
  expect(live.logged.find((line) => line.includes('tiny broke off'))).toMatch(/Somebody ended vLLM \(SIGKILL\)/);
  expect(await live.predict('tiny')).toMatchObject({ status: 200 });
});

test.concurrent('an engine that dies ends its server with code 0, which is a crash', async (context) => {
  const setting = await start(context, { settings: { vllm: { args: ['--fake-die-after', '1500'] } } });
  const { live, drop } = setting;
  await drop('tiny');
  await live.predict('tiny');
  await live.comesTo('tiny', 'unloaded');
  expect(live.logged.find((line) => line.includes('tiny broke off'))).toContain('engine process died while serving');
  // Its memory was free before its server ended: no leak, and nothing to wait for.
  expect(live.logged.join('\n')).not.toContain('did not become free');
});

test.concurrent('a settings edit in mid-load keeps the process where the launch is the same, and gives a new one where it is not', async (context) => {
  const setting = await start(context, { settings: { vllm: { args: ['--fake-load-ms', '60000'] } } });
  const { live, drop, box } = setting;
  await drop('tiny');
  const asked = live.predict('tiny');
  const seen = () => eventually('its engine is seen', async () => (await live.model('tiny'))?.pids[1]);
  const first = await seen();
  const base = {
    gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 0 },
    llama: { command: box.runtimeCommand },
    vllm: { command: box.vllmCommand, args: ['--fake-load-ms', '60000'] },
    orchestration: { policies: { load: 'on_request', max_queue: 7 } },
  };
  await live.set(base);
  expect(await seen()).toBe(first);
  await live.set({ ...base, vllm: { ...base.vllm, args: ['--fake-load-ms', '100'] } });
  expect((await asked).status).toBe(200);
  expect(await seen()).not.toBe(first);
  expect(isAlive(first)).toBe(false);
});

test.concurrent('vllm.command, args, env and port_range make the launch; enabled: false leaves the folder to llama.cpp', async (context) => {
  const said = join(import.meta.dirname, 'fixtures/vllm/no-weights.txt');
  const port = 28_123;
  const setting = await start(context, {
    settings: { vllm: { args: ['--fake-need-mb', '70'], env: { TOLD: 'heard' }, port_range: [port, port] } },
  });
  const { live, drop, box } = setting;
  await drop('tiny');
  await live.predict('tiny');
  const plan = (await live.model('tiny'))?.plan;
  expect(plan?.args.slice(-2)).toEqual(['--fake-need-mb', '70']);
  expect(plan?.env).toMatchObject({ TOLD: 'heard' });
  const { flags } = (await (await fetch(`http://127.0.0.1:${port}/fixture`)).json()) as { flags: Record<string, string> };
  expect(flags).toMatchObject({ port: String(port), 'fake-need-mb': '70' });
  await live.control('POST', '/control/models/tiny/unload', {});
  await live.comesTo('tiny', 'unloaded');
  await live.set({
    gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 0 },
    vllm: { command: box.vllmCommand, enabled: false, args: ['--fake-say', said] },
    orchestration: { policies: { load: 'on_request' } },
  });
  expect((await live.predict('tiny')).json.runtime).toBe('llama');
});

test.concurrent('one that is installed while we run is found, and serves at the next load what llama.cpp served until then', async ({
  onTestFinished,
}) => {
  const box = makeSimulatedBox({ gpus: [] });
  onTestFinished(() => box.remove());
  const settings = { vllm: {}, orchestration: { model_discovery: { scan_interval_seconds: 1 }, policies: { load: 'on_request' } } };
  const live = await startLiveEngine({ settings });
  onTestFinished(() => live.close());
  cpSync(await writeTinyFolder(join(live.folder, 'made/tiny'), { type: 'F16' }), join(live.watch, 'tiny'), { recursive: true });
  await live.comesTo('tiny', 'unloaded');
  expect((await live.predict('tiny')).json.runtime).toBe('llama');
  expect((await live.status()).runtimes.find(({ id }) => id === 'vllm')).toMatchObject({
    found: false,
    message: expect.stringContaining('uv tool install vllm'),
  });
  mkdirSync(join(live.folder, '.venv'));
  writeVllm(join(live.folder, '.venv'), box.dir, '0.32.0+cpu');
  await eventually('it is found', async () => (await live.status()).runtimes.find(({ id, found }) => id === 'vllm' && found));
  // Without a GPU llama.cpp stays the better one, and what is ready stays where it is.
  expect((await live.predict('tiny')).json.runtime).toBe('llama');
  await live.set({ ...settings, models: { tiny: { runtime: 'vllm' } } });
  expect((await live.predict('tiny')).json.runtime).toBe('vllm');
  expect((await live.model('tiny'))?.plan?.env).toMatchObject({ VLLM_TARGET_DEVICE: 'cpu', CUDA_VISIBLE_DEVICES: '' });
});

const SLEEPY = { sleep_after_idle_seconds: 1, evict_after_idle_seconds: 600 };

test.concurrent('an idle one sleeps, wakes through the queue for the next request, and is stopped later', async (context) => {
  const setting = await start(context, { settings: { policies: SLEEPY } });
  const { live, drop, rows } = setting;
  await drop('tiny');
  await live.predict('tiny');
  const pids = await pidsOf(setting, 'tiny');
  const awakeBytes = usedBytes(setting);
  const asleep = await live.comesTo('tiny', 'asleep');
  expect(asleep.message).toContain('the next request wakes it');
  expect(asleep.pids).toEqual(pids);
  expect(usedBytes(setting)).toBeLessThan(awakeBytes * 0.8);
  const answer = await live.predict('tiny');
  expect(answer.json).toMatchObject({ runtime: 'vllm', text: 'This answer' });
  expect((await live.model('tiny'))?.pids).toEqual(pids);
  expect(usedBytes(setting)).toBe(awakeBytes);
  // How long waking takes is learned apart from how long starting does.
  await live.comesTo('tiny', 'asleep');
  await live.predict('tiny');
  const [, firstWake, secondWake] = (await rows('tiny')).filter(({ action }) => action === 'load');
  expect(secondWake?.candidates[0]?.loadSeconds).toBe(firstWake?.outcome?.seconds);
  const story = await rows('tiny');
  const slept = story.find(({ action }) => action === 'sleep');
  expect(slept?.outcome).toMatchObject({ ok: true, message: expect.stringMatching(/asleep, .* freed/) });
  const woken = story.filter(({ action }) => action === 'load').at(-1);
  expect(woken?.sentence).toContain('woken where it sleeps');
  expect(woken?.outcome).toMatchObject({ ok: true, phaseSeconds: { waking: expect.any(Number) } });
  // The routes that put it to sleep are on a socket that nobody else may open.
  expect((await live.model('tiny'))?.plan?.env).toMatchObject({ VLLM_SERVER_DEV_MODE: '1' });
  expect((await live.ask('POST', '/sleep?level=1')).status).toBe(404);
  await live.comesTo('tiny', 'asleep');
  await live.set({
    gpus: { nvidia_smi: setting.box.nvidiaSmi, reserve_mb: 0 },
    vllm: { command: setting.box.vllmCommand },
    llama: { command: setting.box.runtimeCommand },
    orchestration: { policies: { load: 'on_request', min_residency_seconds: 0, ...SLEEPY, evict_after_idle_seconds: 2 } },
  });
  await live.comesTo('tiny', 'unloaded');
  expect([...pids.map(isAlive), usedBytes(setting)]).toEqual([false, false, 0]);
});

test.concurrent('a sleeping one leaves for another, and is started anew when its place is taken', async (context) => {
  const setting = await start(context, {
    gpus: [{ totalMiB: 2_600 }],
    settings: { policies: SLEEPY, models: { two: { runtime: 'vllm', args: ['--gpu-memory-utilization', '0.7'] } } },
  });
  const { live, drop, box } = setting;
  await drop('one');
  await drop('two');
  await live.predict('one');
  const [server] = await pidsOf(setting, 'one');
  await live.comesTo('one', 'asleep');
  // Other programs take what it gave back, and cannot be sent away: it is ended, and served where
  // there is room.
  box.setOthers(box.uuids[0] ?? '', { 4000001: 1_800 });
  await eventually('they are seen', async () => (await shownBytes(setting)) > 1.7 * GIB);
  expect((await live.predict('one')).json.runtime).toBe('llama');
  expect(isAlive(server)).toBe(false);
  box.setOthers(box.uuids[0] ?? '', {});
  await eventually('it is there again', async () => (await shownBytes(setting)) === 0);
  await live.control('POST', '/control/models/one/unload', {});
  expect((await live.predict('one')).json.runtime).toBe('vllm');
  await live.comesTo('one', 'asleep');
  expect((await live.predict('two')).json.runtime).toBe('vllm');
  expect((await live.model('one'))?.state).toBe('unloaded');
  expect(live.logged.join('\n')).not.toContain('did not become free');
});

test.concurrent('one that dies in its sleep is a crash, and one that does not wake is started anew', async (context) => {
  const setting = await start(context, { settings: { policies: SLEEPY } });
  const { live, drop } = setting;
  await drop('tiny');
  await live.predict('tiny');
  const [server] = await pidsOf(setting, 'tiny');
  await live.comesTo('tiny', 'asleep');
  process.kill(server, 'SIGKILL');
  await live.comesTo('tiny', 'unloaded');
  expect(usedBytes(setting)).toBe(0);
});

test.concurrent('metrics.include_runtime: the figures of vLLM itself, under the names of the models', async (context) => {
  const setting = await start(context, { settings: { metrics: { enabled: false, include_runtime: true } } });
  const { live, drop } = setting;
  await drop('one');
  await drop('two');
  await live.predict('one');
  await live.predict('two');
  const text = await live.metrics();
  expect(text).toContain('vllm:num_requests_running{engine="0",model="one"} 0');
  expect(text).toContain('vllm:generation_tokens_total{engine="0",model="two"} ');
  // Each family is told once, with all its samples below.
  expect(text.match(/# TYPE vllm:num_requests_running gauge/g)).toHaveLength(1);
  expect((await live.model('one'))?.idleMs).toBeGreaterThan(0);
});

test.concurrent('an engine that was killed left its vLLM behind: the next one ends it, and clears up after it, before it grants anything', async ({
  onTestFinished,
}) => {
  const box = makeSimulatedBox({ gpus: [{ totalMiB: 24_000 }] });
  onTestFinished(() => box.remove());
  const settings = {
    gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 0 },
    vllm: { command: box.vllmCommand },
    orchestration: { policies: { load: 'on_request' } },
  };
  const home = makeHome(settings);
  onTestFinished(() => home.remove());
  cpSync(await writeTinyFolder(join(home.root, 'made/tiny'), { type: 'F16' }), join(home.watch, 'tiny'), { recursive: true });
  const first = await startServe(home);
  await first.becomes('tiny', 'unloaded');
  expect((await first.predict('tiny')).status).toBe(200);
  const left = (await first.model('tiny'))?.pids ?? [];
  const scratch = /TMPDIR=([^\0]+)/.exec(readText(`/proc/${left[0]}/environ`) ?? '')?.[1] ?? '';
  await first.end('SIGKILL');
  expect(left.map(isAlive)).toEqual([true, true]);
  expect(existsSync(scratch)).toBe(true);
  const second = await startServe(home);
  expect(second.story()).toMatch(/Ending 2 processes of tiny that an earlier run left behind/);
  expect([...left.map(isAlive), existsSync(scratch)]).toEqual([false, false, false]);
  await second.becomes('tiny', 'unloaded');
  expect((await second.predict('tiny')).status).toBe(200);
  await second.end('SIGTERM');
  expect(home.processes()).toEqual([]);
});

test.concurrent('sounds are transcribed through the openai client, by an alias too', async (context) => {
  const setting = await start(context, { settings: { models: { ear: { aliases: ['whisper-1'] } } } });
  const { live } = setting;
  const config = { architectures: ['WhisperForConditionalGeneration'], model_type: 'whisper', is_encoder_decoder: true };
  cpSync(await writeTinyFolder(join(live.folder, 'made/ear'), { type: 'F16', config }), join(live.watch, 'ear'), { recursive: true });
  await live.comesTo('ear', 'unloaded');
  const client = new OpenAI({ baseURL: `${live.address}/v1`, apiKey: 'any', maxRetries: 0 });
  const sound = Buffer.alloc(50_000, 7);
  for (const model of ['ear', 'whisper-1']) {
    const { text } = await client.audio.transcriptions.create({ model, file: new File([sound], 'a.wav') });
    expect(Number(/simulated: (\d+) bytes/.exec(text)?.[1])).toBeGreaterThan(50_000);
  }
  expect((await live.ask('POST', '/v1/audio/transcriptions', { model: 'ear' })).json.error.code).toBe('invalid-body');
  await expect(client.audio.transcriptions.create({ model: 'nobody', file: new File([sound], 'a.wav') })).rejects.toThrow(/nobody/);
});

describe.concurrent('a LoRA', () => {
  async function withLora(context: TestContext, options: StartOptions = {}, adapter: Parameters<typeof writeTinyLora>[2] = {}) {
    const setting = await start(context, options);
    const { live } = setting;
    await setting.drop('tiny');
    cpSync(await writeTinyLora(join(live.folder, 'made/polite'), 'someone/tiny', adapter), join(live.watch, 'polite'), {
      recursive: true,
    });
    return setting;
  }
  const loaded = async ({ live }: Setting): Promise<readonly string[]> => {
    const model = await live.model('tiny');
    const socket = /--uds (\S+)/.exec(readText(`/proc/${model?.pids[0]}/cmdline`)?.replaceAll('\0', ' ') ?? '')?.[1] ?? '';
    return await new Promise((resolve, reject) => {
      request({ socketPath: socket, path: '/fixture' }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve((JSON.parse(text) as { adapters: string[] }).adapters));
      })
        .on('error', reject)
        .end();
    });
  };

  test('is a model of its own: its base is loaded first, and it into that; it answers to base:adapter', async (context) => {
    const setting = await withLora(context);
    const { live, rows } = setting;
    await live.comesTo('polite', 'unloaded');
    const answer = await live.predict('tiny:polite');
    expect(answer.json).toMatchObject({ model: 'polite', runtime: 'vllm', text: 'This answer' });
    expect((await live.model('tiny'))?.plan?.args.join(' ')).toContain('--enable-lora --max-loras 1 --max-lora-rank 8');
    expect(await loaded(setting)).toEqual(['polite']);
    expect((await rows('polite')).map(({ action }) => action)).toEqual(['wait', 'load']);
    const chat = await live.ask('POST', '/v1/chat/completions', {
      model: 'polite',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 2,
    });
    expect(chat.json.model).toBe('polite');
    // What loads and unloads LoRAs is on a socket that nobody else may open.
    expect((await live.ask('POST', '/v1/load_lora_adapter', { lora_name: 'x', lora_path: '/' })).status).toBe(404);
    await live.control('POST', '/control/models/polite/unload', {});
    await live.comesTo('polite', 'unloaded');
    expect([(await live.model('tiny'))?.state, await loaded(setting)]).toEqual(['ready', []]);
  });

  test('dropped before its base, or beside it, it goes on when that has been looked at', async (context) => {
    const { live, drop } = await start(context);
    cpSync(await writeTinyLora(join(live.folder, 'made/polite'), 'tiny'), join(live.watch, 'polite'), { recursive: true });
    expect((await live.comesTo('polite', 'blocked')).blockedReason).toBe('needs-base');
    await drop('tiny');
    await live.comesTo('polite', 'unloaded');
    expect(await live.predict('polite')).toMatchObject({ status: 200 });
  });

  test('a base that serves already is started again for it; when the base leaves, it leaves before', async (context) => {
    const setting = await start(context);
    const { live, drop } = setting;
    await drop('tiny');
    await live.predict('tiny');
    const [first] = await pidsOf(setting, 'tiny');
    cpSync(await writeTinyLora(join(live.folder, 'made/polite'), 'tiny'), join(live.watch, 'polite'), { recursive: true });
    await live.comesTo('polite', 'unloaded');
    expect(await live.predict('polite')).toMatchObject({ status: 200 });
    expect(isAlive(first)).toBe(false);
    await live.control('POST', '/control/models/tiny/unload', {});
    await live.comesTo('tiny', 'unloaded');
    await live.comesTo('polite', 'unloaded');
    const [second] = await live.predict('polite').then(() => pidsOf(setting, 'tiny'));
    process.kill(second, 'SIGKILL');
    await live.comesTo('tiny', 'unloaded');
    expect((await live.model('polite'))?.state).toBe('unloaded');
  });

  test('a base that sleeps is woken for it, and takes it again', async (context) => {
    const { live } = await withLora(context, { settings: { policies: SLEEPY } });
    await live.comesTo('polite', 'unloaded');
    expect(await live.predict('polite')).toMatchObject({ status: 200 });
    await live.comesTo('tiny', 'asleep');
    await live.comesTo('polite', 'unloaded');
    expect((await live.predict('polite')).json).toMatchObject({ model: 'polite', text: 'This answer' });
  });

  test('a base that llama.cpp serves by itself goes to vLLM for it, once; where the settings say llama, that is the reason', async (context) => {
    const { box, live } = await withLora(context, { gpus: [] });
    // Built for GPUs, of which there are none: the adapter says so, and its base is served all the
    // same.
    await live.comesTo('polite', 'unloaded');
    expect((await live.predict('polite')).json.error.message).toContain('built for GPUs');
    expect((await live.predict('tiny')).json.runtime).toBe('llama');
    writeVllm(join(box.dir, 'venv'), box.dir, '0.32.0+cpu');
    await live.control('POST', '/control/runtimes/rescan', {});
    await live.comesTo('polite', 'unloaded');
    expect((await live.predict('tiny')).json.runtime).toBe('llama');
    expect((await live.predict('polite')).json).toMatchObject({ model: 'polite', runtime: 'vllm' });
    expect(live.logged.filter((line) => line.startsWith('Loading tiny'))).toHaveLength(2);
    await live.set({
      vllm: { command: box.vllmCommand },
      models: { tiny: { runtime: 'llama' } },
      orchestration: { policies: { load: 'on_request' } },
    });
    expect((await live.comesTo('polite', 'blocked')).message).toContain('models.tiny.runtime says llama');
  });

  test('what cannot be served with its base says why', async (context) => {
    const refused = async (adapter: Parameters<typeof writeTinyLora>[2], options: StartOptions = {}) => {
      const { live } = await withLora(context, options, adapter);
      return live.comesTo('polite', 'blocked');
    };
    expect((await refused({ config: { peft_type: 'IA3' } })).message).toContain('this one is IA3');
    expect((await refused({ config: { task_type: 'SEQ_CLS' } })).message).toContain('SEQ_CLS');
    expect((await refused({ rank: 1024 })).message).toContain('its rank is 1024');
    expect((await refused({}, { settings: { vllm: { enabled: false } } })).message).toContain('vllm is switched off');
  });
});
