/**
 * What one token and one sequence cost in a GGUF model's cache, from its metadata. Pure.
 * Exact where every layer keeps keys and values of the whole context; an upper bound, and said so, where layers differ.
 */
import type { KvCost } from '../../../shared/profile.ts';
import type { GgufFacts } from './gguf-facts.ts';

const BYTES_PER_VALUE = 2;
const STATE_BYTES_PER_VALUE = 4;
/** More layers than any model has; the count comes from a file that nobody vouches for. */
const MAX_LAYERS = 4096;

/** Keys by which an architecture says that some layers keep less than the whole context, or another kind of state. */
const LAYERS_DIFFER = [
  'attention.sliding_window',
  'attention.shared_kv_layers',
  'attention.key_length_mla',
  'attention.kv_lora_rank',
  'attention.recurrent_layers',
  'full_attention_interval',
  'ssm.state_size',
  'wkv.head_size',
  'shortconv.l_cache',
];

/** @returns null where the metadata lacks layers or heads. Bytes at 16 bits a value. */
export function ggufKvCost(facts: GgufFacts): KvCost | null {
  const layers = facts.own('block_count');
  const embedding = facts.own('embedding_length');
  if (layers === null || layers > MAX_LAYERS || embedding === null) return null;
  const state = stateValues(facts, embedding) * STATE_BYTES_PER_VALUE * layers;
  const heads = facts.perLayer('attention.head_count', layers);
  if (heads === null) return state > 0 ? { bytesPerToken: 0, bytesPerSequence: state, exact: false, groups: [] } : null;
  const kvHeads = facts.perLayer('attention.head_count_kv', layers) ?? heads;
  // As llama.cpp does: a head's width is told, or else the embedding shared out among the heads.
  const width = (heads[0] ?? 0) > 0 ? embedding / (heads[0] ?? 1) : 0;
  const keys = Math.max(facts.own('attention.key_length') ?? width, facts.own('attention.key_length_swa') ?? 0);
  const values = Math.max(facts.own('attention.value_length') ?? width, facts.own('attention.value_length_swa') ?? 0);
  const bytesPerToken = Math.ceil(kvHeads.reduce((sum, count) => sum + count * (keys + values), 0) * BYTES_PER_VALUE);
  if (!Number.isSafeInteger(bytesPerToken)) return null;
  return { bytesPerToken, bytesPerSequence: state, exact: !facts.ownAny(LAYERS_DIFFER), groups: [] };
}

/** Values that one recurrent layer keeps for a sequence: Mamba's convolution and state, RWKV's, LFM2's short convolution. */
function stateValues(facts: GgufFacts, embedding: number): number {
  const stateSize = facts.own('ssm.state_size') ?? 0;
  const inner = facts.own('ssm.inner_size') ?? 0;
  const groups = facts.own('ssm.group_count') ?? 0;
  const kernel = facts.own('ssm.conv_kernel') ?? 0;
  const mamba = Math.max(0, kernel - 1) * (inner + 2 * groups * stateSize) + stateSize * inner;
  const head = facts.own('wkv.head_size') ?? 0;
  const rwkv = head > 0 ? embedding * head + 2 * embedding : 0;
  const short = Math.max(0, (facts.own('shortconv.l_cache') ?? 0) - 1) * embedding;
  return mamba + rwkv + short;
}
