/**
 * Triton's adapter in parts: how it is found and started, the entries of models, what is asked of a
 * person, and what its words mean.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parsePbtxt } from '../../../main/core/analyzer/pbtxt.ts';
import { readTritonConfig } from '../../../main/core/analyzer/triton.ts';
import { jsonWithFiles } from '../../../main/io/files/json-with-files.ts';
import type { Adapter, LoadTarget } from '../../../main/runtime/adapter.ts';
import type { Step, Steps } from '../../../main/runtime/step.ts';
import { quoted, withoutFields } from '../../../main/runtime/triton/config.ts';
import { configJson } from '../../../main/runtime/triton/config-json.ts';
import { entryName, entryOf } from '../../../main/runtime/triton/entry.ts';
import { NOT_FOUND, type TritonFound } from '../../../main/runtime/triton/find.ts';
import { detach } from '../../../main/runtime/triton/load.ts';
import { triton } from '../../../main/runtime/triton/module.ts';
import { checkModel, proofProblem } from '../../../main/runtime/triton/proof.ts';
import { start } from '../../../main/runtime/triton/server.ts';
import { namesIn } from '../../../main/runtime/triton/statistics.ts';
import { type Elsewhere, nameThere, unloadThere, uploadModel } from '../../../main/runtime/triton/upload.ts';
import { explainExit, loadSentence, speaksOfSizes } from '../../../main/runtime/triton/words.ts';
import type { Placement } from '../../../shared/decision.ts';
import type { Endpoint } from '../../../shared/model.ts';
import { type FormKind, type ModelForm, type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import { settingsSchema } from '../../../shared/settings.ts';
import { MIB } from '../../../shared/units.ts';
import { searcher, searchMachine } from '../../helpers/searching.ts';

const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };
const GPU: Placement = { kind: 'gpu', gpus: ['GPU-b'], gpuLayers: null };
const HERE: TritonFound = {
  elsewhere: null,
  container: null,
  program: '/opt/t/bin/tritonserver',
  backendsFolder: '/opt/t/backends',
  version: '2.51.0',
  isWrong: false,
  message: 'Triton.',
  about: '',
  backends: ['onnxruntime', 'python', 'pytorch', 'openvino', 'tensorrt', 'vllm'],
};
const machine = searchMachine({
  gpu: () => ({ totalBytes: 24e9, computeCapability: '9.0', index: 1 }),
  driver: { isPresent: true, why: '2 GPUs' },
});
const adapter = triton.adapter(machine, HERE);

const folder = mkdtempSync(join(tmpdir(), 'modelium-triton-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function profileOf(form: ModelForm, change: Partial<ModelProfile> = {}): ModelProfile {
  return { ...NOTHING_KNOWN, architecture: form.kind, weightBytes: 1000, forms: [form], ...change };
}
const formOf = (kind: FormKind, file: string, change: Partial<ModelForm> = {}): ModelForm => ({
  kind,
  files: [file],
  codeFiles: [],
  ...change,
});

const SCRIPT = formOf('torchscript', 'model.pt');
const ONNX = formOf('onnx', 'net.onnx', {
  inputs: [{ name: 'image', type: 'float32', shape: ['N', 3, 'H', 'W'] }],
  outputs: [{ name: 'a "b"\n', type: 'int64', shape: ['N', 10] }],
});

function planOf(form: ModelForm, placement = CPU, settings = {}, change: Partial<ModelProfile> = {}) {
  return adapter.plan(profileOf(form, change), form, placement, settings);
}

function drive<Result>(
  steps: Steps<Result>,
  answer: (step: Step) => unknown = () => undefined,
): { readonly taken: Step[]; readonly result: Result } {
  const taken: Step[] = [];
  let turn = steps.next();
  while (!turn.done) {
    taken.push(turn.value);
    turn = steps.next(answer(turn.value));
  }
  return { taken, result: turn.value };
}

function entry(form: ModelForm, settings = {}, texts: Readonly<Record<string, string>> = {}, change: Partial<ModelProfile> = {}) {
  const profile = profileOf(form, change);
  const target: LoadTarget = {
    modelId: 'm',
    path: '/models/m',
    file: `/models/m/${form.files[0]}`,
    plan: planOf(form, CPU, settings, change),
    profile,
    proof: 'infer',
  };
  return drive(entryOf(target), (step) => {
    const inside: Readonly<Record<string, readonly string[]>> = {
      '/models/m': ['1', 'config.pbtxt', 'labels.txt'],
      '/models/m/1': ['model.py'],
    };
    if (step.do === 'names') return (inside[step.folder] ?? []).map((name) => `${step.folder}/${name}`);
    if (step.do === 'stats') return step.paths.map((path) => ({ isFile: inside[path] === undefined }));
    return step.do === 'read' ? (texts[step.path] ?? null) : undefined;
  }).result;
}

test('what is larger than triton.http_max_input_mb is not sent, and what to do is said', () => {
  const there = {
    origin: 'http://there:8000',
    where: 'the Triton there',
    metricsOrigin: '',
    key: null,
    keyHeader: null,
    problem: null,
    version: '2',
    loadProblem: null,
  };
  const supported = (weightBytes: number, settings: object) => {
    const where = searchMachine({ settings: settingsSchema.parse({ triton: { url: 'http://there:8000', ...settings } }) });
    return triton.adapter(where, { ...NOT_FOUND, elsewhere: there }).supports(profileOf(ONNX, { weightBytes }), ONNX);
  };
  // Base64 makes four bytes of three.
  expect([supported(47 * 2 ** 20, {}).supported, supported(700 * 2 ** 20, { http_max_input_mb: 1000 }).supported]).toEqual([true, true]);
  expect(supported(60 * 2 ** 20, {})).toEqual({
    supported: false,
    why: expect.stringMatching(
      /larger --http-max-input-size and say so in triton.http_max_input_mb, or copy the model into its repository/,
    ),
  });
});

test('a link out of the folder is not sent to a server of somebody else', () => {
  const target = {
    modelId: 'm',
    path: '/models/m',
    file: '/models/m/net.onnx',
    plan: planOf(ONNX, CPU),
    profile: profileOf(ONNX),
    proof: 'infer',
  } as const;
  const there = { machine: searchMachine(), server: { where: 'the Triton there' } } as unknown as Elsewhere;
  const sent = (lies: string) =>
    drive(uploadModel(there, { at: { port: 1 }, key: null, protocol: 'v2', model: '', prefix: '' }, target, 1), (step) => {
      if (step.do === 'real') return step.path === '/models/m' ? '/models/m' : lies;
      if (step.do === 'stats') return step.paths.map(() => ({ isFile: true, bytes: 1 }));
      return step.do === 'upload' ? { status: 200, body: '' } : undefined;
    }).taken.some((step) => step.do === 'upload');
  expect(sent('/models/m/model.onnx')).toBe(true);
  expect(() => sent('/home/me/.ssh/id_ed25519')).toThrow(/leads out of the model's folder/);
});

const configIn = (parts: ReturnType<typeof entry>): string => (parts['config.pbtxt'] as { text: string }).text;

describe('the search', () => {
  async function found(settings: object, root = '/nowhere', env: Record<string, string> = {}) {
    const where = searchMachine({ settings: settingsSchema.parse({ triton: settings }), root, env, settingsFolder: folder });
    const searched = await searcher.search(triton.find(where, NOT_FOUND));
    return { searched, adapter: triton.adapter(where, searched) as Adapter };
  }
  function install(root: string): string {
    for (const name of ['bin', 'backends/python', 'backends/onnxruntime']) mkdirSync(join(root, name), { recursive: true });
    const program = join(root, 'bin/tritonserver');
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);
    writeFileSync(join(root, 'TRITON_VERSION'), '2.51.0\n');
    return program;
  }

  test('it is found by triton.command, or where its container has it, with the backends beside it or in triton.backends; enabled: false', async () => {
    const own = install(join(folder, 'own'));
    const usual = install(join(folder, 'root/opt/tritonserver'));
    mkdirSync(join(folder, 'more/openvino'), { recursive: true });
    expect((await found({ command: own })).searched).toMatchObject({
      program: own,
      version: '2.51.0',
      backends: ['onnxruntime', 'python'],
    });
    expect((await found({}, join(folder, 'root'))).searched.program).toBe(usual);
    expect((await found({}, '/nowhere', { PATH: join(folder, 'own/bin') })).searched.program).toBe(own);
    const other = await found({ command: 'own/bin/tritonserver', backends: 'more' });
    expect(other.searched.backends).toEqual(['openvino']);
    expect(other.adapter.supports(profileOf(ONNX), ONNX)).toEqual({
      supported: false,
      why: 'The Triton here has no backend onnxruntime; it has openvino.',
    });
    expect((await found({ command: '/nowhere/x' })).adapter.found).toMatchObject({
      found: false,
      isWrong: true,
      message: expect.stringContaining('no such program'),
    });
    const absent = await found({});
    expect(absent.adapter.found).toMatchObject({
      found: false,
      isWrong: false,
      message: expect.stringContaining('nvcr.io/nvidia/tritonserver'),
    });
    // What it would serve is told all the same.
    expect(absent.adapter.supports(profileOf(ONNX), ONNX).supported).toBe(true);
    expect([true, 'auto', false].map((enabled) => triton.isEnabled(settingsSchema.parse({ triton: { enabled } })))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('a server of ours is closed to everybody else; triton.args and env make its launch', () => {
    const settings = settingsSchema.parse({ triton: { args: ['--log-verbose=1'], env: { KEY: 'value' } } }).triton;
    const launch = (hasGpus: boolean) =>
      drive(start({ found: HERE, settings, maxBodyMb: 64, hasGpus }), (step) =>
        step.do === 'scratch' ? '/tmp/x/launch-1' : step.do === 'http' ? { status: 200, body: '' } : undefined,
      );
    const { taken, result } = launch(true);
    const spawn = taken.find((step) => step.do === 'spawn');
    expect(spawn).toMatchObject({ command: '/opt/t/bin/tritonserver', env: { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', KEY: 'value' } });
    expect(spawn?.args).toEqual(
      expect.arrayContaining([
        '--model-control-mode=explicit',
        '--http-address=unix:/tmp/x/launch-1/h',
        '--allow-grpc=false',
        '--strict-readiness=false',
        '--exit-timeout-secs=5',
        '--log-verbose=1',
      ]),
    );
    expect(result).toMatchObject({ at: { socket: '/tmp/x/launch-1/h' }, figuresAt: { socket: '/tmp/x/launch-1/m' }, protocol: 'v2' });
    // Nothing of ours that a kill leaves in shared memory goes unfound.
    expect(spawn?.args).toContain('--backend-config=python,shm-region-prefix-name=modelium-launch-1');
    expect(launch(false).taken.find((step) => step.do === 'spawn')).toMatchObject({ env: { CUDA_VISIBLE_DEVICES: '' } });
  });

  test('a server of ours takes as large a request as api.max_body_mb lets through, where it can be told', () => {
    const HOLDER = { program: '/docker', isPodman: false, folders: [], args: [], owner: 'o', user: null };
    const started = (found: object, maxBodyMb: number, args: readonly string[] = []) => {
      const machine = {
        found: { ...HERE, ...found },
        settings: settingsSchema.parse({ triton: { args } }).triton,
        maxBodyMb,
        hasGpus: false,
      };
      const { taken, result } = drive(start(machine), (step) =>
        step.do === 'scratch' ? '/tmp/x/launch-1' : step.do === 'http' ? { status: 200, body: '' } : step.do === 'ask' ? [] : undefined,
      );
      const reported = taken
        .flatMap((step) => (step.do === 'spawn' ? step.args : []))
        .filter((arg) => arg.startsWith('--http-max-input-size='));
      return [reported.map((arg) => Number(arg.split('=')[1]) / MIB), Number(result.mostRequestBytes) / MIB];
    };
    const image = (name: string) => ({ container: { ...HOLDER, image: name } });
    expect(started({ version: '2.60.0' }, 256)).toEqual([[256], 256]);
    expect(started({ version: '3.0.0' }, 1.5)).toEqual([[64], 64]);
    // An older one would end with an option that it does not know.
    for (const version of ['2.51.0', '2.6.1', '1.99.0', null]) expect(started({ version }, 256), String(version)).toEqual([[], 64]);
    expect(started(image('nvcr.io/nvidia/tritonserver:25.12-py3'), 256)).toEqual([[256], 256]);
    for (const name of ['nvcr.io/nvidia/tritonserver:24.10-py3', 'localhost:5000/own', 'own:latest'])
      expect(started(image(name), 256), name).toEqual([[], 64]);
    // A person's own comes behind ours, and counts.
    expect(started({ version: '2.51.0' }, 256, [`--http-max-input-size=${128 * MIB}`])).toEqual([[128], 128]);
  });
});

describe('entries', () => {
  test('an ONNX file: its tensors, batches where all of them begin with one free size, and a link to it', () => {
    const parts = entry(ONNX);
    expect(parts['1/model.onnx']).toEqual({ linkTo: '/models/m/net.onnx' });
    const config = readTritonConfig(configIn(parts));
    expect(config).toMatchObject({ backend: 'onnxruntime', maxBatchSize: 32, instances: [{ kind: 'KIND_CPU', count: 1 }] });
    expect(config.inputs).toEqual([{ name: 'image', type: 'TYPE_FP32', shape: [3, -1, -1] }]);
    expect(config.outputs[0]).toMatchObject({ type: 'TYPE_INT64', shape: [10] });
    expect(configIn(parts)).toContain('dynamic_batching');
    const fixed = formOf('onnx', 'm.onnx', {
      inputs: [{ name: 'x', type: 'float16', shape: [1, 4] }],
      outputs: [{ name: 'y', type: 'string', shape: ['N'] }],
    });
    const reported = readTritonConfig(configIn(entry(fixed)));
    expect(reported).toMatchObject({
      maxBatchSize: 0,
      inputs: [{ type: 'TYPE_FP16', shape: [1, 4] }],
      outputs: [{ type: 'TYPE_STRING', shape: [-1] }],
    });
    // A single number has no sizes, and Triton wants some: its backend finds out by itself.
    const scalar = formOf('onnx', 'm.onnx', { inputs: [{ name: 'x', type: 'float32', shape: [] }], outputs: [] });
    expect(readTritonConfig(configIn(entry(scalar))).inputs).toEqual([]);
  });

  test('files that lie beside it are found where they are', () => {
    const parts = entry(formOf('onnx', 'onnx/net.onnx', { files: ['onnx/net.onnx', 'onnx/net.onnx_data'] }));
    expect(parts['1']).toEqual({ linkTo: '/models/m/onnx' });
    expect(readTritonConfig(configIn(parts)).defaultModelFile).toBe('net.onnx');
    expect(entry(formOf('openvino', 'm.xml', { files: ['m.xml', 'm.bin'] }))).toMatchObject({
      '1/model.xml': { linkTo: '/models/m/m.xml' },
      '1/model.bin': { linkTo: '/models/m/m.bin' },
    });
  });

  test('the GPU is the chosen one, by the index that the driver gives it', () => {
    expect(planOf(ONNX, GPU).args).toContain('instance_group [ { count: 1 kind: KIND_GPU gpus: [ 1 ] } ]');
    expect(planOf(ONNX, GPU, { args: ['version_policy { all { } }'] }).args.at(-1)).toBe('version_policy { all { } }');
    expect(adapter.obstacle?.(profileOf(ONNX), CPU, {}, formOf('tensorrt', 'm.plan'))).toContain('GPU');
  });

  test('a ready folder keeps what its maker wrote but its name and where it runs', () => {
    const own = `name: "other" # its name { "
backend: "python"
instance_group [ { kind: KIND_GPU, count: 4 }, { kind: KIND_CPU } ] parameters { key: "a" value { string_value: "instance_group { }" } }
input { name: "name" data_type: TYPE_STRING dims: 1 }`;
    const ready = formOf('triton', 'config.pbtxt', { files: ['config.pbtxt', '1/model.py'] });
    const parts = entry(ready, {}, { '/models/m/config.pbtxt': own }, { architecture: 'python' });
    expect(Object.keys(parts).toSorted()).toEqual(['1/model.py', 'config.pbtxt', 'labels.txt']);
    const config = readTritonConfig(configIn(parts));
    expect(config).toMatchObject({ name: null, backend: 'python', instances: [{ kind: 'KIND_CPU', count: 1 }] });
    expect([config.inputs[0]?.name, config.parameters.get('a')]).toEqual(['name', 'instance_group { }']);
    expect(() => entry(ready, {}, {}, { architecture: 'python' })).toThrow(/cannot be read/);
    // An ensemble runs nowhere by itself.
    expect(planOf(formOf('triton', 'config.pbtxt'), CPU, {}, { architecture: 'ensemble' }).args).toEqual([]);
  });

  test('what a TorchScript file does not tell, a person says in models.NAME.triton: inputs, outputs and max_batch_size', () => {
    expect(adapter.lacks?.(SCRIPT, {}, profileOf(SCRIPT))).toContain('models.NAME.triton.inputs');
    const reported = {
      triton: {
        inputs: [{ name: 'INPUT__0', type: 'FP32', shape: [-1, 3] }],
        outputs: [{ name: 'OUTPUT__0', type: 'FP32', shape: [-1, 2] }],
        max_batch_size: 8,
      },
    };
    expect(adapter.lacks?.(SCRIPT, reported, profileOf(SCRIPT))).toBeNull();
    const config = readTritonConfig(configIn(entry(SCRIPT, reported)));
    expect(config).toMatchObject({ backend: 'pytorch', maxBatchSize: 8, inputs: [{ name: 'INPUT__0', type: 'TYPE_FP32', shape: [3] }] });
    expect(adapter.lacks?.(ONNX, {}, profileOf(ONNX))).toBeNull();
  });

  test('a folder of transformers goes to its vLLM where a person wants that', () => {
    const llm = formOf('transformers', 'model.safetensors');
    expect(adapter.obstacle?.(profileOf(llm), CPU, {}, llm)).toContain('models.NAME.runtime: triton');
    expect(adapter.obstacle?.(profileOf(llm), CPU, { runtime: 'triton' }, llm)).toBeNull();
    expect(JSON.parse((entry(llm, { context: 512 })['1/model.json'] as { text: string }).text)).toMatchObject({
      model: '/models/m',
      max_model_len: 512,
    });
  });

  test.each(['m', 'a b/ü', '../x', 'x'.repeat(300), '-rf'])('the name of an entry is one plain name: %j', (id) => {
    expect(entryName(id)).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/);
  });

  test.each(['plain', 'a"b', 'back\\slash', 'line\nbreak', 'ü'])('text is written as protocol buffers read it: %j', (text) => {
    expect(parsePbtxt(`name: ${quoted(text)}`).get('name')).toEqual([text]);
  });

  test.each([
    ['a: 1 b: 2', 'a: 1 '],
    ['b { c: [ 1, { d: 2 } ] } a: 1', ' a: 1'],
    ['a { b: 1 }', 'a { b: 1 }'],
    ['b: [1, 2], a: "b: 1" # b', ', a: "b: 1" # b'],
    ["b: 'x'", ''],
  ])('a field goes with its value: %j', (text, left) => {
    expect(withoutFields(text, ['b'])).toBe(left);
  });
});

describe('leaving', () => {
  const OPEN: Endpoint = { at: { socket: '/s' }, key: null, protocol: 'v2', model: 'm', prefix: '' };
  /** The states that its index tells, the last one for ever; null: the model is not in it. */
  const leave = (states: readonly (string | null)[]) => {
    const left = [...states];
    return drive(detach('m', OPEN), (step) => {
      if (step.do !== 'http' || !step.path.endsWith('/index')) return step.do === 'http' ? { status: 200, body: '' } : undefined;
      const state = left.length > 1 ? left.shift() : left[0];
      return { status: 200, body: JSON.stringify(state === null ? [] : [{ name: 'm', version: '1', state }]) };
    });
  };

  test.each<[string, readonly (string | null)[]]>([
    ['when the server says that it is out', ['UNLOADING', 'UNLOADING', 'UNAVAILABLE']],
    ['where it never was in', [null]],
    // As Triton 2.51 says for ever of a model whose process was killed.
    ['after a while, where the server says UNLOADING for ever', ['UNLOADING']],
  ])('it lets go %s, and its entry goes', (_when, states) => {
    expect(leave(states).taken.at(-1)).toEqual({ do: 'write', entry: 'm', parts: null });
  });

  test('a server that does not let go of it is told, so that it is started anew', () => {
    expect(() => leave(['LOADING'])).toThrow(/did not unload m/);
  });

  test('a model that answers nothing any more is told from one that refuses a request', () => {
    const asked = (body: string) =>
      drive(checkModel({ ...OPEN, tensors: { inputs: [], outputs: [], hasBytes: true } }), () => ({ status: 500, body })).result;
    expect(asked(`{"error":"Stub process 'm_0_0' is not healthy."}`)).toBe('the process that runs its Python code has ended.');
    expect(asked('{"error":"unexpected shape for input"}')).toBeNull();
  });

  test('a model that takes images of any size is asked with usual ones, until one is taken, or counts as ready by its own word', () => {
    const image = { name: 'x', datatype: 'FP32', shape: [-1, 3, -1, -1] };
    const prove = (takes: (shape: readonly number[]) => boolean, refusal: string, input = image) =>
      drive(proofProblem(OPEN, 'm', { inputs: [input], outputs: [], hasBytes: true }), (step) => {
        if (step.do !== 'http' || step.method === 'GET') return { status: 200, body: '' };
        const [{ shape } = { shape: [] }] = (step.body as { inputs: readonly { shape: readonly number[] }[] }).inputs;
        return takes(shape) ? { status: 200, body: '{}' } : { status: 500, body: JSON.stringify({ error: refusal }) };
      });
    const shapesOf = ({ taken }: { taken: readonly Step[] }) =>
      taken.flatMap((step) =>
        step.do === 'http' && step.method === 'POST' ? [(step.body as { inputs: { shape: number[] }[] }).inputs[0]?.shape] : [],
      );
    const shape = `onnx runtime error 2: Non-zero status code returned while running Concat node. Name:'c' Status Message: concat.cc:157 Non concat axis dimensions must match: Axis 2 has mismatched dimensions of 15 and 14`;
    const line = prove(([, , height]) => height === 48, shape);
    expect([line.result, shapesOf(line)]).toEqual([
      null,
      [
        [1, 3, 224, 224],
        [1, 3, 48, 320],
      ],
    ]);
    const none = prove(() => false, shape);
    expect([none.result, shapesOf(none).length]).toEqual([null, 3]);
    expect(none.taken.at(-2)).toMatchObject({ do: 'phase', phase: expect.stringContaining("only Triton's word") });
    // What is wrong with the model itself is no matter of sizes.
    expect(prove(() => false, "Stub process 'm_0_0' is not healthy.").result).toContain('has ended');
    expect(prove(() => false, 'CUDA out of memory').result).toContain('out of memory');
    expect(prove(() => false, shape, { ...image, shape: [1, 3, 8, 8] }).result).toContain('Concat');
    const broken = prove(
      () => false,
      "AttributeError: 'NoneType' object has no attribute 'shape'\n\nAt:\n  /r/shape/1/model.py(7): execute\n",
    );
    expect([broken.result, shapesOf(broken).length]).toEqual([expect.stringContaining("no attribute 'shape' (/r/shape/1/model.py"), 3]);
    expect(prove(([, , height]) => height === 512, 'KeyError: 0').result).toBeNull();
  });
});

describe('its words', () => {
  // As Triton 2.51 said them.
  test.each([
    [
      `{"error":"load failed for model 'kern': version 1 is at UNAVAILABLE state: Internal: RuntimeError: no weights here\\n\\nAt:\\n  /r/kern/1/model.py(2): initialize\\n;\\n"}`,
      'RuntimeError: no weights here (/r/kern/1/model.py(2): initialize).',
    ],
    [
      `{"error":"load failed for model 'kern': version 1 is at UNAVAILABLE state: Invalid argument: unable to find backend library for backend 'tensorrt', try specifying runtime on the model configuration.;\\n"}`,
      'this Triton has no backend tensorrt.',
    ],
    [
      `{"error":"failed to load 'nope', failed to poll from model repository"}`,
      'it cannot read the configuration of the model; the log says why.',
    ],
    [`{"error":"Stub process 'py_0_0' is not healthy."}`, 'the process that runs its Python code has ended.'],
    ['', 'it does not say why.'],
  ])('%s', (body, sentence) => {
    expect(loadSentence(body)).toBe(sentence);
  });

  // As ONNX Runtime, PyTorch, NumPy, TensorRT's backend and OpenVINO say them; the last ones are
  // broken.
  test.each([
    ['axis == 1 || axis == largest was false. Attempting to broadcast an axis by a dimension other than 1. 14 by 15', true],
    ['The size of tensor a (15) must match the size of tensor b (14) at non-singleton dimension 3', true],
    ['mat1 and mat2 shapes cannot be multiplied (1x512 and 2048x10)', true],
    ['ValueError: cannot reshape array of size 150528 into shape (1,3,48,320)', true],
    ["request specifies invalid shape for input 'x' for m_0", true],
    ['AssertionError: height must be a multiple of 32', true],
    ["TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'", false],
    ["ModuleNotFoundError: No module named 'resize'", false],
    ['RuntimeError: no weights here (/r/size/1/model.py(2): execute).', false],
    ['CUDA error: an illegal memory access was encountered', false],
  ])('%s: another size would help: %s', (sentence, isOfSizes) => {
    expect(speaksOfSizes(sentence)).toBe(isOfSizes);
  });

  test('its end', () => {
    const exit = { code: 1, signal: null };
    const taken = ['E1129 main.cc] "failed to start HTTP service: Unavailable - Socket \'127.0.0.1:8000\' already in use"'];
    expect(explainExit(exit, taken).message).toContain('address is taken');
    expect(
      explainExit(exit, ['x: error while loading shared libraries: libpython3.11.so.1.0: cannot open shared object file']).message,
    ).toContain('LD_LIBRARY_PATH');
    expect(explainExit(exit, ['| table |', 'I bye']).message).toBe('Triton ended with code 1. Its last output: I bye.');
  });
});

test('a configuration goes to a server elsewhere as JSON: lists, maps, words and texts as the protocol wants them', () => {
  const json = configJson(`backend: "onnxruntime" max_batch_size: 8
    input [ { name: "x" data_type: TYPE_FP32 dims: [ 3 ] optional: true } ] output { name: "y" data_type: TYPE_STRING dims: 1 }
    dynamic_batching { } parameters { key: "a" value { string_value: "true" } }
    parameters: { key: "b" value: { string_value: "1" } } instance_group { count: 1 kind: KIND_GPU gpus: 0 }`);
  // As protobuf's own JSON mapping has it.
  expect(JSON.parse(json)).toEqual({
    backend: 'onnxruntime',
    max_batch_size: 8,
    input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [3], optional: true }],
    output: [{ name: 'y', data_type: 'TYPE_STRING', dims: [1] }],
    dynamic_batching: {},
    parameters: { a: { string_value: 'true' }, b: { string_value: '1' } },
    instance_group: [{ count: 1, kind: 'KIND_GPU', gpus: [0] }],
  });
});

test('names are taken out of statistics of any length', () => {
  // As Triton 2.51 writes them.
  const one = (name: string) =>
    `{"name":${JSON.stringify(name)},"version":"1","last_inference":0,"inference_count":0,"inference_stats":{"success":{"count":0,"ns":0}},"batch_stats":[${'{"batch_size":1,"compute_infer":{"count":1,"ns":1}},'.repeat(50)}{}]}`;
  const names = Array.from({ length: 1_000 }, (_, index) => `model-${index}`);
  const body = `{"model_stats":[${[...names, 'a "b" ü', 'model-0'].map(one).join(',')}]}`;
  expect(body.length).toBeGreaterThan(2 * 1024 * 1024);
  expect(namesIn(body)).toEqual([...names, 'a "b" ü']);
});

test('yes and no and whole numbers are read in each form that the text format has', () => {
  const json = configJson(`max_batch_size: 0x10 input { name: "true" dims: [ 010, -0x1, 0 ] optional: True allow_ragged_batch: 0 }
    model_transaction_policy { decoupled: t } optimization { input_pinned_memory { enable: False } } parameters { key: "t" value { string_value: "True" } }`);
  // As protobuf's own text_format.Parse and MessageToJson have it.
  expect(JSON.parse(json)).toEqual({
    max_batch_size: 16,
    input: [{ name: 'true', dims: [8, -1, 0], optional: true, allow_ragged_batch: false }],
    model_transaction_policy: { decoupled: true },
    optimization: { input_pinned_memory: { enable: false } },
    parameters: { t: { string_value: 'True' } },
  });
  expect(readTritonConfig('model_transaction_policy { decoupled: 1 }').isDecoupled).toBe(true);
});

test('a model whose load was broken off is taken out of a server elsewhere, though it is not ready there', () => {
  const server = { origin: 'http://there:8000', metricsOrigin: 'http://there:8002', key: null, keyHeader: null, where: 'the Triton there' };
  const there = { machine: { instance: { owner: 'o', run: 'r' } }, server } as unknown as Elsewhere;
  const endpoint: Endpoint = { at: { port: 1 }, key: null, protocol: 'v2', model: '', prefix: '' };
  const { taken } = drive(unloadThere(there, 'm', endpoint), (step) => (step.do === 'http' ? { status: 400, body: '' } : undefined));
  const posted = taken.flatMap((step) => (step.do === 'http' && step.method === 'POST' ? [step.path] : []));
  expect(posted).toEqual([`/v2/repository/models/${nameThere(there.machine, 'm')}/unload`]);
});

test('files of any length go as base64 in a JSON object whose length is told before', async () => {
  const files: Record<string, string> = {};
  for (const bytes of [0, 1, 2, 3, 196_607, 196_608, 400_001]) {
    files[`file:${bytes}`] = join(folder, `bytes-${bytes}`);
    writeFileSync(join(folder, `bytes-${bytes}`), Buffer.alloc(bytes, 'ab"\n'));
  }
  const json = await jsonWithFiles({ texts: { config: '{"a":1}' }, files });
  const parts: Buffer[] = [];
  for await (const part of json.stream()) parts.push(part);
  const body = Buffer.concat(parts);
  const { parameters } = JSON.parse(body.toString()) as { parameters: Record<string, string> };
  expect([body.length, parameters['config']]).toEqual([json.bytes, '{"a":1}']);
  for (const [name, path] of Object.entries(files))
    expect(Buffer.from(parameters[name] ?? '', 'base64').equals(readFileSync(path))).toBe(true);
});

test('the key of a Triton elsewhere comes from a variable, and one that is not set is told', async () => {
  const settings = settingsSchema.parse({ triton: { url: 'http://127.0.0.1:9', key_env: 'LAB', key_header: 'lab-key' } });
  const foundIn = (env: Record<string, string>) => searcher.search(triton.find(searchMachine({ settings, env }), NOT_FOUND));
  expect((await foundIn({ LAB: 'secret' })).elsewhere).toMatchObject({ key: 'secret', keyHeader: 'lab-key', problem: null });
  const without = await foundIn({});
  expect(without.elsewhere?.problem?.why).toBe('The environment variable that triton.key_env names is not set where Modelium runs.');
  expect(triton.adapter(searchMachine({ settings }), without).found).toMatchObject({ found: false, isWrong: true });
});
