/**
 * Valid folders of every format, to be mutated: small ones made by our own helpers, the tiny model
 * that llama.cpp itself loads, configurations as they are published, and real files that packages
 * carry.
 */
import { readFileSync } from 'node:fs';
import { tinyModel } from '../../../main/embedded/gguf/tiny-model.ts';
import type { Contents } from './folder-of.ts';
import type { FuzzFormat } from './fuzz-kit.ts';
import { type RealSample, realSample } from './fuzz-real.ts';
import { llama, writeGguf } from './synthetic-gguf.ts';
import { attribute, message, node, tensor, value, writeOnnx } from './synthetic-onnx.ts';
import { TRITON_CONFIG, TRITON_ENSEMBLE } from './synthetic-pbtxt.ts';
import { openVinoXml, tensorRtPlan } from './synthetic-plans.ts';
import { writeSafetensors } from './synthetic-safetensors.ts';
import { checkpoint, torchScript, writeZip } from './synthetic-zip.ts';

const weights = writeSafetensors({
  'model.embed_tokens.weight': ['BF16', [32, 16]],
  'model.layers.0.self_attn.q_proj.weight': ['BF16', [16, 16]],
  'model.layers.1.self_attn.q_proj.weight': ['F32', [16, 16]],
  'lm_head.weight': ['F16', [32, 16]],
});
const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 16,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 2,
  head_dim: 4,
  intermediate_size: 32,
  max_position_embeddings: 2048,
  rope_scaling: { rope_type: 'yarn', factor: 4 },
  sliding_window: 512,
  layer_types: ['full_attention', 'sliding_attention'],
  vocab_size: 32,
  torch_dtype: 'bfloat16',
  quantization_config: { quant_method: 'gptq', bits: 4, group_size: 128 },
};
const nested = {
  architectures: ['Gemma3ForConditionalGeneration'],
  model_type: 'gemma3',
  text_config: config,
  vision_config: { hidden_size: 8 },
};
const mamba = {
  architectures: ['JambaForCausalLM'],
  model_type: 'jamba',
  hidden_size: 16,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  vocab_size: 32,
  attn_layer_period: 2,
  attn_layer_offset: 1,
  mamba_d_state: 8,
  mamba_d_conv: 4,
  mamba_expand: 2,
  num_experts: 4,
  num_experts_per_tok: 2,
};
const latent = {
  architectures: ['DeepseekV3ForCausalLM'],
  model_type: 'deepseek_v3',
  hidden_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  kv_lora_rank: 8,
  qk_rope_head_dim: 4,
  qk_nope_head_dim: 4,
  v_head_dim: 4,
  n_routed_experts: 8,
  auto_map: { AutoModel: 'modeling.X' },
};
const tokenizer = {
  'tokenizer_config.json': { chat_template: '{{ messages }}', tokenizer_class: 'X' },
  'tokenizer.json': { version: '1.0' },
};
const shard = (no: number): string => `model-0000${no}-of-00002.safetensors`;
const sharded: Contents = {
  'config.json': config,
  'model.safetensors.index.json': { metadata: { total_size: 2 }, weight_map: { a: shard(1), b: shard(2) } },
  [shard(1)]: writeSafetensors({ a: ['F32', [4]] }),
  [shard(2)]: writeSafetensors({ b: ['F16', [4]] }),
  ...tokenizer,
};
const readme = '---\nlicense: apache-2.0\ntags:\n- text-generation\nbase_model: a/b\n---\n# A model\n';

function transformers(content: object): Contents {
  return {
    'config.json': content,
    'model.safetensors': weights,
    'README.md': readme,
    'generation_config.json': { eos_token_id: 2 },
    ...tokenizer,
  };
}

const inner = message(
  6,
  node('Add', 'inner.domain'),
  tensor(5, { name: 'w', dims: [2], type: 1, raw: Buffer.alloc(8, 1) }),
  value(12, 'z', 1, [2]),
);
const external = writeOnnx({
  tensors: [{ name: 'w', dims: [4, 8], type: 1, external: { location: 'model.onnx_data', offset: 64, length: 128 } }],
});
const onnx: readonly Contents[] = [
  { 'model.onnx': writeOnnx({ nodes: [node('MatMul'), node('If', '', attribute('then_branch', inner))], opsets: { '': 17, acme: 1 } }) },
  { 'onnx/model.onnx': external, 'onnx/model.onnx_data': Buffer.alloc(192, 3), 'onnx/model_q4.onnx': writeOnnx(), 'config.json': config },
  { 'encoder_model.onnx': writeOnnx(), 'decoder_model_merged.onnx': external, 'model.onnx_data': Buffer.alloc(192, 3) },
];
const pt2 = writeZip([
  { name: 'm/archive_format', content: 'pt2' },
  { name: 'm/models/model.json', content: '{}' },
  { name: 'm/data/weights/weight_0', content: Buffer.alloc(64) },
]);
const modules = ['Transformer', 'Pooling', 'Normalize'].map((name, idx) => ({
  idx,
  name: String(idx),
  path: idx === 0 ? '' : `${idx}_${name}`,
  type: `sentence_transformers.models.${name}`,
}));
const split = (no: number): Buffer => {
  const metadata = [
    ['split.no', { type: 'u32', value: no }],
    ['split.count', { type: 'u32', value: 3 }],
  ] as const;
  const rest = { metadata, tensors: [{ name: `blk.${no + 1}.w`, shape: [8], type: 0, bytes: 32 }] };
  return writeGguf(no === 0 ? llama({ metadata }) : rest);
};
const configs = JSON.parse(readFileSync(new URL('../../fixtures/corpus/configs.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, { readonly config: object }>
>;
const published = Object.values(configs).map((each) => each.config);
const part = (no: number): string => `m-0000${no + 1}-of-00003.gguf`;

const MADE: readonly Omit<FuzzFormat, 'real'>[] = [
  {
    name: 'GGUF',
    mutates: /\.gguf$/,
    samples: [
      { 'model.gguf': writeGguf(llama()) },
      Object.fromEntries(tinyModel().map(({ name, bytes }) => [name, bytes.subarray(0, 16_384)])),
      {
        'model.gguf': writeGguf(llama()),
        'mmproj.gguf': writeGguf(llama({ metadata: [['general.architecture', { type: 'string', value: 'clip' }]] })),
      },
    ],
  },
  { name: 'GGUF in parts', mutates: /\.gguf$/, samples: [{ [part(0)]: split(0), [part(1)]: split(1), [part(2)]: split(2) }] },
  { name: 'safetensors', mutates: /\.safetensors$/, samples: [transformers(config), sharded] },
  {
    name: 'JSON of transformers',
    mutates: /\.(?:json|md)$/,
    samples: [config, nested, mamba, latent, ...published].map(transformers).concat([sharded]),
  },
  { name: 'ONNX', mutates: /\.onnx(?:_data)?$/, samples: onnx },
  {
    name: 'zip archives of PyTorch',
    mutates: /\.(?:pt2?|pth|ckpt|bin|jit)$/,
    samples: [{ 'a.pt': torchScript(), 'b.pth': checkpoint() }, { 'model.pt2': pt2 }, { 'model.bin': checkpoint() }],
  },
  {
    name: 'TensorRT',
    mutates: /\.plan$/,
    samples: [0, 0x2b, 0x57, 0x61, 0xee].map((version) => ({ 'model.plan': tensorRtPlan(version, 60) })),
  },
  { name: 'OpenVINO', mutates: /\.(?:xml|bin)$/, samples: [{ 'model.xml': openVinoXml(), 'model.bin': Buffer.alloc(136, 1) }] },
  {
    name: 'Triton',
    mutates: /config\.pbtxt$|model\.onnx$/,
    samples: [
      { 'config.pbtxt': TRITON_CONFIG, '1/model.onnx': writeOnnx(), '2/model.onnx': writeOnnx() },
      { 'config.pbtxt': TRITON_ENSEMBLE },
      {
        'config.pbtxt': 'backend: "python" runtime: "x.so" parameters { key: "EXECUTION_ENV_PATH" value: { string_value: "e.tgz" } }',
        '1/model.py': 'x',
      },
    ],
  },
  {
    name: 'sentence-transformers',
    mutates: /\.json$/,
    samples: [
      {
        ...transformers({ ...config, architectures: ['BertModel'], model_type: 'bert' }),
        'modules.json': modules,
        '1_Pooling/config.json': { word_embedding_dimension: 16, pooling_mode_mean_tokens: true },
        'sentence_bert_config.json': { max_seq_length: 256 },
        'config_sentence_transformers.json': { prompts: { query: 'query: ' } },
      },
    ],
  },
  {
    name: 'adapters',
    mutates: /^adapter_/,
    samples: [
      {
        'adapter_config.json': { peft_type: 'LORA', base_model_name_or_path: 'a/b', r: 8, target_modules: ['q_proj'] },
        'adapter_model.safetensors': weights,
      },
    ],
  },
  {
    name: 'diffusers',
    mutates: /model_index\.json$|\.safetensors$/,
    samples: [
      {
        'model_index.json': {
          _class_name: 'StableDiffusionPipeline',
          unet: ['diffusers', 'UNet2DConditionModel'],
          scheduler: ['diffusers', 'X'],
        },
        'unet/diffusion_pytorch_model.safetensors': weights,
        'scheduler/scheduler_config.json': {},
      },
    ],
  },
  {
    name: 'timm',
    mutates: /\.(?:json|safetensors)$/,
    samples: [
      {
        'config.json': { architecture: 'vit', num_classes: 10, num_features: 8, pretrained_cfg: { input_size: [3, 224, 224] } },
        'model.safetensors': weights,
      },
    ],
  },
  {
    name: 'Mistral',
    mutates: /\.(?:json|safetensors)$/,
    samples: [
      {
        'params.json': {
          dim: 16,
          n_layers: 4,
          head_dim: 4,
          hidden_dim: 32,
          n_heads: 4,
          n_kv_heads: 2,
          vocab_size: 32,
          sliding_window: [null, 64],
        },
        'consolidated.safetensors': weights,
        'consolidated.safetensors.index.json': { weight_map: { a: 'consolidated.safetensors' } },
        'tekken.json': {},
      },
    ],
  },
  {
    name: 'half of a download',
    mutates: /./,
    samples: [
      { 'model.gguf': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4000\n', 'model.safetensors.part': weights },
      { 'saved_model.pb': 'x', 'variables/variables.index': 'x' },
    ],
  },
];

/**
 * Of TensorRT, OpenVINO, adapters, timm, diffusers and Mistral no package carries a file that is
 * small enough.
 */
const rapidOcr = realSample('rapidocr');
const REAL: Readonly<Record<string, readonly RealSample[]>> = {
  GGUF: [realSample('smollm2')],
  safetensors: [realSample('minilm')],
  'JSON of transformers': [realSample('minilm')],
  ONNX: [realSample('silero-onnx'), rapidOcr],
  'zip archives of PyTorch': [realSample('silero-jit'), realSample('lpips')],
  Triton: [Object.fromEntries(Object.values(rapidOcr).map((file) => ['1/model.onnx', file]))],
  'sentence-transformers': [realSample('minilm')],
};

export const FUZZ_FORMATS: readonly FuzzFormat[] = MADE.map((format) => ({ ...format, real: REAL[format.name] ?? [] }));
