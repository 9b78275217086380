/**
 * What a LoRA needs besides its two matrices for each module (PEFT's LoraConfig), read from
 * adapter_config.json and from its tensor names. A runtime must support all of it, or its answers
 * are noise. Pure; each runtime says what it supports.
 */
import type { LoraForm } from '../../../shared/profile.ts';
import { isObject } from './json.ts';
import type { Json } from './json-files.ts';

type Ask = NonNullable<LoraForm['asks']>[number];

const MOST_NAMES = 4;
const MATRIX = /\.lora_(?:A|B|embedding_A|embedding_B)(?:\.|$)/;
const MAGNITUDE = /\.lora_magnitude_vector/;
/** Ways to begin that leave an ordinary LoRA behind. */
const PLAIN_INITS = new Set(['gaussian', 'eva', 'orthogonal', 'mica', 'lora_ga']);
/** Switches, with what each is called. */
const SWITCHES: readonly Ask[] = [
  { key: 'lora_bias', what: 'a bias of its own (lora_bias)' },
  { key: 'alora_invocation_tokens', what: 'activation by tokens (aLoRA)' },
  { key: 'layer_replication', what: 'layers that are there twice (layer_replication)' },
  { key: 'use_bdlora', what: 'blocks along the diagonal (BD-LoRA)' },
  { key: 'use_qalora', what: 'QALoRA' },
];

export function asksOf(config: Json, tensors: readonly { readonly name: string }[]): readonly Ask[] {
  const asks: Ask[] = [];
  if (config['use_dora'] === true || tensors.some(({ name }) => MAGNITUDE.test(name)))
    asks.push({ key: 'use_dora', what: 'DoRA (use_dora)' });
  const saved = savedModules(config, tensors);
  if (saved.length > 0)
    asks.push({ key: 'modules_to_save', what: `whole modules in place of the base's (modules_to_save: ${saved.join(', ')})` });
  for (const ask of SWITCHES) if (isSet(config[ask.key])) asks.push(ask);
  const init = config['init_lora_weights'];
  if (typeof init === 'string' && !PLAIN_INITS.has(init.toLowerCase())) {
    asks.push({ key: 'init_lora_weights', what: `a base that it has changed itself (init_lora_weights: ${init.slice(0, 40)})` });
  }
  for (const key of ['rank_pattern', 'alpha_pattern']) {
    if (isSet(config[key])) asks.push({ key, what: `${key === 'rank_pattern' ? 'ranks' : 'scales'} of single modules (${key})` });
  }
  return asks;
}

/** The largest rank of any of its modules. */
export function rankOf(config: Json): number | null {
  const pattern = isObject(config['rank_pattern']) ? Object.values(config['rank_pattern']) : [];
  const ranks = [config['r'], ...pattern].filter(
    (rank): rank is number => typeof rank === 'number' && Number.isSafeInteger(rank) && rank >= 0,
  );
  return ranks.length === 0 ? null : ranks.reduce((most, rank) => Math.max(most, rank), 0);
}

function savedModules(config: Json, tensors: readonly { readonly name: string }[]): readonly string[] {
  const named = Array.isArray(config['modules_to_save']) ? config['modules_to_save'].filter((name) => typeof name === 'string') : [];
  // Older saves leave the list out, and have the matrices.
  const whole = tensors.filter(({ name }) => !MATRIX.test(name) && !MAGNITUDE.test(name)).map(({ name }) => moduleOf(name));
  return [...new Set(named.length > 0 ? named : whole)].slice(0, MOST_NAMES).map((name) => name.slice(0, 80));
}

function moduleOf(tensor: string): string {
  return tensor.replace(/^base_model\.model\./, '').replace(/\.(?:weight|bias)$/, '');
}

function isSet(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isObject(value) ? Object.keys(value).length > 0 : value !== undefined && value !== null && value !== false && value !== 0;
}
