/**
 * Reads the files of sentence-transformers besides config.json: the sequence of modules, the
 * pooling, prompts, and whether a module is third-party code. The Hugging Face reader adds these
 * facts to its profile. Pure and bounded (I7).
 */
import { confined, shown } from './file-names.ts';
import type { CandidateFile } from './findings.ts';
import { countIn, type Json, jsonIfReadable, jsonListOf, textIn } from './json-files.ts';
import { TORCH_CLASS } from './naming-files.ts';

export interface SentenceTransformer {
  readonly kind: 'embedding' | 'reranker';
  /** `mean`, `cls`, `lasttoken` ...; several joined by `+`. Null where it does not say. */
  readonly pooling: string | null;
  readonly normalizes: boolean;
  readonly maxTokens: number | null;
  /** Length of a vector, where pooling or a dense layer says it. */
  readonly dimensions: number | null;
  /** Names of the prompts that it was trained with (`query`, `document`). */
  readonly prompts: readonly string[];
  /** Class names of its modules, in order. */
  readonly modules: readonly string[];
  /** JSON files that name code which is not the library's own. */
  readonly codeFiles: readonly string[];
  /** Folders of its modules below the top, with their slash. */
  readonly folders: readonly string[];
  /** Files of modules that are not there. */
  readonly missing: readonly string[];
  /** Why modules.json cannot be followed, as a sentence; null where it can. */
  readonly damage: string | null;
}

const OWN_MODULES = /^sentence_transformers(?:\.\w+)*$/;
const MAX_MODULES = 64;

/** Null when the folder is none of sentence-transformers. */
export function readSentenceTransformer(files: readonly CandidateFile[]): SentenceTransformer | null {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const about = jsonIfReadable(byPath.get('config_sentence_transformers.json'));
  const config = jsonIfReadable(byPath.get('config.json')) ?? {};
  const modules = jsonListOf(byPath.get('modules.json'));
  const isCrossEncoder = textIn(about ?? {}, 'model_type') === 'CrossEncoder' || crossEncoderOf(config);
  if (modules === null && !isCrossEncoder) return null;
  const listed = (modules ?? []).slice(0, MAX_MODULES);
  const types = (modules ?? []).map((module) => textIn(module, 'type') ?? 'unknown');
  const codeFiles: string[] = [];
  if (types.some((type) => !OWN_MODULES.test(type))) codeFiles.push('modules.json');
  if (activations(config, about).some((name) => !TORCH_CLASS.test(name))) codeFiles.push('config.json');
  const pool = poolingOf(listed, byPath);
  const dense = configOf('Dense', listed, byPath);
  const lengths = jsonIfReadable(byPath.get('sentence_bert_config.json')) ?? configOf('Transformer', listed, byPath);
  const prompts = about?.['prompts'];
  return {
    kind: isCrossEncoder ? 'reranker' : 'embedding',
    pooling: pool.pooling,
    normalizes: types.some((type) => type.endsWith('.Normalize')),
    maxTokens: countIn(lengths ?? {}, 'max_seq_length'),
    dimensions: countIn(dense ?? {}, 'out_features') ?? pool.dimensions,
    prompts: typeof prompts === 'object' && prompts !== null ? Object.keys(prompts).slice(0, MAX_MODULES) : [],
    modules: types.slice(0, MAX_MODULES).map((type) => type.slice(type.lastIndexOf('.') + 1)),
    codeFiles,
    folders: listed.flatMap((module) => confined('', textIn(module, 'path') ?? '') ?? []).map((path) => `${path}/`),
    missing: missingFiles(listed, byPath),
    damage: damageOf(modules ?? []),
  };
}

/** What lies out of the folder, or is not listed of it, could change without anybody noticing. */
function damageOf(modules: readonly Json[]): string | null {
  if (modules.length > MAX_MODULES) return `modules.json names ${modules.length} modules; ${MAX_MODULES} are possible.`;
  const paths = modules.map((module) => textIn(module, 'path') ?? '').filter((path) => !/^(?:\.\/?)?$/.test(path));
  const stray = paths.find((path) => confined('', path) === null);
  return stray === undefined ? null : `modules.json names a folder that lies outside, or hidden or too deep in it: ${shown(stray)}.`;
}

/**
 * Cross-encoders have no modules.json before version 5: config.json tells them, by the class and
 * one label or by the library's own words.
 */
function crossEncoderOf(config: Json): boolean {
  const own = config['sentence_transformers'];
  const architectures = config['architectures'];
  const name = Array.isArray(architectures) ? architectures[0] : null;
  const isClassifier = typeof name === 'string' && name.endsWith('ForSequenceClassification');
  return isClassifier && (typeof own === 'object' || 'sbert_ce_default_activation_function' in config);
}

function activations(config: Json, about: Json | null): readonly string[] {
  const own = config['sentence_transformers'];
  const nested = typeof own === 'object' && own !== null && 'activation_fn' in own ? own.activation_fn : null;
  const all: readonly unknown[] = [config['sbert_ce_default_activation_function'], nested, about?.['activation_fn']];
  return all.filter((name) => typeof name === 'string');
}

/** The configuration of the first module whose class has this name. */
function configOf(className: string, modules: readonly Json[], byPath: ReadonlyMap<string, CandidateFile>): Json | null {
  const module = modules.find((each) => textIn(each, 'type')?.endsWith(`.${className}`) === true);
  const folder = module === undefined ? null : textIn(module, 'path');
  const path = folder === null ? null : confined('', folder);
  return path === null ? null : jsonIfReadable(byPath.get(`${path}/config.json`));
}

const FLAG = /^pooling_mode_(?<name>\w+?)(?:_tokens?)?$/;

function poolingOf(
  modules: readonly Json[],
  byPath: ReadonlyMap<string, CandidateFile>,
): { pooling: string | null; dimensions: number | null } {
  const config = configOf('Pooling', modules, byPath);
  if (config === null) return { pooling: null, dimensions: null };
  const named = config['pooling_mode'];
  const flags = Object.keys(config).filter((key) => config[key] === true);
  const names = flags.flatMap((key) => FLAG.exec(key)?.groups?.['name'] ?? []);
  const pooling = typeof named === 'string' ? named : Array.isArray(named) ? named.map(String).join('+') : names.join('+');
  const dimensions = countIn(config, 'word_embedding_dimension') ?? countIn(config, 'embedding_dimension');
  return { pooling: pooling === '' ? null : pooling.slice(0, 64), dimensions };
}

/** Modules that have weights or settings of their own lie in the folder that modules.json names. */
function missingFiles(modules: readonly Json[], byPath: ReadonlyMap<string, CandidateFile>): readonly string[] {
  return modules.flatMap((module) => {
    const folder = textIn(module, 'path');
    const needsConfig = /\.(?:Pooling|Dense)$/.test(textIn(module, 'type') ?? '');
    if (folder === null || !needsConfig) return [];
    const path = confined('', folder);
    if (path === null) return [];
    const lacks = byPath.has(`${path}/config.json`) ? [] : [`${path}/config.json`];
    const isDense = /\.Dense$/.test(textIn(module, 'type') ?? '');
    const hasWeights = ['model.safetensors', 'pytorch_model.bin'].some((name) => byPath.has(`${path}/${name}`));
    return isDense && !hasWeights ? [...lacks, `${path}/model.safetensors`] : lacks;
  });
}
