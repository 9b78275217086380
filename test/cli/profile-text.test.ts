import { expect, test } from 'vitest';
import { profileText } from '../../main/cli/profile-text.ts';
import { type ModelProfile, NOTHING_KNOWN } from '../../shared/profile.ts';

const FULL: ModelProfile = {
  ...NOTHING_KNOWN,
  kind: 'vision-language',
  architecture: 'gemma3',
  parameters: 4_300_000_000,
  weightBytes: 3 * 1024 ** 3,
  weightBytesByType: { Q4_K: 2 * 1024 ** 3, Q6_K: 1024 ** 3 },
  quantization: 'Q4_K',
  contextLength: 131_072,
  layers: 34,
  embeddingLength: 2_560,
  heads: 8,
  kvHeads: 4,
  vocabularySize: 262_208,
  kv: {
    bytesPerToken: 139_264,
    bytesPerSequence: 0,
    exact: true,
    groups: [
      { kind: 'full', layers: 5, bytesPerToken: 20_480, bytesPerSequence: 0, windowTokens: null },
      { kind: 'sliding', layers: 29, bytesPerToken: 118_784, bytesPerSequence: 0, windowTokens: 1_024 },
    ],
  },
  licence: 'gemma',
  tags: ['conversational'],
  forms: [
    { kind: 'gguf', files: ['g.gguf'], codeFiles: [], companions: [{ role: 'projector', file: 'mmproj.gguf' }] },
    { kind: 'transformers', files: ['config.json', 'pytorch_model.bin'], codeFiles: ['pytorch_model.bin'] },
  ],
  problems: [
    { file: 'x.onnx', kind: 'truncated', presentBytes: 100, expectedBytes: 2_000, message: 'x.onnx: 1900 bytes' },
    { file: 'y', kind: 'missing', presentBytes: 0, expectedBytes: null, message: 'y: not there yet' },
  ],
  completenessPercent: 98,
  notes: ['It has no chat template.'],
};

test('a profile with everything in it', () => {
  expect(profileText(FULL).split('\n')).toEqual([
    'It is a vision-language model (gemma3, Q4_K, 4.3 B parameters, 3.0 GiB of weights).',
    '  layers             34; heads 8, 4 for keys and values; width 2,560; vocabulary 262,208',
    '  context            131,072 tokens',
    '  KV cache           136 KiB a token (layers: 5 full, 29 sliding of 1,024 tokens)',
    '  weights            Q4_K 2.0 GiB, Q6_K 1.0 GiB',
    '  licence            gemma',
    '  tags               conversational',
    '  complete           98 %',
    '  form gguf          g.gguf; projector mmproj.gguf',
    '  form transformers  config.json, pytorch_model.bin; would run pytorch_model.bin',
    '  problem            x.onnx: 1900 bytes (100 of 2,000 bytes there)',
    '  problem            y: not there yet',
    'It has no chat template.',
  ]);
});

test('an article for every kind', () => {
  expect(profileText({ ...FULL, kind: 'embedding' })).toMatch(/^It is an embedding model/);
});

test('one of which little is known says no more than that', () => {
  expect(profileText(NOTHING_KNOWN)).toBe('Its kind is not known (unknown, 0 MiB of weights).');
  const base = { ...NOTHING_KNOWN, architecture: 'lora', base: 'o/b', weightBytes: 2 * 1024 ** 2, parameters: 1_000 };
  expect(profileText(base).split('\n')).toEqual(['Its kind is not known (lora, 1,000 parameters, 2 MiB of weights).', '  adapter of  o/b']);
});

test('a hundred problems are counted, not listed', () => {
  const problems = Array.from({ length: 100 }, (_, at) => ({ ...FULL.problems[1]!, message: `${at}: not there yet` }));
  const lines = profileText({ ...NOTHING_KNOWN, problems }).split('\n');
  expect(lines).toHaveLength(14);
  expect(lines.at(-1)).toContain('and 88 more');
});
