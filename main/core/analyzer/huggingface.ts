/**
 * A Hugging Face folder (config.json beside the weights) as a profile: what it is, how large, and what in it would execute code (I7).
 * Pure; says what the configuration says. Which runtime can serve it is the brain's business.
 */
import { type KvCost, type ModelForm, type ModelKind, type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import type { SafetensorsTensor } from './safetensors.ts';
import { isObject } from './safetensors.ts';

type Config = Readonly<Record<string, unknown>>;

export interface HuggingfaceFolder {
  readonly config: Config;
  /** Every file's path relative to the folder, with its bytes. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** Tensors of all safetensors files. */
  readonly tensors: readonly SafetensorsTensor[];
  readonly hasChatTemplate: boolean;
  readonly tokenizer: string | null;
}

/** The end of the architecture's class name tells what it answers with. First match counts. */
const KIND_BY_SUFFIX: readonly (readonly [suffix: RegExp, kind: ModelKind])[] = [
  [/(?:ForSpeechSeq2Seq|ForCTC|ForAudioClassification)$|^Whisper/, 'speech'],
  [/(?:ForImageClassification|ForObjectDetection|ForSemanticSegmentation|ForImageSegmentation)$/, 'vision'],
  [/(?:ForSequenceClassification|ForTokenClassification|ForQuestionAnswering)$/, 'classifier'],
  [/(?:ForCausalLM|LMHeadModel)$/, 'completion'],
  [/ForConditionalGeneration$/, 'completion'],
  [/(?:ForMaskedLM|Model)$/, 'embedding'],
];

const CODE_FILES = /\.(?:py|bin|pt|pth|pkl|pickle|ckpt|so)$/i;
const WEIGHT_FILES = /\.(?:safetensors|bin|pt|pth)$/i;
const TYPES: Readonly<Record<string, string>> = { F8_E4M3: 'FP8', F8_E5M2: 'FP8' };

export function huggingfaceProfile(folder: HuggingfaceFolder): ModelProfile {
  const { config } = folder;
  const text: Config = isObject(config['text_config']) ? config['text_config'] : config;
  const architecture = architectureOf(config);
  const kind = kindOf(folder, architecture);
  const heads = count(text, 'num_attention_heads', 'n_head');
  const layers = count(text, 'num_hidden_layers', 'n_layer');
  const weights = weightsOf(folder);
  const notes =
    kind === 'unknown' ? [`config.json names the architecture ${architecture}, which tells nothing of what it answers with.`] : [];
  if (weights.parameters === null)
    notes.push('Its weights are not safetensors: their types and shapes are not read, and loading them unpickles.');
  return {
    ...NOTHING_KNOWN,
    kind,
    architecture,
    name: typeof config['_name_or_path'] === 'string' ? config['_name_or_path'] : null,
    ...weights,
    contextLength: count(text, 'max_position_embeddings', 'n_positions'),
    layers,
    embeddingLength: count(text, 'hidden_size', 'n_embd', 'd_model'),
    feedForwardLength: count(text, 'intermediate_size', 'n_inner', 'd_ff'),
    heads,
    kvHeads: count(text, 'num_key_value_heads') ?? heads,
    vocabularySize: count(text, 'vocab_size'),
    kv: kvOf(text, layers, heads),
    tokenizer: folder.tokenizer,
    hasChatTemplate: folder.hasChatTemplate,
    forms: [formOf(folder)],
    notes,
    ...placesOf(folder.tensors, weights.weightBytes),
  };
}

function architectureOf(config: Config): string {
  const named = Array.isArray(config['architectures']) ? config['architectures'][0] : undefined;
  if (typeof named === 'string') return named;
  return typeof config['model_type'] === 'string' ? config['model_type'] : 'unknown';
}

function kindOf(folder: HuggingfaceFolder, architecture: string): ModelKind {
  const kind = KIND_BY_SUFFIX.find(([suffix]) => suffix.test(architecture))?.[1] ?? 'unknown';
  if (folder.files.some((file) => file.path === 'modules.json')) return 'embedding';
  if (kind === 'completion' && (isObject(folder.config['vision_config']) || 'image_token_id' in folder.config)) return 'vision-language';
  if (kind === 'completion' && folder.hasChatTemplate) return 'chat';
  const labels = folder.config['id2label'];
  if (kind === 'classifier' && isObject(labels) && Object.keys(labels).length === 1) return 'reranker';
  return kind;
}

function formOf(folder: HuggingfaceFolder): ModelForm {
  const codeFiles = folder.files.map((file) => file.path).filter((path) => CODE_FILES.test(path));
  // `auto_map` may also name code in another repository: then the file that names it is what has to be trusted.
  if ('auto_map' in folder.config) codeFiles.unshift('config.json');
  const weights = folder.files.map((file) => file.path).filter((path) => WEIGHT_FILES.test(path));
  return { kind: 'transformers', files: ['config.json', ...weights], codeFiles };
}

function weightsOf(folder: HuggingfaceFolder): Pick<ModelProfile, 'parameters' | 'weightBytes' | 'weightBytesByType' | 'quantization'> {
  if (folder.tensors.length === 0) {
    const weightBytes = folder.files.reduce((sum, file) => sum + (WEIGHT_FILES.test(file.path) ? file.bytes : 0), 0);
    return { parameters: null, weightBytes, weightBytesByType: {}, quantization: null };
  }
  const byType = new Map<string, number>();
  for (const { type, bytes } of folder.tensors) byType.set(TYPES[type] ?? type, (byType.get(TYPES[type] ?? type) ?? 0) + bytes);
  const ordered = [...byType].toSorted((one, other) => other[1] - one[1]);
  return {
    parameters: folder.tensors.reduce((sum, tensor) => sum + tensor.elements, 0),
    weightBytes: ordered.reduce((sum, [, bytes]) => sum + bytes, 0),
    weightBytesByType: Object.fromEntries(ordered),
    quantization: ordered[0]?.[0] ?? null,
  };
}

function kvOf(text: Config, layers: number | null, heads: number | null): KvCost | null {
  const hidden = count(text, 'hidden_size', 'n_embd');
  if (layers === null || heads === null || heads === 0 || hidden === null) return null;
  const width = count(text, 'head_dim') ?? hidden / heads;
  const bytesPerToken = Math.ceil(layers * (count(text, 'num_key_value_heads') ?? heads) * width * 2 * 2);
  const layersDiffer = ['sliding_window', 'layer_types', 'kv_lora_rank', 'layers_block_type', 'mamba_d_state'].some(
    (key) => (text[key] ?? null) !== null && text[key] !== 0,
  );
  return Number.isSafeInteger(bytesPerToken) ? { bytesPerToken, bytesPerSequence: 0, exact: !layersDiffer, groups: [] } : null;
}

function placesOf(
  tensors: readonly SafetensorsTensor[],
  weightBytes: number,
): Pick<ModelProfile, 'layerBytes' | 'inputBytes' | 'outputBytes'> {
  const layerBytes: number[] = [];
  let outputBytes = 0;
  for (const tensor of tensors) {
    const layer = Number(/(?:^|\.)(?:layers|h|layer)\.(\d{1,3})\./.exec(tensor.name)?.[1] ?? Number.NaN);
    if (layer >= 0) {
      while (layerBytes.length <= layer) layerBytes.push(0);
      layerBytes[layer] = (layerBytes[layer] ?? 0) + tensor.bytes;
    } else if (/lm_head|^(?:model\.)?norm\.|score\.|classifier\./.test(tensor.name)) outputBytes += tensor.bytes;
  }
  const inputBytes = weightBytes - outputBytes - layerBytes.reduce((sum, bytes) => sum + bytes, 0);
  return { layerBytes, inputBytes, outputBytes };
}

/** The first of the keys that holds a count. */
function count(config: Config, ...keys: readonly string[]): number | null {
  for (const key of keys) {
    const value = config[key];
    if (Number.isSafeInteger(value) && Number(value) >= 0) return Number(value);
  }
  return null;
}
