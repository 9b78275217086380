/**
 * Finds weights that do not match transformers' names and config.json. A runtime that loads by name
 * would refuse them or answer with noise, so they are reported before a load. The converter has its
 * own check. Pure.
 */

import type { CandidateFile } from './findings.ts';
import { type Config, layersOf, modelType, textPart } from './huggingface-config.ts';
import type { SafetensorsTensor } from './safetensors.ts';

/** What wrappers put in front of every name: `torch.compile`, data-parallel training. */
const WRAPPER = /^(?:_orig_mod|module)\.|(?:^|\.)_orig_mod\./;
const LAYER = /(?:^|\.)(?:layers|layer|h|blocks?)\.(\d{1,4})\./;
/** Their layers share weights, or some of them have none. */
const FEWER = /^(?:albert|zamba|deci|nemotron-nas|openelm)/;

/** Files that Python's loaders read as plain UTF-8: a mark in front of it ends them. */
const READ_BY_PYTHON = ['config.json', 'tokenizer_config.json', 'tokenizer.json', 'model.safetensors.index.json'];

/** Those of them that begin with a byte order mark, as Notepad saves them. */
export function markedJsons(top: ReadonlyMap<string, CandidateFile>): readonly string[] {
  return READ_BY_PYTHON.filter((name) => {
    const file = top.get(name);
    return file !== undefined && file.bytes > 3 && file.open().read(0, 3).join() === '239,187,191';
  });
}

/**
 * A sentence's end: why loaders refuse the folder; null where nothing speaks against it.
 * @param marked what `markedJsons` found. @param isPlain its class is known as a single stack of
 * layers, without heads of further tokens.
 */
export function whyUnloadable(
  config: Config,
  tensors: readonly SafetensorsTensor[],
  { marked, isPlain }: { readonly marked: readonly string[]; readonly isPlain: boolean },
): string | null {
  if (marked.length > 0) return `${marked.join(' and ')} begins with a byte order mark: save it as UTF-8 without one`;
  const wrapped = tensors.filter(({ name }) => WRAPPER.test(name));
  const [first] = wrapped;
  if (first !== undefined && wrapped.length * 2 > tensors.length) {
    return `the names of its weights are those of a wrapper (${first.name.slice(0, 80)}): save the model without torch.compile and parallel training`;
  }
  const decoder = textPart(config);
  const layers = layersOf(decoder);
  let held = 0;
  for (const { name } of tensors) held = Math.max(held, Number(LAYER.exec(name)?.[1] ?? -1) + 1);
  if (
    layers === null ||
    held === 0 ||
    held === layers ||
    (held > layers && !isPlain) ||
    FEWER.test(modelType(decoder)) ||
    FEWER.test(modelType(config))
  )
    return null;
  return `its weights hold ${held} layers, and config.json says ${layers}`;
}

/**
 * As DeepSpeed saves where ZeRO 3 was not told to gather the weights: matrices of no values. Null:
 * all have some.
 */
export function emptyWeights(tensors: readonly SafetensorsTensor[]): string | null {
  const empty = tensors.filter(({ name, elements }) => elements === 0 && /(?:^|\.)weight$/.test(name));
  const [first] = empty;
  if (first === undefined) return null;
  return `${empty.length} of its ${tensors.length} tensors are empty (${first.name.slice(0, 80)} is ${first.shape.join(' x ')}), as DeepSpeed ZeRO 3 saves weights that were not gathered: make them whole with zero_to_fp32.py.`;
}
