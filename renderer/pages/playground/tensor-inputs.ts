/**
 * The values that a user gives for the inputs of a tensor model, kept while other pages are shown,
 * and the part of them that is sent. The form and the request next to it both read them here, so
 * that they agree.
 */
import { create } from 'zustand';
import { ModeliumError } from '../../../shared/errors.ts';
import { imageLayout } from '../../../shared/image-layout.ts';
import { type ServedTensor, tensorInWords } from '../../../shared/tensors.ts';
import * as texts from '../../texts.ts';
import { dataAddress, pixelsOf } from './files.ts';
import { imageTensor, type Nested, type Range, typedTensor, zerosOf } from './tensor-values.ts';

/** An input of the form: what is typed, or the image and how its pixels are taken. */
export interface Filled {
  readonly typed: string;
  readonly isImage: boolean;
  readonly file: File | null;
  readonly range: Range;
}

type Given = Readonly<Record<string, Partial<Filled> | undefined>>;
export type FilledOf = (input: ServedTensor) => Filled;

const NOTHING: Given = {};
const useGiven = create<Readonly<Record<string, Given>>>(() => ({}));

export function takesImage(input: ServedTensor): boolean {
  return input.image === true || imageLayout(input) !== null;
}

export function useFilled(modelId: string): readonly [FilledOf, (name: string, change: Partial<Filled>) => void] {
  const given = useGiven((all) => all[modelId] ?? NOTHING);
  const set = (name: string, change: Partial<Filled>): void =>
    useGiven.setState(({ [modelId]: before = NOTHING }) => ({ [modelId]: { ...before, [name]: { ...before[name], ...change } } }));
  return [(input) => ({ ...usual(input), ...given[input.name] }), set];
}

function usual(input: ServedTensor): Filled {
  return {
    typed: zerosOf(input),
    isImage: takesImage(input),
    file: null,
    range: input.datatype === 'UINT8' ? 'byte' : 'unit',
  };
}

/** Else nothing is sent for it. */
export function isGiven({ typed, isImage, file }: Filled): boolean {
  return isImage ? file !== null : typed.trim() !== '';
}

/** @throws ModeliumError for what is no tensor, and for a file that is no image. */
export async function sentInputs(inputs: readonly ServedTensor[], filledOf: FilledOf): Promise<Readonly<Record<string, Nested>>> {
  const values: Record<string, Nested> = {};
  for (const input of inputs) {
    const filled = filledOf(input);
    if (isGiven(filled)) values[input.name] = await sentValue(input, filled);
  }
  return values;
}

async function sentValue(input: ServedTensor, { typed, isImage, file, range }: Filled): Promise<Nested> {
  if (isImage && file !== null && input.image === true) return await dataAddress(file);
  const layout = imageLayout(input);
  if (isImage && layout !== null && file !== null) {
    return imageTensor(await pixelsOf(file, layout, layout.channels === 4), layout, range);
  }
  const read = typedTensor(input, typed);
  if ('why' in read) throw new ModeliumError('invalid-body', `${input.name}: ${read.why}`, { param: `inputs.${input.name}` });
  return read.value;
}

export interface ShownInputs {
  readonly inputs: Readonly<Record<string, Nested>>;
  /** What a person has to put in, or to mend, before it can be sent; undefined: nothing. */
  readonly gap: string | undefined;
}

/** The same without the values of images: those are too many to be read. */
export function shownInputs(inputs: readonly ServedTensor[], filledOf: FilledOf): ShownInputs {
  const shown: Record<string, Nested> = {};
  const gaps: string[] = [];
  const isEmpty = !inputs.some((input) => isGiven(filledOf(input)));
  for (const input of inputs) {
    const filled = filledOf(input);
    if (filled.isImage && input.image === true && (isEmpty || isGiven(filled))) {
      shown[input.name] = 'data:image/jpeg;base64,...';
      gaps.push(texts.tensors.imageGap(input.name));
    } else if (filled.isImage && (isEmpty || isGiven(filled))) {
      shown[input.name] = [];
      gaps.push(texts.tensors.valuesGap(input.name, tensorInWords(input)));
    } else if (isGiven(filled)) {
      const read = typedTensor(input, filled.typed);
      if ('why' in read) gaps.push(`${input.name}: ${read.why}`);
      else shown[input.name] = read.value;
    }
  }
  return { inputs: shown, gap: gaps.length === 0 ? undefined : gaps.join(' ') };
}
