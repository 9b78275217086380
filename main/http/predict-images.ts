/**
 * Images in a request of `/predict` for a model that takes tensors: which input each one is for,
 * and the tensor that it becomes, as the settings of the model say.
 */
import type { PredictRequest } from '../../shared/api-predict.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { ImageInput } from '../../shared/settings-images.ts';
import type { ServedTensor } from '../../shared/tensors.ts';
import { type LongTexts, longText } from './json-body.ts';
import type { Asking } from './leaving.ts';

/** `data:image/...;base64,...`; a long one as its JSON in bytes, which only its reader looks at. */
export type GivenImage = string | Uint8Array;

/** Decodes images elsewhere than on this thread. */
export interface ImageReader {
  /**
   * @param asking who asks, and until when. @returns one part for each image; a clause where it
   * cannot. @throws ModeliumError.
   */
  tensor(
    question: {
      readonly images: readonly GivenImage[];
      readonly input: ImageInput;
      readonly tensor: ServedTensor;
      readonly mostRequestBytes?: number | undefined;
    },
    asking: Asking,
  ): Promise<{ readonly shape: readonly number[]; readonly parts: readonly Uint8Array[] } | { readonly problem: string }>;
}

export type ImageInputs = Readonly<Record<string, ImageInput>>;

/** A tensor of a request as bytes, little-endian. */
export interface TensorBytes {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly parts: readonly Uint8Array[];
}

const MOST_IMAGES = 64;
const START = 'data:image/';

/** Null: the value is no image, or images in a list. */
export function imagesIn(value: unknown, long: LongTexts | undefined): readonly GivenImage[] | null {
  const all = (Array.isArray(value) ? value : [value]).map((one) => (typeof one === 'string' ? (longText(one, long) ?? one) : null));
  return all.length > 0 && all.every((one) => one !== null && isImage(one)) ? (all as GivenImage[]) : null;
}

function isImage(given: GivenImage): boolean {
  const start = typeof given === 'string' ? given : Buffer.from(given.buffer, given.byteOffset + 1, START.length).toString('latin1');
  return start.slice(0, START.length).toLowerCase() === START;
}

/**
 * A model with one input for images is asked with an `input`, or with an input `image`, whatever
 * its tensor is called.
 */
export function withImageInput(request: PredictRequest, images: ImageInputs, long: LongTexts | undefined): PredictRequest {
  const [name, another] = Object.keys(images);
  if (name === undefined || another !== undefined) return request;
  const { input, inputs, labels } = request;
  if (input !== undefined && labels === undefined && imagesIn(input, long) !== null)
    return { ...request, input: undefined, inputs: { [name]: input } };
  if (inputs === undefined || !Object.hasOwn(inputs, 'image') || Object.hasOwn(inputs, name) || imagesIn(inputs['image'], long) === null)
    return request;
  const { image, ...others } = inputs;
  return { ...request, inputs: { ...others, [name]: image } };
}

/** Of those inputs that are declared as images and given as such. */
export function imagesGiven(
  inputs: Readonly<Record<string, unknown>>,
  declared: ImageInputs,
  long: LongTexts | undefined,
): ReadonlyMap<string, readonly GivenImage[]> {
  const given = new Map<string, readonly GivenImage[]>();
  for (const [name, value] of Object.entries(inputs)) {
    const images = Object.hasOwn(declared, name) ? imagesIn(value, long) : null;
    if (images !== null) given.set(name, images);
  }
  return given;
}

/** @throws ModeliumError invalid-body. */
export async function imageTensors(
  reader: ImageReader,
  given: ReadonlyMap<string, readonly GivenImage[]>,
  declared: ImageInputs,
  { tensors, mostRequestBytes }: { readonly tensors: readonly ServedTensor[]; readonly mostRequestBytes: number | undefined },
  asking: Asking,
): Promise<readonly TensorBytes[]> {
  const made: TensorBytes[] = [];
  for (const [name, images] of given) {
    const tensor = tensors.find((each) => each.name === name);
    const input = declared[name];
    if (tensor === undefined || input === undefined) continue;
    const read =
      images.length > MOST_IMAGES
        ? { problem: `at most ${MOST_IMAGES} images in one request` }
        : await reader.tensor({ images, input, tensor, mostRequestBytes }, asking);
    if ('problem' in read) throw new ModeliumError('invalid-body', `inputs.${name}: ${read.problem}.`, { param: `inputs.${name}` });
    made.push({ name, datatype: tensor.datatype, ...read });
  }
  return made;
}
