/**
 * Makes the tensors of a request from typed text or from an image's pixels, nested by their shape.
 * Pure; the engine checks whether they fit the model.
 */
import type { ImageLayout } from '../../../shared/image-layout.ts';
import type { ServedTensor } from '../../../shared/tensors.ts';
import * as texts from '../../texts.ts';

export type Nested = number | string | boolean | readonly Nested[];
/** `why` in a sentence for people. */
export type Read = { readonly value: Nested } | { readonly why: string };

/** What is typed: JSON where it begins with a bracket, else values in order; texts one a line. */
export function typedTensor({ datatype, shape }: Pick<ServedTensor, 'datatype' | 'shape'>, typed: string): Read {
  const text = typed.trim();
  if (text.startsWith('[')) {
    try {
      return { value: JSON.parse(text) as Nested };
    } catch (thrown) {
      return { why: texts.tensors.invalidJson(thrown instanceof Error ? thrown.message : String(thrown)) };
    }
  }
  if (datatype === 'BYTES') return shaped(typed.replace(/\n$/, '').split('\n'), shape);
  const words = text.split(/[\s,;]+/).filter((word) => word !== '');
  const values = words.map((word) => (datatype === 'BOOL' ? booleanOf(word) : Number(word)));
  const wrong = values.findIndex((value) => value === null || !Number.isFinite(Number(value)));
  if (wrong >= 0)
    return { why: datatype === 'BOOL' ? texts.tensors.isNotTrueOrFalse(words[wrong] ?? '') : texts.tensors.isNoNumber(words[wrong] ?? '') };
  const inexact = datatype.includes('INT') ? values.findIndex((value) => typeof value === 'number' && !Number.isSafeInteger(value)) : -1;
  if (inexact >= 0) return { why: texts.tensors.isInexact(words[inexact] ?? '', Number.MAX_SAFE_INTEGER) };
  return shaped(values as (number | boolean)[], shape);
}

function booleanOf(word: string): boolean | null {
  return word === 'true' || word === '1' ? true : word === 'false' || word === '0' ? false : null;
}

/** The last open size takes what there is, as words of one text do; those before it are 1. */
function shaped(values: readonly (number | string | boolean)[], shape: readonly number[]): Read {
  const fixed = shape.reduce((product, size) => (size === -1 ? product : product * size), 1);
  const open = shape.lastIndexOf(-1);
  if (open === -1 && values.length !== fixed) return { why: texts.tensors.shapeTakes(fixed, values.length) };
  if (open !== -1 && (values.length === 0 || values.length % fixed !== 0)) {
    return { why: texts.tensors.shapeTakesMultiple(fixed, values.length) };
  }
  const sizes = shape.map((size, at) => (size !== -1 ? size : at === open ? values.length / fixed : 1));
  return { value: nested(values, sizes) };
}

function nested(values: readonly (number | string | boolean)[], [size, ...rest]: readonly number[]): Nested {
  if (size === undefined) return values[0] ?? 0;
  if (rest.length === 0) return values;
  const step = values.length / size;
  return Array.from({ length: size }, (_, at) => nested(values.slice(at * step, (at + 1) * step), rest));
}

/** Zeros of the smallest shape that fits, as text; empty where that is more than a person edits. */
export function zerosOf({ datatype, shape }: Pick<ServedTensor, 'datatype' | 'shape'>): string {
  const count = shape.reduce((product, size) => product * Math.abs(size), 1);
  if (count > 4_096 || datatype === 'BYTES') return '';
  return new Array(count).fill(datatype === 'BOOL' ? 'false' : '0').join(' ');
}

/** How a pixel's 0 to 255 becomes a value. */
export const RANGES = ['unit', 'byte', 'signed', 'imagenet'] as const;
export type Range = (typeof RANGES)[number];
/** Means and deviations of ImageNet's images, by channel, as torchvision's models have them. */
const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

function pixelValue(pixel: number, channel: number, range: Range): number {
  if (range === 'byte') return pixel;
  const ratio = pixel / 255;
  const value =
    range === 'unit'
      ? ratio
      : range === 'signed'
        ? ratio * 2 - 1
        : (ratio - (IMAGENET.mean[channel] ?? 0.5)) / (IMAGENET.deviation[channel] ?? 0.5);
  // Five digits are more than eight bits hold, and a third of the text.
  return Math.round(value * 1e5) / 1e5;
}

/** @param pixels red, green, blue and alpha of each pixel, row by row. */
export function imageTensor(
  { width, height, data }: { readonly width: number; readonly height: number; readonly data: Uint8ClampedArray },
  { channels, isChannelsFirst, hasBatch }: Pick<ImageLayout, 'channels' | 'isChannelsFirst' | 'hasBatch'>,
  range: Range,
): Nested {
  const at = (row: number, column: number, channel: number): number => {
    const start = (row * width + column) * 4;
    const [red = 0, green = 0, blue = 0, alpha = 0] = data.subarray(start, start + 4);
    // As ITU-R BT.601 weighs the colours of a grey picture.
    const pixel = channels === 1 ? Math.round(0.299 * red + 0.587 * green + 0.114 * blue) : ([red, green, blue, alpha][channel] ?? 0);
    return pixelValue(pixel, channel, range);
  };
  const list = <Item>(length: number, make: (index: number) => Item): readonly Item[] => Array.from({ length }, (_, index) => make(index));
  const image = isChannelsFirst
    ? list(channels, (channel) => list(height, (row) => list(width, (column) => at(row, column, channel))))
    : list(height, (row) => list(width, (column) => list(channels, (channel) => at(row, column, channel))));
  return hasBatch ? [image] : image;
}
