/** Profiles as the analyzer reads them from real files. */
import { type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';

/** SmolLM2-135M-Instruct Q4_1, 98,362,432 bytes. */
export const SMOLLM2: ModelProfile = {
  ...NOTHING_KNOWN,
  kind: 'chat',
  architecture: 'llama',
  name: 'SmolLM2',
  parameters: 134_515_008,
  weightBytes: 96_576_768,
  weightBytesByType: { Q4_1: 66_355_200, Q8_0: 30_081_024, F32: 140_544 },
  quantization: 'Q4_1',
  contextLength: 8192,
  layers: 30,
  embeddingLength: 576,
  feedForwardLength: 1536,
  heads: 9,
  kvHeads: 3,
  vocabularySize: 49_152,
  kv: { bytesPerToken: 23_040, bytesPerSequence: 0, exact: true, groups: [] },
  tokenizer: 'gpt2',
  hasChatTemplate: true,
  forms: [{ kind: 'gguf', files: ['SmolLM2.gguf'], codeFiles: [] }],
  notes: [],
  layerBytes: Array.from({ length: 30 }, () => 2_216_448),
  inputBytes: 30_081_024,
  outputBytes: 2304,
};

/** The tiny untrained model in F32. */
export const TINY: ModelProfile = {
  ...SMOLLM2,
  name: 'Tiny untrained',
  parameters: 116_288,
  weightBytes: 465_152,
  weightBytesByType: { F32: 465_152 },
  quantization: 'F32',
  contextLength: 2048,
  layers: 2,
  embeddingLength: 64,
  feedForwardLength: 128,
  heads: 4,
  kvHeads: 2,
  vocabularySize: 330,
  kv: { bytesPerToken: 256, bytesPerSequence: 0, exact: true, groups: [] },
  layerBytes: [147_968, 147_968],
  inputBytes: 84_480,
  outputBytes: 84_736,
};

/** The tiny encoder in F32. */
export const TINY_BERT: ModelProfile = {
  ...TINY,
  kind: 'embedding',
  architecture: 'bert',
  weightBytes: 425_728,
  contextLength: 512,
  vocabularySize: 101,
  kv: { bytesPerToken: 512, bytesPerSequence: 0, exact: true, groups: [] },
  hasChatTemplate: false,
  layerBytes: [133_888, 133_888],
  inputBytes: 157_952,
  outputBytes: 0,
};
