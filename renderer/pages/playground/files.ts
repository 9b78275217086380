/** Files that a person chose, as requests carry them. */
import { ModeliumError } from '../../../shared/errors.ts';

/** The file as `data:image/png;base64,...`. @throws what the browser throws for a file that is gone. */
export function dataAddress(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error ?? new Error('The file cannot be read.'));
    reader.readAsDataURL(file);
  });
}

/** The longest side of an image whose size the model leaves open: more would be a body of many megabytes. */
const LONGEST_SIDE = 640;

/** An image's pixels at the size that is wanted; null: its own, within bounds. @throws ModeliumError for what is no image. */
export async function pixelsOf(
  file: Blob,
  { width, height }: { readonly width: number | null; readonly height: number | null },
): Promise<ImageData> {
  const image = await createImageBitmap(file).catch(() => {
    throw new ModeliumError('invalid-body', 'The file is no image that this browser can read.');
  });
  const scale = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
  const [wide, high] = [width ?? Math.max(1, Math.round(image.width * scale)), height ?? Math.max(1, Math.round(image.height * scale))];
  const context = new OffscreenCanvas(wide, high).getContext('2d');
  if (context === null) throw new ModeliumError('internal', 'This browser draws no images.');
  context.drawImage(image, 0, 0, wide, high);
  image.close();
  return context.getImageData(0, 0, wide, high);
}
