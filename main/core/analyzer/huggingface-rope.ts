/**
 * The rotary position settings of a transformers model: base and scaling, in the spelling of
 * transformers 4 (`rope_theta`, `rope_scaling`) and 5 (`rope_parameters`, for all layers or by
 * layer kind). Pure.
 */
import { type Config, headSizeOf, headsOf, hiddenOf, part, positive, text } from './huggingface-config.ts';
import { isObject } from './json.ts';

/** `default`: not stretched. `other`: a way that is not known here. */
export type RopeType = 'default' | 'linear' | 'dynamic' | 'yarn' | 'llama3' | 'longrope' | 'other';

export interface Rope {
  readonly type: RopeType;
  /** As the files spell the type. */
  readonly named: string;
  /** Null where the files leave it to the class. */
  readonly base: number | null;
  readonly factor: number | null;
  /** Tokens of the context before it was stretched; null where the files do not tell. */
  readonly originalTokens: number | null;
  /** The share of each head that is turned, 0..1. */
  readonly partial: number;
  /** What the turned values are multiplied with, where the files say so. */
  readonly attentionFactor: number | null;
  readonly parameters: Config;
}

/** Layers of one kind: `full_attention`, `sliding_attention`. */
export type LayerKind = 'full_attention' | 'sliding_attention';

const TYPES: Readonly<Record<string, RopeType>> = {
  default: 'default',
  linear: 'linear',
  dynamic: 'dynamic',
  yarn: 'yarn',
  llama3: 'llama3',
  longrope: 'longrope',
  su: 'longrope',
};

/** The turning of all layers, or of those of one kind where they differ. */
export function ropeOf(config: Config, kind: LayerKind = 'full_attention'): Rope {
  const parameters = parametersOf(config, kind);
  const named = text(parameters, 'rope_type') ?? text(parameters, 'type') ?? 'default';
  return {
    type: TYPES[named] ?? 'other',
    named,
    base:
      figure(parameters, 'rope_theta') ??
      (kind === 'sliding_attention' ? figure(config, 'rope_local_base_freq') : figure(config, 'rope_theta')),
    factor: figure(parameters, 'factor'),
    originalTokens: positive(parameters, 'original_max_position_embeddings') ?? positive(config, 'original_max_position_embeddings'),
    partial: figure(parameters, 'partial_rotary_factor') ?? figure(config, 'partial_rotary_factor') ?? 1,
    attentionFactor: figure(parameters, 'attention_factor'),
    parameters,
  };
}

function parametersOf(config: Config, kind: LayerKind): Config {
  const scaling = part(config, 'rope_scaling');
  const parameters = part(config, 'rope_parameters');
  const byKind = parameters[kind] ?? scaling[kind];
  if (isObject(byKind)) return byKind;
  // Before transformers 5 only the layers that see everything were stretched.
  if (kind === 'sliding_attention') return {};
  return { ...scaling, ...parameters };
}

/**
 * Values of each head that are turned. Null where the configuration does not tell the width of a
 * head.
 */
export function turnedOf(config: Config, rope: Rope): number | null {
  const size = headSizeOf(config);
  if (size !== null) return Math.floor(size * rope.partial);
  const [hidden, heads] = [hiddenOf(config), headsOf(config)];
  return hidden === null || heads === null ? null : Math.floor((hidden / heads) * rope.partial);
}

/**
 * YaRN with other bounds of its ramp than the paper's, or with bounds that are not rounded:
 * llama.cpp has those of the paper built in.
 */
export function hasOwnRamp({ type, parameters }: Rope): boolean {
  const { beta_fast: fast, beta_slow: slow, truncate } = parameters;
  return type === 'yarn' && (truncate === false || (fast ?? 32) !== 32 || (slow ?? 1) !== 1);
}

/** A finite number above zero; null for anything else. */
export function figure(config: Config, key: string): number | null {
  const value = config[key];
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

/** A list of so many finite numbers; null for anything else. */
export function figures(config: Config, key: string, length: number): readonly number[] | null {
  const value = config[key];
  if (!Array.isArray(value) || value.length !== length) return null;
  return value.every((each) => typeof each === 'number' && Number.isFinite(each)) ? (value as number[]) : null;
}
