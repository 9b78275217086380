import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../main/core/analyzer/bytes.ts';
import { readTorchArchive } from '../../../main/core/analyzer/torch-archive.ts';
import { readTorchFiles } from '../../../main/core/analyzer/torch-folder.ts';
import { readZip } from '../../../main/core/analyzer/zip.ts';
import { type Contents, folderOf } from './folder-of.ts';
import { counted } from './synthetic-gguf.ts';
import { checkpoint, torchScript, writeZip } from './synthetic-zip.ts';

function fault(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.fault;
  }
}

const two = [
  { name: 'a/one', content: 'eins' },
  { name: 'a/two', content: Buffer.alloc(300, 2) },
];
const legacy = Buffer.concat([Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex'), Buffer.alloc(64, 7)]);

describe('readZip', () => {
  test.each([
    ['plain', {}],
    ['with a comment', { comment: 'x'.repeat(65_000) }],
    ['with a comment that looks like an end', { comment: 'PK\u0005\u0006 and so on, long enough to look right' }],
    ['with 64-bit fields', { zip64: true }],
  ])('%s: names, sizes and places', (_what, options) => {
    expect(readZip(counted(writeZip(two, options)))).toEqual([
      { name: 'a/one', bytes: 4, packedBytes: 4, isStored: true, offset: 0 },
      { name: 'a/two', bytes: 300, packedBytes: 300, isStored: true, offset: 39 },
    ]);
  });

  test('10,000 entries cost their directory, not their bytes', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => ({ name: `model/data/${index}`, content: Buffer.alloc(200, 1) }));
    const file = writeZip(many);
    const source = counted(file);
    expect(readZip(source)).toHaveLength(10_000);
    expect(source.bytesRead).toBeLessThan(file.length / 2);
  });

  test.each<[string, Buffer]>([
    ['entries that overlap', writeZip(two, { offsets: [0, 10] })],
    ['an entry beyond the file', writeZip(two, { offsets: [0, 2 ** 31] })],
    ['more entries than it has', writeZip(two, { entryCount: 3 })],
    ['fewer entries than it has', writeZip(two, { entryCount: 1 })],
    ['a count that cannot be', writeZip(two, { zip64: true, entryCount: 2 ** 40 })],
  ])('%s is damaged', (_what, file) => {
    expect(fault(() => readZip(counted(file)))).toBe('damaged');
  });

  test('every cut is truncated', () => {
    const whole = writeZip(two);
    for (let length = 0; length < whole.length; length += 1) {
      expect(
        fault(() => readZip(counted(whole.subarray(0, length)))),
        `${length}`,
      ).toBe('truncated');
    }
  });
});

describe('readTorchArchive', () => {
  const pt2 = [
    { name: 'm/archive_format', content: 'pt2' },
    { name: 'm/models/model.json', content: '{}' },
    { name: 'm/data/weights/weight_0', content: Buffer.alloc(64) },
  ];
  const old = [
    { name: 'serialized_exported_program.json', content: '{}' },
    { name: 'serialized_state_dict.pt', content: Buffer.alloc(80) },
  ];
  test.each<[string, Buffer, object]>([
    ['TorchScript', torchScript(), { kind: 'torchscript', weightBytes: 256, carriesCode: true }],
    ['a checkpoint', checkpoint(), { kind: 'pickle', weightBytes: 256, carriesCode: true }],
    ['an exported program', writeZip(pt2), { kind: 'torch-export', weightBytes: 64, carriesCode: false }],
    [
      'a compiled program',
      writeZip([...pt2, { name: 'm/data/aotinductor/model/x.so', content: 'ELF' }]),
      { kind: 'torch-export', carriesCode: true, what: 'a compiled PyTorch program (AOTInductor)' },
    ],
    ['an exported program as it was', writeZip(old), { kind: 'torch-export', weightBytes: 80, carriesCode: true }],
    ['an old checkpoint', legacy, { kind: 'pickle', weightBytes: null, carriesCode: true, what: 'a checkpoint of PyTorch before 1.6' }],
    ['another pickle', Buffer.from([0x80, 4, 0x95, 0, 0x2e]), { kind: 'pickle', carriesCode: true, what: 'a pickle' }],
    ['arrays', writeZip([{ name: 'a.npy', content: 'x' }]), { kind: 'other', carriesCode: false }],
    ['a zip of something else', writeZip(two), { kind: 'other', carriesCode: false }],
    ['GGML', Buffer.from('lmgg and so on'), { kind: 'other', what: 'a GGML file from before GGUF' }],
  ])('%s', (_what, file, archive) => {
    expect(readTorchArchive(counted(file))).toMatchObject(archive);
  });

  test('what is none of it is damaged', () => {
    expect(fault(() => readTorchArchive(counted(Buffer.from('hello world, this is text'))))).toBe('damaged');
  });
});

describe('a folder with PyTorch files', () => {
  const read = (contents: Contents) => readTorchFiles(folderOf(contents));

  test('lists each kind as a form, and each carries code', () => {
    const found = read({ 'model.pt': torchScript(512), 'weights.pth': checkpoint(), 'other.pt': torchScript() })!;
    expect(found.profile).toMatchObject({
      weightBytes: 512,
      forms: [
        { kind: 'torchscript', files: ['model.pt'], codeFiles: ['model.pt'] },
        { kind: 'pickle', files: ['weights.pth'], codeFiles: ['weights.pth'] },
      ],
      notes: ['Also in the folder, and not used: other.pt (a TorchScript archive).'],
    });
  });

  test('a checkpoint alone says what would help', () => {
    expect(read({ 'model.ckpt': checkpoint() })?.profile?.notes[0]).toContain('export it to TorchScript, ONNX or safetensors');
    expect(read({ 'model.bin': legacy })?.profile?.forms).toMatchObject([{ kind: 'pickle', codeFiles: ['model.bin'] }]);
  });

  test('leaves to others what is theirs', () => {
    expect(read({ 'config.json': {}, 'pytorch_model.bin': checkpoint(), 'model.pt': checkpoint() })).toBeNull();
    expect(read({ 'model.xml': '<net/>', 'model.bin': legacy })).toBeNull();
    expect(read({ 'firmware.bin': 'nothing of PyTorch' })).toBeNull();
    expect(read({ 'optimizer.pt': checkpoint() })).toBeNull();
    expect(read({ '1/model.pt': torchScript() })).toBeNull();
  });

  test('a copy on its way and a damaged one are told apart', () => {
    expect(read({ 'a.pt': torchScript().subarray(0, 400) })?.problems).toMatchObject([{ kind: 'truncated', expectedBytes: null }]);
    expect(read({ 'a.pt': Buffer.alloc(5000) })?.problems).toMatchObject([{ kind: 'truncated' }]);
    expect(read({ 'a.pt': 'hello world, this is text' })?.problems).toMatchObject([{ kind: 'damaged' }]);
    expect(read({ 'a.pt': 'hello world, this is text', 'b.pt': torchScript() })?.problems).toEqual([]);
  });
});
