/**
 * Writes a small untrained Hugging Face folder: a real Llama as transformers keeps it, with a
 * byte-level tokenizer and a chat template.
 */
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomWeights } from '../../main/embedded/gguf/tiny-weights.ts';
import { byteCharacters } from '../../main/embedded/llama/token-bytes.ts';

export interface TinyFolderOptions {
  readonly type?: 'F32' | 'F16' | 'BF16';
  /** Widens the layers until the weights take at least this much. */
  readonly minimumBytes?: number;
  readonly seed?: number;
  /** Width of a row (64), over four heads: vLLM on a processor wants at least 128. */
  readonly hidden?: number;
  /** Over the configuration. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Further tensors, by name. */
  readonly more?: Readonly<Record<string, readonly number[]>>;
}

const HIDDEN = 64;
const HEADS = 4;
const SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const BYTES = { F32: 4, F16: 2, BF16: 2 } as const;
const CL100K = String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

function tokenizer(): object {
  const tokens = [...SPECIAL, ...byteCharacters()];
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    normalizer: null,
    added_tokens: SPECIAL.map((content, id) => ({
      id,
      content,
      special: true,
      normalized: false,
      lstrip: false,
      rstrip: false,
      single_word: false,
    })),
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [{ type: 'Split', pattern: { Regex: CL100K }, behavior: 'Isolated', invert: false }, byteLevel],
    },
    post_processor: null,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((text, id) => [text, id])), merges: [], ignore_merges: true },
  };
}

/**
 * @returns the folder. The weights are written a tensor at a time, config.json last: until then
 * nobody takes it for a model.
 */
export async function writeTinyFolder(folder: string, options: TinyFolderOptions = {}): Promise<string> {
  const { type = 'BF16', minimumBytes = 0, seed = 1, hidden = HIDDEN, more = {} } = options;
  const vocabulary = SPECIAL.length + 256;
  const layers = 2;
  const inner = Math.max(128, Math.ceil(minimumBytes / (layers * 3 * hidden * BYTES[type]) / 64) * 64);
  const shapes: Record<string, readonly number[]> = { 'model.embed_tokens.weight': [vocabulary, hidden] };
  for (let layer = 0; layer < layers; layer += 1) {
    const at = `model.layers.${layer}`;
    Object.assign(shapes, {
      [`${at}.input_layernorm.weight`]: [hidden],
      [`${at}.self_attn.q_proj.weight`]: [hidden, hidden],
      [`${at}.self_attn.k_proj.weight`]: [hidden / 2, hidden],
      [`${at}.self_attn.v_proj.weight`]: [hidden / 2, hidden],
      [`${at}.self_attn.o_proj.weight`]: [hidden, hidden],
      [`${at}.post_attention_layernorm.weight`]: [hidden],
      [`${at}.mlp.gate_proj.weight`]: [inner, hidden],
      [`${at}.mlp.up_proj.weight`]: [inner, hidden],
      [`${at}.mlp.down_proj.weight`]: [hidden, inner],
    });
  }
  Object.assign(shapes, { 'model.norm.weight': [hidden], 'lm_head.weight': [vocabulary, hidden], ...more });
  await mkdir(folder, { recursive: true });
  await writeSafetensors(join(folder, 'model.safetensors'), shapes, type, seed);
  await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer()));
  const settings = { tokenizer_class: 'PreTrainedTokenizerFast', bos_token: SPECIAL[0], eos_token: SPECIAL[2], chat_template: TEMPLATE };
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify(settings));
  const config = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: vocabulary,
    hidden_size: hidden,
    num_hidden_layers: layers,
    intermediate_size: inner,
    num_attention_heads: HEADS,
    num_key_value_heads: HEADS / 2,
    max_position_embeddings: 2048,
    rms_norm_eps: 1e-5,
    rope_theta: 10_000,
    hidden_act: 'silu',
    tie_word_embeddings: false,
    bos_token_id: 0,
    eos_token_id: 2,
    ...options.config,
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  return folder;
}

/** A LoRA of that model, as PEFT keeps it. @param base as it names its base. */
export async function writeTinyLora(
  folder: string,
  base: string,
  { hidden = HIDDEN, rank = 8, config = {} }: { readonly hidden?: number; readonly rank?: number; readonly config?: object } = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const at = 'base_model.model.model.layers.0.self_attn.q_proj';
  const shapes = { [`${at}.lora_A.weight`]: [rank, hidden], [`${at}.lora_B.weight`]: [hidden, rank] };
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), shapes, 'F32', 5);
  const settings = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: rank,
    lora_alpha: 64,
    target_modules: ['q_proj'],
    bias: 'none',
  };
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...settings, ...config }));
  return folder;
}

async function writeSafetensors(
  path: string,
  shapes: Readonly<Record<string, readonly number[]>>,
  type: 'F32' | 'F16' | 'BF16',
  seed: number,
): Promise<void> {
  let at = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const bytes = shape.reduce((product, size) => product * size, BYTES[type]);
    const entry = { name, bytes, facts: { dtype: type, shape, data_offsets: [at, at + bytes] } };
    at += bytes;
    return entry;
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries.map(({ name, facts }) => [name, facts]))));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  const file = await open(path, 'w');
  try {
    await file.write(length);
    await file.write(header);
    for (const [index, { bytes }] of entries.entries()) await file.write(randomWeights(type, bytes, seed * 1000 + index));
  } finally {
    await file.close();
  }
}
