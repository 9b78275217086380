/** Reads files that a user chose into the form that requests need. */
import { ModeliumError } from '../../../shared/errors.ts';
import * as texts from '../../texts.ts';

/**
 * The file as `data:image/png;base64,...`. @throws what the browser throws for a file that is gone.
 */
export function dataAddress(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error(texts.files.notRead));
    reader.readAsDataURL(file);
  });
}

/**
 * The longest side of an image whose size the model leaves open: more would be a body of many
 * megabytes.
 */
const LONGEST_SIDE = 640;

interface Size {
  readonly width: number | null;
  readonly height: number | null;
}

/**
 * An image's pixels at the size that is wanted; null: its own, within bounds. @param keepsAlpha
 * else what is transparent becomes white, as paper is. @throws ModeliumError for what is no image.
 */
export async function pixelsOf(file: Blob, size: Size, keepsAlpha: boolean): Promise<ImageData> {
  const context = await drawn(file, size, LONGEST_SIDE, keepsAlpha);
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp', 'image/gif'];
/**
 * Larger ones are made smaller: models look at fewer pixels, and a request holds the whole
 * conversation.
 */
const IMAGE_BYTES = 1_000_000;
const IMAGE_SIDE = 1_536;

/** An image for a chat, as a `data:` address. @throws ModeliumError for what is no image. */
export async function imageAddress(file: Blob): Promise<string> {
  if (IMAGE_TYPES.includes(file.type) && file.size <= IMAGE_BYTES) {
    (await bitmapOf(file)).close();
    return await dataAddress(file);
  }
  const { canvas } = await drawn(file, { width: null, height: null }, IMAGE_SIDE, false);
  return await dataAddress(await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 }));
}

function bitmapOf(file: Blob): Promise<ImageBitmap> {
  return createImageBitmap(file).catch(() => {
    throw new ModeliumError('invalid-body', texts.images.notReadByBrowser);
  });
}

async function drawn(
  file: Blob,
  { width, height }: Size,
  longestSide: number,
  keepsAlpha: boolean,
): Promise<OffscreenCanvasRenderingContext2D> {
  const image = await bitmapOf(file);
  const scale = Math.min(1, longestSide / Math.max(image.width, image.height));
  const [wide, high] = [width ?? Math.max(1, Math.round(image.width * scale)), height ?? Math.max(1, Math.round(image.height * scale))];
  const context = new OffscreenCanvas(wide, high).getContext('2d');
  if (context === null) throw new ModeliumError('internal', texts.images.notDrawnByBrowser);
  if (!keepsAlpha) {
    context.fillStyle = 'white';
    context.fillRect(0, 0, wide, high);
  }
  context.drawImage(image, 0, 0, wide, high);
  image.close();
  return context;
}
