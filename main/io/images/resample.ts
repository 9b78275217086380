/**
 * Scales 8-bit images exactly as Pillow does, because models were trained on Pillow's output, and
 * browsers and GPUs scale differently: a filter that widens with the reduction, integers with 22
 * fractional bits, rows before columns. Source: Pillow, src/libImaging/Resample.c and Geometry.c.
 * Pure.
 */

/** Bytes row by row, `channels` for each pixel. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
}

export type Filter = 'nearest' | 'bilinear' | 'bicubic';

const BITS = 22;
const HALF = 2 ** (BITS - 1);

const KERNELS: Readonly<Record<Exclude<Filter, 'nearest'>, { readonly support: number; at(distance: number): number }>> = {
  bilinear: { support: 1, at: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  bicubic: { support: 2, at: (distance) => cubic(Math.abs(distance)) },
};

/** Of Keys, with -0.5. */
function cubic(distance: number): number {
  if (distance < 1) return (1.5 * distance - 2.5) * distance * distance + 1;
  return distance < 2 ? ((-0.5 * distance + 2.5) * distance - 4) * distance + 2 : 0;
}

export function resized(pixels: Pixels, width: number, height: number, filter: Filter): Pixels {
  if (pixels.width === width && pixels.height === height) return pixels;
  if (filter === 'nearest') return nearest(pixels, width, height);
  const wide = pixels.width === width ? pixels : acrossRows(pixels, width, filter);
  return wide.height === height ? wide : downColumns(wide, height, filter);
}

function nearest(pixels: Pixels, width: number, height: number): Pixels {
  const { channels, data } = pixels;
  const made = new Uint8Array(width * height * channels);
  const columns = Array.from({ length: width }, (_, column) => Math.floor(((column + 0.5) * pixels.width) / width));
  for (let row = 0; row < height; row += 1) {
    const from = Math.floor(((row + 0.5) * pixels.height) / height) * pixels.width;
    for (let column = 0; column < width; column += 1) {
      const source = (from + (columns[column] ?? 0)) * channels;
      const target = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel += 1) made[target + channel] = data[source + channel] ?? 0;
    }
  }
  return { width, height, channels, data: made };
}

/** For one pixel of the result: where the pixels begin that it is made of, and how much of each. */
interface Weights {
  readonly start: number;
  readonly weights: Int32Array;
}

function weightsOf(from: number, to: number, filter: Exclude<Filter, 'nearest'>): readonly Weights[] {
  const { support, at } = KERNELS[filter];
  const scale = from / to;
  const width = Math.max(scale, 1);
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - support * width + 0.5));
    const end = Math.min(from, Math.trunc(centre + support * width + 0.5));
    const shares = Array.from({ length: end - start }, (_each, offset) => at((start + offset - centre + 0.5) / width));
    const sum = shares.reduce((total, share) => total + share, 0);
    const whole = shares.map((share) => {
      const value = (sum === 0 ? share : share / sum) * 2 ** BITS;
      return Math.trunc(value < 0 ? value - 0.5 : value + 0.5);
    });
    return { start, weights: Int32Array.from(whole) };
  });
}

function acrossRows({ width: from, height, channels, data }: Pixels, width: number, filter: Exclude<Filter, 'nearest'>): Pixels {
  const made = new Uint8ClampedArray(width * height * channels);
  const all = weightsOf(from, width, filter);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const { start, weights } = all[column] as Weights;
      const first = (row * from + start) * channels;
      const target = (row * width + column) * channels;
      for (let channel = 0; channel < channels; channel += 1) made[target + channel] = summed(data, first + channel, channels, weights);
    }
  }
  return { width, height, channels, data: new Uint8Array(made.buffer) };
}

function downColumns({ width, height: from, channels, data }: Pixels, height: number, filter: Exclude<Filter, 'nearest'>): Pixels {
  const made = new Uint8ClampedArray(width * height * channels);
  const stride = width * channels;
  for (const [row, { start, weights }] of weightsOf(from, height, filter).entries())
    for (let at = 0; at < stride; at += 1) made[row * stride + at] = summed(data, start * stride + at, stride, weights);
  return { width, height, channels, data: new Uint8Array(made.buffer) };
}

/** Clamped to a byte by whoever stores it. */
function summed(data: Uint8Array, first: number, step: number, weights: Int32Array): number {
  let sum = HALF;
  for (let index = 0, at = first; index < weights.length; index += 1, at += step) sum += (data[at] ?? 0) * (weights[index] ?? 0);
  return sum >> BITS;
}

/** A part of an image; what lies outside of it has the value `outside` in each channel. */
export function windowOf(pixels: Pixels, left: number, top: number, width: number, height: number, outside: number): Pixels {
  const { channels, data } = pixels;
  const made = new Uint8Array(width * height * channels).fill(outside);
  const first = Math.max(0, -left);
  const end = Math.min(width, pixels.width - left);
  for (let row = Math.max(0, -top); row < Math.min(height, pixels.height - top); row += 1) {
    if (first >= end) break;
    const source = ((row + top) * pixels.width + left + first) * channels;
    made.set(data.subarray(source, source + (end - first) * channels), (row * width + first) * channels);
  }
  return { width, height, channels, data: made };
}
