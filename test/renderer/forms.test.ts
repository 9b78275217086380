/**
 * What the forms of the playground read and write: tensors from texts and pixels, answers as tables
 * and images.
 */
import { describe, expect, it } from 'vitest';
import { classesOf, rankedDocuments } from '../../renderer/pages/playground/read-answers.ts';
import { type Filled, sentInputs, shownInputs } from '../../renderer/pages/playground/tensor-inputs.ts';
import { readOutputs } from '../../renderer/pages/playground/tensor-outputs.ts';
import { imageTensor, typedTensor, zerosOf } from '../../renderer/pages/playground/tensor-values.ts';
import { imageLayout } from '../../shared/image-layout.ts';
import { givenTensors } from '../../shared/tensors.ts';

describe('the request beside the form', () => {
  const inputs = [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'image', datatype: 'FP32', shape: [1, 3, 32, 32] },
  ];
  const empty: Filled = { typed: '', isImage: false, file: null, range: 'unit' };
  const filled = (x: Partial<Filled>, image: Partial<Filled>) => (input: { readonly name: string }) => ({
    ...empty,
    isImage: input.name === 'image',
    ...(input.name === 'x' ? x : image),
  });

  it.each([
    ['both typed', { typed: '1 2' }, { isImage: false, typed: new Array(3_072).fill('0').join(' ') }],
    ['one left empty', { typed: '1 2' }, { isImage: false }],
    ['an image left out', { typed: '1 2' }, {}],
  ])('is what the form sends: %s', async (_, x, image) => {
    const shown = shownInputs(inputs, filled(x, image));
    expect(shown).toEqual({ inputs: await sentInputs(inputs, filled(x, image)), gap: undefined });
    expect(shown.inputs['x']).toEqual([[1, 2]]);
  });

  it('says what is left to put in, and what cannot be sent', async () => {
    const gap = 'Put the values of the image in place of [] at image, nested as FP32 [1, 3, 32, 32].';
    const file = new File(['x'], 'x.png');
    expect(shownInputs(inputs, filled({ typed: '1 2' }, { file }))).toEqual({ inputs: { x: [[1, 2]], image: [] }, gap });
    expect(shownInputs(inputs, filled({}, {}))).toEqual({ inputs: { image: [] }, gap });
    const wrong = filled({ typed: '1 two' }, {});
    const why = 'x: "two" is not a number.';
    expect(shownInputs(inputs, wrong)).toEqual({ inputs: {}, gap: why });
    await expect(sentInputs(inputs, wrong)).rejects.toThrow(why);
  });
});

describe('a tensor that is typed', () => {
  const typed = (datatype: string, shape: readonly number[], text: string) => typedTensor({ datatype, shape }, text);

  it('is nested as its shape is; the first open size takes what there is', () => {
    expect(typed('FP32', [-1, 2], '1, 2\n3 4.5')).toEqual({
      value: [
        [1, 2],
        [3, 4.5],
      ],
    });
    expect(typed('INT64', [-1, -1], '1 2 3')).toEqual({ value: [[1, 2, 3]] });
    expect(typed('BOOL', [2], 'true 0')).toEqual({ value: [true, false] });
    expect(typed('BYTES', [-1, 1], 'two words\nand more')).toEqual({ value: [['two words'], ['and more']] });
    expect(typed('FP32', [1, 2], ' [[7, 8]] ')).toEqual({ value: [[7, 8]] });
    expect(typed('FP32', [], '5')).toEqual({ value: 5 });
  });

  it('says what is wrong with it', () => {
    const why = (...given: Parameters<typeof typed>) => (typed(...given) as { why?: string }).why;
    expect(why('FP32', [2], '1 x')).toBe('"x" is not a number.');
    expect(why('BOOL', [1], 'maybe')).toBe('"maybe" is not true or false.');
    expect(why('FP32', [2, 2], '1')).toBe('The shape takes 4 values; there is 1.');
    expect(why('FP32', [-1, 2], '1 2 3')).toBe('The shape takes 2 values or a multiple; there are 3.');
    expect(why('FP32', [-1], '1 Infinity')).toBe('"Infinity" is not a number.');
    expect(why('INT64', [-1], '9007199254740993')).toMatch(/not a whole number that JSON can carry exactly/);
    expect(why('FP32', [2], '[1,')).toMatch(/^This is not valid JSON: /);
  });

  it('of zeros is what the model takes, whatever its shape', () => {
    for (const shape of [[4], [-1, 3], [2, -1, -1], []]) {
      const input = { name: 'x', datatype: 'FP32', shape };
      const read = typedTensor(input, zerosOf(input));
      expect(read).toHaveProperty('value');
      const given = givenTensors({ inputs: [input], outputs: [], hasBytes: false }, { x: (read as { value: unknown }).value });
      expect(given).toHaveProperty('tensors');
    }
    expect(zerosOf({ datatype: 'FP32', shape: [3, 640, 640] })).toBe('');
  });
});

describe('an image as a tensor', () => {
  it('is told by its shape, channels in front or behind', () => {
    const layout = (shape: readonly number[], datatype = 'FP32') => imageLayout({ datatype, shape });
    expect(layout([-1, 3, 224, 192])).toEqual({ channels: 3, isChannelsFirst: true, hasBatch: true, height: 224, width: 192 });
    expect(layout([-1, -1, 3], 'UINT8')).toEqual({ channels: 3, isChannelsFirst: false, hasBatch: false, height: null, width: null });
    expect([layout([2, 3, 8, 8]), layout([3, 4, 5]), layout([1, 3, 9, 9], 'BYTES'), layout([-1, 4])]).toEqual([null, null, null, null]);
  });

  it('has its pixels in the order and range that are asked for', () => {
    // A red pixel and a blue one.
    const image = { width: 2, height: 1, data: new Uint8ClampedArray([255, 0, 0, 255, 0, 0, 255, 255]) };
    const first = { channels: 3, isChannelsFirst: true, hasBatch: true };
    expect(imageTensor(image, first, 'unit')).toEqual([[[[1, 0]], [[0, 0]], [[0, 1]]]]);
    expect(imageTensor(image, { ...first, isChannelsFirst: false, hasBatch: false }, 'byte')).toEqual([
      [
        [255, 0, 0],
        [0, 0, 255],
      ],
    ]);
    expect(imageTensor(image, { ...first, channels: 1 }, 'signed')).toEqual([[[[-0.40392, -0.77255]]]]);
    // (1 - 0.485) / 0.229, torchvision's red.
    expect(imageTensor(image, { ...first, channels: 3 }, 'imagenet')).toMatchObject([
      [[[2.24891, -2.1179]], expect.anything(), expect.anything()],
    ]);
  });
});

describe('an image that the engine makes into a tensor', () => {
  it('stands in the shown request where the image belongs, and is no matter of its pixels', () => {
    const input = { name: 'x', datatype: 'FP32', shape: [-1, -1], image: true } as const;
    const shown = shownInputs([input], () => ({ typed: '', isImage: true, file: null, range: 'unit' }));
    expect(shown).toEqual({
      inputs: { x: 'data:image/jpeg;base64,...' },
      gap: 'Put the image at x: a PNG or JPEG in base64 behind the comma.',
    });
  });
});

describe('tensors of an answer', () => {
  it('are images by their shape, of bytes and of shares alike', () => {
    const plane = (value: number) => Array.from({ length: 8 }, () => new Array(8).fill(value));
    for (const scale of [1, 255]) {
      const { outputs } = readOutputs({ y: [[plane(scale), plane(0), plane(0)]] });
      const view = outputs[0]?.view;
      expect(view?.kind === 'image' && [view.picture.width, view.picture.height, ...view.picture.pixels.slice(0, 4)]).toEqual([
        8, 8, 255, 0, 0, 255,
      ]);
    }
    // A table of eight classes is no picture, a mask is one.
    expect(readOutputs({ logits: plane(1) }).outputs[0]?.view.kind).toBe('rows');
    expect(readOutputs({ mask: [plane(1)] }).outputs[0]?.view.kind).toBe('image');
  });

  it('are detections where boxes come with scores, the surest first', () => {
    const { detections, outputs } = readOutputs({
      boxes: [
        [
          [0, 0, 1, 1],
          [2, 2, 3, 3],
        ],
      ],
      scores: [[0.2, 0.9]],
      labels: [['cat', 'dog']],
      more: [1],
    });
    expect(detections?.map(({ label, score }) => [label, score])).toEqual([
      ['dog', 0.9],
      ['cat', 0.2],
    ]);
    expect(outputs.map(({ name }) => name)).toEqual(['more']);
    expect(readOutputs({ output0: [[[1, 2, 3, 4, 0.5, 7]]] }).detections).toEqual([{ box: [1, 2, 3, 4], score: 0.5, label: '7' }]);
    expect(readOutputs({ boxes: [[1, 2, 3, 4]] }).detections).toBeNull();
  });

  it('are lists, the largest of many first, and hold what is strange', () => {
    const many = Array.from({ length: 100 }, (_, at) => at);
    const [long] = readOutputs({ y: [many] }).outputs;
    expect(long?.view).toMatchObject({ kind: 'list', isCut: true, values: expect.arrayContaining([[99, 99]]) });
    for (const value of [null, [], [[]], 'text', [null, 1], 3, true]) expect(() => readOutputs({ y: value })).not.toThrow();
    expect(readOutputs({ y: ['a', 'b'] }).outputs[0]?.view).toEqual({
      kind: 'list',
      isCut: false,
      values: [
        [0, 'a'],
        [1, 'b'],
      ],
    });
  });
});

describe('answers that are passed on', () => {
  it('ranks by score, whatever the order, and refuses an answer without', () => {
    const answer = {
      results: [
        { index: 1, relevance_score: 0.1 },
        { index: 0, relevance_score: 0.7 },
      ],
    };
    expect(rankedDocuments(answer, ['a', 'b']).map(({ text }) => text)).toEqual(['a', 'b']);
    expect(rankedDocuments({ data: [{ index: 0, score: 2 }] }, ['a'])).toEqual([{ index: 0, text: 'a', score: 2 }]);
    expect(() => rankedDocuments({}, ['a'])).toThrow('The runtime answered without scores.');
  });

  it('names every class where the runtime does, and the likeliest alone where it does not', () => {
    const one = (data: unknown) => classesOf({ data: [data] })[0]?.classes;
    expect(one({ index: 0, label: 'bad', probs: [0.2, 0.8] })).toEqual([
      { label: 'bad', probability: 0.8 },
      { label: 'Class 0', probability: 0.2 },
    ]);
    expect(one({ index: 0, scores: { x: 0.1, y: 0.9 } })?.map(({ label }) => label)).toEqual(['y', 'x']);
    expect(one({ label: 'only' })).toEqual([{ label: 'only', probability: null }]);
    expect(() => classesOf({ data: [{}] })).toThrow('without classes');
  });
});
