/**
 * Recognises several quantisations of one model in a folder, distinguishes them from different
 * models, and describes them as forms of one model. Pure.
 */
import type { CompanionFile, FormWeights, ModelForm, ModelProfile } from '../../../shared/profile.ts';
import type { GgufHeader } from './gguf.ts';
import { ggufProfile } from './gguf-profile.ts';
import { quantizationOf } from './part-folders.ts';
import { splitName } from './split-names.ts';

/** One GGUF, or the parts of one. */
export interface GgufSet {
  readonly paths: readonly string[];
  readonly headers: readonly GgufHeader[];
  readonly zeroTails: readonly string[];
}

/** More than anybody publishes of one model; each is weighed on every device. */
const MOST_QUANTIZATIONS = 32;
/** What a name says of how its quantisation was made, before the quantisation itself. */
const METHOD = /[-_.](?:i1|imat|imatrix|ud|gguf)$/i;

/**
 * All sets that hold the same model as this one, itself included, the largest first; none where
 * there is no other. Two fine-tunes of one base have the same architecture: the names must say the
 * same of the model too.
 * @param models sets that are whole and a model.
 */
export function quantizationsOf<Set extends GgufSet>(one: Set, models: readonly Set[]): readonly Set[] {
  const name = modelNameOf(one);
  const named = models.filter((set) => set === one || modelNameOf(set) === name);
  if (named.length < 2) return [];
  const facts = factsOf(one);
  // What ends in zeros may be on its way.
  const same = named.filter((set) => set === one || (set.zeroTails.length === 0 && factsOf(set) === facts));
  if (same.length < 2) return [];
  return same.toSorted((left, right) => bytesOf(right) - bytesOf(left)).slice(0, MOST_QUANTIZATIONS);
}

/** The profile of the largest, with a form for each. */
export function withQuantizations(profile: ModelProfile, sets: readonly GgufSet[], companions: readonly CompanionFile[]): ModelProfile {
  const profiles = sets.map(({ headers, paths }) => ({ paths, profile: ggufProfile(headers, paths, companions) }));
  const [largest] = profiles;
  if (largest === undefined) return profile;
  const forms = profiles.flatMap(({ paths, profile: own }) =>
    own.forms.map((form): ModelForm => ({ ...form, detail: labelOf(paths[0] ?? '', own), weights: weightsOf(own) })),
  );
  return { ...largest.profile, forms };
}

function weightsOf(profile: ModelProfile): FormWeights {
  const { quantization, parameters, feedForwardLength, weightBytes, weightBytesByType, layerBytes, inputBytes, outputBytes } = profile;
  return { quantization, parameters, feedForwardLength, weightBytes, weightBytesByType, layerBytes, inputBytes, outputBytes };
}

/** `Q4_K_M`, as the file or its folder is called; else the commonest type of its weights. */
function labelOf(path: string, { quantization }: ModelProfile): string {
  const folder = path.split('/').at(-2) ?? '';
  return quantizationOf(stemOf(path))?.quantization ?? quantizationOf(folder)?.quantization ?? quantization ?? 'GGUF';
}

function stemOf(path: string): string {
  return (splitName(nameOf(path))?.stem ?? nameOf(path)).replace(/\.gguf$/i, '');
}

/** What the file's name says of the model: equal for quantisations of one. */
function modelNameOf({ paths }: GgufSet): string {
  const stem = stemOf(paths[0] ?? '');
  return (quantizationOf(stem)?.stem ?? stem).replace(METHOD, '').toLowerCase();
}

/** Equal for quantisations of one model. */
function factsOf({ paths, headers }: GgufSet): string {
  const { architecture, layers, embeddingLength, heads, vocabularySize, tokenizer } = ggufProfile(headers, paths);
  return JSON.stringify([architecture, layers, embeddingLength, heads, vocabularySize, tokenizer]);
}

function bytesOf({ headers }: GgufSet): number {
  return headers.reduce((sum, { tensors }) => tensors.reduce((all, { bytes }) => all + bytes, sum), 0);
}

function nameOf(path: string): string {
  return path.split('/').at(-1) ?? path;
}
