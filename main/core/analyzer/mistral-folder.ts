/**
 * Mistral's own layout: params.json, consolidated weights and tekken.json, without (or beside) the
 * files of transformers. Pure and bounded (I7).
 */
import { type FileProblem, type KvCost, type KvGroup, kvCostOf, type ModelKind } from '../../../shared/profile.ts';
import { FormatError } from './bytes.ts';
import { codeFilesOfFolder } from './code-files.ts';
import { type CandidateFile, type FormatFindings, isMissing } from './findings.ts';
import { tokenizerProblems } from './huggingface-tokenizer.ts';
import { isObject } from './json.ts';
import { countIn, type Json, jsonOf, jsonProblem, textIn } from './json-files.ts';
import { namingFiles } from './naming-files.ts';
import { findings, plainProfile, weightsByType } from './plain-profile.ts';
import { readSafetensorsFiles } from './safetensors-files.ts';
import { missingShards } from './shards.ts';

const PARAMS = 'params.json';
const INDEX = 'consolidated.safetensors.index.json';
const WEIGHTS = /^consolidated(?:-\d{5}-of-\d{5})?\.safetensors$/;
const TOKENIZER = /^(?:tekken\.json|tokenizer\.model(?:\.v\d+m?\d*)?)$/;
const BYTES_PER_VALUE = 2;
/** More layers than any model has. */
const MAX_LAYERS = 4096;

/** Null when there is no params.json with consolidated weights or their index. */
export function readMistral(files: readonly CandidateFile[]): FormatFindings | null {
  const top = new Map(files.filter(({ path }) => !path.includes('/')).map((file) => [file.path, file]));
  const paramsFile = top.get(PARAMS);
  const weights = [...top.values()].filter(({ path }) => WEIGHTS.test(path));
  // An empty one has not arrived: a download that begins again empties it first.
  const tokenizer = [...top.values()].find(({ path, bytes }) => bytes > 0 && TOKENIZER.test(path))?.path ?? null;
  if (paramsFile === undefined || (weights.length === 0 && !top.has(INDEX) && !top.has('tekken.json'))) return null;
  const params = jsonOf(paramsFile);
  if (params === null || params instanceof FormatError) {
    return findings({ problems: params === null ? [] : [jsonProblem(paramsFile, params)], hasWeights: weights.length > 0 });
  }
  const read = readSafetensorsFiles(weights);
  const problems: FileProblem[] = [...read.problems, ...missingShards(weights, [...top.values()], false)];
  const naming = namingFiles(files);
  problems.push(...naming.problems);
  if (weights.length === 0 && !problems.some(({ file }) => WEIGHTS.test(file))) problems.push(isMissing('consolidated.safetensors'));
  if (tokenizer === null) problems.push(isMissing('tekken.json'));
  else problems.push(...tokenizerProblems(top.get(tokenizer)));
  const sees = isObject(params['vision_encoder']);
  const hears = isObject(params['whisper_model_args']) || isObject(params['audio_encoder_args']);
  const kind: ModelKind = hears ? 'speech' : sees ? 'vision-language' : 'chat';
  const heads = countIn(params, 'n_heads');
  const experts = isObject(params['moe']) ? params['moe'] : null;
  const count = experts === null ? null : (countIn(experts, 'num_experts') ?? 0);
  const profile = plainProfile({
    kind,
    architecture: 'mistral',
    parameters: read.tensors.length === 0 ? null : read.tensors.reduce((sum, { elements }) => sum + elements, 0),
    ...weightsByType(read.tensors),
    contextLength: countIn(params, 'max_position_embeddings') ?? countIn(params, 'max_seq_len'),
    layers: countIn(params, 'n_layers'),
    embeddingLength: countIn(params, 'dim'),
    feedForwardLength: countIn(params, 'hidden_dim'),
    heads,
    kvHeads: countIn(params, 'n_kv_heads') ?? heads,
    experts: experts === null || count === null ? null : { count, used: countIn(experts, 'num_experts_per_tok') },
    vocabularySize: countIn(params, 'vocab_size'),
    kv: kvOf(params),
    tokenizer,
    // Its tokenizer carries the form of a conversation.
    hasChatTemplate: tokenizer !== null,
    name: textIn(params, 'name'),
    forms: [
      {
        kind: 'mistral',
        files: [PARAMS, ...weights.map(({ path }) => path), ...(tokenizer === null ? [] : [tokenizer])],
        codeFiles: codeFilesOfFolder(
          weights.map(({ path }) => path),
          naming.files,
        ),
      },
    ],
  });
  return findings({ expected: read.expected, problems, zeroTails: read.zeroTails, profile, hasWeights: weights.length > 0 });
}

/**
 * Every layer keeps keys and values of the whole context, or of a window: of all of them, or in the
 * pattern that a list of windows repeats.
 */
function kvOf(params: Json): KvCost | null {
  const layers = countIn(params, 'n_layers');
  const heads = countIn(params, 'n_kv_heads') ?? countIn(params, 'n_heads');
  const width = countIn(params, 'head_dim');
  if (layers === null || layers > MAX_LAYERS || heads === null || width === null) return null;
  const latent = countIn(params, 'kv_lora_rank');
  const perLayer =
    latent === null ? 2 * heads * width * BYTES_PER_VALUE : (latent + (countIn(params, 'qk_rope_head_dim') ?? 0)) * BYTES_PER_VALUE;
  if (!Number.isSafeInteger(perLayer * layers)) return null;
  const slidingWindow = params['sliding_window'] ?? params['_sliding_window'];
  const windows = Array.isArray(slidingWindow) ? slidingWindow : [slidingWindow];
  const byWindow = new Map<number | null, number>();
  for (let layer = 0; layer < layers; layer += 1) {
    const value: unknown = windows[layer % windows.length];
    const tokens = typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : null;
    byWindow.set(tokens, (byWindow.get(tokens) ?? 0) + 1);
  }
  const groups = [...byWindow].map(
    ([windowTokens, count]): KvGroup => ({
      kind: latent !== null ? 'latent' : windowTokens === null ? 'full' : 'sliding',
      layers: count,
      bytesPerToken: count * perLayer,
      bytesPerSequence: 0,
      windowTokens,
    }),
  );
  return kvCostOf(groups, true);
}
