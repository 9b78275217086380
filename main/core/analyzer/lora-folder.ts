/**
 * Reads folders of PEFT (LoRA and its variants): which base they need, what they change, and
 * whether the weights are complete. A LoRA is served only with its base; `lora-base.ts`
 * finds it. Pure and bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { FormatError } from './bytes.ts';
import { codeFilesOfFolder } from './code-files.ts';
import { type CandidateFile, type FormatFindings, isMissing } from './findings.ts';
import { type Json, jsonOf, jsonProblem, textIn } from './json-files.ts';
import { asksOf, rankOf } from './lora-asks.ts';
import { namingFiles } from './naming-files.ts';
import { readPickles } from './pickle-files.ts';
import { findings, plainProfile, sumBytes, weightsByType } from './plain-profile.ts';
import { readSafetensorsFiles } from './safetensors-files.ts';

const CONFIG = 'adapter_config.json';
const MAX_MODULES = 64;

export interface PeftFacts {
  /** As PEFT calls it: `LORA`, `IA3`. */
  readonly method: string;
  readonly base: string | null;
  readonly rank: number | null;
  readonly targetModules: readonly string[];
  /** What it answers with, as PEFT names it: `CAUSAL_LM`, `SEQ_CLS`. */
  readonly task: string | null;
}

export function peftFacts(config: Json): PeftFacts {
  const targets = config['target_modules'];
  const list = Array.isArray(targets) ? targets.filter((name) => typeof name === 'string') : typeof targets === 'string' ? [targets] : [];
  return {
    method: (textIn(config, 'peft_type') ?? 'unknown').slice(0, 64),
    base: textIn(config, 'base_model_name_or_path')?.slice(0, 1024) ?? null,
    rank: rankOf(config),
    targetModules: list.slice(0, MAX_MODULES),
    task: textIn(config, 'task_type'),
  };
}

/** Null when there is no adapter_config.json at the top. */
export function readLora(files: readonly CandidateFile[]): FormatFindings | null {
  const configFile = files.find(({ path }) => path === CONFIG);
  const config = jsonOf(configFile);
  if (configFile === undefined || config === null) return null;
  if (config instanceof FormatError) {
    return findings({ problems: [jsonProblem(configFile, config)] });
  }
  const safe = files.filter(({ path }) => path === 'adapter_model.safetensors');
  const pickled = files.filter(({ path }) => path === 'adapter_model.bin');
  const read = readSafetensorsFiles(safe);
  const { problems: found, zeroTails } = safe.length > 0 ? read : readPickles(pickled);
  const problems: FileProblem[] = [...found];
  if (safe.length + pickled.length === 0) problems.push(isMissing('adapter_model.safetensors'));
  const facts = peftFacts(config);
  const weights = safe.length > 0 ? safe : pickled;
  const paths = weights.map(({ path }) => path);
  const named = namingFiles(files);
  problems.push(...named.problems);
  const naming = 'auto_mapping' in config && config['auto_mapping'] !== null ? [CONFIG] : [];
  const rank = facts.rank === null ? '' : `, rank ${facts.rank}`;
  const targets = facts.targetModules.length === 0 ? '' : ` on ${facts.targetModules.slice(0, 8).join(', ')}`;
  const asks = asksOf(config, read.tensors);
  const profile = plainProfile({
    architecture: facts.method.toLowerCase(),
    parameters: read.tensors.length === 0 ? null : read.tensors.reduce((sum, { elements }) => sum + elements, 0),
    ...weightsByType(read.tensors),
    ...(safe.length === 0 ? { weightBytes: sumBytes(pickled) } : {}),
    base: facts.base,
    forms: [
      {
        kind: 'adapter',
        files: [CONFIG, ...paths],
        codeFiles: codeFilesOfFolder(paths, [...new Set([...naming, ...named.files])]),
        adapter: {
          method: facts.method.toUpperCase(),
          rank: facts.rank,
          task: facts.task?.slice(0, 64) ?? null,
          ...(asks.length > 0 ? { asks } : {}),
        },
        detail: `${facts.method}${rank}${targets}`,
      },
    ],
    notes: [
      facts.base === null ? 'It is a LoRA adapter that does not name its base.' : `It is a LoRA adapter: it needs its base, ${facts.base}.`,
      ...(asks.length > 0 ? [`It needs more than an ordinary LoRA: ${asks.map(({ what }) => what).join('; ')}.`] : []),
    ],
  });
  return findings({ expected: read.expected, problems, zeroTails, profile, hasWeights: weights.length > 0 });
}
