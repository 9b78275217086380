import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FormatError } from '../../../main/core/analyzer/bytes.ts';
import { parseGguf } from '../../../main/core/analyzer/gguf.ts';
import { tinyModel } from '../../../main/embedded/gguf/tiny-model.ts';
import { counted, llama, type Meta, type SyntheticTensor, writeGguf } from './synthetic-gguf.ts';

const MUTATIONS = 2_000;

const meta: fc.Arbitrary<Meta> = fc.oneof(
  fc.record({ type: fc.constant('u32' as const), value: fc.nat() }),
  fc.record({ type: fc.constant('u64' as const), value: fc.maxSafeNat() }),
  fc.record({ type: fc.constant('bool' as const), value: fc.constantFrom(0, 1) }),
  fc.record({ type: fc.constant('string' as const), value: fc.string({ unit: 'grapheme', maxLength: 40 }) }),
  fc.record({ type: fc.constant('strings' as const), value: fc.array(fc.string(), { maxLength: 20 }) }),
  fc.record({ type: fc.constant('u32s' as const), value: fc.array(fc.nat(), { maxLength: 20 }) }),
);
const tensors: fc.Arbitrary<SyntheticTensor[]> = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(0, 1, 8)), { maxLength: 8 })
  .map((rows) =>
    rows.map(([blocks, height, type], index) => {
      const elements = blocks * 32 * height;
      const bytes = type === 0 ? elements * 4 : type === 1 ? elements * 2 : (elements / 32) * 34;
      return { name: `t.${index}`, shape: [blocks * 32, height], type, bytes };
    }),
  );

function expectedValue(value: Meta): unknown {
  if (value.type === 'strings') return { elementType: 8, count: value.value.length, numbers: null };
  if (value.type === 'u32s') return { elementType: 4, count: value.value.length, numbers: value.value };
  return value.type === 'bool' ? value.value !== 0 : value.value;
}

function fault(run: () => unknown): string {
  try {
    run();
    return 'none';
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return error.fault;
  }
}

describe('parseGguf', () => {
  test('reads back what was written', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string({ maxLength: 30 }), meta), { selector: ([key]) => key, maxLength: 12 });
    fc.assert(
      fc.property(fc.constantFrom(2, 3), fc.constantFrom(8, 32, 64), entries, tensors, (version, alignment, metadata, list) => {
        const all = [['general.alignment', { type: 'u32', value: alignment }] as const, ...metadata];
        const file = writeGguf({ version, alignment, metadata: all, tensors: list });
        const header = parseGguf(counted(file));
        expect(header.version).toBe(version);
        expect([...header.metadata]).toEqual(all.map(([key, value]) => [key, expectedValue(value as Meta)]));
        expect(header.tensors.map(({ name, shape, bytes }) => ({ name, shape, bytes }))).toEqual(
          list.map(({ name, shape, bytes }) => ({ name, shape, bytes })),
        );
        expect(header.fileBytes).toBeLessThanOrEqual(Math.max(file.length, header.dataOffset));
      }),
      { numRuns: 200 },
    );
  });

  test('reads the tiny model that llama.cpp itself loads', () => {
    for (const { bytes } of tinyModel()) {
      const header = parseGguf(counted(bytes));
      expect(header.tensors.length).toBeGreaterThan(0);
      expect(header.fileBytes).toBeLessThanOrEqual(bytes.length);
    }
  });

  test('every cut of a header is called truncated, never damaged', () => {
    const whole = writeGguf({ ...llama(), headerOnly: true });
    for (let length = 0; length < whole.length; length += 1) {
      expect(fault(() => parseGguf(counted(whole.subarray(0, length))))).toBe('truncated');
    }
    expect(fault(() => parseGguf(counted(whole)))).toBe('none');
  });

  const f32 = (name: string, shape: readonly number[], bytes: number): SyntheticTensor => ({ name, shape, type: 0, bytes });
  test.each([
    ['no magic', Buffer.from('not a model, really, and long enough')],
    ['version 1', writeGguf({ ...llama(), version: 1 })],
    ['version 4', writeGguf({ ...llama(), version: 4 })],
    ['big-endian', writeGguf({ ...llama(), version: 3 * 0x1000000 })],
    ['a key twice', writeGguf({ metadata: [...llama().metadata, ['general.name', { type: 'u32', value: 1 }]], tensors: [] })],
    ['a tensor twice', writeGguf({ metadata: [], tensors: [f32('a', [8], 32), f32('a', [8], 32)] })],
    ['overlapping tensors', writeGguf({ metadata: [], tensors: [f32('a', [32], 32), f32('b', [8], 32)] })],
    ['alignment 0', writeGguf({ metadata: [['general.alignment', { type: 'u32', value: 0 }]], tensors: [] })],
    ['alignment 24', writeGguf({ metadata: [['general.alignment', { type: 'u32', value: 24 }]], tensors: [] })],
    ['an unknown tensor type', writeGguf({ metadata: [], tensors: [{ name: 'a', shape: [32], type: 99, bytes: 32 }] })],
    ['a withdrawn tensor type', writeGguf({ metadata: [], tensors: [{ name: 'a', shape: [32], type: 31, bytes: 32 }] })],
    ['rows that do not fill a block', writeGguf({ metadata: [], tensors: [{ name: 'a', shape: [33], type: 8, bytes: 34 }] })],
    ['five dimensions', writeGguf({ metadata: [], tensors: [f32('a', [1, 1, 1, 1, 1], 4)] })],
    ['more elements than can be', writeGguf({ metadata: [], tensors: [f32('a', [2 ** 40, 2 ** 40], 0)] })],
  ])('%s is damaged', (_what, file) => {
    expect(fault(() => parseGguf(counted(file)))).toBe('damaged');
  });

  test.each([
    ['the number of tensors', 8],
    ['the number of entries', 16],
  ])('a hostile value for %s is refused after one window', (_what, offset) => {
    const file = writeGguf(llama());
    file.writeBigUInt64LE(2n ** 63n, offset);
    const source = counted(file);
    expect(fault(() => parseGguf(source))).toBe('damaged');
    expect(source.reads).toBe(1);
  });

  test('arrays nested without end are refused', () => {
    const file = writeGguf({ metadata: [['deep', { type: 'strings', value: [] }]], tensors: [], headerOnly: true });
    const level = Buffer.concat([Buffer.from([9, 0, 0, 0]), Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])]);
    const deep = Buffer.concat([file.subarray(0, file.length - 12), ...new Array(100).fill(level)]);
    expect(fault(() => parseGguf(counted(deep)))).toBe('damaged');
  });

  test('a tokenizer of 150,000 tokens costs one pass over its bytes, and of its strings none is kept', () => {
    const tokens = Array.from({ length: 150_000 }, (_, index) => `token-${index}`);
    const file = writeGguf(llama({ metadata: [['tokenizer.ggml.tokens', { type: 'strings', value: tokens }]] }));
    const source = counted(file);
    const header = parseGguf(source);
    expect(header.metadata.get('tokenizer.ggml.tokens')).toEqual({ elementType: 8, count: 150_000, numbers: null });
    // At each refill of the window fewer than 8 bytes are fetched twice.
    expect(source.bytesRead).toBeLessThanOrEqual(file.length + 65_536);
  });

  test(`${MUTATIONS} mutations of a real header: an answer or a FormatError, in bounded work`, () => {
    const original = writeGguf({ ...llama(), headerOnly: true });
    const mutation = fc.array(
      fc.record({
        at: fc.nat(original.length - 1),
        value: fc.oneof(fc.constantFrom(0, 1, 8, 9, 0x7f, 0x80, 0xff), fc.nat(255)),
        length: fc.constantFrom(1, 1, 4, 8),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(mutation, fc.option(fc.nat(original.length)), (changes, cut) => {
        const file = Buffer.from(original);
        for (const { at, value, length } of changes) file.fill(value, at, Math.min(at + length, file.length));
        const source = counted(cut === null ? file : file.subarray(0, cut));
        expect(['none', 'truncated', 'damaged']).toContain(fault(() => parseGguf(source)));
        expect(source.bytesRead).toBeLessThanOrEqual(2 * 65_536);
      }),
      { numRuns: MUTATIONS },
    );
  });
});
