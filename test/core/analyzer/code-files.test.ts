import { describe, expect, test } from 'vitest';
import { readDiffusers } from '../../../main/core/analyzer/diffusers-folder.ts';
import { readHuggingface } from '../../../main/core/analyzer/huggingface-folder.ts';
import { openVinoWeights } from '../../../main/core/analyzer/openvino-folder.ts';
import { readSentenceTransformer } from '../../../main/core/analyzer/sentence-transformers.ts';
import { readTriton } from '../../../main/core/analyzer/triton-folder.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { node, writeOnnx } from './synthetic-onnx.ts';
import { openVinoXml } from './synthetic-plans.ts';
import { writeSafetensors } from './synthetic-safetensors.ts';
import { checkpoint } from './synthetic-zip.ts';

/** The two files of an OpenVINO model, the second one as long as the first asks for. */
const xml = openVinoXml();
const bin = new Uint8Array(100_000).fill(1);

describe('a .bin beside an .xml', () => {
  const pipeline = { _class_name: 'X', unet: ['diffusers', 'UNet2DConditionModel'] };
  const codeOf = (contents: Contents) =>
    readDiffusers(folderOf({ 'model_index.json': pipeline, ...contents }))?.profile?.forms[0]?.codeFiles;

  test('is plain weights only where the pair is a model of OpenVINO', () => {
    expect(openVinoWeights(folderOf({ 'a.xml': xml, 'a.bin': bin }))).toEqual(new Set(['a.bin']));
    expect(openVinoWeights(folderOf({ 'a.xml': xml, 'a.bin': bin.subarray(0, 1) }))).toEqual(new Set());
    expect(openVinoWeights(folderOf({ 'a.xml': '', 'a.bin': bin }))).toEqual(new Set());
    expect(codeOf({ 'unet/openvino_model.xml': xml, 'unet/openvino_model.bin': bin })).toEqual([]);
    expect(codeOf({ 'unet/openvino_model.xml': '', 'unet/openvino_model.bin': checkpoint() })).toEqual(['unet/openvino_model.bin']);
    expect(readTriton(folderOf({ '1/model.xml': xml, '1/model.bin': bin }))?.profile?.forms[0]?.codeFiles).toEqual([]);
  });

  test('that PyTorch would unpickle by its name has to be trusted all the same', () => {
    for (const beside of ['', xml]) {
      const contents = { 'unet/diffusion_pytorch_model.bin': bin, 'unet/diffusion_pytorch_model.xml': beside };
      expect(codeOf(contents)).toEqual(['unet/diffusion_pytorch_model.bin']);
    }
  });
});

describe('a model folder of Triton', () => {
  const python = 'backend: "python" ';
  const environment = (path: string): string => `parameters { key: "EXECUTION_ENV_PATH" value: { string_value: "${path}" } }`;
  const found = (config: string, contents: Contents) => readTriton(folderOf({ 'config.pbtxt': config, ...contents }));
  const codeOf = (config: string, contents: Contents) => found(config, contents)?.profile?.forms[0]?.codeFiles;

  test('that is run from a file of any name has it trusted, in every version', () => {
    const config = `${python} default_model_filename: "model.txt"`;
    const contents = { '1/model.txt': 'x', '2/model.txt': 'x', '99999999999/model.txt': 'x', '2/words.txt': 'x' };
    expect(codeOf(config, contents)).toEqual(['config.pbtxt', '1/model.txt', '2/model.txt', '99999999999/model.txt']);
    const capable = 'backend: "tensorrt" cc_model_filenames [{ key: "9.0" value: "ninety" }]';
    expect(codeOf(capable, { '1/model.plan': 'x', '1/ninety': 'x' })).toEqual(['1/model.plan', '1/ninety']);
    // An ONNX file under another name is not read: what it asks for, nobody knows.
    expect(codeOf('backend: "onnxruntime" default_model_filename: "x.data"', { '1/x.data': 'x' })).toEqual(['1/x.data']);
  });

  test('that loads libraries, or files that ask for some, has them trusted', () => {
    const operations = 'backend: "onnxruntime" model_operations { op_library_filename: ["operators"] }';
    expect(codeOf(operations, { '1/model.onnx': writeOnnx(), '1/operators': 'ELF' })).toEqual(['config.pbtxt', '1/operators']);
    expect(found(operations, { '1/model.onnx': writeOnnx() })?.problems).toMatchObject([{ kind: 'missing', file: 'operators' }]);
    const custom = writeOnnx({ opsets: { '': 17, acme: 1 }, nodes: [node('Evil', 'acme')] });
    expect(codeOf('backend: "onnxruntime"', { '1/model.onnx': custom, '1/a.onnx': writeOnnx(), '2/model.onnx': writeOnnx() })).toEqual([
      '1/model.onnx',
    ]);
  });

  test.each<[string, object | string, readonly string[]]>([
    ['trusts code', { model: 'a/b', trust_remote_code: true }, ['1/model.json']],
    ['trusts none', { model: 'a/b', trust_remote_code: false }, []],
    ['takes a worker', { model: 'a/b', worker_extension_cls: 'evil.Worker' }, ['1/model.json']],
    ['cannot be read', '{"model": "a/b", trust', []],
  ])('of vLLM whose model.json %s', (_what, json, codeFiles) => {
    expect(codeOf('backend: "vllm"', { '1/model.json': json })).toEqual(codeFiles);
  });

  test.each([
    ['an operators library', 'model_operations { op_library_filename: "/tmp/evil.so" }'],
    ['a file for some GPUs', 'cc_model_filenames { key: "9.0" value: "../../x" }'],
    ['a library behind an empty name', 'model_operations { op_library_filename: ["", "/tmp/evil.so"] }'],
    ['a hidden model', 'default_model_filename: ".model.py"'],
    ['a model too deep', 'default_model_filename: "a/b/c/d/model.py"'],
    ['an environment elsewhere', environment('/opt/env.tar.gz')],
    ['an environment beside', environment('$$TRITON_MODEL_DIRECTORY/../env.tar.gz')],
    ['an environment where the server runs', environment('env.tar.gz')],
    ['a hidden environment', environment('$$TRITON_MODEL_DIRECTORY/.env.tar.gz')],
    ['a backend elsewhere', 'backend: "../evil"'],
    ['more than can be', `model_operations { op_library_filename: [${'"x",'.repeat(64)}"x"] }`],
  ])('never leads out of what is listed: %s', (_what, config) => {
    const { problems } = found(config.includes('backend') ? config : python + config, { '1/model.py': 'x' })!;
    expect(problems[0]).toMatchObject({ kind: 'damaged', file: 'config.pbtxt' });
  });

  test('waits for its environment, which may be unpacked', () => {
    const config = python + environment('$$TRITON_MODEL_DIRECTORY/env');
    expect(found(config, { '1/model.py': 'x' })?.problems).toMatchObject([{ kind: 'missing', file: 'env' }]);
    const there = found(config, { 'env/bin/activate': 'x', '1/model.py': 'x' });
    expect(there?.problems).toEqual([]);
    expect(there?.profile?.forms[0]?.codeFiles).toEqual(['config.pbtxt', 'env/bin/activate', '1/model.py']);
  });
});

describe('a list that is longer than can be, or names what is not listed, is damage', () => {
  const own = { path: '', type: 'sentence_transformers.models.Transformer' };
  const modules = (...more: readonly object[]) =>
    readHuggingface(folderOf({ 'config.json': { model_type: 'bert' }, 'model.safetensors': writeSafetensors(), 'modules.json': more }));

  test('modules', () => {
    expect(modules(...Array.from({ length: 65 }, () => own))?.problems[0]).toMatchObject({ kind: 'damaged', file: 'modules.json' });
    expect(
      readSentenceTransformer(folderOf({ 'modules.json': [...Array(64).fill(own), { path: '', type: 'evil.X' }] }))?.codeFiles,
    ).toEqual(['modules.json']);
    for (const path of ['../x', '/tmp/x', '.hidden', 'a/b/c/d/e/f']) {
      expect(modules({ path, type: 'sentence_transformers.models.Dense' })?.problems).toContainEqual(
        expect.objectContaining({ kind: 'damaged', file: 'modules.json' }),
      );
    }
    expect(modules(own, { ...own, path: './' })?.problems.filter(({ kind }) => kind === 'damaged')).toEqual([]);
  });

  test('parts of a pipeline', () => {
    const parts = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`p${at}`, ['diffusers', 'X']]));
    const index = { _class_name: 'X', ...parts };
    expect(readDiffusers(folderOf({ 'model_index.json': index }))?.problems).toMatchObject([{ kind: 'damaged', file: 'model_index.json' }]);
  });
});

describe('a Hugging Face folder', () => {
  const base = { 'config.json': { model_type: 'bert' }, 'model.safetensors': writeSafetensors(), 'tokenizer.json': {} };
  const formsOf = (more: Contents) => readHuggingface(folderOf({ ...base, ...more }))?.profile?.forms ?? [];
  const codeOf = (more: Contents) => formsOf(more)[0]?.codeFiles;
  const map = { auto_map: { AutoTokenizer: ['a/b--evil.Tokenizer', null] } };

  test.each<[string, Contents]>([
    ['tokenizer_config.json', { 'tokenizer_config.json': map }],
    ['preprocessor_config.json', { 'preprocessor_config.json': map }],
    ['processor_config.json', { 'processor_config.json': map }],
    ['config.json', { 'config.json': { model_type: 'bert', text_config: map } }],
    ['0_Transformer/config.json', { '0_Transformer/config.json': map }],
    ['sentence_bert_config.json', { 'sentence_bert_config.json': { model_args: { trust_remote_code: true } } }],
    ['2_Dense/config.json', { '2_Dense/config.json': { activation_function: 'os.system' } }],
    ['other_config.json', { 'other_config.json': '{"auto_map": NaN}' }],
    ['listed_config.json', { 'listed_config.json': [{ name: 'a' }, map] }],
  ])('has %s trusted where it names code', (path, more) => {
    expect(codeOf(more)).toEqual([path]);
  });

  test('names none in plain configurations, nor in the list of what it was trained on', () => {
    expect(codeOf({ 'data_config.json': [{ name: 'questions.jsonl.gz', lines: 10_009, weight: 1 }] })).toEqual([]);
    const dense = { activation_function: 'torch.nn.modules.activation.Tanh' };
    expect(
      codeOf({ 'tokenizer_config.json': { trust_remote_code: false, activation_function: 'gelu' }, '2_Dense/config.json': dense }),
    ).toEqual([]);
  });

  test('has the pickle of a module trusted, unless safetensors lie beside it', () => {
    const folder = {
      'modules.json': [{ path: '2_Dense', type: 'sentence_transformers.models.Dense' }],
      '2_Dense/config.json': {},
      '2_Dense/pytorch_model.bin': checkpoint(),
    };
    expect(codeOf(folder)).toEqual(['2_Dense/pytorch_model.bin']);
    expect(codeOf({ ...folder, '2_Dense/decoy.safetensors': writeSafetensors() })).toEqual(['2_Dense/pytorch_model.bin']);
    expect(codeOf({ ...folder, '2_Dense/model.safetensors': writeSafetensors() })).toEqual([]);
    // Nothing loads what lies in a folder that nobody names.
    expect(codeOf({ 'original/consolidated.00.pth': checkpoint() })).toEqual([]);
  });

  test('knows code under all its names', () => {
    const names = ['a.pyc', 'b.so.1', 'c.dll', 'd.dylib', 'e/f.py'];
    expect(codeOf(Object.fromEntries(names.map((name) => [name, 'x'])))).toEqual(names);
    expect(formsOf({ 'x.joblib': 'x', 'openvino_model.xml': xml, 'openvino_model.bin': bin })).toMatchObject([
      { kind: 'transformers', codeFiles: [] },
      { kind: 'pickle', codeFiles: ['x.joblib'] },
    ]);
  });
});
