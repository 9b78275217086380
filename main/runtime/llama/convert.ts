/**
 * Hugging Face folders for llama.cpp: the possible weight types of the GGUF, the profile of the
 * converted model, and the steps of the conversion. Pure; `core/analyzer/convertible.ts` says which
 * folders can be converted.
 */
import type { ConvertedType, Preparation } from '../../../shared/decision.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import type { ModelForm, ModelProfile } from '../../../shared/profile.ts';
import { SESSION_NICE_FILE } from '../../core/step-behind.ts';
import type { PrepareTarget, Progress } from '../adapter.ts';
import { ended, phase, type Steps, send, spawn } from '../step.ts';
import type { LlamaFacts } from './facts.ts';

/** Vocabulary and names in front of the weights: the largest vocabularies take some 12 MB. */
export const DESCRIPTION_BYTES = 16 * 1024 * 1024;
/** Bits of a weight: Q8_0 has a half for 32 codes. */
const BITS: Readonly<Record<ConvertedType, number>> = { F32: 32, F16: 16, BF16: 16, Q8_0: 8.5 };

/** Null: it can be converted; else why not, a sentence. */
export function whyNotConverted({ kind, conversion }: ModelForm): string | null {
  if (conversion === undefined) return `llama.cpp serves GGUF files; this form is ${kind}.`;
  return conversion.why === null ? null : `${upper(conversion.why)}.`;
}

export function upper(sentence: string): string {
  // A class keeps its spelling.
  return /^[a-z]+ /.test(sentence) ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence;
}

/**
 * The weights as they are (of floats their half), then the smallest type that loses next to
 * nothing. Null for what is a GGUF already.
 */
export function conversionsOf(profile: ModelProfile, form: ModelForm): readonly Preparation[] | null {
  if (form.kind === 'gguf') return null;
  const commonest = Object.entries(profile.weightBytesByType).toSorted((one, other) => other[1] - one[1])[0]?.[0];
  return [{ type: commonest === 'BF16' ? 'BF16' : 'F16' }, { type: 'Q8_0' }];
}

/**
 * The model as it is once it is converted: as many weights, of other sizes, up to the context that
 * llama.cpp computes rightly.
 */
export function converted(profile: ModelProfile, preparation: Preparation | undefined): ModelProfile {
  if (preparation === undefined || profile.weightBytes === 0) return profile;
  const { type } = preparation;
  const weights = profile.parameters ?? profile.weightBytes / 2;
  const ratio = (weights * BITS[type]) / 8 / profile.weightBytes;
  const scaled = (bytes: number): number => Math.ceil(bytes * ratio);
  const most = profile.forms.find(({ kind }) => kind === 'transformers')?.conversion?.contextTokens ?? null;
  return {
    ...profile,
    weightBytes: scaled(profile.weightBytes),
    weightBytesByType: { [type]: scaled(profile.weightBytes) },
    layerBytes: profile.layerBytes.map(scaled),
    inputBytes: scaled(profile.inputBytes),
    outputBytes: scaled(profile.outputBytes),
    contextLength: most === null ? profile.contextLength : Math.min(most, profile.contextLength ?? most),
  };
}

/**
 * A tokenizer of 128,000 tokens is read with half the memory, and hardly slower: what is garbage is
 * collected at once.
 */
export const FRUGAL = ['--max-semi-space-size=1'] as const;

/** Our own program makes it, whoever serves it then. */
export function* convert(
  { node, convertProgram }: LlamaFacts,
  { modelId, places, output, earlier, preparation }: PrepareTarget,
): Steps<void> {
  yield* phase('converting', 0);
  yield* spawn(node.command, [...node.args, ...FRUGAL, ...fences(node.env, output), convertProgram], node.env, true);
  yield* send({ files: places, output, earlier, type: preparation.type });
  const { exit, lines } = yield* ended();
  if (exit.code === 0) return;
  const failure = lines.map((line) => FAILED.exec(line)?.[1]).findLast((sentence) => sentence !== undefined);
  if (failure !== undefined) throw new ModeliumError('not-convertible', failure, { origin: 'llama' });
  const full = lines.map((line) => FULL.exec(line)?.[1]).findLast((sentence) => sentence !== undefined);
  if (full !== undefined) throw new ModeliumError('disk-full', full, { origin: 'llama' });
  const how = exit.signal === null ? `code ${exit.code ?? 'unknown'}` : `signal ${exit.signal}`;
  const last = lines.findLast((line) => line.trim() !== '') ?? 'nothing';
  throw new ModeliumError('runtime-exited', `The conversion of ${modelId} ended with ${how}. It said: ${last.trim()}`, { origin: 'llama' });
}

/**
 * It may read files, write where its output goes, and say how urgent it is: no programs, no
 * threads. Not asked of Electron's binary, whose Node was not seen to do it.
 */
function fences(env: Readonly<Record<string, string>>, output: string): readonly string[] {
  if ('ELECTRON_RUN_AS_NODE' in env) return [];
  const written = [`${output.slice(0, output.lastIndexOf('/') + 1)}*`, SESSION_NICE_FILE];
  return ['--permission', '--allow-fs-read=*', ...written.map((path) => `--allow-fs-write=${path}`)];
}

const FAILED = /^modelium: cannot convert: (.*)$/;
const FULL = /^modelium: no room: (.*)$/;

/** What a line of the converter tells; null: nothing. */
export function convertProgressOf(line: string): Progress | null {
  const percent = /^modelium: converting (\d+) %$/.exec(line);
  return percent === null ? null : { phase: 'converting', progress: Number(percent[1]) / 100 };
}
