/**
 * Reads image models of timm: their config.json has `architecture` and `pretrained_cfg` instead of
 * the keys of transformers. Pure and bounded (I7).
 */
import { FormatError } from './bytes.ts';
import { codeFilesOfFolder } from './code-files.ts';
import { type CandidateFile, type FormatFindings, isMissing } from './findings.ts';
import { isObject } from './json.ts';
import { countIn, type Json, jsonOf, textIn } from './json-files.ts';
import { namingFiles } from './naming-files.ts';
import { readPickles } from './pickle-files.ts';
import { findings, plainProfile, sumBytes, weightsByType } from './plain-profile.ts';
import { readSafetensorsFiles } from './safetensors-files.ts';

const CONFIG = 'config.json';
/** A model of the library of CLIPs lies so too, with its own words. */
const WEIGHTS = /^(?:model|pytorch_model|open_clip_model|open_clip_pytorch_model)\.(?:safetensors|bin)$/;

/** Is this the config.json of timm? */
export function isTimm(config: Json): boolean {
  return textIn(config, 'architecture') !== null && isObject(config['pretrained_cfg']) && !('model_type' in config);
}

/**
 * Null when config.json is not timm's. One that cannot be read is the business of the reader of
 * transformers.
 */
export function readTimm(files: readonly CandidateFile[]): FormatFindings | null {
  const config = jsonOf(files.find(({ path }) => path === CONFIG));
  if (config === null || config instanceof FormatError || !isTimm(config)) return null;
  const weights = files.filter(({ path }) => WEIGHTS.test(path));
  const safe = weights.filter(({ path }) => path.endsWith('.safetensors'));
  const used = safe.length > 0 ? safe : weights;
  const read = readSafetensorsFiles(safe);
  const { problems, zeroTails } = safe.length > 0 ? read : readPickles(used);
  const cfg = isObject(config['pretrained_cfg']) ? config['pretrained_cfg'] : {};
  const input = Array.isArray(cfg['input_size']) ? cfg['input_size'].filter((size) => Number.isSafeInteger(size)).map(Number) : [];
  const classes = countIn(config, 'num_classes') ?? countIn(cfg, 'num_classes');
  const paths = used.map(({ path }) => path);
  const naming = namingFiles(files);
  const profile = plainProfile({
    // Without a last layer its vectors are what it gives.
    kind: classes === 0 ? 'embedding' : 'vision',
    architecture: textIn(config, 'architecture') ?? 'unknown',
    parameters: read.tensors.length === 0 ? null : read.tensors.reduce((sum, { elements }) => sum + elements, 0),
    ...weightsByType(read.tensors),
    ...(safe.length === 0 ? { weightBytes: sumBytes(used) } : {}),
    embeddingLength: countIn(config, 'num_features'),
    forms: [
      {
        kind: 'timm',
        files: [CONFIG, ...paths],
        codeFiles: codeFilesOfFolder(paths, naming.files),
        inputs: input.length === 0 ? [] : [{ name: 'image', type: 'float32', shape: ['batch', ...input] }],
        detail: classes === null ? 'timm' : classes === 0 ? 'timm, features only' : `timm, ${classes} classes`,
      },
    ],
  });
  const lacks = used.length === 0 ? [isMissing('model.safetensors')] : [];
  return findings({
    expected: read.expected,
    problems: [...problems, ...naming.problems, ...lacks],
    zeroTails,
    profile,
    hasWeights: used.length > 0,
  });
}
