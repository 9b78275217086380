/** Which folders become a GGUF: the corpus of public models, and each reason against it. */
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../main/core/analyzer/candidate.ts';
import { conversionOf } from '../../main/core/analyzer/convertible.ts';
import type { Conversion } from '../../shared/profile.ts';
import { CORPUS, configFile, TOKENIZER_FILES, tensorsOf, weightFiles } from '../helpers/corpus.ts';

/** Name -> architecture of llama.cpp, and the context where that is less than the model's own. */
const CONVERTED: Readonly<Record<string, readonly [architecture: string, cutTokens?: number]>> = {
  'llama-2-7b': ['llama'],
  'llama-3-8b': ['llama'],
  'llama-3.1-70b': ['llama'],
  'llama-3.1-405b': ['llama'],
  'llama-3.2-1b': ['llama'],
  'modernized-v5-llama': ['llama'],
  'smollm2-135m': ['llama'],
  'tinyllama-1.1b': ['llama'],
  'qwen2.5-0.5b': ['qwen2'],
  'qwen2.5-7b': ['qwen2'],
  'qwen2.5-72b': ['qwen2'],
  'qwen3-0.6b': ['qwen3'],
  'qwen3-8b': ['qwen3'],
  'qwen3-30b-a3b': ['qwen3moe'],
  'qwen3-embedding-0.6b': ['qwen3'],
  // llama.cpp's llama has no window.
  'mistral-7b-v0.1': ['llama', 4096],
  'mistral-7b-v0.3': ['llama'],
  'mistral-nemo-12b': ['llama'],
  'mixtral-8x7b': ['llama'],
  'gemma-2b': ['gemma'],
  'gemma-2-2b': ['gemma2'],
  'gemma-3-1b': ['gemma3'],
  'phi-3-mini-4k': ['phi3', 2047],
  'phi-3-mini-128k': ['phi3'],
  'phi-4': ['phi3'],
  'olmo-2-7b': ['olmo2'],
  gpt2: ['gpt2'],
  'gpt2-xl': ['gpt2'],
  'bert-base': ['bert'],
  'bge-small-en-v1.5': ['bert'],
  'bge-m3': ['bert'],
  'e5-large-v2': ['bert'],
  'minilm-l6': ['bert'],
  'roberta-base': ['bert'],
};

const SHAPED = Object.keys(CORPUS).filter((name) => CORPUS[name]!.shapes !== false);

function verdict(name: string): Conversion | undefined {
  const { profile } = analyzeCandidate([configFile(CORPUS[name]!), ...weightFiles(tensorsOf(name)), ...TOKENIZER_FILES], false);
  return profile?.forms.find(({ kind }) => kind === 'transformers')?.conversion;
}

test.each(SHAPED)('%s', (name) => {
  const [architecture = null, cutTokens] = CONVERTED[name] ?? [];
  const found = verdict(name);
  expect(found?.architecture).toBe(architecture);
  if (architecture === null) expect(found?.why).toMatch(/^\S+ is not one of the architectures|query_pre_attn_scalar/);
  else expect(found).toMatchObject({ isCut: cutTokens !== undefined, ...(cutTokens === undefined ? {} : { contextTokens: cutTokens }) });
});

test('the table names nothing that the corpus lacks', () => {
  expect(Object.keys(CONVERTED).filter((name) => !SHAPED.includes(name))).toEqual([]);
});

describe('what llama.cpp would compute wrongly is refused by name', () => {
  const LLAMA = {
    architectures: ['LlamaForCausalLM'],
    hidden_size: 64,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    max_position_embeddings: 256,
  };
  const QWEN2 = { ...LLAMA, architectures: ['Qwen2ForCausalLM'] };
  const MIXTURE = { ...LLAMA, num_experts: 4, num_experts_per_tok: 2 };
  const GEMMA2 = { ...LLAMA, architectures: ['Gemma2ForCausalLM'], head_dim: 256, sliding_window: 32 };
  const BERT = { ...LLAMA, architectures: ['BertModel'] };
  const rope = (more: object) => ({ rope_theta: 10_000, rope_scaling: more });

  test.each<readonly [what: string, config: object, why: RegExp]>([
    ['an activation', { ...LLAMA, hidden_act: 'relu' }, /does not compute its activation, relu/],
    ['sizes that config.json leaves out', { architectures: ['LlamaForCausalLM'] }, /leaves out how many layers/],
    ['heads by layer', { ...LLAMA, num_key_value_heads: [4, 2, 4, 2] }, /different numbers of heads/],
    [
      'a stretching nobody knows',
      { ...LLAMA, ...rope({ rope_type: 'magic', factor: 2 }) },
      /does not stretch positions as this .* \(magic\)/,
    ],
    ['a stretching of another architecture', { ...QWEN2, ...rope({ rope_type: 'llama3', factor: 8 }) }, /qwen2 does not stretch/],
    ['YaRN with a ramp of its own', { ...QWEN2, ...rope({ rope_type: 'yarn', factor: 4, beta_fast: 16 }) }, /bounds built in/],
    ['a factor that is missing', { ...LLAMA, ...rope({ type: 'linear' }) }, /has no factor/],
    ['a part of each head', { ...LLAMA, partial_rotary_factor: 0.5 }, /turns 0\.5 of each/],
    ['heads wider than the model', { ...QWEN2, head_dim: 32 }, /no heads of 32 values/],
    [
      'layers without experts',
      { ...MIXTURE, architectures: ['Qwen3MoeForCausalLM'], norm_topk_prob: true, mlp_only_layers: [0] },
      /have no experts/,
    ],
    ['experts that sum to one', { ...MIXTURE, architectures: ['Qwen2MoeForCausalLM'], norm_topk_prob: true }, /does not make the weights/],
    ['experts that do not', { ...MIXTURE, architectures: ['Qwen3MoeForCausalLM'], norm_topk_prob: false }, /makes the weights/],
    [
      'layers that do not alternate',
      { ...GEMMA2, layer_types: ['full_attention', 'sliding_attention', 'full_attention', 'full_attention'] },
      /alternates layers/,
    ],
    ['another scale of attention', { ...GEMMA2, query_pre_attn_scalar: 100 }, /config\.json says 100/],
    [
      'bidirectional attention',
      { ...LLAMA, architectures: ['GemmaForCausalLM'], use_bidirectional_attention: true },
      /its attention is bidirectional/,
    ],
    [
      'other layers without positions',
      { ...LLAMA, architectures: ['SmolLM3ForCausalLM'], no_rope_layers: [1, 0, 1, 0] },
      /every fourth layer/,
    ],
    ['GPT-2 scaled by layer', { ...LLAMA, architectures: ['GPT2LMHeadModel'], scale_attn_by_inverse_layer_idx: true }, /scale_attn_by/],
    ['relative positions', { ...BERT, position_embedding_type: 'relative_key' }, /relative_key/],
    ['a decoder of BERT', { ...BERT, is_decoder: true }, /cannot be a decoder/],
  ])('%s', (_what, config, why) => {
    const facts = { config: config as Record<string, unknown>, types: ['BF16'], isQuantized: false, sentence: null };
    expect(conversionOf(facts)).toMatchObject({ architecture: null, why: expect.stringMatching(why) });
  });

  const plain = { config: LLAMA, types: ['BF16'], isQuantized: false, sentence: null };
  test.each<readonly [what: string, change: Partial<Parameters<typeof conversionOf>[0]>, why: RegExp]>([
    ['quantised weights', { isQuantized: true }, /are quantised/],
    ['weights of eight bits', { types: ['BF16', 'F8_E4M3'] }, /weights of type F8_E4M3/],
    ['a dense layer behind the pooling', { sentence: { modules: ['Transformer', 'Pooling', 'Dense'], pooling: 'mean' } }, /\(Dense\)/],
    ['a pooling that llama.cpp lacks', { sentence: { modules: ['Transformer', 'Pooling'], pooling: 'max' } }, /\(max\)/],
  ])('%s', (_what, change, why) => {
    expect(conversionOf(plain).architecture).toBe('llama');
    expect(conversionOf({ ...plain, ...change })).toMatchObject({ architecture: null, why: expect.stringMatching(why) });
  });

  test('a dynamic stretching is served up to the trained context', () => {
    const config = { ...LLAMA, ...rope({ type: 'dynamic', factor: 4 }) };
    expect(conversionOf({ ...plain, config })).toMatchObject({ architecture: 'llama', contextTokens: 256, isCut: true });
  });
});
