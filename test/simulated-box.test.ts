/**
 * The whole engine on simulated GPUs: a real nvidia-smi program and real runtime processes, both
 * fixtures, that share their memory's figures.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, type TestContext, test } from 'vitest';
import { readEnvironments } from '../main/io/processes/proc.ts';
import { MIB } from '../shared/units.ts';
import { lives, readBox, readHoldings } from './fixtures/box.ts';
import { type SettingsFile, startTestEngine, type TestEngine } from './helpers/engine.ts';
import { eventually } from './helpers/eventually.ts';
import { makeSimulatedBox, type SimulatedBox, type SimulatedBoxOptions } from './helpers/simulated-box.ts';

/**
 * What our estimate says of the tiny model below on a GPU (its context alone is 512), and what the
 * fixture takes by default.
 */
const MODEL_MIB = 533;
const MODEL = { layers: 16, contextTokens: 2048 };
/** Room for one of them, not for two. */
const ONE = 1000;

interface World {
  readonly box: SimulatedBox;
  readonly engine: TestEngine;
  readonly settings: SettingsFile;
}

interface WorldOptions extends Omit<SimulatedBoxOptions, 'gpus'> {
  readonly gpus: readonly number[];
  readonly policies?: SettingsFile;
  /** Flags of the fixture for one model, in place of those for all. */
  readonly args?: Readonly<Record<string, readonly string[]>>;
  readonly more?: SettingsFile;
}

let lastPort = 12_000;

/** Engines that run side by side look for free ports in the same moment. */
function nextPorts(): readonly [number, number] {
  const first = lastPort + 1;
  lastPort += 40;
  return [first, lastPort];
}

/**
 * Models stay on GPUs (`models.<id>.gpus` names them all), so that a full GPU is full. Every test
 * ends with the box seen empty.
 */
async function start(context: TestContext, options: WorldOptions): Promise<World> {
  const { gpus, policies = {}, args = {}, more = {}, ...rest } = options;
  const box = makeSimulatedBox({ gpus: gpus.map((totalMiB) => ({ totalMiB })), ...rest });
  const models = Object.fromEntries(Object.entries(args).map(([id, own]) => [id, { gpus: gpus.map((_, index) => index), args: own }]));
  const settings = {
    gpus: { nvidia_smi: box.nvidiaSmi, reserve_mb: 100 },
    host: { reserve_mb: 0 },
    llama: { command: box.runtimeCommand, args: ['--memory-mb', String(MODEL_MIB), '--layers', '17'], port_range: nextPorts() },
    orchestration: { policies: { load: 'on_request', min_residency_seconds: 0, ...policies } },
    models,
    ...more,
  };
  const engine = await startTestEngine(settings);
  context.onTestFinished(async () => {
    await engine.close();
    const now = { ...readBox(box.dir), slowFreeMs: 0 };
    const left = readHoldings(box.dir, now).filter(lives);
    expect(left, 'GPU memory in use after close()').toEqual([]);
    // A single look at the GPUs that had begun may end a moment later.
    await eventually('no process of the box', () => readEnvironments('MODELIUM_FIXTURE_DIR').every(({ value }) => value !== box.dir));
    box.remove();
  });
  return { box, engine, settings };
}

/** Dropped, analyzed and at rest: the first request loads it. */
async function dropAtRest({ engine }: World, ...names: readonly string[]): Promise<void> {
  for (const name of names) await engine.drop(name, MODEL);
  for (const name of names) await engine.waitFor(name, 'unloaded');
}

const only = (...names: readonly string[]): Record<string, readonly string[]> => Object.fromEntries(names.map((name) => [name, []]));

function usedMiB(world: World, gpu = 0): number {
  const box = readBox(world.box.dir);
  const bytes = readHoldings(world.box.dir, box).reduce((sum, { gpus }) => sum + (gpus[world.box.uuids[gpu] ?? ''] ?? 0), 0);
  return Math.round(bytes / MIB);
}

async function sentences(engine: TestEngine, action: string): Promise<readonly string[]> {
  return (await engine.decisions()).filter((row) => row.action === action).map(({ sentence }) => sentence);
}

describe('eight GPUs', () => {
  test('ten models that are dropped spread over the GPUs, each with a sentence that names its GPU and the figures', async (context) => {
    const world = await start(context, { gpus: Array(8).fill(1500), policies: { load: 'on_drop' } });
    const { engine } = world;
    const names = 'abcdefghij'.split('');
    for (const name of names) await engine.drop(name, MODEL);
    for (const name of names) await engine.waitFor(name, 'ready', 60_000);
    const gpus = await eventually('every promise seen allocated', async () => {
      const now = await engine.gpus();
      return now.every(({ promisedBytes }) => promisedBytes === 0) && now;
    });
    expect(gpus.map(({ simulated }) => simulated)).toEqual(Array(8).fill(true));
    expect(gpus.filter(({ byModel }) => Object.keys(byModel).length > 0).length).toBeGreaterThanOrEqual(5);
    expect(gpus.flatMap(({ byModel }) => Object.keys(byModel)).sort()).toEqual(names);
    for (const { byModel, usedBytes, othersBytes } of gpus) {
      expect(Object.values(byModel).every((bytes) => bytes === MODEL_MIB * MIB)).toBe(true);
      expect([usedBytes, othersBytes]).toEqual([Object.keys(byModel).length * MODEL_MIB * MIB, 0]);
    }
    for (const row of (await engine.decisions()).filter(({ action }) => action === 'load')) {
      const { devices } = await engine.model(row.modelId);
      const at = gpus.findIndex(({ id }) => devices.includes(id));
      expect(row.sentence).toMatch(new RegExp(`^On GPU ${at}: it fits; needs 533 MiB, [\\d.]+ [GM]iB free`));
      expect(row.candidates.filter(({ plan }) => plan.placement.kind === 'gpu' && plan.placement.gpus.length === 1)).toHaveLength(8);
      expect(row.outcome).toMatchObject({ ok: true, message: 'ready' });
    }
  });

  test('while a model loads, what it was promised and has not taken yet is shown as promised', async (context) => {
    const world = await start(context, { gpus: [ONE], args: { a: ['--load-ms', '2000'] } });
    await dropAtRest(world, 'a');
    const answer = world.engine.predict('a');
    const gpu = await eventually('a promise', async () => (await world.engine.gpus()).find(({ promisedBytes }) => promisedBytes > 0));
    expect(gpu.availableBytes).toBeLessThan((ONE - 100 - MODEL_MIB + 10) * MIB);
    expect((await answer).status).toBe(200);
  });

  test('what fits no single GPU is split between GPU and CPU, and what fits nowhere is refused with the figures', async (context) => {
    const world = await start(context, {
      gpus: [ONE],
      args: { big: ['--memory-mb', '700'] },
      more: { host: { reserve_mb: 0, memory_limit_mb: 4096 }, models: { big: { context: 49_152 }, huge: { context: 4_000_000 } } },
    });
    const { engine } = world;
    await dropAtRest(world, 'big');
    expect((await engine.predict('big')).status).toBe(200);
    const { plan } = await engine.model('big');
    expect(plan?.placement).toMatchObject({ kind: 'split', gpus: world.box.uuids });
    expect(plan?.args).toEqual(expect.arrayContaining(['--n-gpu-layers', String(plan?.placement.gpuLayers)]));
    const [sentence] = await sentences(engine, 'load');
    expect(sentence).toMatch(/^On GPU 0 and the CPU: \d+ of \d+ layers fit on the GPU; GPU 0: needs .* MiB free; CPU: needs /);
    // What all layers would need there.
    expect(sentence).toMatch(/GPU 0: needs .*, has .* for models when it is empty/);

    await engine.drop('huge', MODEL);
    const huge = await engine.waitFor('huge', 'blocked');
    expect(huge).toMatchObject({ blockedReason: 'too-large', message: expect.stringMatching(/^Too large for this machine: needs .*GiB/) });
    expect(huge.help).toContain('models.huge.context');
    expect(await engine.predict('huge')).toMatchObject({ status: 503, error: { code: 'model-blocked' } });
  });
});

describe.concurrent('room on a GPU', () => {
  test('a request evicts the model that nobody uses, and says what came free; content that nobody asked for evicts nobody', async (context) => {
    const world = await start(context, { gpus: [ONE], args: only('a', 'b', 'c') });
    const { engine } = world;
    await dropAtRest(world, 'a', 'b');
    expect(await engine.predict('a')).toMatchObject({ status: 200, error: null });
    expect(await engine.predict('b')).toMatchObject({ status: 200, error: null });
    expect(await engine.model('a')).toMatchObject({ state: 'unloaded', message: expect.stringContaining('made room') });
    expect((await engine.decisions('a')).at(-1)).toMatchObject({ action: 'evict', reason: 'memory', inputs: { for: 'b' } });
    expect(engine.logged).toContainEqual(expect.stringMatching(/^GPU freed: 533 MiB in /));
    const [, second] = await sentences(engine, 'load');
    expect(second).toMatch(/^On GPU 0: after a has left; .*a leaves first \(idle \d+ s\)/);

    engine.saveSettings({ ...world.settings, orchestration: { policies: { load: 'on_drop' } } });
    await eventually('the settings', () => engine.logged.some((line) => line.startsWith('Settings read again')));
    await engine.drop('c', MODEL);
    const rested = await eventually('the reason', async () => (await engine.decisions('c')).find(({ action }) => action === 'rest'));
    expect(rested).toMatchObject({
      reason: 'no-free-room',
      sentence: expect.stringMatching(/^Not loaded now: no free room on GPU 0; .*b is in the way/),
    });
    expect([(await engine.model('b')).state, (await engine.model('c')).state]).toEqual(['ready', 'unloaded']);
    expect((await engine.decisions('b')).filter(({ action }) => action === 'evict')).toEqual([]);
  });

  test('a pinned model is never evicted: the request is told who holds the room; unpinned, it leaves', async (context) => {
    const world = await start(context, { gpus: [ONE], args: only('a', 'b') });
    const { engine } = world;
    await dropAtRest(world, 'a', 'b');
    await engine.predict('a');
    await engine.control('POST', '/models/a/pin', { pinned: true });
    const refused = await engine.predict('b');
    expect(refused).toMatchObject({ status: 503, error: { code: 'model-blocked' } });
    expect(refused.error?.message).toContain('a (pinned) holds 533 MiB');
    expect(await engine.model('b')).toMatchObject({ state: 'blocked', blockedReason: 'no-room', help: expect.stringContaining('Unpin') });
    await engine.control('POST', '/models/a/pin', { pinned: false });
    await eventually('another answer', async () => (await engine.predict('b')).status === 200);
    expect((await engine.model('a')).state).toBe('unloaded');
  });

  test('memory of other programs is named, and when they leave the model loads', async (context) => {
    const world = await start(context, { gpus: [ONE], args: only('a') });
    const { engine, box } = world;
    await dropAtRest(world, 'a');
    box.setOthers(box.uuids[0]!, { [process.pid]: 600 });
    await eventually('their memory seen', async () => (await engine.gpus())[0]!.othersBytes >= 600 * MIB);
    const refused = await engine.predict('a');
    expect(refused).toMatchObject({ status: 503, error: { code: 'model-blocked' } });
    // By name once the list of processes came, which follows the totals.
    expect(refused.error?.message).toMatch(/(other programs hold|simulated \(pid \d+\) holds) 600 MiB/);
    await engine.control('POST', '/models/a/load', {});
    expect(await engine.model('a')).toMatchObject({ state: 'blocked', blockedReason: 'no-room' });
    box.setOthers(box.uuids[0]!, {});
    await engine.waitFor('a', 'ready');
    expect((await engine.predict('a')).status).toBe(200);
  });

  test('an unload waits for memory that comes back slowly, and the next load comes only then', async (context) => {
    const world = await start(context, { gpus: [ONE], slowFreeMs: 2_000, args: only('a', 'b') });
    const { engine } = world;
    await dropAtRest(world, 'a', 'b');
    await engine.predict('a');
    const leaving = engine.predict('b');
    await engine.waitFor('a', 'draining');
    await eventually('a out of memory', () => usedMiB(world) === 0 || engine.logged.some((line) => line.startsWith('GPU freed')));
    expect((await leaving).status).toBe(200);
    const freedAt = engine.logged.findIndex((line) => line.startsWith('GPU freed'));
    const loadedAt = engine.logged.findIndex((line) => line.startsWith('b loaded successfully'));
    expect(freedAt).toBeGreaterThan(0);
    expect(loadedAt).toBeGreaterThan(freedAt);
    expect(engine.logged[freedAt]).toMatch(/ in (1\.[5-9]|[2-9]\.\d) s$/);
  });

  test('GPUs that the settings leave to others, or that a model may not use, are not used', async (context) => {
    const world = await start(context, {
      gpus: [1500, 1500, 1500],
      more: { models: { a: { gpus: [2] }, none: { gpus: [0] } } },
    });
    const { engine, settings, box } = world;
    engine.saveSettings({ ...settings, gpus: { ...(settings['gpus'] as object), use: [1, 2], reserve_mb: 200 } });
    await eventually('the settings', () => engine.logged.some((line) => line.startsWith('Settings read again')));
    await dropAtRest(world, 'a', 'b');
    await engine.predict('a');
    await engine.predict('b');
    expect((await engine.model('a')).devices).toContain(box.uuids[2]);
    expect((await engine.model('b')).devices).not.toContain(box.uuids[0]);
    expect((await engine.model('b')).plan?.placement.kind).toBe('gpu');
    expect((await engine.gpus()).map(({ reservedBytes }) => reservedBytes)).toEqual(Array(3).fill(200 * MIB));
    await engine.drop('none', MODEL);
    expect(await engine.waitFor('none', 'blocked')).toMatchObject({ message: expect.stringContaining('names no GPU that is here') });
  });
});

describe.concurrent.each([
  { how: 'names them by process', hides: false },
  { how: 'hides the memory of processes', hides: true },
])('a driver that $how', ({ hides }) => {
  test('measuring and eviction work, and memory that does not come back is said, shown and debited until it is seen free', async (context) => {
    const world = await start(context, { gpus: [ONE], args: only('a', 'b') });
    const { engine, box } = world;
    box.update({ hidesProcessMemory: hides });
    await dropAtRest(world, 'a', 'b');
    await engine.predict('a');
    await engine.predict('b');
    const { measuredBytes, state } = await engine.model('b');
    expect([state, measuredBytes?.[box.uuids[0]!], (await engine.model('a')).state]).toEqual(['ready', MODEL_MIB * MIB, 'unloaded']);

    // The dead of before stay dead when the driver gets slow.
    const { dir } = box;
    const dead = readHoldings(dir, { ...readBox(dir), slowFreeMs: Number.POSITIVE_INFINITY }).filter((each) => !lives(each));
    for (const { pid } of dead) rmSync(join(dir, `${pid}.json`));
    box.update({ slowFreeMs: 14_000 });
    await engine.control('POST', '/models/b/unload', {});
    expect(engine.logged.at(-1)).toMatch(/b left, but 533 MiB on GPU 0 did not become free \(pid \d+\)/);
    const [gpu] = await engine.gpus();
    expect(gpu).toMatchObject({ leakedBytes: MODEL_MIB * MIB, othersBytes: 0, byModel: {} });
    const refused = await engine.predict('a');
    expect(refused.error?.message).toContain('models that have ended still hold 533 MiB');
    await eventually('the leak gone', async () => (await engine.gpus())[0]!.leakedBytes === 0);
    expect(await engine.predict('a')).toMatchObject({ status: 200, error: null });
    // The driver's list of processes may come a moment after the totals.
    await eventually('its memory by name', async () => (await engine.gpus())[0]!.byModel['a'] === MODEL_MIB * MIB);
    expect((await engine.gpus())[0]).toMatchObject({ leakedBytes: 0 });
  });
});

describe.concurrent('runtimes that misbehave', () => {
  test('out of memory: failed with its own words and a next step, and every request at once until the back-off ends', async (context) => {
    const world = await start(context, { gpus: [ONE], args: { a: ['--oom'] } });
    const { engine } = world;
    await dropAtRest(world, 'a');
    const first = await engine.predict('a');
    expect(first).toMatchObject({ status: 503, error: { code: 'model-failed' } });
    expect(first.error?.message).toMatch(/out of memory.*Free memory, or set a smaller models/);
    // In a row there is room for the cause, and where it was.
    expect((await engine.model('a')).headline).toBe('Out of memory on GPU 0');
    expect((await engine.decisions('a')).find(({ action }) => action === 'load')?.outcome).toMatchObject({
      ok: false,
      code: 'out-of-memory',
    });
    expect(first.error?.last_words?.join('\n')).toContain('cudaMalloc failed: out of memory');
    const failed = await engine.waitFor('a', 'failed');
    expect(failed.retryInMs).toBeGreaterThan(0);
    const second = await engine.predict('a');
    expect([second.status, (second.retryAfter ?? 0) > 0]).toEqual([503, true]);
    expect((await sentences(engine, 'load')).length).toBe(1);
    expect(engine.logged.filter((line) => line.includes('did not become free'))).toEqual([]);
  });

  test('a load without a sign of life is ended', async (context) => {
    const world = await start(context, { gpus: [ONE], args: { a: ['--stall'] }, policies: { load_stall_seconds: 2 } });
    await dropAtRest(world, 'a');
    const answer = await world.engine.predict('a');
    expect(answer).toMatchObject({ status: 503, error: { code: 'model-failed' } });
    expect(answer.error?.message).toMatch(/no sign of progress/);
    await world.engine.waitFor('a', 'failed');
    expect(world.engine.logged.filter((line) => line.includes('did not become free'))).toEqual([]);
  });

  test('a crash while ready: the next request has it loaded at once; after the second death requests wait for the back-off', async (context) => {
    const world = await start(context, { gpus: [ONE], args: { a: ['--exit-after', '4000'] } });
    const { engine } = world;
    await dropAtRest(world, 'a');
    expect((await engine.predict('a')).status).toBe(200);
    expect((await engine.waitFor('a', 'unloaded')).message).toMatch(/process died/);
    expect(engine.logged.find((line) => line.includes('a broke off'))).toMatch(/ended with code 7/);
    expect((await engine.predict('a')).status).toBe(200);
    const failed = await engine.waitFor('a', 'failed');
    expect(failed.message).toMatch(/ended with code 7/);
    expect(await engine.predict('a')).toMatchObject({ status: 503, error: { code: 'model-failed' } });
    expect(engine.logged.filter((line) => line.includes('did not become free'))).toEqual([]);
    const again = await eventually('an answer', async () => {
      const answer = await engine.predict('a');
      return answer.status === 200 && answer;
    });
    expect(again.text).not.toBe('');
    expect(await sentences(engine, 'retry')).toHaveLength(1);
  });

  test('a process that ignores SIGTERM is killed, and its memory is seen free', async (context) => {
    const world = await start(context, { gpus: [ONE], args: { a: ['--ignore-term'] } });
    const { engine } = world;
    await dropAtRest(world, 'a');
    await engine.predict('a');
    expect(usedMiB(world)).toBe(MODEL_MIB);
    await engine.control('POST', '/models/a/unload', {});
    expect((await engine.model('a')).state).toBe('unloaded');
    expect(usedMiB(world)).toBe(0);
  });

  test('a crash in mid-stream ends the stream with an error event and a broken transfer', async (context) => {
    const world = await start(context, { gpus: [ONE], args: { a: ['--crash-after-tokens', '3'] } });
    await dropAtRest(world, 'a');
    const { status, events, broken } = await world.engine.stream('a', { max_tokens: 10 });
    expect([status, broken]).toEqual([200, true]);
    expect(events.slice(0, 3).every(({ text }) => typeof text === 'string')).toBe(true);
    expect(events.at(-1)).toMatchObject({ error: { code: 'upstream-failed', origin: 'llama' } });
    expect(events.some(({ done }) => done === true)).toBe(false);
  });

  test('an nvidia-smi that breaks in mid-run leaves the last figures, and the engine serves and loads on', async (context) => {
    const world = await start(context, { gpus: [ONE, ONE] });
    const { engine, box } = world;
    await dropAtRest(world, 'a', 'b');
    await engine.predict('a');
    const before = await engine.gpus();
    box.update({ broken: 'Unable to determine the device handle for GPU: Unknown Error' });
    await eventually('it is said', () => engine.logged.some((line) => line.includes('nvidia-smi stopped reporting')));
    expect((await engine.predict('a')).status).toBe(200);
    expect((await engine.gpus()).map(({ usedBytes }) => usedBytes)).toEqual(before.map(({ usedBytes }) => usedBytes));
    expect(await engine.predict('b')).toMatchObject({ status: 200, error: null });
    expect(engine.logged).toContainEqual(expect.stringMatching(/^b loaded successfully \(GPU 1, 533 MiB/));
    box.update({ broken: null });
    await eventually('fresh figures', async () => (await engine.gpus()).every(({ usedBytes }) => usedBytes === MODEL_MIB * MIB));
  });
});

test('an edit of the launch settings of one model drains that model only; an unrelated edit disturbs nothing', async (context) => {
  const world = await start(context, { gpus: [1500], args: only('a', 'b') });
  const { engine, settings } = world;
  await dropAtRest(world, 'a', 'b');
  await engine.predict('a');
  await engine.predict('b');
  const pids = async () => [(await engine.model('a')).pids, (await engine.model('b')).pids];
  const [a, b] = await pids();
  const readAgain = () => engine.logged.filter((line) => line.startsWith('Settings read again')).length;
  engine.saveSettings({ ...settings, orchestration: { policies: { load: 'on_request', max_queue: 7 } } });
  await eventually('the unrelated edit', () => readAgain() === 1);
  expect(await pids()).toEqual([a, b]);

  engine.saveSettings({ ...settings, models: { a: { gpus: [0], context: 1024 }, b: { gpus: [0] } } });
  await eventually('the edit', () => readAgain() === 2);
  await eventually('a leaves', async () => (await engine.model('a')).state === 'unloaded');
  expect((await engine.predict('a')).status).toBe(200);
  expect((await engine.model('a')).plan?.contextTokens).toBe(1024);
  expect((await engine.model('b')).pids).toEqual(b);
  expect((await engine.model('a')).pids).not.toEqual(a);
});
