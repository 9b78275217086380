import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../main/core/analyzer/bytes.ts';
import { readOpenVinoXml } from '../../../main/core/analyzer/openvino.ts';
import { readOpenVinoPairs } from '../../../main/core/analyzer/openvino-folder.ts';
import { readTensorRtFiles, readTensorRtPlan } from '../../../main/core/analyzer/tensorrt.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { counted } from './synthetic-gguf.ts';
import { openVinoXml, tensorRtPlan } from './synthetic-plans.ts';

function fault(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.fault;
  }
}

describe('a TensorRT engine', () => {
  const read = (contents: Contents) => readTensorRtFiles(folderOf(contents));

  test('is code, and says what it needs', () => {
    const { profile, problems } = read({ 'model.plan': tensorRtPlan(0x61, 100) })!;
    expect(problems).toEqual([]);
    expect(profile).toMatchObject({
      weightBytes: 124,
      forms: [{ kind: 'tensorrt', files: ['model.plan'], codeFiles: ['model.plan'] }],
      notes: [expect.stringContaining('only with the version of TensorRT')],
    });
  });

  test('tells its length in the versions that are known, and in others is believed as it lies', () => {
    for (const version of [0, 0x2b, 0x57, 0x61]) {
      const short = tensorRtPlan(version, 100).subarray(0, 90);
      expect(read({ 'a.engine': short })?.problems, `${version}`).toMatchObject([{ kind: 'truncated', expectedBytes: 124 }]);
    }
    expect(readTensorRtPlan(counted(tensorRtPlan(0xee, 100)))).toEqual({ formatVersion: 0xee, fileBytes: null });
    expect(read({ 'a.engine': tensorRtPlan(0xee, 100).subarray(0, 90) })?.problems).toEqual([]);
  });

  test('may have a description before it', () => {
    const text = Buffer.from('{"task": "detect"}');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    const wrapped = Buffer.concat([length, text, tensorRtPlan(0x61, 100)]);
    expect(readTensorRtPlan(counted(wrapped))).toEqual({ formatVersion: 0x61, fileBytes: wrapped.length });
  });

  test('of another make is damaged, a preallocated one on its way', () => {
    expect(read({ 'a.engine': 'some other engine, not of TensorRT' })?.problems).toMatchObject([{ kind: 'damaged' }]);
    expect(read({ 'a.engine': Buffer.alloc(500) })?.problems).toMatchObject([{ kind: 'truncated', expectedBytes: null }]);
    expect(read({ 'a.engine': tensorRtPlan(0x61, 100).subarray(0, 10) })?.problems).toMatchObject([{ kind: 'truncated' }]);
  });
});

describe('an OpenVINO pair', () => {
  const read = (contents: Contents) => readOpenVinoPairs(folderOf(contents));

  test('tells version, inputs, weights and how long the .bin must be', () => {
    expect(readOpenVinoXml(counted(Buffer.from(openVinoXml())))).toEqual({
      name: 'net > 1',
      version: 11,
      inputs: [{ name: 'x', type: 'f32', shape: [-1, 3, 8, 8] }],
      outputs: ['y'],
      layers: 4,
      weightBytes: new Map([
        ['f32', 128],
        ['i64', 8],
      ]),
      parameters: 33,
      weightsEnd: 136,
      customSets: [],
    });
    const { profile, problems } = read({ 'model.xml': openVinoXml(), 'model.bin': Buffer.alloc(136) })!;
    expect(problems).toEqual([]);
    expect(profile).toMatchObject({
      name: 'net > 1',
      parameters: 33,
      weightBytesByType: { f32: 128, i64: 8 },
      forms: [{ kind: 'openvino', files: ['model.xml', 'model.bin'], codeFiles: [], detail: 'OpenVINO IR version 11' }],
    });
  });

  test('needs its .bin, long enough', () => {
    expect(read({ 'model.xml': openVinoXml() })).toMatchObject({ problems: [{ kind: 'missing', file: 'model.bin' }], hasWeights: false });
    expect(read({ 'model.xml': openVinoXml(), 'model.bin': Buffer.alloc(100) })?.problems).toMatchObject([
      { kind: 'truncated', file: 'model.bin', expectedBytes: 136 },
    ]);
  });

  test('whose operators come from elsewhere has to be trusted', () => {
    const { profile } = read({ 'openvino_tokenizer.xml': openVinoXml({ set: 'extension' }), 'openvino_tokenizer.bin': Buffer.alloc(136) })!;
    expect(profile?.forms[0]?.codeFiles).toEqual(['openvino_tokenizer.xml']);
  });

  test('other XML is nobody’s business', () => {
    expect(read({ 'pom.xml': '<?xml version="1.0"?><project></project>' })).toBeNull();
  });

  test('every cut of it is truncated', () => {
    const whole = Buffer.from(openVinoXml()).subarray(0, -1);
    for (let length = 0; length < whole.length; length += 7) {
      expect(
        fault(() => readOpenVinoXml(counted(whole.subarray(0, length)))),
        `${length}`,
      ).toBe('truncated');
    }
  });

  test.each([
    ['a document type', '<!DOCTYPE lolz [<!ENTITY lol "lol">]><net version="11">&lol;</net>'],
    ['a tag without end', `<net version="11"><layer name="${'x'.repeat(400_000)}`],
    ['a constant that lies nowhere', '<net version="11"><layer type="Const"><data offset="x" size="4"/></layer></net>'],
    [
      'a constant beyond any file',
      '<net version="11"><layer type="Const"><data offset="99999999999999" size="999999999999999"/></layer></net>',
    ],
    ['more tags than can be', `<net version="11">${'<a>'.repeat(2_100_000)}`],
    ['more attributes than can be', `<net version="11"><layer ${Array.from({ length: 100 }, (_, index) => `a${index}="b"`).join(' ')}/>`],
    ['another root', '<model version="11"></model>'],
  ])('%s is damaged', (_what, text) => {
    expect(fault(() => readOpenVinoXml(counted(Buffer.from(text))))).toBe('damaged');
  });

  test('a long file is read once, in windows', () => {
    const source = counted(Buffer.from(openVinoXml({ layers: 20_000 })));
    expect(readOpenVinoXml(source).layers).toBe(20_004);
    expect(source.bytesRead).toBe(source.bytes);
    expect(source.reads).toBeGreaterThan(10);
  });
});
