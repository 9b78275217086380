/**
 * Triton as users meet it, with a fake program that has the real one's interface and habits
 * (test/fixtures/triton).
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type TestContext, test, vi } from 'vitest';
import { writeOnnx } from './core/analyzer/synthetic-onnx.ts';
import { torchScript } from './core/analyzer/synthetic-zip.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { COMPILED } from './helpers/simulated-box.ts';

vi.setConfig({ testTimeout: 120_000 });

const PROGRAM = join(import.meta.dirname, 'fixtures/triton/program.ts');
const TEXT_CONFIG = `backend: "python"
input [ { name: "text_input" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "text_output" data_type: TYPE_STRING dims: [ 1 ] } ]
`;

const SETTINGS = { gpus: { use: 'none' }, triton: { command: 'triton/bin/tritonserver' } };

async function start({ onTestFinished }: TestContext, policies: object = {}): Promise<LiveEngine> {
  const live = await startLiveEngine({
    settings: {
      ...SETTINGS,
      metrics: { enabled: false, include_runtime: true },
      orchestration: { policies },
    },
    prepare({ folder }) {
      const root = join(folder, 'triton');
      for (const name of ['bin', 'backends/onnxruntime', 'backends/python', 'backends/pytorch'])
        mkdirSync(join(root, name), { recursive: true });
      writeFileSync(
        join(root, 'bin/tritonserver'),
        `#!/bin/sh\nNODE_COMPILE_CACHE='${COMPILED}' exec ${process.execPath} ${PROGRAM} "$@"\n`,
      );
      chmodSync(join(root, 'bin/tritonserver'), 0o755);
    },
  });
  onTestFinished(() => live.close());
  return live;
}

function dropOnnx(live: LiveEngine, name: string): void {
  mkdirSync(join(live.watch, name));
  writeFileSync(join(live.watch, name, 'net.onnx'), writeOnnx());
}

async function dropText(live: LiveEngine, name: string): Promise<void> {
  mkdirSync(join(live.watch, name, '1'), { recursive: true });
  writeFileSync(join(live.watch, name, 'config.pbtxt'), TEXT_CONFIG);
  writeFileSync(join(live.watch, name, '1/model.py'), 'pass\n');
  await live.comesTo(name, 'blocked');
  await trust(live, name);
}

async function trust(live: LiveEngine, name: string): Promise<void> {
  const [{ form, hash }] = (await live.control('GET', `/control/models/${name}/trust`)).json.forms;
  await live.control('POST', `/control/models/${name}/trust`, { form, hash, trusted: true });
}

test('an ONNX file and a folder with code share one server, which goes with the last of them', async (context) => {
  const live = await start(context);
  dropOnnx(live, 'net');
  await live.comesTo('net', 'ready');
  await dropText(live, 'text');
  await live.comesTo('text', 'ready');
  expect((await live.ask('GET', '/v2/models/net')).json).toMatchObject({ inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }] });
  expect(
    (
      await live.predict('net', {
        inputs: {
          x: [
            [1, 2, 3, 4],
            [5, 6, 7, 8],
          ],
        },
      })
    ).json.outputs.y,
  ).toEqual([new Array(8).fill(0), new Array(8).fill(0)]);
  expect((await live.predict('net', { inputs: { x: [[1]] } })).json.error).toMatchObject({ code: 'invalid-body', param: 'inputs.x' });
  expect((await live.predict('text', { prompt: 'Hello' })).json.text).toBe('olleH');
  expect(await live.metrics()).toContain('nv_inference_request_success{version="1",model="text"}');
  expect(live.logged.filter((line) => line === 'server:triton is up')).toHaveLength(1);
  // What a plan shows before anything is loaded.
  const planned = (await live.control('POST', '/control/plan', { target: 'net' })).json;
  expect(planned.decision.candidate.plan.args).toContain('input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]');
  for (const id of ['net', 'text']) await live.control('POST', `/control/models/${id}/unload`, {});
  await live.comesTo('text', 'unloaded');
});

// These wait most of their time.
test.concurrent('a model whose process is dead leaves, and the next request has it loaded anew; one that fails is told in its words', async (context) => {
  const live = await start(context);
  await dropText(live, 'text');
  await live.comesTo('text', 'ready');
  expect((await live.predict('text', { prompt: 'die' })).json.error.message).toContain('is not healthy');
  await live.comesTo('text', 'unloaded', 40_000);
  expect((await live.predict('text', { prompt: 'abc' })).json.text).toBe('cba');
  await dropText(live, 'fails');
  expect((await live.comesTo('fails', 'failed')).message).toContain(
    'Triton could not load fails: RuntimeError: no weights here (/r/1/model.py(2): initialize).',
  );
  expect((await live.model('text'))?.state).toBe('ready');
});

test.concurrent('a load that hangs fails as a stall, and the server that does not let go of it is started anew', async (context) => {
  const live = await start(context, { load_stall_seconds: 2 });
  dropOnnx(live, 'hangs');
  expect((await live.comesTo('hangs', 'failed', 60_000)).message).toContain('loading on triton');
  dropOnnx(live, 'net');
  await live.comesTo('net', 'ready', 60_000);
  expect(live.logged.filter((line) => line === 'server:triton is up').length).toBeGreaterThan(1);
  expect((await live.predict('net', { inputs: { x: [[1, 2, 3, 4]] } })).status).toBe(200);
});

test.concurrent('what a model cannot take is refused before anything is loaded for it', async (context) => {
  const live = await start(context, { load: 'on_request' });
  dropOnnx(live, 'net');
  await live.drop('words');
  await live.comesTo('net', 'unloaded');
  await live.comesTo('words', 'unloaded');
  const refused = async (model: string, body: object) => (await live.predict(model, body)).json.error;
  expect(await refused('words', { inputs: { x: [1] } })).toMatchObject({ code: 'not-supported-by-model', param: 'inputs' });
  expect(await refused('words', { input: 'a' })).toMatchObject({ code: 'not-supported-by-model', param: 'input' });
  expect(await refused('net', { prompt: 'Hello' })).toMatchObject({
    code: 'not-supported-by-model',
    param: 'prompt',
    message: 'net takes tensors and no prompt: send inputs.',
  });
  expect(live.logged.filter((line) => /^(Loading|Starting)/.test(line))).toEqual([]);
  expect((await live.predict('net', { inputs: { x: [[1, 2, 3, 4]] } })).status).toBe(200);
});

test('a TorchScript file waits for trust and for what goes in and out of it, and is served as the settings say', async (context) => {
  const live = await start(context);
  mkdirSync(join(live.watch, 'script'));
  writeFileSync(join(live.watch, 'script/model.pt'), torchScript());
  await live.comesTo('script', 'blocked');
  await trust(live, 'script');
  const asks = await eventually('it asks', async () => {
    const model = await live.model('script');
    return model?.blockedReason === 'needs-input' && model;
  });
  expect(asks.message).toContain('models.script.triton.inputs and outputs');
  const tensor = (name: string, size: number) => ({ name, type: 'FP32', shape: [-1, size] });
  const reported = { inputs: [tensor('INPUT__0', 2)], outputs: [tensor('OUTPUT__0', 3)] };
  await live.set({ ...SETTINGS, models: { script: { triton: reported } } });
  const asked = { inputs: { INPUT__0: [[1, 2]] } };
  await live.comesTo('script', 'unloaded');
  expect((await live.predict('script', asked)).json.outputs).toEqual({ OUTPUT__0: [[0, 0, 0]] });
});
