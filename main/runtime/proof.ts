/**
 * The first real answer that a model must give before it counts as ready: its kind in words, and
 * example tensors for tensor models. Pure.
 */
import { type ImageLayout, imageLayout } from '../../shared/image-layout.ts';
import type { ModelForm, ModelKind, TensorSpec } from '../../shared/profile.ts';
import { datatypeOf } from '../../shared/tensors.ts';
import type { LoadTarget } from './adapter.ts';

/** What shows that a model works, in a word: `first token`. */
export const PROOF_WORDS: Readonly<Record<LoadTarget['proof'], string>> = {
  generate: 'token',
  embed: 'embedding',
  rank: 'ranking',
  classify: 'class',
  infer: 'inference',
  none: 'answer',
};

const OF_KINDS: Partial<Record<ModelKind, LoadTarget['proof']>> = {
  embedding: 'embed',
  reranker: 'rank',
  classifier: 'classify',
  speech: 'none',
};

/** A form that names its tensors is asked with tensors, whatever its kind. */
export function proofOf(kind: ModelKind, form: ModelForm | undefined): LoadTarget['proof'] {
  return form?.inputs === undefined ? (OF_KINDS[kind] ?? 'generate') : 'infer';
}

/** More zeros than this are no small question: a model that wants them is not asked (I10). */
const MOST_VALUES = 1_000_000;

export interface InferInput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly (number | string | boolean)[];
}

/**
 * Height and width of the images that a model is tried with that takes any, in this order: those of
 * classifiers, of lines of text, of detectors. One pixel is refused by most, and has ended the
 * process of some.
 */
export const IMAGE_SIZES = [
  [224, 224],
  [48, 320],
  [512, 512],
] as const;

/** Is the size of an image chosen at run time? */
export function takesAnyImage(inputs: readonly TensorSpec[]): boolean {
  return inputs.some((input) => {
    const layout = imageLayoutOf(input);
    return layout !== null && (layout.height === null || layout.width === null);
  });
}

function imageLayoutOf({ type, shape }: TensorSpec): ImageLayout | null {
  return imageLayout({ datatype: datatypeOf(type), shape: shape.map((size) => (typeof size === 'number' && size > 0 ? size : -1)) });
}

/** The sizes of an input: of those that are open an image's are `size`, and others 1. */
function chosenShape(input: TensorSpec, [height, width]: readonly [number, number]): readonly number[] {
  const layout = imageLayoutOf(input);
  const rows = input.shape.length - (layout?.isChannelsFirst === true ? 2 : 3);
  return input.shape.map((size, at) => {
    if (typeof size === 'number' && size > 0) return size;
    if (layout === null) return 1;
    return at === rows ? height : at === rows + 1 ? width : 1;
  });
}

/**
 * Body of `POST /v2/models/NAME/infer` with the smallest tensors that the form takes: zeros, and 1
 * for each size that is chosen at run time. Null where that would still be millions of values.
 * Source: the Open Inference Protocol, version 2. @param imageSize height and width of images whose
 * size is chosen at run time.
 */
export function smallestInference(
  inputs: readonly TensorSpec[],
  imageSize: readonly [number, number] = IMAGE_SIZES[0],
): { readonly inputs: readonly InferInput[] } | null {
  const shapes = inputs.map((input) => chosenShape(input, imageSize));
  const counts = shapes.map((shape) => shape.reduce((product, size) => product * size, 1));
  if (counts.reduce((sum, count) => sum + count, 0) > MOST_VALUES) return null;
  return {
    inputs: inputs.map(({ name, type }, index) => {
      const datatype = datatypeOf(type);
      const zero = datatype === 'BYTES' ? '' : datatype === 'BOOL' ? false : 0;
      return { name, datatype, shape: shapes[index] ?? [], data: new Array<typeof zero>(counts[index] ?? 0).fill(zero) };
    }),
  };
}
