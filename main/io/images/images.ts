/**
 * Makes tensors of the images in requests, in a separate thread: decoding a picture takes a second,
 * and a file made to break a decoder breaks only that thread (I7, I12). Decodes one image at a
 * time; callers take turns, and images of clients that have left are not decoded.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { ImageInput } from '../../../shared/settings-images.ts';
import type { ServedTensor } from '../../../shared/tensors.ts';
import type { Clock } from '../../core/ports.ts';
import { type AskOptions, createOneByOneThread } from '../one-by-one-thread.ts';
import type { Decoders } from './decode.ts';

/** `data:image/...;base64,...`; a long one as its JSON, quotes included, in bytes. */
export type GivenImage = string | Uint8Array;

interface ImageWish {
  readonly input: ImageInput;
  readonly tensor: ServedTensor;
  /** What its server takes in one request; absent: as much as is usual. */
  readonly mostRequestBytes?: number | undefined;
}

/** One image of several. */
export interface ImageQuestion extends ImageWish {
  readonly image: GivenImage;
  readonly images: number;
}

/** Values as little-endian bytes, or a clause why there are none. */
export type ImageAnswer =
  | { readonly shape: readonly number[]; readonly bytes: Uint8Array }
  /** A decoder that failed may have left its memory in any state: `isBroken`. */
  | { readonly problem: string; readonly isBroken?: boolean };

export interface Images {
  /**
   * @returns the values of one image after another, or a clause why there are none.
   * @throws ModeliumError invalid-body where the thread breaks off, busy-with-images, cancelled.
   */
  tensor(
    question: ImageWish & { readonly images: readonly GivenImage[] },
    asking?: Pick<AskOptions, 'signal' | 'caller'>,
  ): Promise<{ readonly shape: readonly number[]; readonly parts: readonly Uint8Array[] } | { readonly problem: string }>;
  close(): Promise<void>;
}

/** The largest picture takes two seconds; one whose decoding takes longer is made to do so. */
const LONGEST_MS = 30_000;
const HEAP_MB = 512;
/** Each request has one of its images here at a time. */
const MOST_WAITING = 256;
const MOST_OF_CALLER = 32;
const RETRY_AFTER_SECONDS = 5;

/** @param program the thread's file: image-program. */
export function createImages(program: string, decoders: Decoders, clock: Clock): Images {
  const failed = (why: string) => new ModeliumError('invalid-body', `An image could not be read: ${why}.`, { param: 'inputs' });
  const isLast = (answer: ImageAnswer) => 'isBroken' in answer;
  const error = () => new ModeliumError('busy-with-images', 'Too many images wait to be read.', { retryAfterSeconds: RETRY_AFTER_SECONDS });
  const full = { most: MOST_WAITING, mostOfCaller: MOST_OF_CALLER, error };
  const options = { program, workerData: decoders, heapMb: HEAP_MB, longestMs: LONGEST_MS, failed, isLast, full };
  const thread = createOneByOneThread<ImageQuestion, ImageAnswer>(options, clock);
  return {
    async tensor({ images, ...wish }, asking) {
      const parts: Uint8Array[] = [];
      let shape: readonly number[] = [];
      for (const image of images) {
        const answer = await thread.ask({ ...wish, image, images: images.length }, asking);
        if ('problem' in answer) return { problem: answer.problem };
        if (parts.length > 0 && answer.shape.some((size, at) => size !== shape[at]))
          return { problem: 'its images are of different sizes: write size, or ask for one at a time' };
        ({ shape } = answer);
        parts.push(answer.bytes);
      }
      // Each says that it is one: together they are as many as they are.
      return { shape: wish.tensor.shape.length === 4 ? [parts.length, ...shape.slice(1)] : shape, parts };
    },
    close: () => thread.close(),
  };
}
