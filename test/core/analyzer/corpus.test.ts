/**
 * What the analyzer says of folders in the shapes of public models. Parameters are the published
 * ones (Hugging Face's own count of each file, or the paper's), cache bytes are worked out by hand
 * beside each: layers x heads x width x 2 (keys and values) x 2 bytes. That transformers agrees
 * with both is shown by test/runtimes/corpus.test.ts.
 */
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import type { CandidateFile } from '../../../main/core/analyzer/findings.ts';
import { kvBytesOfSequence, type ModelKind, type ModelProfile } from '../../../shared/profile.ts';
import { MIB } from '../../../shared/units.ts';
import {
  bitsandbytes,
  blockFp8,
  bytesOf,
  CORPUS,
  compressed,
  configFile,
  mxfp4,
  nvfp4,
  packed,
  type Tensor,
  TOKENIZER_FILES,
  tensorsOf,
  textFile,
  weightFiles,
} from '../../helpers/corpus.ts';

const CHAT = [textFile('chat_template.jinja', '{{ messages }}')];

function folder(name: string, more: readonly CandidateFile[] = []): readonly CandidateFile[] {
  return [configFile(CORPUS[name]!), ...weightFiles(tensorsOf(name)), ...TOKENIZER_FILES, ...more];
}

function profileOf(files: readonly CandidateFile[]): ModelProfile {
  const analysis = analyzeCandidate(files, false);
  expect(analysis, analysis.missing.join()).toMatchObject({ missing: [], damage: null, zeroTails: [], whole: true });
  return analysis.profile!;
}

interface Expected {
  readonly kind: ModelKind;
  readonly parameters: number;
  readonly context: number | null;
  /** While the sequence is shorter than every window. */
  readonly perToken: number;
  readonly perSequence?: number;
  /** Bytes of one sequence of 100,000 tokens, where some layers keep less. */
  readonly at100k?: number;
  readonly chat?: boolean;
}

const TABLE: readonly (readonly [name: string, expected: Expected])[] = [
  // Llama: meta-llama/*; 32 layers x 32 heads x 128
  ['llama-2-7b', { kind: 'completion', parameters: 6_738_415_616, context: 4096, perToken: 512 * 1024 }],
  ['llama-3-8b', { kind: 'chat', chat: true, parameters: 8_030_261_248, context: 8192, perToken: 32 * 8 * 128 * 4 }],
  ['llama-3.1-70b', { kind: 'completion', parameters: 70_553_706_496, context: 131_072, perToken: 80 * 8 * 128 * 4 }],
  ['llama-3.1-405b', { kind: 'completion', parameters: 405_853_388_800, context: 131_072, perToken: 126 * 8 * 128 * 4 }],
  ['llama-3.2-1b', { kind: 'chat', chat: true, parameters: 1_235_814_400, context: 131_072, perToken: 16 * 8 * 64 * 4 }],
  ['modernized-v5-llama', { kind: 'completion', parameters: 1_235_814_400, context: 131_072, perToken: 16 * 8 * 64 * 4 }],
  ['smollm2-135m', { kind: 'chat', chat: true, parameters: 134_515_008, context: 8192, perToken: 30 * 3 * 64 * 4 }],
  ['tinyllama-1.1b', { kind: 'completion', parameters: 1_100_048_384, context: 2048, perToken: 22 * 4 * 64 * 4 }],
  // Llama 4 Scout: three layers of four see only their chunk of 8,192 tokens
  [
    'llama-4-scout',
    {
      kind: 'vision-language',
      parameters: 108_641_793_536,
      context: 10_485_760,
      perToken: 48 * 8 * 128 * 4,
      at100k: 8 * 128 * 4 * (12 * 100_000 + 36 * 8192),
    },
  ],
  // Qwen: the window is switched off; YaRN stretches the 32,768 positions by 4
  ['qwen2.5-0.5b', { kind: 'completion', parameters: 494_032_768, context: 32_768, perToken: 24 * 2 * 64 * 4 }],
  ['qwen2.5-7b', { kind: 'completion', parameters: 7_615_616_512, context: 131_072, perToken: 28 * 4 * 128 * 4 }],
  ['qwen2.5-72b', { kind: 'completion', parameters: 72_706_203_648, context: 32_768, perToken: 80 * 8 * 128 * 4 }],
  ['qwen3-0.6b', { kind: 'completion', parameters: 596_049_920, context: 40_960, perToken: 28 * 8 * 128 * 4 }],
  ['qwen3-8b', { kind: 'chat', chat: true, parameters: 8_190_735_360, context: 40_960, perToken: 36 * 8 * 128 * 4 }],
  ['qwen3-30b-a3b', { kind: 'chat', chat: true, parameters: 30_532_122_624, context: 40_960, perToken: 48 * 4 * 128 * 4 }],
  // 12 layers of attention; 36 with a state of 32 heads x 128 x 128 floats and 3 columns of 2 x 16
  // x 128 + 32 x 128 channels
  [
    'qwen3-next-80b',
    {
      kind: 'chat',
      chat: true,
      parameters: 79_674_391_296,
      context: 262_144,
      perToken: 12 * 2 * 256 * 4,
      perSequence: 36 * (32 * 128 * 128 * 4 + 3 * 8192 * 2),
    },
  ],
  // Mistral 0.1 sees 4,096 tokens back, the later ones everything
  ['mistral-7b-v0.1', { kind: 'completion', parameters: 7_241_732_096, context: 32_768, perToken: 128 * 1024, at100k: 128 * 1024 * 4096 }],
  ['mistral-7b-v0.3', { kind: 'completion', parameters: 7_248_023_552, context: 32_768, perToken: 128 * 1024 }],
  ['mistral-nemo-12b', { kind: 'completion', parameters: 12_247_782_400, context: 131_072, perToken: 40 * 8 * 128 * 4 }],
  ['mixtral-8x7b', { kind: 'chat', chat: true, parameters: 46_702_792_704, context: 32_768, perToken: 32 * 8 * 128 * 4 }],
  // Gemma: every second layer of 2, five of six of 3 see a window
  ['gemma-2b', { kind: 'completion', parameters: 2_506_172_416, context: 8192, perToken: 18 * 256 * 4 }],
  [
    'gemma-2-2b',
    {
      kind: 'completion',
      parameters: 2_614_341_888,
      context: 8192,
      perToken: 26 * 4 * 256 * 4,
      at100k: 4 * 256 * 4 * (13 * 100_000 + 13 * 4096),
    },
  ],
  [
    'gemma-2-27b',
    {
      kind: 'completion',
      parameters: 27_227_128_320,
      context: 8192,
      perToken: 46 * 16 * 128 * 4,
      at100k: 16 * 128 * 4 * (23 * 100_000 + 23 * 4096),
    },
  ],
  [
    'gemma-3-1b',
    { kind: 'completion', parameters: 999_885_952, context: 32_768, perToken: 26 * 256 * 4, at100k: 256 * 4 * (4 * 100_000 + 22 * 512) },
  ],
  [
    'gemma-3-4b',
    {
      kind: 'vision-language',
      parameters: 4_300_079_472,
      context: 131_072,
      perToken: 34 * 4 * 256 * 4,
      at100k: 4 * 256 * 4 * (5 * 100_000 + 29 * 1024),
    },
  ],
  [
    'phi-3-mini-4k',
    { kind: 'completion', parameters: 3_821_079_552, context: 4096, perToken: 32 * 32 * 96 * 4, at100k: 32 * 32 * 96 * 4 * 2047 },
  ],
  ['phi-3-mini-128k', { kind: 'completion', parameters: 3_821_079_552, context: 131_072, perToken: 32 * 32 * 96 * 4 }],
  ['phi-4', { kind: 'completion', parameters: 14_659_507_200, context: 16_384, perToken: 40 * 10 * 128 * 4 }],
  // DeepSeek: one compressed row of 512 + 64 a layer; YaRN stretches 4,096 by 40
  ['deepseek-v2-lite', { kind: 'completion', parameters: 15_706_484_224, context: 163_840, perToken: 27 * 576 * 2 }],
  // 671,026,419,200 with the 58 x 256 corrections of its router
  ['deepseek-v3', { kind: 'chat', chat: true, parameters: 671_026_419_200, context: 163_840, perToken: 61 * 576 * 2 }],
  // The older ones
  ['gpt2', { kind: 'completion', parameters: 124_439_808, context: 1024, perToken: 12 * 768 * 4 }],
  ['gpt2-xl', { kind: 'completion', parameters: 1_557_611_200, context: 1024, perToken: 48 * 1600 * 4 }],
  ['gpt-neox-20b', { kind: 'completion', parameters: 20_554_567_680, context: 2048, perToken: 44 * 6144 * 4 }],
  ['pythia-160m', { kind: 'completion', parameters: 162_322_944, context: 2048, perToken: 12 * 768 * 4 }],
  ['gpt-neo-1.3b', { kind: 'completion', parameters: 1_315_575_808, context: 2048, perToken: 24 * 2048 * 4 }],
  ['gpt-j-6b', { kind: 'completion', parameters: 6_050_882_784, context: 2048, perToken: 28 * 4096 * 4 }],
  // One head for all 71, then 8 for 128
  ['falcon-7b', { kind: 'completion', parameters: 6_921_720_704, context: null, perToken: 32 * 64 * 4 }],
  ['falcon-40b', { kind: 'completion', parameters: 41_303_293_952, context: null, perToken: 60 * 8 * 64 * 4 }],
  ['mpt-7b', { kind: 'completion', parameters: 6_649_286_656, context: 2048, perToken: 32 * 4096 * 4 }],
  ['dbrx', { kind: 'chat', chat: true, parameters: 131_596_523_520, context: 32_768, perToken: 40 * 8 * 128 * 4 }],
  ['bloom-560m', { kind: 'completion', parameters: 559_214_592, context: null, perToken: 24 * 1024 * 4 }],
  ['opt-125m', { kind: 'completion', parameters: 125_239_296, context: 2048, perToken: 12 * 768 * 4 }],
  ['starcoder', { kind: 'completion', parameters: 15_517_456_384, context: 8192, perToken: 40 * 128 * 4 }],
  [
    'starcoder2-3b',
    { kind: 'completion', parameters: 3_030_371_328, context: 16_384, perToken: 30 * 2 * 128 * 4, at100k: 30 * 2 * 128 * 4 * 4096 },
  ],
  ['olmo-2-7b', { kind: 'completion', parameters: 7_298_617_344, context: 4096, perToken: 512 * 1024 }],
  [
    'command-r7b',
    {
      kind: 'completion',
      parameters: 8_028_033_024,
      context: 132_096,
      perToken: 32 * 8 * 128 * 4,
      at100k: 8 * 128 * 4 * (8 * 100_000 + 24 * 4096),
    },
  ],
  // Every second layer sees 128 tokens; YaRN stretches 4,096 by 32
  [
    'gpt-oss-20b',
    {
      kind: 'completion',
      parameters: 20_914_757_184,
      context: 131_072,
      perToken: 24 * 8 * 64 * 4,
      at100k: 8 * 64 * 4 * (12 * 100_000 + 12 * 128),
    },
  ],
  // A state instead of a cache: 24 x (1,536 x 16 floats and 3 x 1,536 inputs)
  [
    'mamba-130m',
    { kind: 'completion', parameters: 129_135_360, context: null, perToken: 0, perSequence: 24 * (1536 * 16 * 4 + 3 * 1536 * 2) },
  ],
  // 128 heads x 64 x 128 floats, and 3 columns of 8,192 + 2 x 8 x 128 inputs
  [
    'mamba-codestral-7b',
    {
      kind: 'completion',
      parameters: 7_285_403_648,
      context: null,
      perToken: 0,
      perSequence: 64 * (128 * 64 * 128 * 4 + 3 * (8192 + 2048) * 2),
    },
  ],
  // One layer of eight attends; 28 are Mamba with 8,192 channels
  [
    'jamba-v0.1',
    {
      kind: 'completion',
      parameters: 51_570_323_328,
      context: 262_144,
      perToken: 4 * 8 * 128 * 4,
      perSequence: 28 * (8192 * 16 * 4 + 3 * 8192 * 2),
    },
  ],
  // 4 of attention, 27 of Mamba 2 (128 heads x 80 x 128), 25 of neither
  [
    'nemotron-nano-9b-v2',
    {
      kind: 'chat',
      chat: true,
      parameters: 8_888_227_328,
      context: 131_072,
      perToken: 4 * 8 * 128 * 4,
      perSequence: 27 * (128 * 80 * 128 * 4 + 3 * (10_240 + 2048) * 2),
    },
  ],
  // Both in every layer
  [
    'falcon-h1-0.5b',
    {
      kind: 'completion',
      parameters: 521_411_104,
      context: 16_384,
      perToken: 36 * 2 * 64 * 4,
      perSequence: 36 * (24 * 64 * 128 * 4 + 3 * (1536 + 256) * 2),
    },
  ],
  // 6 of attention, 10 short convolutions that keep 2 columns
  [
    'lfm2-1.2b',
    { kind: 'completion', parameters: 1_170_340_608, context: 128_000, perToken: 6 * 8 * 64 * 4, perSequence: 10 * 2 * 2048 * 2 },
  ],
  // 8 of attention over 2,048 tokens, 18 gated units of 2,560
  [
    'recurrentgemma-2b',
    {
      kind: 'completion',
      parameters: 2_682_862_080,
      context: null,
      perToken: 8 * 256 * 4,
      perSequence: 18 * (2560 * 4 + 3 * 2560 * 2),
      at100k: 8 * 256 * 4 * 2048 + 18 * (2560 * 4 + 3 * 2560 * 2),
    },
  ],
  // Encoders keep nothing
  ['bert-base', { kind: 'embedding', parameters: 109_514_298, context: 512, perToken: 0 }],
  ['bge-small-en-v1.5', { kind: 'embedding', parameters: 33_360_000, context: 512, perToken: 0 }],
  ['e5-large-v2', { kind: 'embedding', parameters: 335_141_888, context: 512, perToken: 0 }],
  ['minilm-l6', { kind: 'embedding', parameters: 22_713_216, context: 512, perToken: 0 }],
  ['bge-m3', { kind: 'embedding', parameters: 567_754_752, context: 8192, perToken: 0 }],
  ['roberta-base', { kind: 'embedding', parameters: 124_697_433, context: 512, perToken: 0 }],
  ['all-mpnet-base-v2', { kind: 'embedding', parameters: 109_486_464, context: 512, perToken: 0 }],
  ['modernbert-base', { kind: 'embedding', parameters: 149_655_232, context: 8192, perToken: 0 }],
  ['ms-marco-minilm', { kind: 'reranker', parameters: 22_713_601, context: 512, perToken: 0 }],
  ['bge-reranker-base', { kind: 'reranker', parameters: 278_044_417, context: 512, perToken: 0 }],
  ['distilbert-sst2', { kind: 'classifier', parameters: 66_955_010, context: 512, perToken: 0 }],
  // Images and sound
  ['clip-vit-base-32', { kind: 'embedding', parameters: 151_277_313, context: 77, perToken: 0 }],
  ['siglip-base-224', { kind: 'embedding', parameters: 203_155_970, context: null, perToken: 0 }],
  ['vit-base-224', { kind: 'vision', parameters: 86_567_656, context: null, perToken: 0 }],
  ['dinov2-base', { kind: 'vision', parameters: 86_580_480, context: null, perToken: 0 }],
  // 25,557,032, and 53,120 running means and variances of its normalisation, which the file counts
  // too
  ['resnet-50', { kind: 'vision', parameters: 25_557_032 + 53_120, context: null, perToken: 0 }],
  ['wav2vec2-base-960h', { kind: 'speech', parameters: 94_396_320, context: null, perToken: 0 }],
  // The encoder's 1,500 positions are kept beside the text
  ['whisper-tiny', { kind: 'speech', parameters: 37_760_640, context: 448, perToken: 4 * 384 * 4, perSequence: 4 * 384 * 4 * 1500 }],
  [
    'whisper-large-v3',
    { kind: 'speech', parameters: 1_543_490_560, context: 448, perToken: 32 * 1280 * 4, perSequence: 32 * 1280 * 4 * 1500 },
  ],
  ['llava-1.5-7b', { kind: 'vision-language', parameters: 7_063_427_072, context: 4096, perToken: 512 * 1024 }],
  ['qwen2-vl-2b', { kind: 'vision-language', parameters: 2_208_985_600, context: 32_768, perToken: 28 * 2 * 128 * 4 }],
  ['t5-small', { kind: 'completion', parameters: 60_506_624, context: 512, perToken: 6 * 512 * 4, perSequence: 6 * 512 * 4 * 512 }],
  ['flan-t5-base', { kind: 'completion', parameters: 247_577_856, context: 512, perToken: 12 * 768 * 4, perSequence: 12 * 768 * 4 * 512 }],
  // 406,290,432, and the bias of its logits, which the file counts too
  [
    'bart-large-cnn',
    { kind: 'completion', parameters: 406_290_432 + 50_264, context: 1024, perToken: 12 * 1024 * 4, perSequence: 12 * 1024 * 4 * 1024 },
  ],
];

describe('folders in the shapes of public models', () => {
  test.each(TABLE)('%s', (name, expected) => {
    const profile = profileOf(folder(name, expected.chat === true ? CHAT : []));
    expect(profile.kind).toBe(expected.kind);
    expect(profile.architecture).toBe((CORPUS[name]!.config['architectures'] as readonly string[])[0]);
    expect(profile.parameters).toBe(expected.parameters);
    expect(profile.contextLength).toBe(expected.context);
    expect(profile.kv).toMatchObject({ bytesPerToken: expected.perToken, bytesPerSequence: expected.perSequence ?? 0, exact: true });
    const plain = expected.perToken * 100_000 + (expected.perSequence ?? 0);
    expect(kvBytesOfSequence(profile.kv!, 100_000)).toBe(expected.at100k ?? plain);
    expect(profile.weightBytes).toBe(tensorsOf(name).reduce((sum, tensor) => sum + bytesOf(tensor), 0));
    expect(profile.completenessPercent).toBe(100);
    expect(profile.problems).toEqual([]);
  });

  test('more than sixty of them', () => expect(TABLE.length).toBeGreaterThan(60));
});

describe('quantised weights count as what they unpack to', () => {
  const quantised = (name: string, quantization_config: object, change: (tensors: readonly Tensor[]) => readonly Tensor[]) =>
    profileOf([configFile(CORPUS[name]!, { quantization_config }), ...weightFiles(change(tensorsOf(name))), ...TOKENIZER_FILES]);

  test.each<[string, string, object, (tensors: readonly Tensor[]) => readonly Tensor[], number, string]>([
    ['AWQ', 'qwen2.5-7b', { quant_method: 'awq', bits: 4, group_size: 128, version: 'gemm' }, packed, 7_615_616_512, 'AWQ 4-bit'],
    ['GPTQ', 'llama-3-8b', { quant_method: 'gptq', bits: 4, group_size: 128, desc_act: false }, packed, 8_030_261_248, 'GPTQ 4-bit'],
    [
      'bitsandbytes',
      'llama-3-8b',
      {
        quant_method: 'bitsandbytes',
        load_in_4bit: true,
        _load_in_4bit: true,
        bnb_4bit_quant_type: 'nf4',
        bnb_4bit_use_double_quant: true,
      },
      bitsandbytes,
      8_030_261_248,
      'bitsandbytes nf4 4-bit',
    ],
    ['FP8 in blocks', 'deepseek-v3', { quant_method: 'fp8', fmt: 'e4m3', weight_block_size: [128, 128] }, blockFp8, 671_026_419_200, 'FP8'],
    ['MXFP4', 'gpt-oss-20b', { quant_method: 'mxfp4' }, mxfp4, 20_914_757_184, 'MXFP4'],
    [
      'compressed-tensors',
      'llama-3-8b',
      {
        quant_method: 'compressed-tensors',
        format: 'pack-quantized',
        config_groups: { group_0: { targets: ['Linear'], weights: { num_bits: 4, type: 'int', group_size: 128 } } },
      },
      compressed,
      8_030_261_248,
      'compressed-tensors INT4',
    ],
    ['NVFP4', 'llama-3-8b', { quant_method: 'modelopt', quant_algo: 'NVFP4' }, nvfp4, 8_030_261_248, 'ModelOpt NVFP4'],
  ])('%s', (_what, name, config, change, parameters, label) => {
    const profile = quantised(name, config, change);
    expect(profile.parameters).toBe(parameters);
    expect(profile.quantization).toBe(label);
    expect(profile.weightBytes).toBeLessThan(parameters * 1.4);
  });
});

describe('configurations whose code is not in transformers', () => {
  const bare = (name: string) =>
    profileOf([configFile(CORPUS[name]!), ...weightFiles([{ name: 'model.embed', type: 'BF16', shape: [8, 8] }]), ...TOKENIZER_FILES]);

  test('heads by layer, and code that has to be trusted', () => {
    // 16 layers with 3 to 5 heads of 64: 5 x 3 + 7 x 4 + 4 x 5 = 63 heads
    const profile = bare('openelm-270m');
    expect(profile.kv).toMatchObject({ bytesPerToken: 63 * 64 * 4, exact: true });
    expect(profile.forms[0]?.codeFiles).toEqual(['config.json']);
  });

  test('blocks that a search has thinned out: 8, no, and 4 heads of 128', () => {
    expect(bare('llama-nemotron-super-49b').kv).toMatchObject({ bytesPerToken: 12 * 128 * 4, exact: true });
  });
});

test('a 671-billion model in more than a hundred shards is read within bounds', () => {
  const read = { bytes: 0, steps: 0 };
  const files = folder('deepseek-v3').map((file) => ({
    ...file,
    open: () => {
      const source = file.open();
      return {
        bytes: source.bytes,
        read: (offset: number, length: number) => {
          read.bytes += length;
          read.steps += 1;
          return source.read(offset, length);
        },
      };
    },
  }));
  expect(files.length).toBeGreaterThan(100);
  expect(profileOf(files).weightBytes).toBeGreaterThan(1e12);
  // Headers, and some 2,000 samples of 4 KiB with those that a file has at least.
  expect(read.bytes).toBeLessThan(24 * MIB);
  expect(read.steps).toBeLessThan(4000);
});
