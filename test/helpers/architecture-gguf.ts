/**
 * Small untrained GGUFs of architectures whose layers keep their context in different ways,
 * complete enough that llama.cpp loads and runs them. Names and shapes of the tensors are those
 * that llama.cpp v0.4.0 asks for (src/models/*.cpp).
 */
import { type GgufTensor, type GgufValue, ggufBytes } from '../../main/embedded/gguf/gguf-writer.ts';
import { randomWeights } from '../../main/embedded/gguf/tiny-weights.ts';

const EMBEDDING = 64;
const FEED_FORWARD = 128;
const CONTEXT = 8192;

type Shapes = Record<string, readonly number[]>;
interface Architecture {
  readonly layers: number;
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly output?: Shapes;
  layer(index: number): Shapes;
}

const u32 = (value: number): GgufValue => ({ type: 'u32', value });
const f32 = (value: number): GgufValue => ({ type: 'f32', value });
const i32s = (...value: number[]): GgufValue => ({ type: 'i32s', value });
const text = (value: string): GgufValue => ({ type: 'string', value });

const feedForward: Shapes = {
  'ffn_norm.weight': [EMBEDDING],
  'ffn_gate.weight': [EMBEDDING, FEED_FORWARD],
  'ffn_up.weight': [EMBEDDING, FEED_FORWARD],
  'ffn_down.weight': [FEED_FORWARD, EMBEDDING],
};
const attention = (heads: number, kvHeads: number, width: number): Shapes => ({
  'attn_norm.weight': [EMBEDDING],
  'attn_q.weight': [EMBEDDING, heads * width],
  'attn_k.weight': [EMBEDDING, kvHeads * width],
  'attn_v.weight': [EMBEDDING, kvHeads * width],
  'attn_output.weight': [heads * width, EMBEDDING],
});

export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  // A window of 512 in every second layer.
  gemma2: {
    layers: 6,
    metadata: {
      'attention.head_count': u32(4),
      'attention.head_count_kv': u32(2),
      'attention.key_length': u32(32),
      'attention.value_length': u32(32),
      'attention.sliding_window': u32(512),
      'attention.layer_norm_rms_epsilon': f32(1e-6),
    },
    layer: () => ({
      ...attention(4, 2, 32),
      ...feedForward,
      'post_attention_norm.weight': [EMBEDDING],
      'post_ffw_norm.weight': [EMBEDDING],
    }),
  },
  // A window of 256 in five layers of six.
  gemma3: {
    layers: 7,
    metadata: {
      'attention.head_count': u32(4),
      'attention.head_count_kv': u32(1),
      'attention.key_length': u32(32),
      'attention.value_length': u32(32),
      'attention.sliding_window': u32(256),
      'attention.layer_norm_rms_epsilon': f32(1e-6),
    },
    layer: () => ({
      ...attention(4, 1, 32),
      ...feedForward,
      'attn_q_norm.weight': [32],
      'attn_k_norm.weight': [32],
      'post_attention_norm.weight': [EMBEDDING],
      'post_ffw_norm.weight': [EMBEDDING],
    }),
  },
  // A state in every layer and no cache.
  mamba: {
    layers: 3,
    metadata: {
      'attention.head_count': u32(0),
      'attention.layer_norm_rms_epsilon': f32(1e-5),
      'ssm.conv_kernel': u32(4),
      'ssm.inner_size': u32(128),
      'ssm.state_size': u32(16),
      'ssm.time_step_rank': u32(4),
    },
    layer: () => ({
      'attn_norm.weight': [EMBEDDING],
      'ssm_in.weight': [EMBEDDING, 256],
      'ssm_conv1d.weight': [4, 128],
      'ssm_conv1d.bias': [128],
      'ssm_x.weight': [128, 4 + 32],
      'ssm_dt.weight': [4, 128],
      'ssm_dt.bias': [128],
      ssm_a: [16, 128],
      ssm_d: [128],
      'ssm_out.weight': [128, EMBEDDING],
    }),
  },
  // Short convolutions where a layer has no heads; another number of heads in the others.
  lfm2: {
    layers: 4,
    metadata: {
      'attention.head_count': u32(4),
      'attention.head_count_kv': i32s(0, 2, 0, 4),
      'attention.layer_norm_rms_epsilon': f32(1e-5),
      'shortconv.l_cache': u32(3),
      'rope.freq_base': f32(1e6),
    },
    output: { 'token_embd_norm.weight': [EMBEDDING] },
    layer: (index) => ({
      ...feedForward,
      'attn_norm.weight': [EMBEDDING],
      ...(index % 2 === 0
        ? {
            'shortconv.conv.weight': [3, EMBEDDING],
            'shortconv.in_proj.weight': [EMBEDDING, 3 * EMBEDDING],
            'shortconv.out_proj.weight': [EMBEDDING, EMBEDDING],
          }
        : { ...attention(4, index === 1 ? 2 : 4, 16), 'attn_q_norm.weight': [16], 'attn_k_norm.weight': [16] }),
    }),
  },
  // One compressed row a token: 32 and 16 of rotary positions.
  deepseek2: {
    layers: 3,
    metadata: {
      'attention.head_count': u32(4),
      'attention.head_count_kv': u32(1),
      'attention.key_length': u32(48),
      'attention.value_length': u32(32),
      'attention.key_length_mla': u32(32),
      'attention.value_length_mla': u32(16),
      'attention.kv_lora_rank': u32(32),
      'attention.q_lora_rank': u32(24),
      'attention.layer_norm_rms_epsilon': f32(1e-6),
      'rope.dimension_count': u32(16),
      leading_dense_block_count: u32(3),
      expert_count: u32(4),
      expert_used_count: u32(2),
      expert_feed_forward_length: u32(32),
      expert_shared_count: u32(1),
      expert_weights_scale: f32(1),
    },
    layer: () => ({
      ...feedForward,
      'attn_norm.weight': [EMBEDDING],
      'attn_q_a.weight': [EMBEDDING, 24],
      'attn_q_a_norm.weight': [24],
      'attn_q_b.weight': [24, 4 * 32],
      'attn_kv_a_mqa.weight': [EMBEDDING, 32 + 16],
      'attn_kv_a_norm.weight': [32],
      'attn_k_b.weight': [16, 32, 4],
      'attn_v_b.weight': [32, 16, 4],
      'attn_output.weight': [4 * 16, EMBEDDING],
    }),
  },
};

/** The bytes of one of these models. */
export function architectureGguf(name: string): Uint8Array {
  const architecture = ARCHITECTURES[name]!;
  const tokens = vocabulary();
  const shapes: Shapes = {
    'token_embd.weight': [EMBEDDING, tokens.length],
    ...(architecture.output ?? { 'output_norm.weight': [EMBEDDING] }),
  };
  for (let index = 0; index < architecture.layers; index += 1) {
    for (const [part, shape] of Object.entries(architecture.layer(index))) shapes[`blk.${index}.${part}`] = shape;
  }
  const tensors = Object.entries(shapes).map(([tensor, shape], index): GgufTensor => {
    const bytes = 4 * shape.reduce((product, size) => product * size, 1);
    const data = /norm/.test(tensor) ? new Uint8Array(new Float32Array(bytes / 4).fill(1).buffer) : randomWeights('F32', bytes, index + 1);
    return { name: tensor, type: 'F32', shape, data };
  });
  const own = {
    ...architecture.metadata,
    block_count: u32(architecture.layers),
    embedding_length: u32(EMBEDDING),
    feed_forward_length: u32(FEED_FORWARD),
    context_length: u32(CONTEXT),
  };
  const metadata: Record<string, GgufValue> = {
    'general.architecture': text(name),
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`${name}.${key}`, value])),
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.pre': text('gpt-2'),
    'tokenizer.ggml.tokens': { type: 'strings', value: tokens },
    'tokenizer.ggml.token_type': i32s(...tokens.map((_, index) => (index === 0 ? 3 : 1))),
    'tokenizer.ggml.merges': { type: 'strings', value: ['a b'] },
    'tokenizer.ggml.bos_token_id': u32(0),
    'tokenizer.ggml.eos_token_id': u32(0),
  };
  return ggufBytes(metadata, tensors);
}

/** An end token, and GPT-2's printable stand-in for each byte. */
function vocabulary(): readonly string[] {
  let next = 256;
  const isPrintable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
  return ['<|endoftext|>', ...bytes, 'ab'];
}
