/**
 * Reads a diffusers pipeline: which parts model_index.json names, whether each is present, and
 * which parts are third-party code. Pure and bounded (I7).
 */
import type { FileProblem, ModelProfile } from '../../../shared/profile.ts';
import { FormatError } from './bytes.ts';
import { codeFilesOfFolder } from './code-files.ts';
import { confined, folderOf, shown, someOf } from './file-names.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isMissing } from './findings.ts';
import { cutJsons, type Json, jsonOf, jsonProblem } from './json-files.ts';
import { namingFiles } from './naming-files.ts';
import { openVinoWeights } from './openvino-folder.ts';
import { readPickles } from './pickle-files.ts';
import { findings, plainProfile, sumBytes, weightsByType } from './plain-profile.ts';
import { readSafetensorsFiles } from './safetensors-files.ts';
import { missingShards } from './shards.ts';

const INDEX = 'model_index.json';
const MAX_COMPONENTS = 64;
/** Packages whose classes a pipeline may use without being somebody's own code. */
const KNOWN_LIBRARIES =
  /^(?:diffusers|transformers|tokenizers|onnxruntime|optimum|peft|stable_diffusion|deepfloyd_if|latent_diffusion|kandinsky|sd3|flux)\b/;
/** Parts that have weights: the others are settings and vocabularies. */
const WITH_WEIGHTS =
  /(?:unet|vae|text_encoder\w*|transformer\w*|prior|decoder|image_encoder|safety_checker|controlnet|vocoder|language_model|vqvae|movq)/i;
/** The same weights in another precision, loaded only when asked for. */
const VARIANT = /\.(?:fp16|bf16|fp32|non_ema)(?:-\d{5}-of-\d{5})?\.safetensors$|\.(?:fp16|bf16|non_ema)\.bin$/i;

export interface DiffusersPipeline {
  readonly className: string;
  /** Part -> the package and the class that load it. A part that is switched off is left out. */
  readonly components: ReadonlyMap<string, { readonly library: string; readonly className: string }>;
  /**
   * The pipeline itself, or a part of it, comes from a file of the folder or from another
   * repository.
   */
  readonly isCustom: boolean;
}

export function diffusersPipeline(index: Json): DiffusersPipeline {
  const named = index['_class_name'];
  const className = Array.isArray(named) ? String(named.at(-1)) : typeof named === 'string' ? named : 'unknown';
  const components = new Map<string, { library: string; className: string }>();
  for (const [name, value] of Object.entries(index)) {
    if (name.startsWith('_') || !Array.isArray(value) || value.length !== 2) continue;
    const [library, component]: readonly unknown[] = value;
    if (typeof library === 'string' && typeof component === 'string') components.set(name, { library, className: component });
  }
  const isCustom = Array.isArray(named) || [...components.values()].some(({ library }) => !KNOWN_LIBRARIES.test(library));
  return { className: className.slice(0, 128), components, isCustom };
}

/** Null when there is no model_index.json at the top. */
export function readDiffusers(files: readonly CandidateFile[]): FormatFindings | null {
  const indexFile = files.find(({ path }) => path === INDEX);
  const index = jsonOf(indexFile);
  if (indexFile === undefined || index === null) return null;
  if (index instanceof FormatError) return findings({ problems: [jsonProblem(indexFile, index)] });
  const pipeline = diffusersPipeline(index);
  if (pipeline.components.size > MAX_COMPONENTS) {
    const sentence = `${INDEX} names ${pipeline.components.size} parts; ${MAX_COMPONENTS} are possible.`;
    return findings({ problems: [isDamaged(INDEX, indexFile.bytes, sentence)] });
  }
  const problems: FileProblem[] = [];
  const own: CandidateFile[] = [];
  for (const [name] of pipeline.components) {
    const folder = confined('', name);
    if (folder === null || folder.includes('/')) {
      return findings({ problems: [isDamaged(INDEX, indexFile.bytes, `${INDEX} names a part outside the folder: ${shown(name)}.`)] });
    }
    const inside = files.filter(({ path }) => path.startsWith(`${folder}/`));
    own.push(...inside);
    problems.push(...lacking(folder, inside), ...cutJsons(inside.filter(({ path }) => /^[^/]+\/[^/]*config\.json$/.test(path))));
    const used = usedWeights(inside).filter(({ path }) => folderOf(path) === `${folder}/`);
    problems.push(
      ...missingShards(
        used,
        inside.filter(({ path }) => folderOf(path) === `${folder}/`),
        true,
      ),
    );
  }
  const weights = usedWeights(own);
  const read = readSafetensorsFiles(weights.filter(({ path }) => path.endsWith('.safetensors')));
  // The weights of an OpenVINO pair are no pickle.
  const plain = openVinoWeights(files);
  const pickles = weights.filter(({ path }) => path.endsWith('.bin') && !plain.has(path));
  const pickled = readPickles(pickles);
  problems.push(...pickled.problems);
  const naming = namingFiles(files);
  problems.push(...naming.problems);
  const profile = profileOf(pipeline, files, weights, read.tensors, naming.files);
  const hasWeights = weights.length > 0;
  return findings({
    expected: read.expected,
    problems: [...problems, ...read.problems],
    zeroTails: [...read.zeroTails, ...pickled.zeroTails],
    profile,
    hasWeights,
  });
}

function lacking(folder: string, inside: readonly CandidateFile[]): readonly FileProblem[] {
  if (inside.length === 0) return [{ ...isMissing(`${folder}/`), message: `${folder}/: this part of the pipeline is not there yet` }];
  const hasWeights = inside.some(({ path }) => /\.(?:safetensors|bin|onnx|ckpt|pt|msgpack|xml)$/i.test(path));
  const isOfTorch = inside.some(({ path }) => folderOf(path) === `${folder}/` && /\.(?:safetensors|bin)$/.test(path));
  const config = `${folder}/config.json`;
  // Exports to other programs bring their own description.
  if (WITH_WEIGHTS.test(folder) && isOfTorch && !inside.some(({ path }) => path === config || /\.xml$/i.test(path)))
    return [isMissing(config)];
  if (!WITH_WEIGHTS.test(folder) || hasWeights) return [];
  return [{ ...isMissing(`${folder}/`), message: `${folder}/: its weights are not there yet` }];
}

/** Of each part the plain safetensors; where there are none, what else there is. */
function usedWeights(files: readonly CandidateFile[]): readonly CandidateFile[] {
  const weights = files.filter(({ path }) => /\.(?:safetensors|bin|onnx)$/i.test(path));
  const byPart = Map.groupBy(weights, ({ path }) => path.slice(0, path.lastIndexOf('/')));
  return [...byPart.values()].flatMap((part) => {
    const safe = part.filter(({ path }) => path.endsWith('.safetensors'));
    const pool = safe.length > 0 ? safe : part;
    const plain = pool.filter(({ path }) => !VARIANT.test(path));
    return plain.length > 0 ? plain : pool;
  });
}

function profileOf(
  pipeline: DiffusersPipeline,
  files: readonly CandidateFile[],
  weights: readonly CandidateFile[],
  tensors: readonly { readonly type: string; readonly bytes: number; readonly elements: number }[],
  naming: readonly string[],
): ModelProfile {
  const pickles = sumBytes(weights.filter(({ path }) => !path.endsWith('.safetensors')));
  const byType = weightsByType(tensors);
  const used = new Set(weights.map(({ path }) => path));
  // Pickles that nothing loads, because safetensors of the same part are there, need no trust.
  const paths = files.map(({ path }) => path).filter((path) => used.has(path) || !/\.(?:bin|ckpt|pt|pth)$/i.test(path));
  const names = [...pipeline.components.keys()];
  return plainProfile({
    architecture: pipeline.className,
    parameters: pickles > 0 || tensors.length === 0 ? null : tensors.reduce((sum, { elements }) => sum + elements, 0),
    ...byType,
    weightBytes: byType.weightBytes + pickles,
    forms: [
      {
        kind: 'diffusers',
        files: [INDEX, ...used],
        codeFiles: codeFilesOfFolder(paths, [...(pipeline.isCustom ? [INDEX] : []), ...naming], openVinoWeights(files)),
        detail: `pipeline of ${someOf(names, 8)}`,
      },
    ],
    notes: ['It makes images, video or sound: a pipeline of diffusers.'],
  });
}
