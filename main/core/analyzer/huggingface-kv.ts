/**
 * Computes what one token and one sequence take in a transformers model's cache, for each layer.
 * Pure. Keys and values count 16 bits each. A recurrent layer adds the inputs of its convolution,
 * and its state at 32 bits, as all runtimes keep it.
 */
import { type KvCost, type KvGroup, type KvLayerKind, kvCostOf } from '../../../shared/profile.ts';
import { type Config, count, headSizeOf, headsOf, hiddenOf, kvHeadsOf, list, modelType, part, positive } from './huggingface-config.ts';
import { chunkOf, type LayerKind, layerKinds, windowOf } from './huggingface-layers.ts';
import { isObject } from './json.ts';

const VALUE_BYTES = 2;
const STATE_BYTES = 4;

/**
 * Types whose attention keeps one compressed row a token (vLLM's is_deepseek_mla); others with such
 * a rank unpack it before they keep it.
 */
const LATENT =
  /^(?:deepseek_v2|deepseek_v3|deepseek_v32|deepseek_vl_v2|kimi_k2|kimi_k25|kimi_linear|glm_moe_dsa|glm4_moe_lite|longcat_flash|pangu_ultra_moe|bailing_hybrid)/;

/** One layer's share, before layers that are alike are added up. */
interface LayerCost {
  readonly kind: KvLayerKind;
  readonly bytesPerToken: number;
  readonly bytesPerSequence: number;
  readonly windowTokens: number | null;
}

/** @returns null where the configuration lacks layers or heads. */
export function decoderKvCost(config: Config): KvCost | null {
  const layers = layerKinds(config);
  if (layers === null) return null;
  const shared = count(config, 'num_kv_shared_layers') ?? 0;
  // The last layers of Gemma 3n use the cache of earlier ones.
  const own = layers.kinds.slice(0, Math.max(0, layers.kinds.length - shared));
  const costs: LayerCost[] = [];
  let isExact = layers.known && modelType(config) !== 'deepseek_v4' && positive(config, 'index_head_dim') === null;
  for (const [layer, kind] of own.entries()) {
    if (kind === 'none') continue;
    if (kind === 'recurrent' || kind === 'parallel') {
      const bytes = stateBytes(config);
      if (bytes === null) isExact = false;
      costs.push({ kind: 'recurrent', bytesPerToken: 0, bytesPerSequence: bytes ?? 0, windowTokens: null });
    }
    if (kind === 'recurrent') continue;
    const attention = attentionCost(config, layer, kind);
    if (attention === null) return null;
    costs.push(attention);
  }
  return kvCostOf(grouped(costs), isExact);
}

/**
 * A decoder that also attends to an encoder: its own cache, and the encoder's keys and values at
 * their full length.
 * @param encoderTokens the most that the encoder hands over.
 */
export function crossKvCost(config: Config, encoderTokens: number): KvCost | null {
  const layers = count(config, 'decoder_layers', 'num_decoder_layers', 'num_layers', 'num_hidden_layers', 'n_layer');
  const heads = positive(config, 'decoder_attention_heads', 'num_heads', 'num_attention_heads', 'n_head');
  const hidden = hiddenOf(config);
  if (layers === null || layers > 4096 || heads === null || hidden === null) return null;
  const width = positive(config, 'd_kv', 'head_dim') ?? hidden / heads;
  const bytesPerToken = layers * heads * width * 2 * VALUE_BYTES;
  const self: KvGroup = { kind: 'full', layers, bytesPerToken, bytesPerSequence: 0, windowTokens: null };
  const cross: KvGroup = { kind: 'cross', layers, bytesPerToken: 0, bytesPerSequence: bytesPerToken * encoderTokens, windowTokens: null };
  const cost = kvCostOf([self, cross], true);
  return Number.isSafeInteger(cost.bytesPerSequence) ? cost : null;
}

/**
 * From the shapes of the key and value projections, for configurations that leave out what is usual
 * for their type (as LLaVA's do). Null where there are none of these names.
 */
export function kvCostOfTensors(tensors: readonly { readonly name: string; readonly shape: readonly number[] }[]): KvCost | null {
  const layers = new Set<string>();
  let bytesPerToken = 0;
  for (const { name, shape } of tensors) {
    const layer = /(?:^|\.)layers\.(\d{1,4})\.self_attn\.[kv]_proj\.weight$/.exec(name)?.[1];
    if (layer === undefined || /vision|visual|audio|encoder/.test(name)) continue;
    layers.add(layer);
    bytesPerToken += (shape[0] ?? 0) * VALUE_BYTES;
  }
  if (layers.size === 0 || !Number.isSafeInteger(bytesPerToken)) return null;
  return kvCostOf([{ kind: 'full', layers: layers.size, bytesPerToken, bytesPerSequence: 0, windowTokens: null }], true);
}

function grouped(costs: readonly LayerCost[]): readonly KvGroup[] {
  const groups = new Map<string, KvGroup>();
  for (const cost of costs) {
    const key = `${cost.kind} ${cost.windowTokens}`;
    const before = groups.get(key) ?? {
      kind: cost.kind,
      layers: 0,
      bytesPerToken: 0,
      bytesPerSequence: 0,
      windowTokens: cost.windowTokens,
    };
    groups.set(key, {
      ...before,
      layers: before.layers + 1,
      bytesPerToken: before.bytesPerToken + cost.bytesPerToken,
      bytesPerSequence: before.bytesPerSequence + cost.bytesPerSequence,
    });
  }
  return [...groups.values()];
}

function attentionCost(config: Config, layer: number, kind: LayerKind): LayerCost | null {
  const none = { bytesPerSequence: 0 } as const;
  const rank = positive(config, 'kv_lora_rank');
  if (rank !== null && LATENT.test(modelType(config))) {
    const values = rank + (count(config, 'qk_rope_head_dim') ?? 0) + (count(config, 'index_head_dim') ?? 0);
    return { kind: 'latent', bytesPerToken: values * VALUE_BYTES, windowTokens: null, ...none };
  }
  const heads = headsAt(config, layer, kind);
  const widths = widthsAt(config, kind);
  if (heads === null || widths === null) return null;
  const bytesPerToken = Math.ceil(heads * widths * VALUE_BYTES);
  if (!Number.isSafeInteger(bytesPerToken)) return null;
  const windowTokens =
    kind === 'sliding' ? (windowOf(config) ?? positive(config, 'sliding_window')) : kind === 'chunked' ? chunkOf(config) : null;
  return { kind: kind === 'sliding' || kind === 'chunked' ? kind : 'full', bytesPerToken, windowTokens, ...none };
}

/**
 * Heads of keys and values in this layer: lists by layer, blocks that a search has thinned out,
 * other counts for layers with a window.
 */
function headsAt(config: Config, layer: number, kind: LayerKind): number | null {
  const block = list(config, 'block_configs')?.[layer];
  if (isObject(block)) return blockHeads(config, part(block, 'attention'));
  const each = (list(config, 'num_key_value_heads') ?? list(config, 'num_kv_heads') ?? list(config, 'num_key_value_heads_per_layer'))?.[
    layer
  ];
  if (Number.isSafeInteger(each) && Number(each) >= 0) return Number(each);
  const special = kind === 'sliding' ? positive(config, 'swa_num_key_value_heads') : positive(config, 'num_global_key_value_heads');
  return special ?? kvHeadsOf(config);
}

/** Nemotron-NAS: a layer may have no attention at all, or groups of another size. */
function blockHeads(config: Config, attention: Config): number {
  if (attention['no_op'] === true || attention['replace_with_linear'] === true) return 0;
  const named = positive(attention, 'num_key_value_heads');
  if (named !== null) return named;
  const group = positive(attention, 'n_heads_in_group') ?? 1;
  return Math.floor((headsOf(config) ?? 0) / group);
}

/** Width of a key and of a value together. */
function widthsAt(config: Config, kind: LayerKind): number | null {
  // With a rank but unpacked (MiniCPM 3): keys of two parts, values of a width of their own.
  const nope = positive(config, 'qk_nope_head_dim');
  const usual = headSizeOf(config);
  if (nope !== null && positive(config, 'kv_lora_rank') !== null) {
    return nope + (count(config, 'qk_rope_head_dim') ?? 0) + (positive(config, 'v_head_dim') ?? usual ?? 0);
  }
  const special = kind === 'sliding' ? positive(config, 'swa_head_dim') : positive(config, 'global_head_dim');
  const keys = special ?? usual;
  if (keys === null) return null;
  const ownValues = kind === 'sliding' ? positive(config, 'swa_v_head_dim') : null;
  return keys + (ownValues ?? positive(config, 'v_head_dim') ?? keys);
}

/**
 * Bytes that a recurrent layer keeps for a sequence; null where its configuration names none of the
 * parts that we know.
 */
function stateBytes(config: Config): number | null {
  const hidden = hiddenOf(config);
  if (hidden === null) return null;
  return deltaNetBytes(config) ?? mamba2Bytes(config, hidden) ?? mambaBytes(config, hidden) ?? otherBytes(config, hidden);
}

/** Gated DeltaNet (Qwen 3 Next, Qwen 3.5) and Kimi's delta attention. */
function deltaNetBytes(config: Config): number | null {
  const kimi = part(config, 'linear_attn_config');
  const heads = positive(config, 'linear_num_value_heads', 'linear_num_heads') ?? positive(kimi, 'num_heads');
  const valueWidth = positive(config, 'linear_value_head_dim', 'linear_head_dim') ?? positive(kimi, 'head_dim');
  if (heads === null || valueWidth === null) return null;
  const keyHeads = positive(config, 'linear_num_key_heads') ?? heads;
  const keyWidth = positive(config, 'linear_key_head_dim') ?? valueWidth;
  const kernel = positive(config, 'linear_conv_kernel_dim') ?? positive(kimi, 'short_conv_kernel_size') ?? 4;
  const channels = 2 * keyWidth * keyHeads + valueWidth * heads;
  return (kernel - 1) * channels * VALUE_BYTES + heads * valueWidth * keyWidth * STATE_BYTES;
}

function mamba2Bytes(config: Config, hidden: number): number | null {
  const isOwn = modelType(config) === 'mamba2' || modelType(config) === 'codestral_mamba';
  const heads = positive(config, 'mamba_num_heads', 'mamba_n_heads', 'n_mamba_heads') ?? (isOwn ? positive(config, 'num_heads') : null);
  if (heads === null) return null;
  const state = positive(config, 'ssm_state_size', 'mamba_d_state', 'state_size');
  const expand = positive(config, 'mamba_expand', 'expand') ?? 2;
  const width = positive(config, 'mamba_head_dim', 'mamba_d_head', 'mamba_headdim') ?? (isOwn ? positive(config, 'head_dim') : null);
  const inner = positive(config, 'mamba_d_ssm') ?? (width === null ? expand * hidden : heads * width);
  if (state === null) return null;
  const groups = positive(config, 'mamba_n_groups', 'mamba_ngroups', 'n_groups') ?? 1;
  const kernel = positive(config, 'mamba_d_conv', 'conv_kernel') ?? 4;
  return (kernel - 1) * (inner + 2 * groups * state) * VALUE_BYTES + inner * state * STATE_BYTES;
}

function mambaBytes(config: Config, hidden: number): number | null {
  const state = positive(config, 'mamba_d_state', 'state_size');
  if (state === null) return null;
  const expand = positive(config, 'mamba_expand', 'expand') ?? 2;
  const isPlain = config['mamba_d_state'] === undefined;
  const inner = (isPlain ? positive(config, 'intermediate_size', 'd_inner') : null) ?? expand * hidden;
  const kernel = positive(config, 'mamba_d_conv', 'conv_kernel') ?? 4;
  return (kernel - 1) * inner * VALUE_BYTES + inner * state * STATE_BYTES;
}

/** LFM2's short convolution, RecurrentGemma's gated unit, MiniMax's lightning attention. */
function otherBytes(config: Config, hidden: number): number | null {
  const length = positive(config, 'conv_L_cache');
  if (length !== null) return (length - 1) * hidden * VALUE_BYTES;
  const kernel = positive(config, 'conv1d_width');
  if (kernel !== null) {
    const width = positive(config, 'lru_width') ?? hidden;
    return (kernel - 1) * width * VALUE_BYTES + width * STATE_BYTES;
  }
  const heads = headsOf(config);
  const width = headSizeOf(config);
  return modelType(config).startsWith('minimax') && heads !== null && width !== null ? heads * width * width * STATE_BYTES : null;
}
