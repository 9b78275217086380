/**
 * Typed look-ups in a config.json of transformers 4 and 5, where one value can have several names.
 * A value of the wrong type counts as absent: the analyzer describes what is present and trusts
 * nothing. Pure.
 */
import { classOfType } from './huggingface-classes.ts';
import { isObject } from './json.ts';

export type Config = Readonly<Record<string, unknown>>;

/** Figures that a file may claim: more than any model has, so that loops over them end (I7). */
const MOST_LAYERS = 4096;

/** Where the language model of a model of several parts is described; the first that is there. */
const TEXT_PARTS = ['text_config', 'llm_config', 'language_config', 'language_model', 'thinker_config', 'decoder'] as const;

/**
 * The part of the configuration that describes the decoder of text; the whole where there is but
 * one.
 */
export function textPart(config: Config, depth = 0): Config {
  for (const key of TEXT_PARTS) {
    const part = config[key];
    // Some name a class or a module there: only an object that has layers, or a part that has, is a
    // configuration.
    if (isObject(part) && depth < 3 && (layersOf(part) !== null || 'model_type' in part || TEXT_PARTS.some((name) => name in part))) {
      return textPart(part, depth + 1);
    }
  }
  return config;
}

/** The first of the keys that holds a count. */
export function count(config: Config, ...keys: readonly string[]): number | null {
  for (const key of keys) {
    const value = config[key];
    if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  }
  return null;
}

/** As `count`, and zero counts as absent. */
export function positive(config: Config, ...keys: readonly string[]): number | null {
  for (const key of keys) {
    const value = count(config, key);
    if (value !== null && value > 0) return value;
  }
  return null;
}

export function text(config: Config, key: string): string | null {
  const value = config[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A list with a value for each layer; null where it is none, or longer than any model. */
export function list(config: Config, key: string): readonly unknown[] | null {
  const value = config[key];
  return Array.isArray(value) && value.length <= MOST_LAYERS ? value : null;
}

export function part(config: Config, key: string): Config {
  const value = config[key];
  return isObject(value) ? value : {};
}

export function modelType(config: Config): string {
  return text(config, 'model_type') ?? '';
}

/** The class that config.json names; null where it names none (left out, null, an empty list). */
export function namedClass(config: Config): string | null {
  const named = config['architectures'];
  const first: unknown = Array.isArray(named) ? named[0] : named;
  return typeof first === 'string' && first !== '' ? first : null;
}

/**
 * The class that it names, else the one that transformers takes for its model_type, else that type;
 * `unknown` where it has neither.
 */
export function classOf(config: Config): string {
  return namedClass(config) ?? classOfType(modelType(config)) ?? (modelType(config) || 'unknown');
}

/** Layers of the decoder, or of the only stack there is. */
export function layersOf(config: Config): number | null {
  const named = count(
    config,
    'num_hidden_layers',
    'n_layer',
    'n_layers',
    'num_layers',
    'decoder_layers',
    'num_decoder_layers',
    'num_transformer_layers',
  );
  const pattern = text(config, 'hybrid_override_pattern');
  const layers = pattern?.length ?? list(config, 'layers_block_type')?.length ?? named;
  return layers !== null && layers <= MOST_LAYERS ? layers : null;
}

export function hiddenOf(config: Config): number | null {
  return positive(config, 'hidden_size', 'n_embd', 'd_model', 'dim', 'model_dim', 'projection_dim');
}

/** Attention heads; of a list with one figure a layer the largest. */
export function headsOf(config: Config): number | null {
  const each = list(config, 'num_query_heads') ?? list(config, 'num_attention_heads');
  if (each !== null) return each.reduce<number>((most, heads) => (typeof heads === 'number' && heads > most ? heads : most), 0) || null;
  return positive(config, 'num_attention_heads', 'n_head', 'n_heads', 'num_heads', 'decoder_attention_heads');
}

/** Width of one head. */
export function headSizeOf(config: Config): number | null {
  const named = positive(config, 'head_dim', 'attention_head_dim', 'kv_channels', 'd_kv', 'hidden_size_per_head', 'head_size');
  const hidden = hiddenOf(config);
  const heads = headsOf(config);
  if (named !== null) return named;
  return hidden === null || heads === null ? null : hidden / heads;
}

/** Heads that keys and values have in each layer, as vLLM and transformers look for them. */
export function kvHeadsOf(config: Config): number | null {
  const attention = part(config, 'attn_config');
  const grouped = positive(attention, 'kv_n_heads') ?? (text(attention, 'attn_type') === 'multiquery_attention' ? 1 : null);
  if (grouped !== null) return grouped;
  // Falcon: a single head unless the newer decoder is meant; StarCoder always says multi_query.
  if (config['multi_query'] === true && config['new_decoder_architecture'] !== true) return 1;
  if (config['multi_query_attention'] === true) return positive(config, 'multi_query_group_num');
  const each = list(config, 'num_key_value_heads') ?? list(config, 'num_kv_heads');
  if (each !== null) return each.reduce<number>((most, heads) => (typeof heads === 'number' && heads > most ? heads : most), 0) || null;
  return positive(config, 'n_head_kv', 'num_kv_heads', 'num_key_value_heads', 'num_attention_groups') ?? headsOf(config);
}

export function expertsOf(config: Config): { readonly count: number; readonly used: number | null } | null {
  const ffn = part(config, 'ffn_config');
  const names = ['num_experts', 'num_local_experts', 'n_routed_experts', 'moe_num_experts', 'num_routed_experts'];
  const all = positive(config, ...names) ?? positive(ffn, 'moe_num_experts');
  if (all === null || all < 2) return null;
  const used =
    positive(config, 'num_experts_per_tok', 'num_experts_per_token', 'moe_k', 'moe_topk', 'top_k_experts') ?? positive(ffn, 'moe_top_k');
  return { count: all, used };
}
