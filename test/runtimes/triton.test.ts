/**
 * Real Triton, the whole engine in front of it. Its backend of ONNX Runtime is a stand-in
 * (test/runtimes/triton/onnxruntime.py): that one proves the entries, not the backend.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { here } from './children.ts';
import { realFiles } from './real-files.ts';
import { copyOnnx, tritonProgram, writeTextModel } from './triton-models.ts';

/** As its package prepares the images of this model: (x / 255 - 0.5) / 0.5, blue first. */
const DIRECTION = { image_inputs: { x: { size: [48, 192], channels: 'bgr', mean: [0.5], std: [0.5] } } };
const SETTINGS = () => ({ triton: { command: tritonProgram() }, gpus: { use: 'none' }, models: { direction: DIRECTION } });
let live: LiveEngine;
/** Beside the ONNX file: the names of its classes. */
let config: string;
beforeAll(async () => {
  execFileSync(here('setup-triton'));
  const onnx = join(await realFiles('magika'), 'magika/models/standard_v3_3/model.onnx');
  config = join(dirname(onnx), 'config.min.json');
  const direction = join(await realFiles('rapidocr'), 'rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx');
  live = await startLiveEngine({
    settings: SETTINGS(),
    prepare: ({ watch }) => {
      copyOnnx(onnx, join(watch, 'magika'));
      copyOnnx(direction, join(watch, 'direction'));
      writeTextModel(join(watch, 'backwards'));
    },
  });
});
afterAll(() => live?.close());

test('an ONNX file in a folder is loaded, asked by /predict and by /v2, and unloaded', async () => {
  const { measuredBytes } = await live.comesTo('magika', 'ready', 60_000);
  expect(measuredBytes?.['cpu']).toBeGreaterThan(10e6);
  const reported = (await live.ask('GET', '/v2/models/magika')).json;
  expect(reported).toMatchObject({ platform: 'triton', inputs: [{ name: 'bytes', datatype: 'INT32', shape: [-1, 2048] }] });
  const bytes = bytesOfText('#!/usr/bin/env python3\nimport os\nprint(os.environ)\n');
  const predicted = await live.predict('magika', { inputs: { bytes: [bytes, bytes] } });
  expect([predicted.status, predicted.json.runtime]).toEqual([200, 'triton']);
  const [first, second] = predicted.json.outputs.target_label as number[][];
  expect([first?.length, second?.length]).toEqual([214, 214]);
  // Of the same file: the likeliest kind is Python's.
  const labels = (JSON.parse(readFileSync(config, 'utf8')) as { target_labels_space: string[] }).target_labels_space;
  expect(labels[first?.indexOf(Math.max(...(first ?? []))) ?? -1]).toBe('python');
  const inferred = await live.ask('POST', '/v2/models/magika/infer', {
    inputs: [{ name: 'bytes', datatype: 'INT32', shape: [1, 2048], data: bytes }],
  });
  expect(inferred.json.outputs[0].data[0]).toBeCloseTo(first?.[0] ?? Number.NaN, 5);
  const refused = await live.predict('magika', { inputs: { bytes: [[1, 2]] } });
  expect([refused.status, refused.json.error.param]).toEqual([400, 'inputs.bytes']);
});

test('a model of images of any size is ready after one of a usual size, and tells an upright line of text from one upside down', async () => {
  await live.comesTo('direction', 'ready', 60_000);
  expect((await live.ask('GET', '/v2/models/direction')).json.inputs).toEqual([
    { name: 'x', datatype: 'FP32', shape: [-1, 3, -1, -1], image: true },
  ]);
  const lines = ['line', 'line-upside-down'].map((name) => {
    const file = readFileSync(join(import.meta.dirname, `../fixtures/images/${name}.png`));
    return `data:image/png;base64,${file.toString('base64')}`;
  });
  const { json } = await live.predict('direction', { input: lines });
  // Pillow and onnxruntime by themselves: [1, 1e-8] and [4e-12, 1].
  const [upright, turned] = Object.values(json.outputs)[0] as number[][];
  expect([upright?.[0], turned?.[1]]).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5)]);
  await live.control('POST', '/control/models/direction/unload', {});
  await live.comesTo('direction', 'unloaded');
});

test('a folder with code waits for trust, and is asked with a text then', async () => {
  expect(await live.comesTo('backwards', 'blocked')).toMatchObject({ blockedReason: 'needs-trust' });
  await trust('backwards');
  await live.comesTo('backwards', 'ready', 60_000);
  expect((await live.predict('backwards', { prompt: 'Hello' })).json.text).toBe('olleH');
  const streamed = await live.predict('backwards', { prompt: 'Hello', stream: true });
  expect(streamed.text).toContain('data: {"text":"olleH"}');
  expect((await live.ask('POST', '/v2/models/backwards/generate', { text_input: 'abc' })).json.text_output).toBe('cba');
  const failed = await live.predict('backwards', { prompt: 'fail' });
  expect([failed.status, failed.json.error.message]).toEqual([400, expect.stringContaining('this text is refused')]);
  // Nothing is written beside a person's files (I8).
  expect(readdirSync(join(live.watch, 'backwards/1'))).toEqual(['model.py']);
  expect((await live.predict('backwards', { inputs: { text_input: ['abc'] } })).json.outputs).toEqual({ text_output: ['cba'] });
  expect(serversAlive()).toBe(1);
});

test('an ensemble of a model that is loaded answers', async () => {
  const folder = join(live.watch, 'twice');
  mkdirSync(join(folder, '1'), { recursive: true });
  const step = (input: string, output: string) =>
    `{ model_name: "backwards" model_version: -1 input_map { key: "text_input" value: "${input}" } output_map { key: "text_output" value: "${output}" } }`;
  writeFileSync(
    join(folder, 'config.pbtxt'),
    `platform: "ensemble"
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
ensemble_scheduling { step [ ${step('text_input', 'between')}, ${step('between', 'text_output')} ] }
`,
  );
  await live.comesTo('twice', 'ready', 60_000);
  expect((await live.predict('twice', { prompt: 'Hello' })).json.text).toBe('Hello');
  await live.control('POST', '/control/models/twice/unload', {});
  await live.comesTo('twice', 'unloaded', 60_000);
  expect((await live.predict('backwards', { prompt: 'abc' })).json.text).toBe('cba');
  rmSync(folder, { recursive: true });
});

test('a model whose process was killed says READY for ever: it is seen, leaves, and the next request has it loaded anew', async () => {
  const died = await live.predict('backwards', { prompt: 'die' });
  expect([died.status, died.json.error.message]).toEqual([400, expect.stringContaining('is not healthy')]);
  await live.comesTo('backwards', 'unloaded', 60_000);
  expect(live.logged.join('\n')).toContain('backwards broke off: the process that runs its Python code has ended.');
  expect((await live.model('magika'))?.state).toBe('ready');
  expect((await live.predict('backwards', { prompt: 'again' })).json.text).toBe('niaga');
});

test('a model that fails to load is told in its own words, and the others answer on', async () => {
  writeTextModel(
    join(live.watch, 'broken'),
    'class TritonPythonModel:\n    def initialize(self, args):\n        raise RuntimeError("no weights here")\n',
  );
  await live.comesTo('broken', 'blocked');
  await trust('broken');
  const { message } = await live.comesTo('broken', 'failed', 60_000);
  expect(message).toMatch(/Triton could not load broken: RuntimeError: no weights here \(.*model\.py\(3\): initialize\)\./);
  expect((await live.predict('backwards', { prompt: 'on' })).json.text).toBe('no');
  rmSync(join(live.watch, 'broken'), { recursive: true });
});

test('a killed server is started again for whoever asks next, with all of its models', async () => {
  const [pid] = servers();
  process.kill(pid ?? 0, 'SIGKILL');
  await live.comesTo('magika', 'unloaded');
  await live.comesTo('backwards', 'unloaded');
  const [text, reported] = await Promise.all([
    live.predict('backwards', { prompt: 'back' }),
    live.predict('magika', { inputs: { bytes: [bytesOfText('a')] } }),
  ]);
  expect([text.json.text, reported.status, serversAlive()]).toEqual(['kcab', 200, 1]);
});

test("Triton's own figures stand among the metrics, each under the name of its model alone", async () => {
  await live.set({ ...SETTINGS(), metrics: { enabled: false, include_runtime: true } });
  const lines = (await live.metrics()).split('\n').filter((line) => line.startsWith('nv_inference_request_success{'));
  expect(lines.map((line) => /model="([^"]*)"/.exec(line)?.[1]).toSorted()).toEqual(['backwards', 'magika']);
});

test('and in the status: what was answered, and how long it took', async () => {
  const before = (await live.ask('GET', '/status')).json.statistics;
  for (const prompt of ['a', 'b']) await live.predict('backwards', { prompt });
  await live.predict('magika', { inputs: { bytes: [bytesOfText('a'), bytesOfText('b')] } });
  // An answer counts for two seconds.
  const statistics: typeof before = await eventually('the answers are counted', async () => {
    const now = (await live.ask('GET', '/status')).json.statistics;
    return now.magika.requests > before.magika.requests ? now : null;
  });
  const grown = (id: string) => ['requests', 'failed', 'inferences', 'executions'].map((name) => statistics[id][name] - before[id][name]);
  expect([grown('backwards'), grown('magika')]).toEqual([
    [2, 0, 2, 2],
    [1, 0, 1, 1],
  ]);
  expect(statistics.magika.averageComputeMs).toBeGreaterThan(0);
  expect(Date.now() - Date.parse(statistics.magika.lastAt)).toBeLessThan(60_000);
});

test('the last one to leave takes the server along, and nothing of it stays', async () => {
  for (const id of ['magika', 'backwards']) await live.control('POST', `/control/models/${id}/unload`, {});
  await live.comesTo('magika', 'unloaded');
  await live.comesTo('backwards', 'unloaded');
  await eventually('the server is gone', () => serversAlive() === 0);
  expect(readdirSync('/dev/shm').filter((name) => name.startsWith('modelium-'))).toEqual([]);
  expect((await live.predict('backwards', { prompt: 'again' })).json.text).toBe('niaga');
});

/**
 * As the model wants it: the first 1,024 bytes and the last 1,024 of a file, those that are not
 * there being 256.
 */
function bytesOfText(text: string): number[] {
  const all = [...Buffer.from(text.trim())];
  const padding = new Array<number>(1024 - all.length).fill(256);
  return [...all, ...padding, ...padding, ...all];
}

async function trust(id: string): Promise<void> {
  const { json } = await live.control('GET', `/control/models/${id}/trust`);
  const [{ form, hash }] = json.forms;
  await live.control('POST', `/control/models/${id}/trust`, { form, hash, trusted: true });
}

function serversAlive(): number {
  return servers().length;
}

/** Of this engine: its repository lies in the temporary folder of this test. */
function servers(): readonly number[] {
  const isOurs = (command: string): boolean => command.includes('tritonserver') && command.includes(`--model-repository=${tmpdir()}`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isOurs(commandOf(name)))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
