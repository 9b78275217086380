/**
 * The table of GGUF names for the tensors of transformers, for each architecture, and how their
 * rows are reordered. Pure.
 */
import type { GgufArchitecture } from '../../core/analyzer/convertible.ts';

/** What becomes of a tensor. */
export interface Placement {
  /** Name in the GGUF. */
  readonly name: string;
  /**
   * `permute-queries`, `permute-keys`: rows of each head change places, because llama.cpp turns
   * neighbouring values and transformers those half a head apart. `transpose`: GPT-2 keeps its
   * matrices the other way round. `plus-one`: Gemma's norms are kept as the distance to one.
   * `expert`: one matrix of a stack. `gate-up`: gate and up of all experts in one.
   */
  readonly change: 'permute-queries' | 'permute-keys' | 'transpose' | 'plus-one' | 'expert' | 'gate-up' | null;
  /** Which of the stack; 0 for what is none. */
  readonly expert: number;
}

/**
 * Tensors which a language model does not need: heads of training, pooled outputs that nobody asks
 * for.
 */
const UNUSED: Partial<Record<GgufArchitecture, RegExp>> = {
  bert: /^(?:pooler\.|cls\.|lm_head\.)/,
};
/** In front of every name, in some saves. */
const PREFIX: Partial<Record<GgufArchitecture, RegExp>> = {
  gpt2: /^transformer\./,
  bert: /^(?:bert|roberta)\./,
};

/** What wrappers put in front of every name: `torch.compile`, data-parallel training. */
const WRAPPERS = /^(?:(?:_orig_mod|module)\.)+|(?<=^model\.)_orig_mod\./g;

/** A decoder that was saved without its head leaves this prefix out. */
const UNPREFIXED = /^(?=(?:layers\.\d|embed_tokens\.|norm\.weight$))/;

type Names = Readonly<Record<string, string>>;

const DECODER: Names = { 'model.embed_tokens': 'token_embd', 'model.norm': 'output_norm', lm_head: 'output' };
const GPT2: Names = { wte: 'token_embd', wpe: 'position_embd', ln_f: 'output_norm', lm_head: 'output' };
const BERT: Names = {
  'embeddings.word_embeddings': 'token_embd',
  'embeddings.position_embeddings': 'position_embd',
  'embeddings.token_type_embeddings': 'token_types',
  'embeddings.LayerNorm': 'token_embd_norm',
};

const ATTENTION: Names = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
};
const GATED: Names = { 'mlp.gate_proj': 'ffn_gate', 'mlp.up_proj': 'ffn_up', 'mlp.down_proj': 'ffn_down' };
const HEAD_NORMS: Names = { 'self_attn.q_norm': 'attn_q_norm', 'self_attn.k_norm': 'attn_k_norm' };
const TWO_NORMS: Names = { input_layernorm: 'attn_norm', post_attention_layernorm: 'ffn_norm' };
const AFTER_NORMS: Names = { post_attention_layernorm: 'post_attention_norm', post_feedforward_layernorm: 'post_ffw_norm' };
const FOUR_NORMS: Names = { ...AFTER_NORMS, input_layernorm: 'attn_norm', pre_feedforward_layernorm: 'ffn_norm' };
const LLAMA: Names = { ...ATTENTION, ...GATED, ...TWO_NORMS };
const MIXTURE: Names = {
  'block_sparse_moe.gate': 'ffn_gate_inp',
  'mlp.gate': 'ffn_gate_inp',
  'mlp.shared_expert.gate_proj': 'ffn_gate_shexp',
  'mlp.shared_expert.up_proj': 'ffn_up_shexp',
  'mlp.shared_expert.down_proj': 'ffn_down_shexp',
  'mlp.shared_expert_gate': 'ffn_gate_inp_shexp',
};

const LAYERS: Readonly<Record<GgufArchitecture, Names>> = {
  llama: { ...LLAMA, 'block_sparse_moe.gate': 'ffn_gate_inp', 'mlp.gate': 'ffn_gate_inp' },
  granite: LLAMA,
  smollm3: LLAMA,
  qwen2: LLAMA,
  qwen2moe: { ...ATTENTION, ...TWO_NORMS, ...MIXTURE },
  qwen3: { ...LLAMA, ...HEAD_NORMS },
  qwen3moe: { ...ATTENTION, ...TWO_NORMS, ...HEAD_NORMS, 'mlp.gate': 'ffn_gate_inp' },
  phi3: {
    ...TWO_NORMS,
    'self_attn.qkv_proj': 'attn_qkv',
    'self_attn.o_proj': 'attn_output',
    'mlp.gate_up_proj': 'ffn_up',
    'mlp.down_proj': 'ffn_down',
  },
  gemma: LLAMA,
  gemma2: { ...ATTENTION, ...GATED, ...FOUR_NORMS },
  gemma3: { ...ATTENTION, ...GATED, ...FOUR_NORMS, ...HEAD_NORMS },
  olmo2: { ...ATTENTION, ...GATED, ...HEAD_NORMS, ...AFTER_NORMS },
  gpt2: {
    ln_1: 'attn_norm',
    'attn.c_attn': 'attn_qkv',
    'attn.c_proj': 'attn_output',
    ln_2: 'ffn_norm',
    'mlp.c_fc': 'ffn_up',
    'mlp.c_proj': 'ffn_down',
  },
  bert: {
    'attention.self.query': 'attn_q',
    'attention.self.key': 'attn_k',
    'attention.self.value': 'attn_v',
    'attention.output.dense': 'attn_output',
    'attention.output.LayerNorm': 'attn_output_norm',
    'intermediate.dense': 'ffn_up',
    'output.dense': 'ffn_down',
    'output.LayerNorm': 'layer_output_norm',
  },
};
const TOPS: Readonly<Partial<Record<GgufArchitecture, Names>>> = { gpt2: GPT2, bert: BERT };
const LAYER = /^(?:model\.layers|h|encoder\.layer)\.(?<layer>\d{1,4})\.(?<rest>.+)$/;

/** Experts, each a matrix of its own or all in one: Mixtral's w1, w2, w3 are gate, down and up. */
const EXPERT = /^(?:block_sparse_moe|mlp)\.experts\.(?<expert>\d{1,4})\.(?<part>w1|w2|w3|gate_proj|up_proj|down_proj)\.weight$/;
const EXPERTS = /^(?:block_sparse_moe|mlp)\.experts\.(?<part>gate_up_proj|down_proj)(?:\.weight)?$/;
const EXPERT_NAMES: Names = {
  w1: 'ffn_gate_exps',
  w2: 'ffn_down_exps',
  w3: 'ffn_up_exps',
  gate_proj: 'ffn_gate_exps',
  down_proj: 'ffn_down_exps',
  up_proj: 'ffn_up_exps',
};
const MIXTURES: ReadonlySet<GgufArchitecture> = new Set(['llama', 'qwen2moe', 'qwen3moe']);
/** llama.cpp turns neighbouring values there (LLAMA_ROPE_TYPE_NORM). */
const NEIGHBOURS: ReadonlySet<GgufArchitecture> = new Set(['llama', 'granite', 'smollm3']);
const PLUS_ONE: ReadonlySet<GgufArchitecture> = new Set(['gemma', 'gemma2', 'gemma3']);

/** Where a tensor goes; `null`: it is not needed; undefined: nobody knows it. */
export function placementOf(architecture: GgufArchitecture, tensor: string): Placement | null | undefined {
  const spelled = tensor
    .replace(WRAPPERS, '')
    .replace(/\.gamma$/, '.weight')
    .replace(/\.beta$/, '.bias');
  const bare = spelled.replace(PREFIX[architecture] ?? /^$/, '').replace(UNPREFIXED, 'model.');
  if (UNUSED[architecture]?.test(bare) === true) return null;
  const found = LAYER.exec(bare)?.groups;
  if (found === undefined) return named(architecture, TOPS[architecture] ?? DECODER, bare, '');
  const [block, rest] = [`blk.${Number(found['layer'])}.`, found['rest'] ?? ''];
  if (MIXTURES.has(architecture)) {
    const expert = EXPERT.exec(rest)?.groups;
    if (expert !== undefined)
      return { name: `${block}${EXPERT_NAMES[expert['part'] ?? '']}.weight`, change: 'expert', expert: Number(expert['expert']) };
    const part = EXPERTS.exec(rest)?.groups?.['part'];
    if (part === 'gate_up_proj') return { name: `${block}ffn_gate_exps.weight`, change: 'gate-up', expert: 0 };
    if (part === 'down_proj') return { name: `${block}ffn_down_exps.weight`, change: null, expert: 0 };
  }
  return named(architecture, LAYERS[architecture], rest, block);
}

function named(architecture: GgufArchitecture, names: Names, tensor: string, block: string): Placement | undefined {
  const dot = tensor.lastIndexOf('.');
  const [stem, kind] = [tensor.slice(0, dot), tensor.slice(dot + 1)];
  const name = Object.hasOwn(names, stem) ? names[stem] : undefined;
  if (name === undefined || (kind !== 'weight' && kind !== 'bias')) return undefined;
  return { name: `${block}${name}.${kind}`, change: changeOf(architecture, name, kind), expert: 0 };
}

function changeOf(architecture: GgufArchitecture, name: string, kind: string): Placement['change'] {
  if (NEIGHBOURS.has(architecture) && name === 'attn_q') return 'permute-queries';
  if (NEIGHBOURS.has(architecture) && name === 'attn_k') return 'permute-keys';
  if (PLUS_ONE.has(architecture) && name.endsWith('norm')) return 'plus-one';
  const isMatrix = kind === 'weight' && /^(?:attn_qkv|attn_output|ffn_up|ffn_down)$/.test(name);
  return architecture === 'gpt2' && isMatrix ? 'transpose' : null;
}
