/**
 * Builds the profile of a Hugging Face folder (config.json with weights): what it is, how large,
 * and which files would execute code (I7). Pure; it repeats what the configuration states. The
 * brain decides which runtime serves it.
 */
import { type KvCost, kvCostOf, type ModelForm, type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import { codeFilesOfFolder, isPickle } from './code-files.ts';
import { conversionOf } from './convertible.ts';
import { classOfType } from './huggingface-classes.ts';
import {
  type Config,
  classOf,
  count,
  expertsOf,
  headsOf,
  hiddenOf,
  kvHeadsOf,
  layersOf,
  modelType,
  namedClass,
  part,
  positive,
  text,
  textPart,
} from './huggingface-config.ts';
import { contextOf } from './huggingface-context.ts';
import { isEncoder, kindOf } from './huggingface-kind.ts';
import { crossKvCost, decoderKvCost, kvCostOfTensors } from './huggingface-kv.ts';
import { whyUnloadable } from './huggingface-loadable.ts';
import type { Tokenizer } from './huggingface-tokenizer.ts';
import type { WeightFiles } from './huggingface-weight-files.ts';
import { isQuantized, weightsOf } from './huggingface-weights.ts';
import type { Readme } from './readme.ts';
import type { SafetensorsTensor } from './safetensors.ts';
import { samplingOf } from './sampling.ts';
import type { SentenceTransformer } from './sentence-transformers.ts';

export interface HuggingfaceFolder {
  readonly config: Config;
  /** Every file's path relative to the folder, with its bytes. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly weights: WeightFiles;
  /** Weights that only unpickling reads, where there are no others. */
  readonly pickles: readonly string[];
  readonly tokenizer: Tokenizer;
  readonly readme: Readme;
  /** What the files of sentence-transformers say; null where there are none. */
  readonly sentence: SentenceTransformer | null;
  /** JSON files that name code, in the folder or elsewhere. */
  readonly naming: readonly string[];
  /** JSON files that begin with a byte order mark. */
  readonly marked: readonly string[];
  /** Files called `.bin` that hold nothing but weights. */
  readonly plainWeights: ReadonlySet<string>;
  /**
   * hf_quant_config.json, generation_config.json, the processors' configurations; empty where they
   * are not there.
   */
  readonly hfQuantization: Config;
  readonly generation: Config;
  readonly processor: Config;
}

/** Where one of them lies, loaders take it rather than a pickle. */
const SAFE_WEIGHTS: ReadonlySet<string> = new Set(['model.safetensors', 'model.safetensors.index.json']);

export function huggingfaceProfile(folder: HuggingfaceFolder): ModelProfile {
  const { config, tokenizer, readme } = folder;
  const decoder = textPart(config);
  const architecture = classOf(config);
  const isSentenceModel = folder.sentence?.kind === 'embedding' || readme.libraryName === 'sentence-transformers';
  const { pipelineTag } = readme;
  const named = kindOf({ config, architecture, hasChatTemplate: tokenizer.hasChatTemplate, isSentenceModel, pipelineTag });
  const kind = folder.sentence?.kind === 'reranker' ? 'reranker' : named;
  const weights =
    folder.weights.files.length > 0 ? weightsOf(config, decoder, folder.hfQuantization, folder.weights.tensors) : unread(folder);
  const kv = kvOf(config, decoder, folder);
  const heads = headsOf(decoder);
  const notes = notesOf(folder, kind, architecture, kv);
  const sampling = samplingOf(folder.generation['temperature'], folder.generation['top_p']);
  return {
    ...NOTHING_KNOWN,
    kind,
    architecture,
    name: text(config, '_name_or_path'),
    ...weights,
    contextLength: contextWithin(contextOf(decoder), folder.sentence?.maxTokens ?? null),
    pooling: folder.sentence?.pooling ?? null,
    layers: layersOf(decoder) ?? (layersInCache(kv) || null),
    embeddingLength: hiddenOf(decoder),
    feedForwardLength: positive(decoder, 'intermediate_size', 'n_inner', 'd_ff', 'ffn_dim', 'decoder_ffn_dim', 'ffn_hidden_size'),
    heads,
    kvHeads: heads === null ? null : kvHeadsOf(decoder),
    experts: expertsOf(decoder),
    vocabularySize: count(decoder, 'vocab_size') ?? count(config, 'vocab_size'),
    kv,
    tokenizer: tokenizer.name,
    hasChatTemplate: tokenizer.hasChatTemplate,
    ...(sampling === null ? {} : { sampling }),
    licence: readme.licence ?? text(config, 'license'),
    tags: readme.tags,
    forms: formsOf(folder),
    notes,
    ...placesOf(folder.weights.tensors, weights.weightBytes),
  };
}

/** Sentence-transformers cuts texts at its own length. */
function contextWithin(context: number | null, most: number | null): number | null {
  return context === null || most === null ? (context ?? most) : Math.min(context, most);
}

function notesOf(folder: HuggingfaceFolder, kind: ModelProfile['kind'], architecture: string, kv: KvCost | null): readonly string[] {
  const notes: string[] = [];
  if (kind === 'unknown') notes.push(`config.json ${unknownWords(folder.config, architecture)}`);
  if (kind === 'completion') notes.push('It has no chat template, so it only completes text, like a base model.');
  if (folder.pickles.length > 0)
    notes.push('Its weights are pickles, not safetensors: their types and shapes are not read, and loading them can execute code.');
  if (kv === null && kind !== 'vision' && kind !== 'speech') notes.push('config.json does not say how much memory its cache takes.');
  if (kv?.exact === false) notes.push('Modelium does not know how some of its layers keep their context: the cache figure is an estimate.');
  const maker = text(part(folder.config, 'quantization_config'), 'quant_method');
  if (maker !== null && folder.pickles.length > 0) notes.push(`Its weights are quantised with ${maker}.`);
  return notes;
}

function unknownWords(config: Config, architecture: string): string {
  if (namedClass(config) !== null) return `names the architecture ${architecture}, which does not show what the model answers with.`;
  const of =
    modelType(config) === '' ? 'names neither a class nor a model_type' : `names no class, and its model_type ${architecture} tells none`;
  return `${of}: write the class of the original into it, such as "architectures": ["LlamaForCausalLM"].`;
}

/**
 * One form for the safetensors, another one for pickles beside them: who takes the first has
 * nothing to trust in the second.
 */
function formsOf(folder: HuggingfaceFolder): readonly ModelForm[] {
  const paths = folder.files.map((file) => file.path);
  const all = codeFilesOfFolder(paths, [...folder.naming, ...(folder.sentence?.codeFiles ?? [])], folder.plainWeights);
  const pickles = all.filter((path) => !path.includes('/') && isPickle(path));
  const code = all.filter((path) => !isPickle(path) || unpickledByModule(path, folder));
  const assumed = namedClass(folder.config) === null ? classOfType(modelType(folder.config)) : null;
  const assumedClass = assumed === null ? {} : { assumedClass: assumed };
  if (folder.weights.files.length === 0) {
    return [{ ...assumedClass, kind: 'transformers', files: ['config.json', ...folder.pickles], codeFiles: [...code, ...pickles] }];
  }
  const conversion = conversionOf({
    config: folder.config,
    types: [...new Set(folder.weights.tensors.map(({ type }) => type))],
    isQuantized: isQuantized(folder.config, folder.hfQuantization),
    sentence: folder.sentence,
  });
  const unloadable = whyUnloadable(folder.config, folder.weights.tensors, {
    marked: folder.marked,
    isPlain: conversion.architecture !== null,
  });
  const safe: ModelForm = {
    ...assumedClass,
    ...(unloadable === null ? {} : { unloadable }),
    kind: 'transformers',
    files: ['config.json', ...folder.weights.files],
    codeFiles: code,
    conversion,
  };
  return pickles.length === 0 ? [safe] : [safe, { kind: 'pickle', files: pickles, codeFiles: [...code, ...pickles] }];
}

/**
 * Modules of sentence-transformers are loaded from folders of their own: each unpickles where
 * safetensors are not beside it.
 */
function unpickledByModule(path: string, { sentence, files }: HuggingfaceFolder): boolean {
  const own = sentence?.folders.find((module) => path.startsWith(module));
  return own !== undefined && !files.some((file) => SAFE_WEIGHTS.has(file.path.slice(own.length)) && file.path.startsWith(own));
}

/** Pickles are never opened: their size is all that is known. */
function unread(folder: HuggingfaceFolder): Pick<ModelProfile, 'parameters' | 'weightBytes' | 'weightBytesByType' | 'quantization'> {
  const pickled = new Set(folder.pickles);
  const weightBytes = folder.files.reduce((sum, file) => sum + (pickled.has(file.path) ? file.bytes : 0), 0);
  const quantization = text(part(folder.config, 'quantization_config'), 'quant_method');
  return { parameters: null, weightBytes, weightBytesByType: {}, quantization };
}

function kvOf(config: Config, decoder: Config, folder: HuggingfaceFolder): KvCost | null {
  if (config['is_encoder_decoder'] === true || ['whisper', 't5', 'mt5', 'umt5', 'bart', 'mbart'].includes(modelType(config))) {
    const inner = modelType(decoder) === '' ? config : decoder;
    return crossKvCost(inner, encoderTokens(config, folder.processor));
  }
  if (isEncoder(config) || (isEncoder(decoder) && decoder !== config)) return kvCostOf([], true);
  return decoderKvCost(decoder) ?? kvCostOfTensors(folder.weights.tensors);
}

function layersInCache(kv: KvCost | null): number {
  return kv?.groups.reduce((sum, group) => sum + group.layers, 0) ?? 0;
}

/** The most that an encoder hands to its decoder. */
function encoderTokens(config: Config, processor: Config): number {
  const named = positive(config, 'max_source_positions', 'n_positions', 'max_position_embeddings', 'max_length');
  // 30 seconds of sound: two frames of the processor make one position.
  const frames = positive(processor, 'nb_max_frames');
  return named ?? (frames === null ? 512 : frames / 2);
}

function placesOf(
  tensors: readonly SafetensorsTensor[],
  weightBytes: number,
): Pick<ModelProfile, 'layerBytes' | 'inputBytes' | 'outputBytes'> {
  const layerBytes: number[] = [];
  let outputBytes = 0;
  for (const tensor of tensors) {
    const layer = Number(/(?:^|\.)(?:layers|h|layer|blocks|block)\.(\d{1,3})\./.exec(tensor.name)?.[1] ?? Number.NaN);
    if (layer >= 0) {
      while (layerBytes.length <= layer) layerBytes.push(0);
      layerBytes[layer] = (layerBytes[layer] ?? 0) + tensor.bytes;
    } else if (/lm_head|embed_out|^(?:model\.)?norm\.|score\.|classifier\./.test(tensor.name)) outputBytes += tensor.bytes;
  }
  const inputBytes = weightBytes - outputBytes - layerBytes.reduce((sum, bytes) => sum + bytes, 0);
  return { layerBytes, inputBytes, outputBytes };
}
