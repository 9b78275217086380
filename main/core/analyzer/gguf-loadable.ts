/**
 * Finds GGUFs that every llama.cpp version would refuse, from their headers: parts are missing or
 * superfluous. Pure.
 */
import type { GgufHeader } from './gguf.ts';
import { GgufFacts } from './gguf-facts.ts';

/**
 * What encoders of images and sounds are called in Ollama's own files, which have them beside the
 * language model.
 */
const PROJECTOR =
  /^(?:mm\.|(?:v|a)\.(?:blk|patch_embd|position_embd|class_embd|pre_ln|post_ln|conv)|vision_tower\.|multi_modal_projector\.)/;
const LAYER = /^(?:enc\.|dec\.)?blk\.(\d{1,4})\./;
/** Some of their layers have no weights. */
const WITH_EMPTY_LAYERS = new Set(['deci']);

/**
 * @param headers of all parts of one model. @returns a sentence's end; null where nothing speaks
 * against it.
 */
export function whyUnloadable(headers: readonly GgufHeader[]): string | null {
  const [first] = headers;
  if (first === undefined) return null;
  const facts = new GgufFacts(first.metadata);
  let held = 0;
  let hasEmbeddings = false;
  for (const { name } of headers.flatMap(({ tensors }) => tensors)) {
    if (PROJECTOR.test(name)) {
      return `it has its projector in the same file (${name}), a form that only Ollama reads: get the model as a GGUF of the language model with the projector (mmproj) in a file of its own`;
    }
    held = Math.max(held, Number(LAYER.exec(name)?.[1] ?? -1) + 1);
    hasEmbeddings ||= name.startsWith('token_embd.');
  }
  // Heads of further tokens may be left out.
  const layers = (facts.own('block_count') ?? 0) - (facts.own('nextn_predict_layers') ?? 0);
  if (!hasEmbeddings) return 'it has no token embeddings (token_embd.weight): it is a part of a model';
  if (held < layers && !WITH_EMPTY_LAYERS.has(facts.architecture)) return `it holds ${held} layers, and its header says ${layers}`;
  return null;
}
