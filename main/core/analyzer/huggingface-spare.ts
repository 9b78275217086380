/**
 * Tensors that an index names and that serving does not need: heads for multi-token prediction
 * (MTP), tables that the class recomputes, an output matrix tied to the embeddings, layers beyond
 * those of config.json. Pure.
 */
import { type Config, layersOf, modelType, textPart } from './huggingface-config.ts';

const FURTHER_TOKENS = /(?:^|\.)(?:mtp\w*|nextn\w*|eh_proj|enorm|hnorm|shared_head)(?:\.|$)/;
const MADE_ANEW = /(?:inv_freq|\.attn\.(?:bias|masked_bias)|position_ids|num_batches_tracked)$/;
/** Heads of training, and pooled outputs that nobody asks for. */
const OF_TRAINING = /^(?:(?:bert|roberta|model)\.)?(?:pooler|cls)\./;
const OUTPUT = /(?:^|\.)(?:lm_head|embed_out)\.weight$/;
/** The same table for both halves of a model. */
const SHARED = /(?:encoder|decoder)\.embed_tokens\.weight$/;
const LAYER = /(?:^|\.)(?:layers|h)\.(\d{1,4})\./;
/** Their class ties output and embeddings where config.json says nothing. */
const TIED = /^(?:gemma|gpt2|smollm3|cohere|bloom|t5|mt5|umt5|bart|mbart|opt)/;

/** @param held names of the tensors that are there. */
export function isSpare(tensor: string, held: ReadonlySet<string>, config: Config): boolean {
  if (FURTHER_TOKENS.test(tensor) || MADE_ANEW.test(tensor) || OF_TRAINING.test(tensor)) return true;
  const decoder = textPart(config);
  if (OUTPUT.test(tensor)) {
    const named = decoder['tie_word_embeddings'] ?? config['tie_word_embeddings'];
    return typeof named === 'boolean' ? named : TIED.test(modelType(decoder));
  }
  if (SHARED.test(tensor)) return held.has('shared.weight') || held.has('model.shared.weight');
  const layer = LAYER.exec(tensor)?.[1];
  const layers = layersOf(decoder);
  return layer !== undefined && layers !== null && Number(layer) >= layers;
}
