/**
 * Checks that a conversion has the tensors that llama.cpp's graph needs, each in the size that
 * config.json states. llama.cpp would refuse wrong sizes only when it loads, minutes later, and
 * would not notice a missing layer. Pure.
 */

import { type GgufArchitecture, kvHeadsIn } from '../../core/analyzer/convertible.ts';
import { type Config, expertsOf, headSizeOf, headsOf, hiddenOf, layersOf, positive } from '../../core/analyzer/huggingface-config.ts';
import { ConvertError } from './convert-error.ts';
import type { TargetTensor } from './targets.ts';

const ATTENTION = ['attn_norm', 'attn_q', 'attn_k', 'attn_v', 'attn_output'];
const GATED = ['ffn_gate', 'ffn_up', 'ffn_down'];
const HEAD_NORMS = ['attn_q_norm', 'attn_k_norm'];
const AFTER_NORMS = ['post_attention_norm', 'post_ffw_norm'];
const EXPERTS = ['ffn_gate_inp', 'ffn_gate_exps', 'ffn_up_exps', 'ffn_down_exps'];
const SHARED_EXPERT = ['ffn_gate_inp_shexp', 'ffn_gate_shexp', 'ffn_up_shexp', 'ffn_down_shexp'];
const DENSE = [...ATTENTION, 'ffn_norm', ...GATED];

/**
 * Weights of each layer that are not optional (`src/models/*.cpp` of llama.cpp v0.4.0). Mixtures of
 * llama have experts in place of their gates.
 */
const LAYER: Readonly<Record<GgufArchitecture, readonly string[]>> = {
  llama: DENSE,
  granite: DENSE,
  smollm3: DENSE,
  qwen2: DENSE,
  gemma: DENSE,
  qwen2moe: [...ATTENTION, 'ffn_norm', ...EXPERTS, ...SHARED_EXPERT],
  qwen3: [...DENSE, ...HEAD_NORMS],
  qwen3moe: [...ATTENTION, 'ffn_norm', ...HEAD_NORMS, ...EXPERTS],
  phi3: ['attn_norm', 'attn_qkv', 'attn_output', 'ffn_norm', 'ffn_up', 'ffn_down'],
  gemma2: [...DENSE, ...AFTER_NORMS],
  gemma3: [...DENSE, ...AFTER_NORMS, ...HEAD_NORMS],
  olmo2: [...ATTENTION.slice(1), ...GATED, ...HEAD_NORMS, ...AFTER_NORMS],
  gpt2: ['attn_norm', 'attn_qkv', 'attn_output', 'ffn_norm', 'ffn_up', 'ffn_down'],
  bert: ['attn_q', 'attn_k', 'attn_v', 'attn_output', 'attn_output_norm', 'ffn_up', 'ffn_down', 'layer_output_norm'],
};
const TOP: Readonly<Partial<Record<GgufArchitecture, readonly string[]>>> = {
  gpt2: ['token_embd', 'position_embd', 'output_norm'],
  bert: ['token_embd', 'position_embd', 'token_embd_norm'],
};
const USUAL_TOP = ['token_embd', 'output_norm'];

/**
 * Sizes, the row's length first, in terms of config.json; what is not here has another size in each
 * architecture.
 */
interface Sizes {
  readonly width: number;
  readonly queries: number;
  readonly keys: number;
  readonly inner: number | null;
  readonly head: number;
  /** Of mixtures. */
  readonly experts: number | null;
  readonly expertInner: number | null;
}
const SIZES: Readonly<Record<string, (sizes: Sizes, architecture: GgufArchitecture) => readonly (number | null)[]>> = {
  attn_norm: ({ width }) => [width],
  ffn_norm: ({ width }) => [width],
  output_norm: ({ width }) => [width],
  attn_q: ({ width, queries }) => [width, queries],
  attn_k: ({ width, keys }) => [width, keys],
  attn_v: ({ width, keys }) => [width, keys],
  attn_qkv: ({ width, queries, keys }) => [width, queries + 2 * keys],
  attn_output: ({ width, queries }) => [queries, width],
  ffn_gate: ({ width, inner }) => [width, inner],
  ffn_up: ({ width, inner }, architecture) => [width, inner === null || architecture !== 'phi3' ? inner : 2 * inner],
  ffn_down: ({ width, inner }) => [inner, width],
  ...norms(['post_attention_norm', 'post_ffw_norm', 'attn_output_norm', 'layer_output_norm', 'token_embd_norm']),
  // OLMo 2 has them over all heads together.
  attn_q_norm: ({ head, queries }, architecture) => [architecture === 'olmo2' ? queries : head],
  attn_k_norm: ({ head, keys }, architecture) => [architecture === 'olmo2' ? keys : head],
  ffn_gate_inp: ({ width, experts }) => [width, experts],
  ffn_gate_exps: ({ width, expertInner, experts }) => [width, expertInner, experts],
  ffn_up_exps: ({ width, expertInner, experts }) => [width, expertInner, experts],
  ffn_down_exps: ({ width, expertInner, experts }) => [expertInner, width, experts],
};

function norms(names: readonly string[]): Record<string, ({ width }: Sizes) => readonly number[]> {
  return Object.fromEntries(names.map((name) => [name, ({ width }: Sizes) => [width]]));
}

/**
 * @param needsOutput its class has a head, and config.json does not say that the embeddings are it.
 * @throws ConvertError which names what is missing, too much, or of another size.
 */
export function checkComplete(
  targets: readonly TargetTensor[],
  {
    architecture,
    config,
    needsOutput,
  }: { readonly architecture: GgufArchitecture; readonly config: Config; readonly needsOutput: boolean },
): void {
  const byName = new Map(targets.map((target) => [target.name, target]));
  const layers = layersOf(config) ?? 0;
  const held = targets.reduce((most, { name }) => Math.max(most, Number(/^blk\.(\d+)\./.exec(name)?.[1] ?? -1) + 1), 0);
  if (held !== layers) {
    throw new ConvertError(
      `The weights hold ${held} layers, and config.json says ${layers}: it belongs to another model, or a file is missing.`,
    );
  }
  const hasExperts = architecture === 'llama' && expertsOf(config) !== null;
  const names = hasExperts ? [...ATTENTION, 'ffn_norm', ...EXPERTS] : LAYER[architecture];
  const wanted = [...(TOP[architecture] ?? USUAL_TOP), ...(needsOutput ? ['output'] : [])].map(
    (name): readonly [block: string, name: string] => ['', name],
  );
  for (let layer = 0; layer < layers; layer += 1) for (const name of names) wanted.push([`blk.${layer}.`, name]);
  const missing = wanted.filter(([block, name]) => !byName.has(`${block}${name}.weight`)).map((parts) => `${parts.join('')}.weight`);
  if (missing.length > 0) {
    const more = missing.length > 1 ? ` and ${missing.length - 1} more` : '';
    throw new ConvertError(`The weights lack what llama.cpp's ${architecture} needs: ${missing[0]}${more}.`);
  }
  const sizes = sizesOf(config, architecture);
  for (const [block, name] of wanted) checkSize(byName.get(`${block}${name}.weight`), SIZES[name]?.(sizes, architecture) ?? null);
}

function sizesOf(config: Config, architecture: GgufArchitecture): Sizes {
  const width = hiddenOf(config) ?? 0;
  const size = headSizeOf(config) ?? 0;
  const inner = positive(config, 'intermediate_size', 'n_inner') ?? (architecture === 'gpt2' ? 4 * width : null);
  return {
    width,
    queries: (headsOf(config) ?? 0) * size,
    keys: kvHeadsIn(config) * size,
    inner,
    head: size,
    experts: expertsOf(config)?.count ?? null,
    expertInner: architecture === 'llama' ? inner : positive(config, 'moe_intermediate_size'),
  };
}

function checkSize(target: TargetTensor | undefined, wanted: readonly (number | null)[] | null): void {
  if (target === undefined || wanted === null || wanted.includes(null) || wanted.join() === target.shape.join()) return;
  throw new ConvertError(
    `The weights and config.json do not belong together: ${target.name} is ${target.shape.join(' x ')}, and by config.json it would be ${wanted.join(' x ')}.`,
  );
}
