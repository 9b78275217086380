/**
 * Computes what one token and one sequence take in a GGUF model's cache, for each layer, from its
 * metadata. Pure. It follows llama.cpp v0.4.0, the version in node-llama-cpp 3.21.1
 * (llama-hparams.cpp, llama-kv-cache.cpp and each model's load_arch_hparams), because part of the
 * rules is only in that code. `exact` is false for architectures whose rules are not implemented
 * here.
 */
import { type KvCost, type KvGroup, type KvLayerKind, kvCostOf } from '../../../shared/profile.ts';
import type { GgufFacts } from './gguf-facts.ts';

const BYTES_PER_VALUE = 2;
const STATE_BYTES_PER_VALUE = 4;
/** More layers than any model has; the count comes from a file that nobody vouches for. */
const MAX_LAYERS = 4096;

/** Architectures without a cache: encoders, and models that fill in a whole text at once. */
const WITHOUT_CACHE = new Set([
  'bert',
  'jina-bert-v2',
  'jina-bert-v3',
  'nomic-bert',
  'nomic-bert-moe',
  'neo-bert',
  'eurobert',
  'modern-bert',
  'gemma-embedding',
  'wavtokenizer-dec',
  'dream',
  'llada',
  'llada-moe',
  'rnd1',
]);

/**
 * How llama.cpp spreads a window over the layers where the file does not say: one full layer in so
 * many, the last or the first of them.
 */
const WINDOWED: ReadonlyMap<string, { readonly every: number; readonly denseFirst?: boolean; readonly window?: number }> = new Map([
  ['gemma2', { every: 2, window: 4096 }],
  ['gemma3', { every: 6 }],
  ['gemma3n', { every: 5 }],
  ['gemma4', { every: 6 }],
  ['llama4', { every: 4, window: 8192 }],
  ['cohere2', { every: 4 }],
  ['cohere2moe', { every: 4, denseFirst: true }],
  ['gpt-oss', { every: 2 }],
  ['exaone4', { every: 4, window: 4096 }],
  ['exaone-moe', { every: 4, window: 128 }],
  ['olmo2', { every: 4 }],
  ['plamo3', { every: 8 }],
  ['afmoe', { every: 4 }],
  ['laguna', { every: 4, denseFirst: true }],
  ['mellum', { every: 4 }],
  ['muse-glimmer', { every: 4 }],
  ['smallthinker', { every: 4, denseFirst: true, window: 4096 }],
  ['step35', { every: 4 }],
  ['mimo2', { every: 6 }],
]);
/** Their windows, states or indexes are kept in ways of their own. */
const UNKNOWN_WAYS = new Set([
  'deepseek4',
  'deepseek32',
  'glm-dsa',
  'minimax-m3',
  'dots3note',
  'granite_swa',
  'dflash',
  'minimax-01',
  'qwen4exp',
]);
const ALL_RECURRENT = new Set(['mamba', 'mamba2', 'rwkv6', 'rwkv6qwen2', 'rwkv7', 'arwkv7']);
/** A layer without heads of keys and values has a state instead. */
const STATE_WITHOUT_HEADS = new Set([
  'jamba',
  'granitehybrid',
  'plamo2',
  'lfm2',
  'lfm2moe',
  'kimi-linear',
  'bailingmoe3',
  'kimi-k3',
  'nemotron_h',
  'nemotron_h_moe',
]);
const STATE_BY_INTERVAL = new Set(['qwen3next', 'qwen35', 'qwen35moe', 'minimax-01', 'qwen4exp']);

/**
 * @returns null where the metadata lacks layers or heads. Bytes at 16 bits a value, of a state's at
 * 32.
 */
export function ggufKvCost(facts: GgufFacts): KvCost | null {
  if (WITHOUT_CACHE.has(facts.architecture)) return kvCostOf([], true);
  const all = facts.own('block_count');
  const embedding = facts.own('embedding_length');
  if (all === null || all > MAX_LAYERS || embedding === null) return null;
  // Layers that only propose the next tokens are not run.
  const layers = Math.max(0, all - (facts.own('nextn_predict_layers') ?? 0));
  const heads = facts.perLayer('attention.head_count', all);
  const kvHeads = facts.perLayer('attention.head_count_kv', all) ?? heads;
  const state = stateBytes(facts, embedding);
  if (kvHeads === null && !ALL_RECURRENT.has(facts.architecture)) return null;
  // As llama.cpp does: a head's width is told, or else the embedding shared out among the heads.
  const width = (heads?.[0] ?? 0) > 0 ? embedding / (heads?.[0] ?? 1) : 0;
  const caching = layers - sharedLayers(facts, layers);
  const groups = new Map<string, KvGroup>();
  for (let layer = 0; layer < layers; layer += 1) {
    const hasHeads = (kvHeads?.[layer] ?? 0) > 0;
    const recurs = isRecurrent(facts, layer, hasHeads);
    if (recurs) add(groups, 'recurrent', 0, state, null);
    if ((recurs && facts.architecture !== 'falcon-h1') || !hasHeads || layer >= caching) continue;
    const windowTokens = windowAt(facts, layer);
    const values = (kvHeads?.[layer] ?? 0) * widthOf(facts, width, windowTokens !== null);
    const isChunked = facts.architecture === 'llama4' && windowTokens !== null;
    const kind = isLatent(facts) ? 'latent' : windowTokens === null ? 'full' : isChunked ? 'chunked' : 'sliding';
    add(groups, kind, values * BYTES_PER_VALUE, 0, windowTokens);
  }
  const cost = kvCostOf([...groups.values()], !UNKNOWN_WAYS.has(facts.architecture));
  return Number.isSafeInteger(Math.ceil(cost.bytesPerToken)) && Number.isSafeInteger(cost.bytesPerSequence) ? cost : null;
}

function add(
  groups: Map<string, KvGroup>,
  kind: KvLayerKind,
  bytesPerToken: number,
  bytesPerSequence: number,
  windowTokens: number | null,
): void {
  const key = `${kind} ${windowTokens}`;
  const before = groups.get(key) ?? { kind, layers: 0, bytesPerToken: 0, bytesPerSequence: 0, windowTokens };
  groups.set(key, {
    ...before,
    layers: before.layers + 1,
    bytesPerToken: before.bytesPerToken + bytesPerToken,
    bytesPerSequence: before.bytesPerSequence + bytesPerSequence,
  });
}

/** The last layers of Gemma 3n and 4 read the cache of earlier ones. */
function sharedLayers(facts: GgufFacts, layers: number): number {
  if (facts.architecture === 'gemma3n') return Math.max(0, layers - 20);
  return Math.min(layers, facts.own('attention.shared_kv_layers') ?? 0);
}

/** Tokens that this layer looks back; null where it sees them all. */
function windowAt(facts: GgufFacts, layer: number): number | null {
  const rule = WINDOWED.get(facts.architecture);
  if (rule === undefined) return null;
  const named = facts.own('attention.sliding_window');
  const window = facts.architecture === 'llama4' && named !== 0 ? 8192 : (named ?? rule.window ?? 0);
  if (window === 0) return null;
  const list = facts.array(`${facts.architecture}.attention.sliding_window_pattern`)?.numbers ?? null;
  if (list !== null && list.length > 0) return (list[layer % list.length] ?? 0) > 0 ? window : null;
  const every = facts.number(`${facts.architecture}.attention.sliding_window_pattern`) ?? rule.every;
  if (every === 0) return window;
  const isFull = rule.denseFirst === true ? layer % every === 0 : layer % every === every - 1;
  return isFull ? null : window;
}

/** A compressed row a token: the key is kept, and the value is a part of it. */
function isLatent(facts: GgufFacts): boolean {
  return (facts.own('attention.key_length_mla') ?? 0) > 0 && (facts.own('attention.kv_lora_rank') ?? 0) > 0;
}

/** Width of a key and a value of one head. */
function widthOf(facts: GgufFacts, width: number, isWindowed: boolean): number {
  const own = facts.own('attention.key_length') ?? width;
  if (isLatent(facts)) return own;
  const keys = isWindowed ? (facts.own('attention.key_length_swa') ?? own) : own;
  const value = facts.own('attention.value_length') ?? width;
  return keys + (isWindowed ? (facts.own('attention.value_length_swa') ?? value) : value);
}

function isRecurrent(facts: GgufFacts, layer: number, hasHeads: boolean): boolean {
  const { architecture } = facts;
  if (ALL_RECURRENT.has(architecture) || architecture === 'falcon-h1') return true;
  if (STATE_BY_INTERVAL.has(architecture)) {
    const list = facts.array(`${architecture}.attention.recurrent_layers`)?.numbers ?? null;
    if (list !== null) return (list[layer] ?? 0) > 0;
    const interval = facts.own('full_attention_interval') ?? 4;
    return interval === 0 || (layer + 1) % interval !== 0;
  }
  if (!STATE_WITHOUT_HEADS.has(architecture) || hasHeads) return false;
  // Nemotron-H has layers with neither: only a feed-forward part.
  const feedForward = facts.perLayer('feed_forward_length', layer + 1)?.[layer] ?? 0;
  return !architecture.startsWith('nemotron_h') || feedForward === 0;
}

/**
 * What one recurrent layer keeps for a sequence: convolution and state of Mamba, RWKV, Kimi's delta
 * attention, LFM2's short convolution.
 */
function stateBytes(facts: GgufFacts, embedding: number): number {
  return stateValues(facts, embedding) * STATE_BYTES_PER_VALUE;
}

function stateValues(facts: GgufFacts, embedding: number): number {
  const rwkvHead = facts.own('wkv.head_size') ?? 0;
  if (rwkvHead > 0) return embedding * rwkvHead + (facts.own('token_shift_count') ?? 2) * embedding;
  const short = facts.own('shortconv.l_cache') ?? 0;
  if (short > 0) return (short - 1) * embedding;
  const kernel = facts.own('ssm.conv_kernel') ?? 0;
  const delta = facts.own('kda.head_dim') ?? 0;
  if (delta > 0) {
    const heads = facts.own('attention.head_count') ?? 0;
    return 3 * (kernel > 0 ? kernel - 1 : 3) * heads * delta + delta * delta * heads;
  }
  const stateSize = facts.own('ssm.state_size') ?? 0;
  const inner = facts.own('ssm.inner_size') ?? 0;
  const groups = facts.own('ssm.group_count') ?? 0;
  return Math.max(0, kernel - 1) * (inner + 2 * groups * stateSize) + stateSize * inner;
}
