/**
 * The first real answer that a model is asked for before it counts as ready: which kind it is, in
 * words, and tensors for those that take them. Pure.
 */
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
 * Body of `POST /v2/models/NAME/infer` with the smallest tensors that the form takes: zeros, and 1
 * for each size that is chosen at run time. Null where that would still be millions of values.
 * Source: the Open Inference Protocol, version 2.
 */
export function smallestInference(inputs: readonly TensorSpec[]): { readonly inputs: readonly InferInput[] } | null {
  const shapes = inputs.map(({ shape }) => shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1)));
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
