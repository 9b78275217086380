/**
 * The list of transformers models that our converter turns into a GGUF, and the GGUF architecture
 * of each. The analyzer and the brain ask it, the converter follows it. Pure. Each fact is that of
 * llama.cpp v0.4.0 (`src/models/*.cpp`): a model that its graph cannot compute is refused by name,
 * rather than computed wrongly.
 */
import type { Conversion } from '../../../shared/profile.ts';
import {
  type Config,
  classOf,
  count,
  headSizeOf,
  headsOf,
  hiddenOf,
  kvHeadsOf,
  layersOf,
  list,
  positive,
  text,
} from './huggingface-config.ts';
import { contextOf } from './huggingface-context.ts';
import { figure, hasOwnRamp, type Rope, type RopeType, ropeOf } from './huggingface-rope.ts';

/** Architectures of llama.cpp that we write. */
export type GgufArchitecture =
  | 'llama'
  | 'granite'
  | 'smollm3'
  | 'qwen2'
  | 'qwen2moe'
  | 'qwen3'
  | 'qwen3moe'
  | 'phi3'
  | 'gemma'
  | 'gemma2'
  | 'gemma3'
  | 'olmo2'
  | 'gpt2'
  | 'bert';

/** Classes of transformers, and the architecture of llama.cpp that computes the same. */
const CLASSES: Readonly<Record<string, GgufArchitecture>> = {
  LlamaForCausalLM: 'llama',
  LlamaModel: 'llama',
  MistralForCausalLM: 'llama',
  MistralModel: 'llama',
  MixtralForCausalLM: 'llama',
  YiForCausalLM: 'llama',
  GraniteForCausalLM: 'granite',
  SmolLM3ForCausalLM: 'smollm3',
  Qwen2ForCausalLM: 'qwen2',
  Qwen2Model: 'qwen2',
  Qwen2MoeForCausalLM: 'qwen2moe',
  Qwen3ForCausalLM: 'qwen3',
  Qwen3Model: 'qwen3',
  Qwen3MoeForCausalLM: 'qwen3moe',
  Phi3ForCausalLM: 'phi3',
  GemmaForCausalLM: 'gemma',
  Gemma2ForCausalLM: 'gemma2',
  Gemma3ForCausalLM: 'gemma3',
  Olmo2ForCausalLM: 'olmo2',
  GPT2LMHeadModel: 'gpt2',
  BertModel: 'bert',
  BertForMaskedLM: 'bert',
  RobertaModel: 'bert',
  RobertaForMaskedLM: 'bert',
  XLMRobertaModel: 'bert',
  XLMRobertaForMaskedLM: 'bert',
};

interface Graph {
  /** Activations that its graph computes, as config.json spells them. */
  readonly activations: readonly string[];
  /**
   * Ways of stretching positions that it computes. `dynamic` leaves the trained context as it is:
   * it is served up to that.
   */
  readonly ropes: readonly RopeType[];
  /**
   * Its matrices of queries have as many rows as the model is wide, whatever the width of a head.
   */
  readonly isSquare?: boolean;
  /**
   * It takes a factor for each frequency, so that any stretching that does not depend on the length
   * can be written down.
   */
  readonly hasFactors?: boolean;
  /** It turns a part of each head where that is asked for. */
  readonly turnsPartly?: boolean;
  /** Windows are part of its graph. */
  readonly hasWindows?: boolean;
  /** What else must hold; a sentence's end where it does not. */
  check?(config: Config): string | null;
}

const SILU = ['silu', 'swish'];
const GELU_TANH = ['gelu_pytorch_tanh', 'gelu_new', 'gelu_fast', 'gelu'];
const LLAMA_ROPES: readonly RopeType[] = ['default', 'linear', 'dynamic', 'yarn', 'llama3', 'longrope'];
const COMMON_ROPES: readonly RopeType[] = ['default', 'linear', 'dynamic', 'yarn'];

const GRAPHS: Readonly<Record<GgufArchitecture, Graph>> = {
  llama: { activations: SILU, ropes: LLAMA_ROPES, hasFactors: true },
  granite: { activations: SILU, ropes: LLAMA_ROPES, hasFactors: true },
  smollm3: { activations: SILU, ropes: COMMON_ROPES, check: everyFourthUnturned },
  qwen2: { activations: SILU, ropes: COMMON_ROPES, isSquare: true },
  qwen2moe: { activations: SILU, ropes: COMMON_ROPES, isSquare: true, check: (config) => mixture(config, false) },
  qwen3: { activations: SILU, ropes: COMMON_ROPES },
  qwen3moe: { activations: SILU, ropes: COMMON_ROPES, check: (config) => mixture(config, true) },
  phi3: { activations: SILU, ropes: ['default', 'longrope'], isSquare: true, turnsPartly: true },
  gemma: { activations: GELU_TANH, ropes: ['default'], check: oneDirection },
  gemma2: { activations: GELU_TANH, ropes: ['default'], hasWindows: true, check: (config) => gemma(config, 2, 46) },
  gemma3: { activations: GELU_TANH, ropes: ['default', 'linear'], hasWindows: true, check: (config) => gemma(config, 6, 62) },
  olmo2: { activations: SILU, ropes: COMMON_ROPES, isSquare: true },
  gpt2: { activations: GELU_TANH, ropes: ['default'], isSquare: true, check: plainGpt2 },
  bert: { activations: GELU_TANH, ropes: ['default'], isSquare: true, check: plainBert },
};

/** Types of weights that are read. */
const READ_TYPES = new Set(['F32', 'F16', 'BF16']);

/** What of a folder decides. */
export interface ConversionFacts {
  readonly config: Config;
  /** Types of its tensors. */
  readonly types: readonly string[];
  readonly isQuantized: boolean;
  /**
   * Of a folder of sentence-transformers: the classes of its modules, and how vectors of tokens
   * become one.
   */
  readonly sentence: { readonly modules: readonly string[]; readonly pooling: string | null } | null;
}

/** Ways of pooling that llama.cpp computes, by its numbers. */
export const POOLINGS: Readonly<Record<string, number>> = { mean: 1, cls: 2, lasttoken: 3 };
/** Normalising is done by who asks for embeddings. */
const COMPUTED_MODULES = ['Transformer', 'Pooling', 'Normalize'];

/** Can a GGUF be made of it, up to which context is it the same model, and if not, why. */
export function conversionOf({ config, types, isQuantized, sentence }: ConversionFacts): Conversion {
  const name = classOf(config);
  const architecture = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (name === 'unknown')
    return refused('config.json names no class: write that of the original into it, such as "architectures": ["LlamaForCausalLM"]');
  if (architecture === undefined) return refused(`${name} is not one of the architectures that Modelium turns into a GGUF`);
  if (isQuantized) return refused(`the weights of this ${name} are quantised, and Modelium makes a GGUF of plain ones only`);
  const strange = types.find((type) => !READ_TYPES.has(type) && !/^(?:[IU]\d+|BOOL)$/.test(type));
  if (strange !== undefined) return refused(`this ${name} has weights of type ${strange}; f32, f16 and bf16 are read`);
  const problem = problemOf(config, name, architecture) ?? sentenceProblem(sentence);
  if (problem !== null) return refused(problem);
  const contextTokens = contextTokensOf(config, architecture);
  return { architecture, contextTokens, isCut: contextTokens !== null && contextTokens < (contextOf(config) ?? 0), why: null };
}

/** The architecture of llama.cpp for these classes. @throws where `conversionOf` refuses. */
export function architectureOf(conversion: Conversion): GgufArchitecture {
  if (conversion.architecture === null) throw new Error(conversion.why);
  return conversion.architecture as GgufArchitecture;
}

function refused(why: string): Conversion {
  return { architecture: null, contextTokens: null, why };
}

function problemOf(config: Config, name: string, architecture: GgufArchitecture): string | null {
  const graph = GRAPHS[architecture];
  const [layers, hidden, heads, size] = [layersOf(config), hiddenOf(config), headsOf(config), headSizeOf(config)];
  if (layers === null || hidden === null || heads === null || size === null || contextOf(config) === null) {
    return `config.json of this ${name} leaves out how many layers, heads or positions it has`;
  }
  const activation = text(config, 'hidden_activation') ?? text(config, 'hidden_act') ?? text(config, 'activation_function');
  if (activation !== null && !graph.activations.includes(activation))
    return `llama.cpp's ${architecture} does not compute its activation, ${activation}`;
  if (graph.isSquare === true && heads * size !== hidden)
    return `llama.cpp's ${architecture} has no heads of ${size} values in a model that is ${hidden} wide`;
  if (hasSeveral(config))
    return `the layers of this ${name} have different numbers of heads, which llama.cpp's ${architecture} does not compute`;
  const rope = ropeOf(config);
  return ropeProblem(rope, name, architecture, graph) ?? graph.check?.(config) ?? null;
}

function sentenceProblem(sentence: ConversionFacts['sentence']): string | null {
  if (sentence === null) return null;
  const { modules, pooling } = sentence;
  const other = modules.find((module) => !COMPUTED_MODULES.includes(module));
  if (other !== undefined) return `its vectors go through a module that llama.cpp does not have (${other})`;
  return pooling === null || Object.hasOwn(POOLINGS, pooling) ? null : `llama.cpp does not pool as its 1_Pooling says (${pooling})`;
}

function ropeProblem(rope: Rope, name: string, architecture: GgufArchitecture, graph: Graph): string | null {
  if (!graph.ropes.includes(rope.type))
    return `llama.cpp's ${architecture} does not stretch positions as this ${name} does (${rope.named})`;
  if (rope.partial !== 1 && graph.turnsPartly !== true)
    return `llama.cpp's ${architecture} turns whole heads, and this ${name} turns ${rope.partial} of each`;
  if (['linear', 'yarn', 'llama3'].includes(rope.type) && rope.factor === null)
    return `the ${rope.named} scaling in config.json has no factor`;
  if (hasOwnRamp(rope) && graph.hasFactors !== true)
    return `llama.cpp's ${architecture} has YaRN's bounds built in, and this ${name} has others`;
  if (rope.type === 'longrope' && rope.originalTokens === null) return 'its longrope scaling does not name the original context';
  return null;
}

function hasSeveral(config: Config): boolean {
  return ['num_attention_heads', 'num_key_value_heads', 'num_query_heads', 'intermediate_size', 'ffn_multipliers'].some((key) =>
    Array.isArray(config[key]),
  );
}

/** SmolLM3: llama.cpp leaves every fourth layer without positions, whatever the file says. */
function everyFourthUnturned(config: Config): string | null {
  const named = list(config, 'no_rope_layers');
  if (named?.some((turns, layer) => (turns !== 0 && turns !== false) !== ((layer + 1) % 4 !== 0)) === true) {
    return 'llama.cpp leaves every fourth layer of SmolLM3 without positions, and this one leaves others';
  }
  return named === null && (positive(config, 'no_rope_layer_interval') ?? 4) !== 4
    ? 'llama.cpp leaves every fourth layer of SmolLM3 without positions, and this one leaves others'
    : null;
}

/**
 * Every layer must be a mixture; whether the weights of the chosen experts are made to sum to one
 * is fixed in llama.cpp.
 */
function mixture(config: Config, sumsToOne: boolean): string | null {
  const dense = list(config, 'mlp_only_layers') ?? [];
  if (dense.length > 0 || (count(config, 'decoder_sparse_step') ?? 1) !== 1)
    return 'some of its layers have no experts, which llama.cpp does not compute';
  const named = config['norm_topk_prob'];
  if ((typeof named === 'boolean' ? named : false) === sumsToOne) return null;
  return `llama.cpp ${sumsToOne ? 'makes' : 'does not make'} the weights of the chosen experts sum to one, and this model says otherwise (norm_topk_prob)`;
}

function oneDirection(config: Config): string | null {
  return config['use_bidirectional_attention'] === true || config['use_bidirectional_attention'] === 'all'
    ? 'its attention is bidirectional, which llama.cpp does not compute for it'
    : null;
}

/**
 * @param period one layer of so many sees everything. @param wideLayers the size whose scale
 * llama.cpp takes from the model's width.
 */
function gemma(config: Config, period: number, wideLayers: number): string | null {
  const both = oneDirection(config);
  if (both !== null) return both;
  if (periodOf(config, period) === null) return 'llama.cpp alternates layers with and without a window, but this model does not';
  const [hidden, heads, size] = [hiddenOf(config) ?? 0, headsOf(config) ?? 1, headSizeOf(config) ?? 0];
  const scaled = layersOf(config) === wideLayers ? Math.floor(hidden / heads) : size;
  const asked = figure(config, 'query_pre_attn_scalar') ?? 256;
  if (scaled !== asked) return `llama.cpp scales its attention by 1/sqrt(${scaled}), and config.json says ${asked} (query_pre_attn_scalar)`;
  return period === 6 && figure(config, 'attn_logit_softcapping') !== null ? 'llama.cpp does not cap the attention of Gemma 3' : null;
}

/** Of how many layers one sees everything; 0: none has a window. Null where they take no turns. */
export function periodOf(config: Config, usual: number): number | null {
  if (positive(config, 'sliding_window') === null) return 0;
  const kinds = list(config, 'layer_types');
  if (kinds === null) return positive(config, 'sliding_window_pattern', '_sliding_window_pattern') ?? usual;
  const first = kinds.indexOf('full_attention');
  const period = first < 0 ? Math.max(usual, kinds.length + 1) : first + 1;
  return kinds.every((kind, layer) => kind === ((layer + 1) % period === 0 ? 'full_attention' : 'sliding_attention')) ? period : null;
}

function plainGpt2(config: Config): string | null {
  const odd = ['scale_attn_by_inverse_layer_idx', 'add_cross_attention'].find((key) => config[key] === true);
  if (odd !== undefined) return `llama.cpp's gpt2 does not compute ${odd}`;
  return config['scale_attn_weights'] === false ? "llama.cpp's gpt2 scales its attention, and this one does not" : null;
}

function plainBert(config: Config): string | null {
  if (config['is_decoder'] === true) return "llama.cpp's bert cannot be a decoder";
  const positions = text(config, 'position_embedding_type') ?? 'absolute';
  return positions === 'absolute' ? null : `llama.cpp's bert has absolute positions, and this one has ${positions}`;
}

/**
 * Tokens up to which llama.cpp computes what transformers does: the model's own context; less where
 * positions are stretched only beyond it (`dynamic`), or where llama.cpp's graph has no window and
 * the model has.
 */
function contextTokensOf(config: Config, architecture: GgufArchitecture): number | null {
  const all = contextOf(config);
  const trained = ropeOf(config).type === 'dynamic' ? positive(config, 'max_position_embeddings') : all;
  const window = GRAPHS[architecture].hasWindows === true ? null : windowOf(config);
  const most = [all, trained, window].filter((tokens) => tokens !== null);
  return most.length === 0 ? null : Math.min(...most);
}

/** The window of those layers that have one; null where none has. */
function windowOf(config: Config): number | null {
  if (config['use_sliding_window'] === false) return null;
  const window = positive(config, 'sliding_window');
  const kinds = list(config, 'layer_types');
  if (kinds !== null) return kinds.includes('sliding_attention') ? window : null;
  // Qwen: those from the named layer on.
  if (config['use_sliding_window'] === true && (count(config, 'max_window_layers') ?? 0) >= (layersOf(config) ?? 0)) return null;
  return config['use_sliding_window'] === undefined && /^(?:qwen|smollm3)/.test(text(config, 'model_type') ?? '') ? null : window;
}

/** Heads of keys and values: as many as of queries where the file does not say. */
export function kvHeadsIn(config: Config): number {
  return kvHeadsOf(config) ?? headsOf(config) ?? 1;
}
