/**
 * What each layer of a decoder keeps in its cache: from a list or a pattern in the configuration,
 * or from the default of transformers for that model type (copied from the configuration classes of
 * transformers 5.19). Pure.
 */
import { type Config, count, layersOf, list, modelType, part, positive, text } from './huggingface-config.ts';

/**
 * `parallel`: attention and a recurrent part side by side (Falcon-H1). `none`: only a feed-forward
 * part.
 */
export type LayerKind = 'full' | 'sliding' | 'chunked' | 'recurrent' | 'parallel' | 'none';

const BY_WORD: ReadonlyMap<string, LayerKind> = new Map([
  ...['full_attention', 'attention', 'full', 'global', 'global_attention', 'nope', '*', 'A'].map((word) => [word, 'full'] as const),
  ...['sliding_attention', 'sliding', 'sliding_window', 'local', 'local_attention', 'swa', 'L'].map((word) => [word, 'sliding'] as const),
  ...['chunked_attention', 'chunked'].map((word) => [word, 'chunked'] as const),
  ...['linear_attention', 'linear', 'mamba', 'mamba2', 'recurrent', 'conv', 'kda', 'gdn', 'short_conv', 'M'].map(
    (word) => [word, 'recurrent'] as const,
  ),
  ...['hybrid', 'parallel'].map((word) => [word, 'parallel'] as const),
  ...['mlp', 'moe', 'none', '-', 'E'].map((word) => [word, 'none'] as const),
  ['G', 'full'],
]);

/** Model types all of whose layers are recurrent. */
const RECURRENT = new Set(['mamba', 'mamba2', 'falcon_mamba', 'rwkv', 'rwkv5', 'rwkv6', 'rwkv7', 'xlstm', 'codestral_mamba']);
/**
 * A window, and every so many layers one that sees everything, where the configuration leaves the
 * pattern out.
 */
const ASSUMED_PATTERN: ReadonlyMap<string, number> = new Map([
  ['gemma2', 2],
  ['gemma3', 6],
  ['gemma3_text', 6],
  ['gemma4', 6],
  ['gemma4_text', 6],
  ['cohere2', 4],
  ['olmo3', 4],
  ['exaone4', 4],
]);
/**
 * Types that have a window only where `use_sliding_window` says so; the others have it as soon as
 * they name its size.
 */
const ASKED_FOR = /^(?:qwen|ernie4_5|dots1|smollm3)/;

/**
 * One kind for each layer; null where even their number is not told. `known` is false where a word
 * of the list means nothing to us.
 */
export function layerKinds(config: Config): { readonly kinds: readonly LayerKind[]; readonly known: boolean } | null {
  const layers = layersOf(config);
  if (layers === null) return null;
  const words = wordsOf(config, layers);
  const window = windowOf(config);
  if (words !== null) {
    const kinds = words.map((word) => (typeof word === 'string' ? BY_WORD.get(word) : undefined) ?? null);
    return { kinds: kinds.map((kind) => windowed(kind ?? 'full', window, config)), known: !kinds.includes(null) };
  }
  return { kinds: Array.from({ length: layers }, (_, layer) => kindAt(config, layer, window)), known: true };
}

/** Tokens that a sliding layer sees; null where there is no window, or it is switched off. */
export function windowOf(config: Config): number | null {
  if (config['use_sliding_window'] === false) return null;
  if (ASKED_FOR.test(modelType(config)) && config['use_sliding_window'] !== true) return null;
  return positive(config, 'sliding_window', 'attention_window_size', 'sliding_window_size');
}

export function chunkOf(config: Config): number | null {
  return positive(config, 'attention_chunk_size');
}

/** One word a layer: the list of layer types under its several names, or a pattern of letters. */
function wordsOf(config: Config, layers: number): readonly unknown[] | null {
  const hybrid = text(config, 'hybrid_override_pattern');
  if (hybrid !== null) return [...hybrid];
  const all = list(config, 'layer_types') ?? list(config, 'layers_block_type');
  if (all !== null && all.length >= layers) return all.slice(0, layers);
  // RecurrentGemma names one round; EXAONE a string of one.
  const pattern = text(config, 'sliding_window_pattern');
  const round = list(config, 'block_types') ?? (pattern === null ? null : [...pattern]);
  if (round === null || round.length === 0) return null;
  return Array.from({ length: layers }, (_, layer) => round[layer % round.length]);
}

function windowed(kind: LayerKind, window: number | null, config: Config): LayerKind {
  if (modelType(config) === 'recurrent_gemma' && kind === 'full') return 'sliding';
  if (kind === 'sliding' && window === null && positive(config, 'sliding_window') === null) return 'full';
  return kind;
}

function kindAt(config: Config, layer: number, window: number | null): LayerKind {
  const type = modelType(config);
  if (RECURRENT.has(type)) return 'recurrent';
  if (type === 'falcon_h1') return 'parallel';
  const recurrent = isRecurrentAt(config, layer);
  if (recurrent !== null) return recurrent ? 'recurrent' : 'full';
  if (chunkOf(config) !== null) return isChunkedAt(config, layer) ? 'chunked' : 'full';
  if (window === null) return 'full';
  const every = positive(config, 'sliding_window_pattern', '_sliding_window_pattern') ?? ASSUMED_PATTERN.get(type) ?? null;
  if (every !== null) return (layer + 1) % every === 0 ? 'full' : 'sliding';
  const from = ASKED_FOR.test(type) ? (count(config, 'max_window_layers') ?? 0) : 0;
  return layer >= from ? 'sliding' : 'full';
}

/** Null where nothing says that some layers are recurrent. */
function isRecurrentAt(config: Config, layer: number): boolean | null {
  const period = positive(config, 'attn_layer_period');
  if (period !== null) return layer % period !== (count(config, 'attn_layer_offset') ?? 0);
  const attention = list(config, 'attn_layer_indices') ?? list(config, 'full_attn_idxs');
  if (attention !== null) return !attention.includes(layer);
  const numbered = list(part(config, 'linear_attn_config'), 'full_attn_layers');
  // Kimi counts its layers from 1.
  if (numbered !== null) return !numbered.includes(layer + 1);
  const interval = positive(config, 'full_attention_interval');
  return interval === null ? null : (layer + 1) % interval !== 0;
}

/** Llama 4: every fourth layer has no rotary positions and sees everything. */
function isChunkedAt(config: Config, layer: number): boolean {
  const rotary = list(config, 'no_rope_layers');
  if (rotary !== null && rotary.length > 0) return rotary[layer] !== 0;
  return (layer + 1) % (positive(config, 'no_rope_layer_interval') ?? 4) !== 0;
}
