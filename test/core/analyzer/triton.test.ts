import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../main/core/analyzer/bytes.ts';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { parsePbtxt } from '../../../main/core/analyzer/pbtxt.ts';
import { readTritonConfig } from '../../../main/core/analyzer/triton.ts';
import { readTriton } from '../../../main/core/analyzer/triton-folder.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { writeOnnx } from './synthetic-onnx.ts';
import { TRITON_CONFIG, TRITON_ENSEMBLE } from './synthetic-pbtxt.ts';
import { tensorRtPlan } from './synthetic-plans.ts';

const read = (contents: Contents) => readTriton(folderOf(contents));

describe('parsePbtxt', () => {
  test('knows comments, lists, messages in both brackets, and strings in parts', () => {
    const message = parsePbtxt(`
      # a comment { with [ signs
      name: "one" 'two' "\\"three\\"\\n"; n: -1.5e3, list: [1, 2,3] list: 4
      inner { a: TRUE } inner: < a: FALSE > [x.y.z] { }  empty: []
    `);
    expect(message.get('name')).toEqual(['onetwo"three"\n']);
    expect(message.get('n')).toEqual([-1500]);
    expect(message.get('list')).toEqual([1, 2, 3, 4]);
    expect(message.get('inner')).toEqual([new Map([['a', ['TRUE']]]), new Map([['a', ['FALSE']]])]);
    expect(message.get('x.y.z')).toHaveLength(1);
    expect(message.get('empty')).toEqual([]);
  });

  test.each([
    ['a string without end', 'name: "abc'],
    ['a message without end', 'input { name: "x"'],
    ['a list without end', 'dims: [1, 2'],
    ['a field without a value', 'name name'],
    ['a stray bracket', '} name: 1'],
    ['signs of another language', 'name = 1'],
    ['messages without end', 'a {'.repeat(1000)],
    ['more than can be', `a: [${'1,'.repeat(70_000)}1]`],
    ['a length that cannot be', 'a'.repeat(2_000_000)],
  ])('%s is damaged', (_what, text) => {
    expect(() => parsePbtxt(text)).toThrow(FormatError);
  });
});

describe('a model folder of Triton', () => {
  test('tells its configuration', () => {
    expect(readTritonConfig(TRITON_CONFIG)).toEqual({
      name: 'resnet',
      backend: 'onnxruntime',
      maxBatchSize: 8,
      steps: [],
      defaultModelFile: null,
      runtime: null,
      isDecoupled: false,
      modelFiles: [],
      libraries: [],
      inputs: [{ name: 'x', type: 'TYPE_FP32', shape: [3, 224, -1] }],
      outputs: [{ name: 'y', type: 'TYPE_FP32', shape: [1000] }],
      instances: [{ kind: 'KIND_GPU', count: 2 }],
      parameters: new Map([['enable_mem_arena', '0']]),
    });
    expect(readTritonConfig('platform: "tensorrt_plan"').backend).toBe('tensorrt');
  });

  test('serves its newest version, and every version needs its file', () => {
    const contents = {
      'config.pbtxt': TRITON_CONFIG,
      '1/model.onnx': writeOnnx(),
      '10/model.onnx': writeOnnx(),
      '2/model.onnx': writeOnnx(),
    };
    expect(read(contents)).toMatchObject({
      problems: [],
      profile: {
        name: 'resnet',
        architecture: 'onnxruntime',
        weightBytes: 128,
        parameters: 32,
        forms: [{ kind: 'triton', files: ['config.pbtxt', '10/model.onnx'], codeFiles: [], detail: 'onnxruntime backend' }],
      },
    });
    expect(read({ ...contents, '3/readme.txt': 'x' })?.problems).toMatchObject([{ kind: 'missing', file: '3/model.onnx' }]);
    expect(read({ 'config.pbtxt': TRITON_CONFIG })).toMatchObject({
      problems: [{ kind: 'missing', file: '1/model.onnx' }],
      hasWeights: false,
    });
    // A leading zero is no version for Triton.
    expect(read({ 'config.pbtxt': TRITON_CONFIG, '01/model.onnx': writeOnnx() })?.problems).toMatchObject([{ file: '1/model.onnx' }]);
    const analysis = analyzeCandidate(folderOf(contents), false);
    expect(analysis).toMatchObject({ whole: true, profile: { forms: [{ kind: 'triton' }] } });
    expect(analysis.profile?.forms).toHaveLength(1);
  });

  test('a file of a version that is on its way is named with its bytes', () => {
    const whole = writeOnnx();
    const found = read({ 'config.pbtxt': TRITON_CONFIG, '1/model.onnx': whole.subarray(0, 60) })!;
    expect(found.problems).toMatchObject([{ kind: 'truncated', file: '1/model.onnx', expectedBytes: whole.length - 4 }]);
    expect(found.expected.get('1/model.onnx')).toBe(whole.length - 4);
    expect(found.problems[0]?.message).toMatch(/^1\/model\.onnx: /);
  });

  test('needs no configuration where the file says enough', () => {
    expect(read({ '1/model.onnx': writeOnnx() })?.profile).toMatchObject({
      architecture: 'onnxruntime',
      forms: [{ files: ['1/model.onnx'] }],
    });
    expect(read({ '1/model.json': {} })).toBeNull();
    expect(read({ '1_Pooling/config.json': {}, 'model.onnx': writeOnnx() })).toBeNull();
  });

  test.each<[string, Contents, readonly string[]]>([
    ['a Python model', { 'config.pbtxt': 'backend: "python"', '1/model.py': 'x' }, ['config.pbtxt', '1/model.py']],
    ['an engine', { 'config.pbtxt': 'backend: "tensorrt"', '1/model.plan': tensorRtPlan(0x61, 9) }, ['1/model.plan']],
    ['a backend of its own', { 'config.pbtxt': 'backend: "mine"', 'libtriton_mine.so': 'ELF', '1/x': 'x' }, ['libtriton_mine.so']],
    [
      'a runtime of its own',
      { 'config.pbtxt': 'backend: "mine" runtime: "lib.so.1"', '1/lib.so.1': 'ELF', '1/weights': 'x' },
      ['config.pbtxt', '1/lib.so.1'],
    ],
    [
      'an environment',
      {
        'config.pbtxt':
          'backend: "python" parameters { key: "EXECUTION_ENV_PATH" value: { string_value: "$$TRITON_MODEL_DIRECTORY/env.tar.gz" } }',
        'env.tar.gz': 'x',
        '1/model.py': 'x',
      },
      ['config.pbtxt', 'env.tar.gz', '1/model.py'],
    ],
  ])('%s has to be trusted', (_what, contents, codeFiles) => {
    expect(read(contents)?.profile?.forms[0]?.codeFiles).toEqual(codeFiles);
  });

  test('an ensemble names the models that it needs, and needs no file', () => {
    const found = read({ 'config.pbtxt': TRITON_ENSEMBLE })!;
    expect(found).toMatchObject({ problems: [], hasWeights: true, profile: { forms: [{ detail: 'ensemble of 2 models' }] } });
    expect(found.profile?.notes[0]).toBe('It is an ensemble: it needs the models "preprocess", "resnet" beside it.');
  });

  test('names of files never lead out of it', () => {
    const found = read({
      'config.pbtxt': 'backend: "onnxruntime" default_model_filename: "../../etc/passwd"',
      '1/model.onnx': writeOnnx(),
    })!;
    expect(found.problems[0]).toMatchObject({ kind: 'damaged' });
  });

  test('a configuration that cannot be read is damage', () => {
    expect(read({ 'config.pbtxt': 'input [', '1/model.onnx': writeOnnx() })?.problems).toMatchObject([
      { kind: 'damaged', file: 'config.pbtxt' },
    ]);
  });
});

// The bytes are those of protobuf's own text_format.MessageToString for these texts.
test.each([
  ['"gr\\303\\274n"', 'grün'],
  ['"\\xe2\\x82\\xac 5\\040%"', '€ 5 %'],
  ['"\\u00fc\\U0001F600"', 'ü😀'],
  ['"a\\"b\\\\c\\n\\a\\1012"', 'a"b\\c\n\x07A2'],
  ['"\\377"', '\ufffd'],
  ['"\\UFFFFFFFF"', '\ufffd'],
])('an escaped text is read: %s', (text, wanted) => {
  expect(readTritonConfig(`name: ${text}`).name).toBe(wanted);
});
