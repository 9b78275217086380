/**
 * Images as tensors, against what Pillow and torchvision make of them
 * (test/fixtures/images/record.py), and against files made to cost more than they are.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createClock } from '../../main/io/clock.ts';
import { decoded } from '../../main/io/images/decode.ts';
import { imageHead } from '../../main/io/images/image-head.ts';
import { fitted, targetOf } from '../../main/io/images/image-tensor.ts';
import { createImages } from '../../main/io/images/images.ts';
import type { Pixels } from '../../main/io/images/resample.ts';
import { programs } from '../../main/programs.ts';
import { type ImageInput, imageInputs } from '../../shared/settings-images.ts';
import { MIB } from '../../shared/units.ts';

interface Expected {
  readonly files: Readonly<Record<string, string>>;
  readonly cases: readonly { readonly of: string; readonly input: Readonly<Record<string, unknown>>; readonly pixels: string }[];
  readonly decoded: Readonly<Record<'same' | 'near', Readonly<Record<string, string>>>>;
  readonly photo: string;
  readonly normalized: string;
}

const folder = fileURLToPath(new URL('../fixtures/images/', import.meta.url));
const expected = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as Expected;
const photo = readFileSync(`${folder}hopper.jpg`);
const fileOf = (name: string) => Buffer.from(expected.files[name] ?? '', 'base64');
const images = createImages(programs.images, programs.imageDecoders, createClock());
afterAll(() => images.close());

function inputOf(keys: Readonly<Record<string, unknown>> = {}): ImageInput {
  return imageInputs.parse({ x: keys })?.['x'] as ImageInput;
}

async function pixelsOf(bytes: Buffer): Promise<Pixels> {
  const head = imageHead(bytes);
  const pixels = typeof head === 'string' ? head : await decoded(new Uint8Array(bytes), head, programs.imageDecoders);
  if (typeof pixels === 'string') throw new Error(pixels);
  return pixels;
}

function fitInto(pixels: Pixels, keys: Readonly<Record<string, unknown>>): Pixels {
  const input = inputOf(keys);
  const channels = input.channels === 'gray' ? 1 : 3;
  const target = targetOf(input, { name: 'x', datatype: 'UINT8', shape: [-1, -1, channels] }, 1);
  const fits = typeof target === 'string' ? target : fitted(pixels, input, target);
  if (typeof fits === 'string') throw new Error(fits);
  return fits;
}

function farthest(found: Uint8Array, wanted: Uint8Array): number {
  expect(found.length).toBe(wanted.length);
  return found.reduce((most, value, at) => Math.max(most, Math.abs(value - (wanted[at] ?? 0))), 0);
}

const dataAddress = (bytes: Uint8Array, type = 'png') => `data:image/${type};base64,${Buffer.from(bytes).toString('base64')}`;

/** The scans of a JPEG repeated: each makes the decoder go over the picture again. */
function withScans(jpeg: Buffer, times: number): Buffer {
  const scan = jpeg.subarray(jpeg.indexOf(Buffer.from([0xff, 0xda])), -2);
  return Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: times }, () => scan), jpeg.subarray(-2)]);
}

/** A PNG whose header says that it is that large, with so many chunks of nothing. */
function pngThatSays(width: number, height: number, data = Buffer.alloc(10), chunks = 0): Buffer {
  const chunk = (name: string, content: Buffer) => {
    const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(content.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const empty = Array.from({ length: chunks }, () => chunk('tEXt', Buffer.alloc(0)));
  return Buffer.concat([signature, chunk('IHDR', header), ...empty, chunk('IDAT', deflateSync(data)), chunk('IEND', Buffer.alloc(0))]);
}

describe('an image is scaled as Pillow and torchvision scale it, to the same bit', () => {
  it.each(expected.cases)('$of with $input', async ({ of, input, pixels }) => {
    const found = fitInto(await pixelsOf(fileOf(of)), input);
    expect(farthest(found.data, Buffer.from(pixels, 'base64'))).toBe(0);
  });

  it('and a photograph but for the rounding of JPEG decoders', async () => {
    const found = fitInto(await pixelsOf(photo), { size: [24, 24], resize: 'crop', short_side: 30 });
    expect(farthest(found.data, Buffer.from(expected.photo, 'base64'))).toBeLessThanOrEqual(1);
  });
});

describe('a file becomes pixels as Pillow reads it', () => {
  const rgb = ({ data }: Pixels) => data.filter((_, at) => at % 4 !== 3);

  it.each(Object.entries(expected.decoded.same))('%s', async (name, pixels) => {
    expect(farthest(rgb(await pixelsOf(fileOf(name))), Buffer.from(pixels, 'base64'))).toBe(0);
  });

  it.each(Object.entries(expected.decoded.near))('%s, upright', async (name, pixels) => {
    const found = await pixelsOf(fileOf(name));
    expect([found.width, found.height]).toEqual([16, 24]);
    expect(farthest(rgb(found), Buffer.from(pixels, 'base64'))).toBeLessThanOrEqual(3);
  });
});

describe('the tensor', () => {
  const classic = { size: [20, 20], resize: 'crop', short_side: 30, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const small = dataAddress(fileOf('small'));
  const ask = (keys: Readonly<Record<string, unknown>>, datatype: string, shape: readonly number[], all: readonly string[] = [small]) =>
    tensor({ images: all, input: inputOf(keys), tensor: { name: 'x', datatype, shape } });
  const tensor = async (question: Parameters<typeof images.tensor>[0]) => {
    const made = await images.tensor(question);
    return 'problem' in made ? made : { ...made, bytes: new Uint8Array(Buffer.concat(made.parts)) };
  };

  it('has the values of torchvision in the layout of its shape, and of models.NAME.image_inputs', async () => {
    const first = await ask(classic, 'FP32', [-1, 3, 20, 20]);
    if ('problem' in first) throw new Error(first.problem);
    const wanted = Buffer.from(expected.normalized, 'base64');
    expect(first.shape).toEqual([1, 3, 20, 20]);
    const at = (bytes: Uint8Array, index: number) => new DataView(bytes.buffer, bytes.byteOffset).getFloat32(index * 4, true);
    const apart = Array.from({ length: 1200 }, (_, index) => Math.abs(at(first.bytes, index) - at(wanted, index)));
    expect(Math.max(...apart)).toBeLessThan(1e-6);
    const rowsFirst = await ask(classic, 'FP32', [20, 20, 3]);
    if ('problem' in rowsFirst) throw new Error(rowsFirst.problem);
    expect(rowsFirst.shape).toEqual([20, 20, 3]);
    expect(at(rowsFirst.bytes, 3 * 25 + 2)).toBe(at(first.bytes, 2 * 400 + 25));
    const reported = await ask({ ...classic, layout: 'nhwc', scale: 1, mean: [0], std: [2] }, 'FP32', [-1, -1, -1, -1]);
    if ('problem' in reported) throw new Error(reported.problem);
    const byte = Math.round(255 * (at(first.bytes, 2 * 400 + 25) * 0.225 + 0.406));
    expect([reported.shape, at(reported.bytes, 3 * 25 + 2)]).toEqual([[1, 20, 20, 3], byte / 2]);
  });

  it('has blue first where that is wanted, several images, and 8-bit values as they are', async () => {
    const keys = { size: [24, 17], channels: 'bgr' };
    const two = await ask(keys, 'UINT8', [-1, 24, 17, 3], [small, small]);
    if ('problem' in two) throw new Error(two.problem);
    const [wanted] = expected.cases.map(({ pixels }) => Buffer.from(pixels, 'base64'));
    expect(two.shape).toEqual([2, 24, 17, 3]);
    expect([...two.bytes.slice(0, 3)]).toEqual([...(wanted?.subarray(0, 3) ?? [])].reverse());
    expect(two.bytes.slice(0, 1224)).toEqual(two.bytes.slice(1224));
  });

  it('is refused in words where the image cannot become it', async () => {
    const problems = [
      await ask({}, 'FP32', [1, 3, 24, 24], [small, small]),
      await ask({}, 'FP32', [1, 5, 24, 24]),
      await ask({ channels: 'gray' }, 'FP32', [1, 3, 24, 24]),
      await ask({ size: [20, 20] }, 'FP32', [1, 3, 24, 24]),
      await ask({}, 'FP32', [-1, -1, -1, -1]),
      await ask({}, 'BYTES', [-1, 3, 24, 24]),
      await ask({ size: [4000, 4000] }, 'FP32', [-1, 3, -1, -1]),
      await ask({}, 'FP32', [-1, 3, -1, -1], [small, dataAddress(fileOf('tiny'))]),
    ].map((answer) => ('problem' in answer ? answer.problem : 'none'));
    expect(problems).toEqual([
      'one image is taken, and there are 2: the tensor is FP32 [1, 3, 24, 24]',
      'its shape does not tell where the channels are: write layout (nchw or nhwc); the tensor is FP32 [1, 5, 24, 24]',
      'channels is gray, which are 1, and the tensor is FP32 [1, 3, 24, 24]',
      'size is 20 x 20, and the tensor is FP32 [1, 3, 24, 24]',
      'its shape does not tell where the channels are: write layout (nchw or nhwc); the tensor is FP32 [-1, -1, -1, -1]',
      'no image fits into it: the tensor is BYTES [-1, 3, 24, 24]',
      'it would become 184 MiB, and its server takes 64 MiB in one request: write a smaller size',
      'its images are of different sizes: write size, or ask for one at a time',
    ]);
    const limited = { images: [small], input: inputOf(), tensor: { name: 'x', datatype: 'FP32', shape: [-1, 3, 300, 300] } };
    const within = (mostRequestBytes: number) => images.tensor({ ...limited, mostRequestBytes });
    // 300 x 300 x 3 x 4 = 1.03 MiB, and 1 MiB is for what stands in front of it.
    expect([await within(2 * MIB), 'shape' in (await within(3 * MIB))]).toEqual([
      { problem: 'it would become 2 MiB, and its server takes 2 MiB in one request: write a smaller size' },
      true,
    ]);
  });

  it('is not made of what is no image, damaged, or made to cost memory', async () => {
    const keys = { size: [24, 24] };
    const jpegHead = Buffer.from([0xff, 0xd8, 0xff, 0xc0, 0, 17, 8, 0xff, 0xff, 0xff, 0xff, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1]);
    const reported = async (image: string, own = {}) => {
      const answer = await ask({ ...keys, ...own }, 'FP32', [-1, 3, -1, -1], [image]);
      return 'problem' in answer ? answer.problem : 'none';
    };
    expect([
      await reported('data:image/png;base64,'),
      await reported('data:text/plain;base64,aGVsbG8='),
      await reported('data:image/svg+xml;base64,PHN2Zz4='),
      await reported(dataAddress(Buffer.from('RIFF\0\0\0\0WEBPVP8 '), 'webp')),
      await reported(dataAddress(pngThatSays(100_000, 100_000))),
      await reported(dataAddress(pngThatSays(1, 65_536))),
      await reported(dataAddress(jpegHead, 'jpeg')),
      await reported(dataAddress(pngThatSays(4_000, 4_000))),
      await reported(dataAddress(photo.subarray(0, 300), 'jpeg')),
      await reported(dataAddress(withScans(photo, 60), 'jpeg')),
      await reported(dataAddress(pngThatSays(1, 60_000, Buffer.alloc(240_000))), { size: [224, 224], resize: 'crop' }),
      await reported(dataAddress(pngThatSays(0, 5))),
      await reported(dataAddress(pngThatSays(100, 100, Buffer.alloc(2_000_000)))),
      await reported(dataAddress(pngThatSays(1, 1, Buffer.alloc(4), 60_000))),
    ]).toEqual([
      'it is no image, and PNG and JPEG are read',
      'it is no image, and PNG and JPEG are read',
      'it is no image, and PNG and JPEG are read',
      'it is a WebP, and PNG and JPEG are read',
      'it has 100000 x 100000 pixels, and 40 million are read at most: make it smaller',
      'it has 1 x 65536 pixels, and 40 million are read at most: make it smaller',
      'it has 65535 x 65535 pixels, and 40 million are read at most: make it smaller',
      'it is a damaged PNG',
      'it is a damaged JPEG',
      'it has more than 50 scans: save it again with fewer',
      '1 x 60000 pixels are too narrow for 224 x 224',
      'it has no pixels',
      'it holds far more than its pixels: save it again',
      'it has more than 50000 chunks: save it again',
    ]);
    expect(await reported(small)).toBe('none');
  });
});

describe('its settings', () => {
  it.each([
    [{ short_side: 20 }, 'short_side'],
    [{ resize: 'crop', size: [30, 20], short_side: 25 }, 'short_side'],
    [{ mean: [1, 2] }, 'mean'],
    [{ std: [1, 0, 1] }, 'std'],
    [{ channels: 'gray', mean: [1, 2, 3] }, 'mean'],
    [{ size: [5000, 20] }, 'size'],
    [{ filter: 'lanczos' }, 'filter'],
  ])('%j is refused at %s', (keys, at) => {
    const read = imageInputs.safeParse({ x: keys });
    expect(read.error?.issues[0]?.path[1]).toBe(at);
  });
});
