/**
 * The longest context of a transformers model, from the many keys that state it and from the
 * scaling of its positions. Pure.
 */
import { type Config, count, modelType, part, positive, text } from './huggingface-config.ts';
import { isObject } from './json.ts';

/** The smallest of these counts, as in vLLM. */
const KEYS = [
  'max_position_embeddings',
  'n_positions',
  'n_ctx',
  'max_seq_len',
  'seq_length',
  'model_max_length',
  'max_target_positions',
  'max_sequence_length',
  'max_seq_length',
  'seq_len',
  'context_length',
];
/** Kinds of stretching whose `max_position_embeddings` is the stretched one already. */
const STRETCHED = new Set(['su', 'longrope', 'llama3', 'mrope', 'default', 'proportional']);
/** Their first positions stand for padding, so that fewer are left for tokens. */
const OFFSET_POSITIONS =
  /^(?:roberta|xlm-roberta|xlm-roberta-xl|camembert|mpnet|roberta-prelayernorm|data2vec-text|luke|longformer|mpnet)$/;

/** In tokens; null where the configuration sets no limit, as for Mamba. */
export function contextOf(config: Config): number | null {
  const own = positive(config, 'model_max_length');
  // Cohere means what it says there; its positions are those of training.
  if (own !== null && modelType(config).startsWith('cohere')) return own;
  const named = KEYS.map((key) => positive(config, key)).filter((value) => value !== null);
  if (named.length === 0) return null;
  const least = Math.min(...named);
  if (OFFSET_POSITIONS.test(modelType(config))) return least - (count(config, 'pad_token_id') ?? 1) - 1;
  return Math.floor(stretched(config, least));
}

function stretched(config: Config, tokens: number): number {
  // Gemma 3 names the stretched length.
  if (modelType(config).startsWith('gemma3')) return tokens;
  for (const scaling of scalings(config)) {
    const type = text(scaling, 'rope_type') ?? text(scaling, 'type') ?? 'default';
    const factor = scaling['factor'];
    if (STRETCHED.has(type) || typeof factor !== 'number' || !(factor >= 1 && factor <= 65_536)) continue;
    // YaRN's factor applies to the length before it.
    return (type === 'yarn' ? (positive(scaling, 'original_max_position_embeddings') ?? tokens) : tokens) * factor;
  }
  return tokens;
}

/** `rope_scaling` of transformers 4; `rope_parameters` of 5, for all layers or by their kind. */
function scalings(config: Config): readonly Config[] {
  const own = [part(config, 'rope_scaling'), part(config, 'rope_parameters')];
  return own.flatMap((scaling) => [scaling, ...Object.values(scaling).filter(isObject)]);
}
