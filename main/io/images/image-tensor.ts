/**
 * Makes the tensor that a model takes from decoded images, as the model's settings say: channels,
 * size, values, layout, in the order of torchvision's transforms. Pure.
 */
import { numberToBfloat, numberToHalf } from '../../../shared/float16.ts';
import { type ImageLayout, imageLayout } from '../../../shared/image-layout.ts';
import type { ImageInput } from '../../../shared/settings-images.ts';
import { type ServedTensor, tensorInWords } from '../../../shared/tensors.ts';
import { MIB } from '../../../shared/units.ts';
import { type Pixels, resized, windowOf } from './resample.ts';

/** What servers take in one request as a rule. */
export const USUAL_REQUEST_BYTES = 64 * MIB;
/** More than the JSON in front of a tensor needs. */
const JSON_BYTES = MIB;

/** Twice what an image may have: only strips of an image are more when they are scaled. */
const MOST_SCALED_PIXELS = 80_000_000;

const WRITERS: Readonly<Record<string, readonly [bytes: number, write: (view: DataView, at: number, value: number) => void]>> = {
  FP32: [4, (view, at, value) => view.setFloat32(at, value, true)],
  FP64: [8, (view, at, value) => view.setFloat64(at, value, true)],
  FP16: [2, (view, at, value) => view.setUint16(at, numberToHalf(value), true)],
  BF16: [2, (view, at, value) => view.setUint16(at, numberToBfloat(value), true)],
  UINT8: [1, (view, at, value) => view.setUint8(at, whole(value, 0, 255))],
  INT8: [1, (view, at, value) => view.setInt8(at, whole(value, -128, 127))],
  UINT16: [2, (view, at, value) => view.setUint16(at, whole(value, 0, 65_535), true)],
  INT16: [2, (view, at, value) => view.setInt16(at, whole(value, -32_768, 32_767), true)],
  UINT32: [4, (view, at, value) => view.setUint32(at, whole(value, 0, 2 ** 32 - 1), true)],
  INT32: [4, (view, at, value) => view.setInt32(at, whole(value, -(2 ** 31), 2 ** 31 - 1), true)],
  UINT64: [8, (view, at, value) => view.setBigUint64(at, BigInt(whole(value, 0, Number.MAX_SAFE_INTEGER)), true)],
  INT64: [8, (view, at, value) => view.setBigInt64(at, BigInt(whole(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)), true)],
};

function whole(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, Math.round(value)));
}

/**
 * Where its rows, columns and channels are, and how large it becomes. A clause: it takes no such
 * image.
 */
export function targetOf(input: ImageInput, tensor: ServedTensor, images: number): ImageLayout | string {
  const channels = input.channels === 'gray' ? 1 : 3;
  const words = `the tensor is ${tensorInWords(tensor)}`;
  const { datatype, shape } = tensor;
  if (WRITERS[datatype] === undefined || (shape.length !== 3 && shape.length !== 4)) return `no image fits into it: ${words}`;
  const hasBatch = shape.length === 4;
  const [batch = 1] = hasBatch ? shape : [1];
  if (batch !== -1 && batch !== images)
    return `${batch === 1 ? 'one image is' : `${batch} images are`} taken, and there are ${images}: ${words}`;
  const [first = 0, second = 0, third = 0] = hasBatch ? shape.slice(1) : shape;
  const isChannelsFirst =
    input.layout === undefined ? imageLayout({ datatype, shape: [first, second, third] })?.isChannelsFirst : input.layout === 'nchw';
  if (isChannelsFirst === undefined) return `its shape does not tell where the channels are: write layout (nchw or nhwc); ${words}`;
  const [height, width, depth] = isChannelsFirst ? [second, third, first] : [first, second, third];
  if (depth !== -1 && depth !== channels) return `channels is ${input.channels}, which are ${channels}, and ${words}`;
  const [ownHeight, ownWidth] = input.size ?? [height, width];
  if ((height !== -1 && ownHeight !== height) || (width !== -1 && ownWidth !== width))
    return `size is ${input.size?.join(' x ')}, and ${words}`;
  return {
    channels,
    hasBatch,
    isChannelsFirst: isChannelsFirst,
    height: ownHeight === -1 ? null : ownHeight,
    width: ownWidth === -1 ? null : ownWidth,
  };
}

/**
 * @param rgba as decoders give it. Transparency is left out, as Pillow's `convert('RGB')` leaves it
 * out.
 */
export function fitted(rgba: Pixels, input: ImageInput, { width, height }: ImageLayout): Pixels | string {
  const pixels = channelsOf(rgba, input.channels);
  const [wide, high] = [width ?? pixels.width, height ?? pixels.height];
  const tooNarrow = `${pixels.width} x ${pixels.height} pixels are too narrow for ${wide} x ${high}`;
  if (wide * pixels.height > MOST_SCALED_PIXELS) return tooNarrow;
  if (input.resize === 'stretch') return resized(pixels, wide, high, input.filter);
  if (input.resize === 'pad') {
    const share = Math.min(wide / pixels.width, high / pixels.height);
    const [innerWide, innerHigh] = [sideOf(pixels.width * share), sideOf(pixels.height * share)];
    const inner = resized(pixels, innerWide, innerHigh, input.filter);
    return windowOf(inner, -toEven((wide - innerWide) / 2), -toEven((high - innerHigh) / 2), wide, high, input.pad_value);
  }
  const [coverWide, coverHigh] = covering(pixels, wide, high, input.short_side);
  if (coverWide * Math.max(coverHigh, pixels.height) > MOST_SCALED_PIXELS) return tooNarrow;
  const cover = resized(pixels, coverWide, coverHigh, input.filter);
  return windowOf(cover, toEven((coverWide - wide) / 2), toEven((coverHigh - high) / 2), wide, high, 0);
}

/** The longer side is cut off to a whole number, as torchvision's Resize does. */
function covering(pixels: Pixels, wide: number, high: number, shortSide: number | undefined): readonly [number, number] {
  if (shortSide === undefined && wide !== high) {
    const share = Math.max(wide / pixels.width, high / pixels.height);
    return [Math.max(wide, sideOf(pixels.width * share)), Math.max(high, sideOf(pixels.height * share))];
  }
  const short = shortSide ?? wide;
  const long = Math.trunc((short * Math.max(pixels.width, pixels.height)) / Math.min(pixels.width, pixels.height));
  return pixels.width <= pixels.height ? [short, long] : [long, short];
}

const sideOf = (size: number): number => Math.max(1, toEven(size));

/** As Python rounds: halves to the even number. */
function toEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

function channelsOf({ width, height, data }: Pixels, wanted: ImageInput['channels']): Pixels {
  const count = width * height;
  const channels = wanted === 'gray' ? 1 : 3;
  const made = new Uint8Array(count * channels);
  for (let pixel = 0; pixel < count; pixel += 1) {
    const [red = 0, green = 0, blue = 0] = [data[pixel * 4], data[pixel * 4 + 1], data[pixel * 4 + 2]];
    // Pillow's convert('L'): ITU-R 601, in 16 bits behind the point.
    if (channels === 1) made[pixel] = (red * 19_595 + green * 38_470 + blue * 7_471 + 0x8000) >> 16;
    else {
      made[pixel * 3] = wanted === 'bgr' ? blue : red;
      made[pixel * 3 + 1] = green;
      made[pixel * 3 + 2] = wanted === 'bgr' ? red : blue;
    }
  }
  return { width, height, channels, data: made };
}

/** Of one image. */
export function tensorOf(
  { width, height, channels, data }: Pixels,
  input: ImageInput,
  { datatype }: ServedTensor,
  layout: ImageLayout,
): { readonly shape: readonly number[]; readonly bytes: Uint8Array } {
  const [size, write] = WRITERS[datatype] ?? [0, () => {}];
  const count = width * height * channels;
  const bytes = new Uint8Array(count * size);
  const view = new DataView(bytes.buffer);
  const values = Array.from({ length: channels }, (_, channel) => valuesOf(input, channel, datatype.includes('FP') || datatype === 'BF16'));
  for (let at = 0; at < count; at += 1) {
    const channel = at % channels;
    const place = layout.isChannelsFirst ? channel * width * height + (at - channel) / channels : at;
    write(view, place * size, values[channel]?.[data[at] ?? 0] ?? 0);
  }
  const shape = layout.isChannelsFirst ? [channels, height, width] : [height, width, channels];
  return { shape: layout.hasBatch ? [1, ...shape] : shape, bytes };
}

/** Of each of the 256 values of a byte. */
function valuesOf({ scale, mean, std }: ImageInput, channel: number, isFloat: boolean): Float64Array {
  const [least, divisor] = [mean[channel] ?? mean[0] ?? 0, std[channel] ?? std[0] ?? 1];
  const scaled = (byte: number): number => (scale === undefined ? (isFloat ? byte / 255 : byte) : byte * scale);
  return Float64Array.from({ length: 256 }, (_, byte) => (scaled(byte) - least) / divisor);
}

/** Before anything is decoded: a clause where the tensor would be larger than its server takes. */
export function tooLarge(
  { datatype }: ServedTensor,
  { channels, width, height }: ImageLayout,
  images: number,
  largest: number,
  mostRequestBytes: number,
): string | null {
  const [size] = WRITERS[datatype] ?? [1];
  const bytes = images * channels * size * (width === null || height === null ? largest : width * height);
  return bytes <= mostRequestBytes - JSON_BYTES
    ? null
    : `it would become ${Math.ceil(bytes / MIB)} MiB, and its server takes ${Math.floor(mostRequestBytes / MIB)} MiB in one request: write a smaller size`;
}
