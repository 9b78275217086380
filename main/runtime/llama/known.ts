/**
 * The GGUF features that the bundled llama.cpp v0.4.0 supports, by name. A file beyond them would
 * fail only while it loads, so it is reported before. Copied from the library, and compared with it
 * by a test. Pure.
 */
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';

export const KNOWN_ARCHITECTURES: ReadonlySet<string> = new Set(
  `llama llama4 deci falcon grok gpt2 gptj gptneox mpt baichuan starcoder refact bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2
  jina-bert-v3 eurobert bloom stablelm qwen qwen2 qwen2moe qwen2vl qwen3 qwen3moe qwen3next qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp phi2 phi3
  phimoe plamo plamo2 plamo3 codeshell orion internlm2 minicpm minicpm3 gemma gemma2 gemma3 gemma3n gemma4 gemma4-assistant gemma-embedding
  starcoder2 mamba mamba2 jamba falcon-h1 xverse command-r cohere2 cohere2moe dbrx olmo olmo2 olmoe muse-glimmer openelm arctic deepseek deepseek2
  deepseek2-ocr deepseek32 deepseek4 chatglm glm4 glm4moe glm-dsa bitnet t5 t5encoder jais jais2 nemotron nemotron_h nemotron_h_moe exaone exaone4
  exaone-moe rwkv6 rwkv6qwen2 rwkv7 arwkv7 granite granitemoe granitehybrid graniteswitch granite_swa chameleon wavtokenizer-dec plm bailingmoe
  bailingmoe2 bailingmoe3 dots1 dots3note arcee afmoe laguna ernie4_5 ernie4_5-moe hunyuan-moe hunyuan-dense hunyuan_vl hy_v3 smollm3 gpt-oss lfm2
  lfm2moe dream smallthinker llada llada-moe seed_oss grovemoe apertus minimax-01 minimax-m2 minimax-m3 cogvlm rnd1 pangu-embedded mistral3 eagle3
  dflash mistral4 paddleocr mimo2 step35 llama-embed maincoder kimi-linear kimi-k3 talkie mellum nanbeige qwen3tts pockettts`.split(/\s+/),
);

/** Ways in which a byte-level tokenizer cuts texts (`tokenizer.ggml.pre`). */
export const KNOWN_PRE_TOKENIZERS: ReadonlySet<string> = new Set(
  `default minicpm5 llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano deepseek-llm deepseek-coder deepseek-v3 youtu
  falcon mpt starcoder gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert jais-2 gemma4 granite-embed-multi-311m
  sarvam-moe jina-v1-en jina-v2-code roberta-bpe whitespace refact command-r qwen2 deepseek-r1-qwen kormo f2llmv2 qwen35 stablelm2 olmo dbrx smaug-bpe
  poro-chat glm4 chatglm-bpe viking jais tekken smollm codeshell bloom gpt3-finnish exaone exaone4 exaone-moe chameleon minerva-7b megrez gpt-4o
  llama4 kanana2 talkie granite-embed-multi-97m tiny_aya cohere2moe superbpe trillion granite-docling bailingmoe bailingmoe2 llada-moe seed-coder
  hunyuan hunyuan-dense joyai-llm kimi-k2 grok-2 afmoe laguna minimax-m2 solar-open mellum2`.split(/\s+/),
);
export const KNOWN_TOKENIZERS: ReadonlySet<string> = new Set([
  'llama',
  'bert',
  'gpt2',
  't5',
  'rwkv',
  'plamo2',
  'gemma4',
  'hybriddna',
  'whitespace',
]);

const NEWER = 'a newer llama.cpp may read it (llama.command)';

/**
 * A sentence's end: what of this GGUF the bundled llama.cpp does not know; null: it knows all that
 * is asked about here.
 */
export function whyUnknown(
  { architecture, tokenizer }: Pick<ModelProfile, 'architecture' | 'tokenizer'>,
  { preTokenizer }: ModelForm,
): string | null {
  if (!KNOWN_ARCHITECTURES.has(architecture)) return `llama.cpp v0.4.0 does not know its architecture, ${architecture}: ${NEWER}`;
  if (tokenizer !== null && !KNOWN_TOKENIZERS.has(tokenizer)) return `llama.cpp v0.4.0 has no tokenizer of the kind ${tokenizer}: ${NEWER}`;
  if (tokenizer !== 'gpt2' || preTokenizer === undefined || KNOWN_PRE_TOKENIZERS.has(preTokenizer)) return null;
  return `llama.cpp v0.4.0 does not know its pre-tokenizer, ${preTokenizer}: ${NEWER}`;
}
