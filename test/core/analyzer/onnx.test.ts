import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../main/core/analyzer/bytes.ts';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import { parseOnnx } from '../../../main/core/analyzer/onnx.ts';
import { readOnnxFiles } from '../../../main/core/analyzer/onnx-folder.ts';
import { type Contents, folderOf, sparse } from './folder-of.ts';
import { counted } from './synthetic-gguf.ts';
import { attribute, bytes, message, node, number, tensor, value, writeOnnx } from './synthetic-onnx.ts';

function parsed(file: Uint8Array) {
  const model = parseOnnx(counted(file));
  if ('truncated' in model) throw new Error('truncated');
  return model;
}

function fault(file: Uint8Array): string {
  try {
    return 'truncated' in parseOnnx(counted(file)) ? 'truncated' : 'none';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.fault;
  }
}

function read(contents: Contents) {
  return readOnnxFiles(folderOf(contents));
}

const external = (file: string, offset = 0): Buffer =>
  writeOnnx({ tensors: [{ name: 'w', dims: [4, 8], type: 1, external: { location: file, offset, length: 128 } }] });

describe('parseOnnx', () => {
  test('tells versions, inputs, outputs and weights', () => {
    const model = parsed(
      writeOnnx({
        opsets: { '': 17, 'com.microsoft': 1 },
        tensors: [
          { name: 'a', dims: [4, 8], type: 1, raw: Buffer.alloc(128) },
          { name: 'b', dims: [3], type: 10, raw: Buffer.alloc(6) },
          { name: 'c', dims: [], type: 7, raw: Buffer.alloc(8) },
          { name: 'd', dims: [3], type: 22, raw: Buffer.alloc(2) },
        ],
        // As files up to version 3 do, one of the weights is listed among the inputs.
        inputs: [value(11, 'x', 1, ['batch', 4, null]), value(11, 'a', 1, [4, 8])],
      }),
    );
    expect(model).toMatchObject({ irVersion: 8, producer: 'modelium-test', nodes: 1, customDomains: [] });
    expect([...model.opsets]).toEqual([
      ['ai.onnx', 17],
      ['com.microsoft', 1],
    ]);
    expect(model.inputs).toEqual([{ name: 'x', type: 'float32', shape: ['batch', 4, null] }]);
    expect(model.outputs).toEqual([{ name: 'y', type: 'float32', shape: ['batch', 8] }]);
    expect([...model.weights]).toEqual([
      ['float32', { elements: 32, bytes: 128 }],
      ['float16', { elements: 3, bytes: 6 }],
      ['int64', { elements: 1, bytes: 8 }],
      ['int4', { elements: 3, bytes: 2 }],
    ]);
  });

  test('counts weights in constants and in the graphs inside operators', () => {
    const weights = { name: '', dims: [2], type: 1, raw: Buffer.alloc(8) };
    const inner = message(6, node('Add', 'inner.domain'), tensor(5, weights), value(12, 'z', 1, [2]));
    const model = parsed(
      writeOnnx({ nodes: [node('Constant', '', attribute('value', tensor(5, weights))), node('If', '', attribute('then_branch', inner))] }),
    );
    expect(model.weights.get('float32')).toEqual({ elements: 32 + 2 + 2, bytes: 144 });
    expect(model.nodes).toBe(3);
    expect(model.outputs).toHaveLength(1);
    expect(model.customDomains).toEqual(['inner.domain']);
  });

  test('operators of a domain that nobody brings are custom, those of a function of the file are not', () => {
    const own = message(25, bytes(1, 'f'), node('Relu'), bytes(10, 'my.functions'));
    const model = parsed(
      writeOnnx({ nodes: [node('f', 'my.functions'), node('Gelu', 'com.microsoft'), node('X', 'acme')], functions: [own] }),
    );
    expect(model.customDomains).toEqual(['acme']);
  });

  test('a file of 2 GB costs a few reads, whatever its weights take', () => {
    const raw = 2 ** 31 - 4096;
    const dims = [raw / 4];
    const head = hugeOnnx(dims, raw);
    const source = sparse(head, head.length + raw);
    const model = parseOnnx(source);
    expect(model).toMatchObject({ fileBytes: head.length + raw, weights: new Map([['float32', { bytes: raw, elements: raw / 4 }]]) });
    expect(source.reads).toBeLessThanOrEqual(4);
    expect(source.bytesRead).toBeLessThan(80_000);
  });

  test('every cut is called truncated, and names the bytes needed as soon as it can', () => {
    const whole = writeOnnx();
    for (let length = 0; length < whole.length; length += 1) expect(fault(whole.subarray(0, length)), `${length}`).toBe('truncated');
    expect(fault(whole)).toBe('none');
    expect(parseOnnx(counted(whole.subarray(0, 60)))).toEqual({ truncated: true, fileBytes: whole.length - 4 });
  });

  const deep = (levels: number): Buffer =>
    levels === 0 ? node('Add') : node('If', '', attribute('then_branch', message(6, deep(levels - 1))));
  test.each<[string, Uint8Array]>([
    ['text', Buffer.from('nothing of the kind, but long enough')],
    ['no version', message(7, node('Add'))],
    ['a version that cannot be', writeOnnx({ irVersion: 5000 })],
    ['an unknown type', writeOnnx({ tensors: [{ name: 'w', dims: [2], type: 99 }] })],
    ['fewer bytes than the shape asks for', writeOnnx({ tensors: [{ name: 'w', dims: [2], type: 1, raw: Buffer.alloc(4) }] })],
    ['more elements than can be', writeOnnx({ tensors: [{ name: 'w', dims: [2 ** 40, 2 ** 40], type: 1 }] })],
    ['graphs nested without end', writeOnnx({ nodes: [deep(40)] })],
    ['weights elsewhere without a name', writeOnnx({ tensors: [{ name: 'w', dims: [2], type: 1, external: { offset: 0 } }] })],
    [
      'weights elsewhere that are too short',
      writeOnnx({ tensors: [{ name: 'w', dims: [2], type: 1, external: { location: 'w', length: 4 } }] }),
    ],
  ])('%s is damaged', (_what, file) => {
    expect(fault(file)).toBe('damaged');
  });
});

/**
 * The head of a file whose one tensor has so many bytes; those and nothing else follow, but for the
 * rest of the graph, which is not there.
 */
function hugeOnnx(dims: readonly number[], raw: number): Buffer {
  const size = (field: number, length: number): Buffer => Buffer.concat([number(field, 0).subarray(0, 1), number(1, length).subarray(1)]);
  const delimited = (field: number, length: number): Buffer => {
    const tag = size(field, length);
    tag[0] = field * 8 + 2;
    return tag;
  };
  const fields = Buffer.concat([...dims.map((each) => number(1, each)), number(2, 1), bytes(8, 'w'), delimited(9, raw)]);
  const body = Buffer.concat([delimited(5, fields.length + raw), fields]);
  const graph = Buffer.concat([node('MatMul'), body]);
  return Buffer.concat([number(1, 8), message(8, number(2, 17)), delimited(7, graph.length + raw), graph]);
}

describe('a folder with ONNX files', () => {
  test('is a model with its inputs and outputs', () => {
    const { profile, problems } = read({ 'model.onnx': writeOnnx() })!;
    expect(problems).toEqual([]);
    expect(profile).toMatchObject({
      kind: 'unknown',
      parameters: 32,
      weightBytes: 128,
      weightBytesByType: { float32: 128 },
      forms: [
        {
          kind: 'onnx',
          files: ['model.onnx'],
          codeFiles: [],
          detail: 'opset 17',
          inputs: [{ name: 'x', type: 'float32', shape: ['batch', 4] }],
          outputs: [{ name: 'y', type: 'float32', shape: ['batch', 8] }],
        },
      ],
    });
    expect(profile?.notes[0]).toBe('It takes "x" (float32, batch x 4), and answers with "y" (float32, batch x 8).');
    expect(analyzeCandidate(folderOf({ 'model.onnx': writeOnnx() }), false)).toMatchObject({ whole: true, missing: [] });
  });

  const ids = value(11, 'input_ids', 7, ['batch', 'sequence']);
  test.each<[string, readonly Buffer[], readonly Buffer[], string]>([
    ['an encoder of texts', [ids], [value(12, 'last_hidden_state', 1, ['b', 's', 384])], 'embedding'],
    ['a language model', [ids], [value(12, 'logits', 1, ['b', 's', 32000])], 'completion'],
    ['a classifier', [ids], [value(12, 'logits', 1, ['b', 3])], 'classifier'],
    ['a cross-encoder', [ids], [value(12, 'logits', 1, ['b', 1])], 'reranker'],
    ['an image model', [value(11, 'images', 1, ['b', 3, 640, 640])], [value(12, 'boxes', 1, ['b', 84, 8400])], 'vision'],
    [
      'a vision-language model',
      [ids, value(11, 'pixel_values', 1, ['b', 3, 224, 224])],
      [value(12, 'logits', 1, ['b', 's', 9])],
      'vision-language',
    ],
    ['a speech model', [value(11, 'input_features', 1, ['b', 80, 3000])], [value(12, 'logits', 1, ['b', 's', 9])], 'speech'],
  ])('%s is told by its inputs and outputs', (_what, inputs, outputs, kind) => {
    expect(read({ 'model.onnx': writeOnnx({ inputs, outputs }) })?.profile?.kind).toBe(kind);
  });

  test('weights in a second file have to be there and long enough', () => {
    const model = external('model.onnx_data', 64);
    expect(read({ 'onnx/model.onnx': model, 'onnx/model.onnx_data': Buffer.alloc(192) })).toMatchObject({
      problems: [],
      profile: { weightBytes: 128, forms: [{ files: ['onnx/model.onnx', 'onnx/model.onnx_data'] }] },
    });
    const short = read({ 'model.onnx': model, 'model.onnx_data': Buffer.alloc(100) })!;
    expect(short.problems).toMatchObject([{ kind: 'truncated', file: 'model.onnx_data', expectedBytes: 192 }]);
    expect(short.expected.get('model.onnx_data')).toBe(192);
    expect(read({ 'model.onnx': model })?.problems).toMatchObject([{ kind: 'missing', file: 'model.onnx_data', expectedBytes: 192 }]);
  });

  test.each(['../weights', '/etc/passwd', 'a/../../b', 'C:\\weights', '..\\weights', 'a\u0000b'])('weights at %j are refused', (name) => {
    expect(read({ 'model.onnx': external(name), [name]: Buffer.alloc(4096) })?.problems[0]).toMatchObject({ kind: 'damaged' });
  });

  test('custom operators have to be trusted', () => {
    const { profile } = read({ 'model.onnx': writeOnnx({ nodes: [node('Decode', 'ai.onnx.contrib')] }) })!;
    expect(profile?.forms[0]?.codeFiles).toEqual(['model.onnx']);
    expect(profile?.notes.join()).toContain('"ai.onnx.contrib"');
  });

  test('of several precisions the plain one is used, and what another lacks blocks nothing', () => {
    const found = read({
      'onnx/model.onnx': writeOnnx(),
      'onnx/model_q4f16.onnx': external('gone'),
      'onnx/model_quantized.onnx': writeOnnx(),
    })!;
    expect(found.problems).toEqual([]);
    expect(found.profile?.forms[0]?.files).toEqual(['onnx/model.onnx']);
    expect(found.profile?.notes.slice(1)).toEqual([
      'Also in the folder, and not used: onnx/model_q4f16.onnx (the same in another precision; not complete: onnx/gone: not there yet).',
      'Also in the folder, and not used: onnx/model_quantized.onnx (the same in another precision).',
    ]);
  });

  test('encoder and decoder are one model, the merged decoder in place of the other two', () => {
    const one = writeOnnx();
    const names = ['encoder_model.onnx', 'decoder_model.onnx', 'decoder_with_past_model.onnx', 'decoder_model_merged.onnx'];
    const found = read(Object.fromEntries([...names, 'encoder_model_fp16.onnx'].map((name) => [name, one])))!;
    expect(found.profile?.forms[0]?.files).toEqual(['encoder_model.onnx', 'decoder_model_merged.onnx']);
    expect(found.profile?.weightBytes).toBe(256);
  });

  test('a copy on its way, a preallocated file and a damaged one are told apart', () => {
    const whole = writeOnnx();
    expect(read({ 'a.onnx': whole.subarray(0, 60) })?.problems).toMatchObject([{ kind: 'truncated', expectedBytes: whole.length - 4 }]);
    expect(read({ 'a.onnx': Buffer.alloc(900) })?.problems).toMatchObject([{ kind: 'truncated', expectedBytes: null }]);
    expect(read({ 'a.onnx': Buffer.from('hello, this is no model') })?.problems).toMatchObject([{ kind: 'damaged' }]);
    const beside = read({ 'a.onnx': Buffer.from('hello, this is no model'), 'b.onnx': whole })!;
    expect(beside).toMatchObject({ problems: [], profile: { forms: [{ files: ['b.onnx'] }] } });
  });
});
