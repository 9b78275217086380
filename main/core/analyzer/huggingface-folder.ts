/**
 * Reads a Hugging Face folder: whether all files of a transformers model are present, and what
 * config.json, tokenizer, processors and README say of the model. Pure and bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isMissing } from './findings.ts';
import { huggingfaceProfile } from './huggingface.ts';
import { markedJsons } from './huggingface-loadable.ts';
import { readTokenizer } from './huggingface-tokenizer.ts';
import { readWeightFiles } from './huggingface-weight-files.ts';
import { shardsIn } from './index-files.ts';
import { readJsonObject } from './json.ts';
import { cutJsons, jsonProblem } from './json-files.ts';
import { namingFiles } from './naming-files.ts';
import { openVinoWeights } from './openvino-folder.ts';
import { readPickles } from './pickle-files.ts';

import { readReadme } from './readme.ts';
import { readSafetensorsFiles } from './safetensors-files.ts';
import { readSentenceTransformer } from './sentence-transformers.ts';

/** Some name a quantisation for each of 100,000 matrices. */
const MOST_CONFIG_BYTES = 16 * 1024 * 1024;
/** Beside config.json and the tokenizer, whose own readers say what they lack. */
const DESCRIPTIONS =
  /^(?:modules|generation_config|preprocessor_config|processor_config|hf_quant_config|config_sentence_transformers|sentence_\w+_config|special_tokens_map|added_tokens)\.json$|^\d+_\w+\/config\.json$/;
const PICKLES = /\.(?:bin|pt|pth|ckpt)$/i;
/** Pickles beside the weights that hold no weights. */
const NO_WEIGHTS = /^(?:training_args|optimizer|scheduler|rng_state|scaler)[\w.-]*\.(?:bin|pt|pth)$/i;
/** Kinds that take text, and so need a tokenizer. */
const TEXT_KINDS: ReadonlySet<string> = new Set(['chat', 'completion', 'embedding', 'reranker', 'classifier', 'vision-language']);

interface Folder {
  readonly top: ReadonlyMap<string, CandidateFile>;
  readonly problems: FileProblem[];
  readonly zeroTails: string[];
}

/** Null when there is neither a config.json of transformers nor weights of it at the top. */
export function readHuggingface(files: readonly CandidateFile[]): FormatFindings | null {
  const top = new Map(files.filter((file) => !file.path.includes('/')).map((file) => [file.path, file]));
  const folder: Folder = { top, problems: [], zeroTails: [] };
  if (belongsToOthers(top)) return null;
  const configFile = top.get('config.json');
  const config = configFile === undefined ? null : readConfig(configFile, folder);
  const weights = readWeightFiles(top, config ?? {});
  const pickles = weights.files.length > 0 ? [] : [...top.keys()].filter((path) => PICKLES.test(path) && !NO_WEIGHTS.test(path));
  const hasWeights = weights.files.length > 0 || pickles.length > 0;
  const isLoose = configFile === undefined && weights.files.length === 0;
  // A GGUF or ONNX repository may carry the original's config.json: without weights of its own it
  // is a description, not a second form.
  if (isLoose || (!hasWeights && files.some(({ path }) => /\.(?:gguf|onnx|plan|engine|xml)$/i.test(path)))) return null;
  if (configFile === undefined) folder.problems.push(isMissing('config.json'));
  if (config !== null && !isTransformers(config)) return null;
  folder.problems.push(...weights.problems);
  if (config !== null && !hasWeights && weights.problems.length === 0) {
    folder.problems.push({ ...isMissing('the weights'), message: 'the weights: no .safetensors or .bin file yet' });
  }
  missingPickles(pickles, folder);
  const tokenizer = readTokenizer(top);
  folder.problems.push(...cutJsons(files.filter(({ path }) => DESCRIPTIONS.test(path))));
  const described = facts(files, folder);
  readModules(files, described.sentence?.folders ?? [], folder);
  folder.problems.push(...tokenizer.problems, ...(described.sentence?.missing ?? []).map((file) => isMissing(file)));
  const modulesDamage = described.sentence?.damage ?? null;
  if (modulesDamage !== null) folder.problems.push(isDamaged('modules.json', 0, modulesDamage));
  const profile = config === null ? null : huggingfaceProfile({ ...described, config, weights, pickles, tokenizer });
  if (profile !== null && TEXT_KINDS.has(profile.kind) && !tokenizer.isThere && takesText(profile.architecture)) {
    folder.problems.push({ ...isMissing('tokenizer.json'), message: 'a tokenizer: no tokenizer.json, tokenizer.model or vocabulary yet' });
  }
  return {
    expected: weights.expected,
    problems: folder.problems,
    zeroTails: [...weights.zeroTails, ...folder.zeroTails],
    profile: folder.problems.some(({ kind }) => kind === 'damaged') ? null : profile,
    notes: [...weights.notes, ...(tokenizer.templateFault === null ? [] : [tokenizer.templateFault])],
    // Tensors of another name, without a description, are no model of transformers that somebody is
    // copying.
    hasWeights: hasWeights && (configFile !== undefined || weights.files.some((path) => /^model[-.]/.test(path))),
  };
}

/**
 * Folders that have safetensors and perhaps a config.json, and are read by the reader of their own
 * form.
 */
function belongsToOthers(top: ReadonlyMap<string, CandidateFile>): boolean {
  if (top.has('model_index.json') || (top.has('adapter_config.json') && !top.has('config.json'))) return true;
  return top.has('params.json') && !top.has('config.json');
}

function isTransformers(config: Readonly<Record<string, unknown>>): boolean {
  if (typeof config['model_type'] === 'string' || Array.isArray(config['architectures'])) return true;
  // A part of a diffusers pipeline, or a timm model.
  return !('_class_name' in config) && !('pretrained_cfg' in config) && !('architecture' in config);
}

/** Encoders of images and sounds give vectors too. */
function takesText(architecture: string): boolean {
  return !/^(?:Dino|ViT|Beit|Swin|ConvNext|Wav2Vec|Hubert|WavLM|Clap|Data2VecVision|Data2VecAudio|SiglipVision|CLIPVision)/i.test(
    architecture,
  );
}

function readConfig(file: CandidateFile, folder: Folder): Readonly<Record<string, unknown>> | null {
  const parsed = attempt(() => readJsonObject(file.open(), MOST_CONFIG_BYTES));
  if (!(parsed instanceof FormatError)) return parsed;
  folder.problems.push(jsonProblem(file, parsed));
  return null;
}

/** A file that only helps to describe the model: what cannot be read of it counts as absent. */
function optional(file: CandidateFile | undefined): Readonly<Record<string, unknown>> {
  if (file === undefined || file.bytes === 0) return {};
  const parsed = attempt(() => readJsonObject(file.open(), MOST_CONFIG_BYTES));
  return parsed instanceof FormatError ? {} : parsed;
}

function facts(files: readonly CandidateFile[], { top, problems }: Folder) {
  const naming = namingFiles(files);
  const known = new Set(problems.map(({ message }) => message));
  problems.push(...naming.problems.filter(({ message }) => !known.has(message)));
  return {
    files: files.map(({ path, bytes }) => ({ path, bytes })),
    readme: readReadme(top.get('README.md')),
    sentence: readSentenceTransformer(files),
    naming: naming.files,
    plainWeights: openVinoWeights(files),
    marked: markedJsons(top),
    hfQuantization: optional(top.get('hf_quant_config.json')),
    generation: optional(top.get('generation_config.json')),
    processor: { ...optional(top.get('preprocessor_config.json')), ...optional(top.get('processor_config.json')) },
  };
}

/** Weights of the modules that sentence-transformers runs after the transformer. */
function readModules(files: readonly CandidateFile[], folders: readonly string[], { problems, zeroTails }: Folder): void {
  for (const folder of folders) {
    const own = files.filter(({ path }) => path.startsWith(folder));
    const safe = own.filter(({ path }) => path.endsWith('.safetensors'));
    const read = safe.length > 0 ? readSafetensorsFiles(safe) : readPickles(own.filter(({ path }) => PICKLES.test(path)));
    problems.push(...read.problems);
    zeroTails.push(...read.zeroTails);
  }
}

function missingPickles(pickles: readonly string[], { top, problems, zeroTails }: Folder): void {
  if (pickles.length === 0) return;
  const read = readPickles(pickles.flatMap((path) => top.get(path) ?? []));
  problems.push(...read.problems);
  zeroTails.push(...read.zeroTails);
  const file = top.get('pytorch_model.bin.index.json');
  if (file === undefined || file.bytes === 0) return;
  const names = shardsIn(file);
  if (names instanceof FormatError) problems.push(jsonProblem(file, names));
  else for (const name of names) if (!top.has(name)) problems.push(isMissing(name));
}
