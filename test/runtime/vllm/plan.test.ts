/** What vLLM is started with, and what it will take: pure, from a table of profiles. */
import { describe, expect, test } from 'vitest';
import type { LaunchSettings } from '../../../main/core/decide/planner.ts';
import type { GpuFacts } from '../../../main/runtime/module.ts';
import { vllmAdapter } from '../../../main/runtime/vllm/adapter.ts';
import type { VllmFacts } from '../../../main/runtime/vllm/facts.ts';
import { flagOf, humanNumber } from '../../../main/runtime/vllm/flags.ts';
import { HOST_DEVICE, type Placement } from '../../../shared/decision.ts';
import { type ModelForm, type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import { DEFAULT_SETTINGS } from '../../../shared/settings.ts';
import { GIB, MIB } from '../../../shared/units.ts';

const FORM: ModelForm = { kind: 'transformers', files: ['config.json', 'model.safetensors'], codeFiles: [] };
const CPU: Placement = { kind: 'cpu', gpus: [], gpuLayers: null };
const GPU: Placement = { kind: 'gpu', gpus: ['GPU-0'], gpuLayers: null };
const GPUS: Placement = { kind: 'gpu', gpus: ['GPU-0', 'GPU-1'], gpuLayers: null };
const ARCHITECTURES = {
  known: {
    LlamaForCausalLM: ['generate'],
    BertModel: ['pooling'],
    BertForSequenceClassification: ['classify'],
    WhisperForConditionalGeneration: ['multimodal'],
  },
  gone: { Phi3SmallForCausalLM: '0.9.2' },
  plugins: { BartModel: 'https://example.org/plugin' },
} as const;

/** Llama 3.1 8B as its files tell it. */
const LLAMA_8B: ModelProfile = {
  ...NOTHING_KNOWN,
  kind: 'chat',
  architecture: 'LlamaForCausalLM',
  weightBytes: 16.06e9,
  weightBytesByType: { BF16: 16.06e9 },
  quantization: 'BF16',
  contextLength: 131_072,
  layers: 32,
  heads: 32,
  kvHeads: 8,
  embeddingLength: 4096,
  feedForwardLength: 14_336,
  vocabularySize: 128_256,
  kv: { bytesPerToken: 131_072, bytesPerSequence: 0, exact: true, groups: [] },
  hasChatTemplate: true,
  forms: [FORM],
};
const BERT: ModelProfile = {
  ...NOTHING_KNOWN,
  kind: 'embedding',
  architecture: 'BertModel',
  weightBytes: 90e6,
  weightBytesByType: { F32: 90e6 },
  contextLength: 512,
  embeddingLength: 384,
  feedForwardLength: 1536,
  vocabularySize: 30_522,
};

function adapterOn(gpu: Partial<GpuFacts> = {}, change: Partial<VllmFacts> = {}) {
  const facts: VllmFacts = {
    settings: DEFAULT_SETTINGS.vllm,
    install: {
      found: true,
      command: '/venv/bin/vllm',
      path: '/venv/bin:/usr/bin',
      version: '0.32.0',
      isCpuBuild: false,
      architectures: ARCHITECTURES,
    },
    gpus: { isPresent: true, why: '1 GPU' },
    gpu: () => ({ totalBytes: 24 * GIB, computeCapability: '8.9', index: 0, ...gpu }),
    reserveBytes: 512 * MIB,
    sleeps: false,
    cpuCores: 8,
    ...change,
  };
  return vllmAdapter(facts);
}

const planOn = (placement: Placement, profile = LLAMA_8B, settings: LaunchSettings = {}, gpu: Partial<GpuFacts> = {}, form = FORM) =>
  adapterOn(gpu).plan(profile, form, placement, settings);

describe('the share of a GPU', () => {
  test('is computed from what the model needs, never the default, and the estimate is what it stands for', () => {
    const adapter = adapterOn();
    const plan = adapter.plan(LLAMA_8B, FORM, GPU, {});
    const share = Number(flagOf(plan.args, '--gpu-memory-utilization'));
    const { bytes, parts } = adapter.estimate(LLAMA_8B, plan);
    // Weights 15.0, four contexts of 8,192 tokens 4.1, work and graphs 1.7 GiB.
    expect((share * 24).toFixed(1)).toBe('20.6');
    expect(bytes['GPU-0']).toBe(Math.ceil(share * 24 * GIB + 600 * MIB));
    expect((parts['kv'] ?? 0) / GIB).toBeCloseTo(4, 0);
    expect(plan.args.join(' ')).toContain('--max-model-len auto');
    expect(plan.env).toMatchObject({ CUDA_VISIBLE_DEVICES: 'GPU-0', CUDA_DEVICE_ORDER: 'PCI_BUS_ID' });
  });

  test('where room is short: fewer whole contexts, then a smaller one; what cannot fit says what it needs', () => {
    const shareOf = (totalGib: number) => {
      const plan = planOn(GPU, LLAMA_8B, {}, { totalBytes: totalGib * GIB });
      return { gib: Number(flagOf(plan.args, '--gpu-memory-utilization')) * totalGib, tokens: plan.contextTokens };
    };
    expect(shareOf(20).gib).toBeLessThan(19);
    expect(shareOf(20).tokens).toBe(8192);
    expect(shareOf(18.5)).toMatchObject({ tokens: 4096 });
    expect(shareOf(12).gib).toBeGreaterThan(16);
  });

  test('what a failure asked for: a share that is free, or more than was planned', () => {
    const share = (settings: LaunchSettings) => Number(flagOf(planOn(GPU, LLAMA_8B, settings).args, '--gpu-memory-utilization')) * 24;
    expect(share({ gpuBytes: 18 * GIB })).toBeCloseTo(18, 1);
    expect(share({ moreGpuBytes: 2 * GIB })).toBeCloseTo(22.6, 1);
    // A person's word on its memory is what vLLM is told, however it was reckoned.
    expect(share({ memory_mb: 17 * 1024 })).toBeCloseTo(17, 1);
    expect(Number(flagOf(planOn(GPUS, LLAMA_8B, { memory_mb: 20 * 1024 }).args, '--gpu-memory-utilization')) * 24).toBeCloseTo(10, 1);
  });

  test('what vLLM said that an earlier load took replaces the arithmetic, and is told with the plan', () => {
    const learned = { modelBytes: 15.2 * GIB, kvBytes: 3 * GIB, computeBytes: 0.9 * GIB };
    const plan = planOn(GPU, LLAMA_8B, { learned });
    expect((Number(flagOf(plan.args, '--gpu-memory-utilization')) * 24).toFixed(1)).toBe('20.3');
    expect(plan.learned).toBe(learned);
    // Of a load that told nothing of its work, nothing is known.
    expect(planOn(GPU, LLAMA_8B, { learned: { ...learned, computeBytes: 0 } }).args).toEqual(planOn(GPU).args);
  });

  test('adapters that wait for it are allowed for at its start, on a private socket', () => {
    const plan = planOn(GPU, LLAMA_8B, { loras: { count: 7, maxRank: 24 } });
    expect(plan.args.join(' ')).toContain('--enable-lora --max-loras 4 --max-lora-rank 32');
    expect(plan.env).toMatchObject({ VLLM_ALLOW_RUNTIME_LORA_UPDATING: '1' });
    expect(planOn(GPU, BERT, { loras: { count: 1, maxRank: 8 } }).args).not.toContain('--enable-lora');
  });

  test("a person's own flags win, and count in the estimate", () => {
    const adapter = adapterOn({}, { settings: { ...DEFAULT_SETTINGS.vllm, args: ['--gpu-memory-utilization=0.5'] } });
    const plan = adapter.plan(LLAMA_8B, FORM, GPU, { args: ['--enforce-eager'] });
    expect(plan.args.slice(-2)).toEqual(['--gpu-memory-utilization=0.5', '--enforce-eager']);
    expect(adapter.estimate(LLAMA_8B, plan).bytes['GPU-0']).toBe(12 * GIB + 600 * MIB);
  });

  test('over several GPUs each has its part of weights and cache', () => {
    const adapter = adapterOn();
    const plan = adapter.plan(LLAMA_8B, FORM, GPUS, {});
    expect(plan.args.join(' ')).toContain('--tensor-parallel-size 2');
    const { bytes } = adapter.estimate(LLAMA_8B, plan);
    expect((bytes['GPU-0'] ?? 0) / GIB).toBeCloseTo(11.9, 0);
    expect(bytes['GPU-1']).toBe(bytes['GPU-0']);
  });
});

describe('flags', () => {
  test('a context that a person names is kept; models that only read have none', () => {
    expect(planOn(GPU, LLAMA_8B, { context: 20_000 }).args.join(' ')).toContain('--max-model-len 20000');
    expect(flagOf(planOn(GPU, BERT).args, '--max-model-len')).toBeNull();
    expect(planOn(GPU, BERT).contextTokens).toBe(512);
  });

  test('an old GPU computes no bfloat16', () => {
    expect(flagOf(planOn(GPU, LLAMA_8B, {}, { computeCapability: '7.5' }).args, '--dtype')).toBe('float16');
    expect(flagOf(planOn(GPU, { ...LLAMA_8B, architecture: 'Gemma2ForCausalLM' }, {}, { computeCapability: '7.0' }).args, '--dtype')).toBe(
      'float32',
    );
    expect(flagOf(planOn(GPU).args, '--dtype')).toBeNull();
  });

  test("only code that was trusted is run: pickles need no flag, a person's files of Python do", () => {
    expect(planOn(GPU, LLAMA_8B, {}, {}, { ...FORM, codeFiles: ['modeling_x.py'] }).args).toContain('--trust-remote-code');
    expect(planOn(GPU, LLAMA_8B, {}, {}, { ...FORM, codeFiles: ['pytorch_model.bin'] }).args).not.toContain('--trust-remote-code');
  });

  test('a folder as Mistral publishes it', () => {
    expect(planOn(GPU, LLAMA_8B, {}, {}, { ...FORM, kind: 'mistral' }).args.join(' ')).toContain('--load-format mistral');
  });

  test('on a processor: the bytes of the cache, no compiling, its own threads, no GPU', () => {
    const adapter = adapterOn();
    const plan = adapter.plan(BERT, FORM, CPU, {});
    expect(plan.args.join(' ')).toMatch(/--dtype float32 --kv-cache-memory-bytes \d+ --enforce-eager/);
    expect(plan.env).toMatchObject({ VLLM_TARGET_DEVICE: 'cpu', OMP_NUM_THREADS: '7', CUDA_VISIBLE_DEVICES: '' });
    expect(Object.keys(adapter.estimate(BERT, plan).bytes)).toEqual([HOST_DEVICE]);
  });

  test('are read as argparse reads them', () => {
    expect(flagOf(['--a', '1', '--a=2', '--b-c', '3'], '--a')).toBe('2');
    expect(flagOf(['--gpu_memory_utilization', '0.4'], '--gpu-memory-utilization')).toBe('0.4');
    expect([humanNumber('256M'), humanNumber('1k'), humanNumber('25.6k'), humanNumber('7'), humanNumber('many')]).toEqual([
      256 * MIB,
      1000,
      25_600,
      7,
      null,
    ]);
  });
});

describe('what it takes', () => {
  const why = (change: Partial<ModelProfile>, form: Partial<ModelForm> = {}) =>
    adapterOn().supports({ ...LLAMA_8B, ...change }, { ...FORM, ...form });

  test.each<[string, Partial<ModelProfile>, RegExp | null]>([
    ['a chat model', {}, null],
    ['a classifier', { kind: 'classifier', architecture: 'BertForSequenceClassification' }, null],
    ['a transcriber', { kind: 'speech', architecture: 'WhisperForConditionalGeneration' }, null],
    ['an architecture that only transformers knows', { architecture: 'NewForCausalLM' }, null],
    ['one that is gone', { architecture: 'Phi3SmallForCausalLM' }, /0\.9\.2/],
    ['one of a plugin', { architecture: 'BartModel' }, /plugin/],
    ['an encoder that is not listed', { kind: 'embedding', architecture: 'StrangeModel' }, /does not list StrangeModel/],
    ['pictures', { kind: 'vision', architecture: 'ViTForImageClassification' }, /kind vision/],
    ['bitsandbytes', { quantization: 'bitsandbytes nf4 4-bit' }, /vllm-bnb-plugin/],
    ['EXL2', { quantization: 'EXL2 4-bit' }, /not in vLLM/],
  ])('%s', (_what, change, refusal) => {
    const { supported, why: sentence } = why(change);
    expect(supported).toBe(refusal === null);
    if (refusal !== null) expect(sentence).toMatch(refusal);
  });

  test('no GGUF: that is llama.cpp’s', () => expect(why({}, { kind: 'gguf' }).supported).toBe(false));

  test('a quantisation has its devices', () => {
    const at = (quantization: string, placement: Placement, computeCapability = '8.9') =>
      adapterOn({ computeCapability }).obstacle?.({ ...LLAMA_8B, quantization }, placement, {}, FORM) ?? null;
    expect(at('AWQ 4-bit', CPU)).toBeNull();
    expect(at('FP8', CPU)).toContain('FP8 on processors');
    expect(at('FP8', GPU, '7.5')).toContain('needs a GPU of compute capability 8.0, this one has 7.5');
    expect(at('FP8', GPU)).toBeNull();
    expect(at('BF16', CPU)).toBeNull();
  });

  test('a build is for processors or for GPUs', () => {
    const found = (version: string | null, isCpuBuild: boolean) =>
      adapterOn({}, { install: { found: true, command: '/venv/bin/vllm', path: '', version, isCpuBuild, architectures: null } }).found;
    expect(found('0.32.0+cpu', true)).toMatchObject({ gpu: { usable: false }, cpu: { usable: true } });
    expect(found('0.32.0', false)).toMatchObject({ gpu: { usable: true }, cpu: { usable: false } });
    // A wrapper's word is not doubted.
    expect(found(null, false)).not.toHaveProperty('cpu');
    expect(adapterOn({}, { install: { found: false, message: 'not here' } }).found).toMatchObject({ found: false, message: 'not here' });
  });

  test('a missing chat template is told beforehand', () => {
    const adapter = adapterOn();
    const bare = { ...LLAMA_8B, hasChatTemplate: false };
    expect(adapter.estimate(bare, adapter.plan(bare, FORM, GPU, {})).notes.join()).toContain('no chat template: chat is refused');
  });
});
