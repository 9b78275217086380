/** Where an image's channels, rows and columns are in a tensor. Pure. */
import type { ServedTensor } from './tensors.ts';

export interface ImageLayout {
  readonly channels: number;
  readonly isChannelsFirst: boolean;
  readonly hasBatch: boolean;
  /** Null: whatever the image has. */
  readonly height: number | null;
  readonly width: number | null;
}

const SMALLEST_IMAGE = 8;

/** Null: it is no tensor that an image fits into. */
export function imageLayout({ datatype, shape }: Pick<ServedTensor, 'datatype' | 'shape'>): ImageLayout | null {
  if (!/^(?:FP|BF|U?INT)/.test(datatype) || (shape.length !== 3 && shape.length !== 4)) return null;
  const hasBatch = shape.length === 4;
  if (hasBatch && shape[0] !== 1 && shape[0] !== -1) return null;
  const [first = 0, second = 0, third = 0] = hasBatch ? shape.slice(1) : shape;
  const isSide = (size: number): boolean => size === -1 || size >= SMALLEST_IMAGE;
  const layout = (channels: number, isChannelsFirst: boolean, height: number, width: number): ImageLayout | null =>
    [1, 3, 4].includes(channels) && isSide(height) && isSide(width)
      ? { channels, isChannelsFirst, hasBatch, height: height === -1 ? null : height, width: width === -1 ? null : width }
      : null;
  return layout(first, true, second, third) ?? layout(third, false, first, second);
}
