/**
 * Makes the GGUF metadata besides weights and vocabulary: sizes, positions, norms, windows,
 * pooling. Pure: config.json in, metadata out, with the names and defaults that llama.cpp v0.4.0
 * reads (`src/llama-arch.cpp`, `src/llama-model.cpp`, `src/models/*.cpp`).
 */

import { type GgufArchitecture, kvHeadsIn, POOLINGS, periodOf } from '../../core/analyzer/convertible.ts';
import {
  type Config,
  count,
  expertsOf,
  headSizeOf,
  headsOf,
  hiddenOf,
  layersOf,
  positive,
} from '../../core/analyzer/huggingface-config.ts';
import { contextOf } from '../../core/analyzer/huggingface-context.ts';
import { figure, figures, hasOwnRamp, type Rope, ropeOf, turnedOf } from '../../core/analyzer/huggingface-rope.ts';
import type { GgufValue } from '../gguf/gguf-writer.ts';
import { ConvertError } from './convert-error.ts';
import type { TargetType } from './encode.ts';
import { givenTensor, type TargetTensor } from './targets.ts';

export type Metadata = Record<string, GgufValue>;

const u32 = (value: number): GgufValue => ({ type: 'u32', value });
const f32 = (value: number): GgufValue => ({ type: 'f32', value });
const bool = (value: boolean): GgufValue => ({ type: 'bool', value });
const string = (value: string): GgufValue => ({ type: 'string', value });

/** llama.cpp's numbers of what a file mostly holds. */
const FILE_TYPES: Readonly<Record<TargetType, number>> = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 };
/** Where config.json leaves it to the class. */
const RMS_EPSILON: Partial<Record<GgufArchitecture, number>> = { phi3: 1e-5, olmo2: 1e-5 };
const LAYER_NORMS: ReadonlySet<GgufArchitecture> = new Set(['gpt2', 'bert']);
const UNTURNED: ReadonlySet<GgufArchitecture> = new Set(['gpt2', 'bert']);

export interface ModelFacts {
  readonly config: Config;
  readonly architecture: GgufArchitecture;
  readonly type: TargetType;
  /**
   * How the vectors of an embedding model become one (`mean`, `cls`, `lasttoken`); null: nobody
   * says.
   */
  readonly pooling: string | null;
  readonly vocabularySize: number;
}

/**
 * Everything but the vocabulary. @throws ConvertError where config.json leaves out what llama.cpp
 * must know.
 */
export function hyperparameters(facts: ModelFacts): Metadata {
  const { architecture, config, type } = facts;
  return {
    'general.architecture': string(architecture),
    'general.file_type': u32(FILE_TYPES[type]),
    'general.quantization_version': u32(2),
    // No `general.name`: llama.cpp guesses from it how a vocabulary is meant.
    ...prefixed(architecture, { ...sizes(facts), ...norms(architecture, config), ...poolingOf(facts), ...special(facts) }),
    ...(UNTURNED.has(architecture) ? {} : prefixed(`${architecture}.rope`, turning(config, architecture))),
  };
}

function prefixed(prefix: string, values: Metadata): Metadata {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
}

function sizes({ config, architecture, vocabularySize }: ModelFacts): Metadata {
  const [layers, hidden, heads, context] = [layersOf(config), hiddenOf(config), headsOf(config), contextOf(config)];
  if (layers === null || hidden === null || heads === null || context === null) {
    throw new ConvertError('config.json leaves out how many layers, heads or positions the model has.');
  }
  const inner = positive(config, 'intermediate_size', 'n_inner') ?? (architecture === 'gpt2' ? 4 * hidden : null);
  const experts = expertsOf(config);
  const expertWidth = positive(config, 'moe_intermediate_size');
  if (inner === null && expertWidth === null)
    throw new ConvertError('config.json does not say how wide its layers are inside (intermediate_size).');
  const size = headSizeOf(config) ?? hidden / heads;
  const shared = positive(config, 'shared_expert_intermediate_size');
  return {
    block_count: u32(layers),
    context_length: u32(context),
    embedding_length: u32(hidden),
    feed_forward_length: u32(inner ?? expertWidth ?? 0),
    vocab_size: u32(vocabularySize),
    'attention.head_count': u32(heads),
    'attention.head_count_kv': u32(kvHeadsIn(config)),
    ...(size === hidden / heads ? {} : { 'attention.key_length': u32(size), 'attention.value_length': u32(size) }),
    ...(experts === null ? {} : { expert_count: u32(experts.count), expert_used_count: u32(experts.used ?? 2) }),
    ...(experts === null || expertWidth === null ? {} : { expert_feed_forward_length: u32(expertWidth) }),
    ...(architecture === 'qwen2moe' && shared !== null ? { expert_shared_feed_forward_length: u32(shared) } : {}),
  };
}

function norms(architecture: GgufArchitecture, config: Config): Metadata {
  if (LAYER_NORMS.has(architecture)) {
    const epsilon = figure(config, 'layer_norm_epsilon') ?? figure(config, 'layer_norm_eps');
    return { 'attention.layer_norm_epsilon': f32(epsilon ?? (architecture === 'bert' ? 1e-12 : 1e-5)) };
  }
  return { 'attention.layer_norm_rms_epsilon': f32(figure(config, 'rms_norm_eps') ?? RMS_EPSILON[architecture] ?? 1e-6) };
}

/**
 * An encoder that nobody says it of has its vectors' mean, as where sentence-transformers takes
 * one.
 */
function poolingOf({ architecture, pooling }: ModelFacts): Metadata {
  const type = POOLINGS[pooling ?? (architecture === 'bert' ? 'mean' : '')];
  return type === undefined ? {} : { pooling_type: u32(type) };
}

/** What one architecture has and others have not. */
function special({ architecture, config }: ModelFacts): Metadata {
  switch (architecture) {
    case 'bert':
      return { 'attention.causal': bool(false) };
    case 'granite':
      return {
        logit_scale: f32(figure(config, 'logits_scaling') ?? 1),
        residual_scale: f32(figure(config, 'residual_multiplier') ?? 1),
        embedding_scale: f32(figure(config, 'embedding_multiplier') ?? 1),
        'attention.scale': f32(figure(config, 'attention_multiplier') ?? 1),
      };
    case 'gemma2':
      return {
        // Its class has caps where config.json does not name them, and none where it names null.
        ...cap('attn_logit_softcapping', config, 50),
        ...cap('final_logit_softcapping', config, 30),
        ...windows(config, 2, 4096),
      };
    case 'gemma3':
      return { ...cap('final_logit_softcapping', config, null), ...windows(config, 6, 4096) };
    default:
      return {};
  }
}

function cap(name: string, config: Config, usual: number | null): Metadata {
  const value = figure(config, name) ?? (name in config ? null : usual);
  return value === null ? {} : { [name]: f32(value) };
}

function windows(config: Config, usual: number, usualTokens: number): Metadata {
  const period = periodOf(config, usual) ?? usual;
  if (period === 0) return {};
  return {
    'attention.sliding_window': u32(positive(config, 'sliding_window') ?? usualTokens),
    'attention.sliding_window_pattern': u32(period),
  };
}

/** @returns keys behind `<architecture>.rope.` */
function turning(config: Config, architecture: GgufArchitecture): Metadata {
  const rope = ropeOf(config);
  const turned = turnedOf(config, rope);
  const base = rope.base ?? (architecture === 'gemma3' ? 1_000_000 : 10_000);
  return {
    ...(turned === null ? {} : { dimension_count: u32(turned) }),
    freq_base: f32(base),
    ...(architecture === 'gemma3' ? { freq_base_swa: f32(ropeOf(config, 'sliding_attention').base ?? 10_000) } : {}),
    ...stretching(config, rope),
  };
}

function stretching(config: Config, rope: Rope): Metadata {
  switch (rope.type) {
    case 'linear':
      return { 'scaling.type': string('linear'), 'scaling.factor': f32(rope.factor ?? 1) };
    case 'yarn':
      return yarn(config, rope);
    case 'longrope':
      return {
        'scaling.type': string('longrope'),
        'scaling.original_context_length': u32(rope.originalTokens ?? 0),
        'scaling.attn_factor': f32(rope.attentionFactor ?? longFactor(config, rope)),
      };
    default:
      // llama3: by factors (`rope_freqs`). dynamic: as trained, up to the trained context.
      return {};
  }
}

/** The paper's factor (LongRoPE, equation 3), as transformers takes it. */
function longFactor(config: Config, rope: Rope): number {
  const original = rope.originalTokens ?? 1;
  const scale = rope.factor ?? (positive(config, 'max_position_embeddings') ?? original) / original;
  return scale <= 1 ? 1 : Math.sqrt(1 + Math.log(scale) / Math.log(original));
}

/**
 * llama.cpp multiplies with 0.1 ln(factor) + 1 by itself; what is asked for beyond it is written as
 * a factor of that.
 */
function yarn(config: Config, rope: Rope): Metadata {
  const factor = rope.factor ?? 1;
  const asked = yarnAttention(rope);
  // Its frequencies are written one by one then (`ropeTensors`).
  if (hasOwnRamp(rope)) return { 'scaling.attn_factor': f32(asked) };
  const usual = scaleOf(factor, 1);
  return {
    'scaling.type': string('yarn'),
    'scaling.factor': f32(factor),
    'scaling.original_context_length': u32(originalOf(config, rope)),
    ...(asked === usual ? {} : { 'scaling.attn_factor': f32(asked / usual) }),
  };
}

function yarnAttention(rope: Rope): number {
  const factor = rope.factor ?? 1;
  const [all, some] = [figure(rope.parameters, 'mscale_all_dim'), figure(rope.parameters, 'mscale')];
  return rope.attentionFactor ?? (all !== null && some !== null ? scaleOf(factor, some) / scaleOf(factor, all) : scaleOf(factor, 1));
}

function originalOf(config: Config, rope: Rope): number {
  return rope.originalTokens ?? positive(config, 'max_position_embeddings') ?? 0;
}

function scaleOf(factor: number, weight: number): number {
  return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
}

/**
 * Factors of positions, where they are a table. @throws ConvertError where config.json has none
 * that fit.
 */
export function ropeTensors(config: Config): readonly TargetTensor[] {
  const rope = ropeOf(config);
  const pairs = (turnedOf(config, rope) ?? 0) / 2;
  if (rope.type === 'longrope') {
    return (['long', 'short'] as const).map((kind) => {
      const values = figures(rope.parameters, `${kind}_factor`, pairs);
      if (values === null) throw new ConvertError(`config.json has no list of ${pairs} numbers as ${kind}_factor of its longrope scaling.`);
      return givenTensor(`rope_factors_${kind}.weight`, values);
    });
  }
  if (rope.type === 'llama3') return [givenTensor('rope_freqs.weight', llama3Factors(rope, pairs))];
  return hasOwnRamp(rope) ? [givenTensor('rope_freqs.weight', yarnFactors(config, rope, pairs))] : [];
}

/**
 * By how much each frequency of Llama 3.1 is slowed: those that turn often within the original
 * context not at all, those that turn rarely by the factor, those between smoothly (as
 * `_compute_llama3_parameters` of transformers).
 */
function llama3Factors(rope: Rope, pairs: number): readonly number[] {
  const base = rope.base ?? 10_000;
  const factor = rope.factor ?? 8;
  const low = figure(rope.parameters, 'low_freq_factor') ?? 1;
  const high = figure(rope.parameters, 'high_freq_factor') ?? 4;
  const original = rope.originalTokens ?? 8192;
  return Array.from({ length: pairs }, (_, pair) => {
    const wave = 2 * Math.PI * base ** (pair / pairs);
    if (wave < original / high) return 1;
    if (wave > original / low) return factor;
    const smooth = (original / wave - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

/** Rows in front of RoBERTa's table of positions that no token has: those up to the padding's. */
export function skippedPositions(config: Config, architecture: GgufArchitecture): number {
  if (architecture !== 'bert' || !/roberta|camembert/.test(String(config['model_type'] ?? ''))) return 0;
  return (count(config, 'pad_token_id') ?? 1) + 1;
}

/**
 * By how much YaRN slows each frequency: those that turn often within the original context not at
 * all, those that turn rarely by the factor, those on the ramp between by their place (as
 * `_compute_yarn_parameters` of transformers).
 */
function yarnFactors(config: Config, rope: Rope, pairs: number): readonly number[] {
  const { parameters } = rope;
  const [base, factor, original] = [rope.base ?? 10_000, rope.factor ?? 1, originalOf(config, rope)];
  const place = (turns: number): number => (pairs * Math.log(original / (turns * 2 * Math.PI))) / Math.log(base);
  const round = parameters['truncate'] === false ? (value: number): number => value : null;
  const low = Math.max(0, (round ?? Math.floor)(place(figure(parameters, 'beta_fast') ?? 32)));
  const high = Math.min(2 * pairs - 1, (round ?? Math.ceil)(place(figure(parameters, 'beta_slow') ?? 1)));
  return Array.from({ length: pairs }, (_, pair) => {
    const slowed = Math.min(1, Math.max(0, (pair - low) / (high === low ? 0.001 : high - low)));
    return 1 / (slowed / factor + (1 - slowed));
  });
}
