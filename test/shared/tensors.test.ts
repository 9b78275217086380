/** Tensors of a request against what a model takes: each mismatch is one clear sentence. */
import { expect, test } from 'vitest';
import { describedTensors, givenTensors, isTextModel, type ServedTensors } from '../../shared/tensors.ts';

const SERVED: ServedTensors = {
  inputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'n', datatype: 'INT8', shape: [2], isOptional: true },
    { name: 'text', datatype: 'BYTES', shape: [1], isOptional: true },
    { name: 'on', datatype: 'BOOL', shape: [1], isOptional: true },
  ],
  outputs: [],
  hasBytes: true,
};

test('what fits comes in one row', () => {
  expect(
    givenTensors(SERVED, {
      x: [
        [1, 2.5],
        [3, -4],
      ],
      text: ['a'],
    }),
  ).toEqual({
    tensors: [
      { name: 'x', datatype: 'FP32', shape: [2, 2], data: [1, 2.5, 3, -4] },
      { name: 'text', datatype: 'BYTES', shape: [1], data: ['a'] },
    ],
  });
  expect(givenTensors(SERVED, { x: [] })).toHaveProperty('problems');
});

test.each<[string, Record<string, unknown>, string | null, RegExp]>([
  ['a missing one', {}, 'x', /^this input is missing\. It takes x \(FP32 \[-1, 2\]\), n/],
  ['an unknown one', { x: [[1, 2]], y: 1 }, 'y', /no input of this name/],
  ['one inherited from every object', { x: [[1, 2]], constructor: [1] }, 'constructor', /no input of this name/],
  ['too few sizes', { x: [1, 2] }, 'x', /^its shape is \[2\], and the model takes FP32 \[-1, 2\]\.$/],
  ['a wrong size', { x: [[1, 2, 3]] }, 'x', /^its shape is \[1, 3\]/],
  ['lists of several lengths', { x: [[1, 2], [3]] }, 'x', /differ in length: where 2 values were expected, there is a list of 1/],
  ['a value where a list was', { x: [[1, 2], 3] }, 'x', /there is a single value/],
  ['text for a number', { x: [['1', 2]] }, 'x', /^value 0 is "1", and a number was expected \(FP32\)\.$/],
  ['null for a number', { x: [[1, null]] }, 'x', /^value 1 is null/],
  ['a list within', { x: [[[1], 2]] }, 'x', /its shape is \[1, 2, 1\]/],
  ['a fraction', { x: [[1, 2]], n: [1, 0.5] }, 'n', /^value 1 is 0\.5, and a whole number was expected \(INT8\)\.$/],
  ['too large', { x: [[1, 2]], n: [1, 128] }, 'n', /^value 1 is 128, and INT8 here holds -128 to 127\.$/],
  ['a number for text', { x: [[1, 2]], text: [1] }, 'text', /text was expected/],
  ['a number for a truth', { x: [[1, 2]], on: [1] }, 'on', /true or false was expected/],
])('%s', (_what, inputs, name, sentence) => {
  const given = givenTensors(SERVED, inputs);
  expect('problems' in given && given.problems).toMatchObject([{ name, sentence: expect.stringMatching(sentence) }]);
});

test('deep nesting is no tensor, and ends', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level += 1) deep = [deep];
  expect(givenTensors(SERVED, { x: deep })).toHaveProperty('problems');
});

test('text in and text out is a text model; files say types in their own words', () => {
  const text = {
    inputs: [{ name: 'text_input', datatype: 'BYTES', shape: [1] }],
    outputs: [{ name: 'text_output', datatype: 'BYTES', shape: [1] }],
  };
  expect([isTextModel(text), isTextModel(SERVED)]).toEqual([true, false]);
  expect(describedTensors([{ name: 'a', type: 'float16', shape: ['N', 3, -1] }])).toEqual([
    { name: 'a', datatype: 'FP16', shape: [-1, 3, -1] },
  ]);
  expect(describedTensors([{ name: 'a', type: 'TYPE_STRING', shape: [1] }])).toMatchObject([{ datatype: 'BYTES' }]);
});
