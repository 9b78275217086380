/** The thread that makes tensors of images. */
import { workerData } from 'node:worker_threads';
import { answerOneByOne } from '../answer-thread.ts';
import { type Decoders, decoded } from './decode.ts';
import { imageHead } from './image-head.ts';
import { fitted, targetOf, tensorOf, tooLarge, USUAL_REQUEST_BYTES } from './image-tensor.ts';
import type { GivenImage, ImageAnswer, ImageQuestion } from './images.ts';
import { pngProblem } from './png-content.ts';

const DATA_ADDRESS = /^"?data:[a-z]+\/[a-z0-9.+-]+;base64,/i;
const LONGEST_PREFIX = 64;

function bytesIn(image: GivenImage): Uint8Array<ArrayBuffer> | string {
  const text = typeof image === 'string' ? image : Buffer.from(image.buffer, image.byteOffset, image.byteLength).toString('latin1');
  const [prefix] = DATA_ADDRESS.exec(text.slice(0, LONGEST_PREFIX)) ?? [];
  if (prefix === undefined) return 'it is not an image of the form data:image/png;base64,... or data:image/jpeg;base64,...';
  return new Uint8Array(Buffer.from(text.slice(prefix.length, prefix.startsWith('"') ? -1 : undefined), 'base64'));
}

async function answer({ image, images, input, tensor, mostRequestBytes = USUAL_REQUEST_BYTES }: ImageQuestion): Promise<ImageAnswer> {
  const layout = targetOf(input, tensor, images);
  if (typeof layout === 'string') return { problem: layout };
  const bytes = bytesIn(image);
  const head = typeof bytes === 'string' ? bytes : imageHead(bytes);
  if (typeof bytes === 'string' || typeof head === 'string') return { problem: String(head) };
  const large = tooLarge(tensor, layout, images, head.width * head.height, mostRequestBytes);
  if (large !== null) return { problem: large };
  const problem = head.format === 'png' ? await pngProblem(bytes, head) : null;
  if (problem !== null) return { problem };
  const pixels = await decoded(bytes, head, workerData as Decoders);
  if (typeof pixels === 'string') return { problem: pixels, isBroken: true };
  const fit = fitted(pixels, input, layout);
  return typeof fit === 'string' ? { problem: fit } : tensorOf(fit, input, tensor, layout);
}

answerOneByOne<ImageQuestion, ImageAnswer>(answer, (answered) => ('bytes' in answered ? [answered.bytes] : []));
