/**
 * Analyzes a single file, with its parts and projectors: a model, or something else that is
 * reported at once. No other file could complete it, so Modelium does not wait for more. Pure.
 */
import { NOTHING_KNOWN } from '../../../shared/profile.ts';
import { visibleName } from '../../../shared/visible.ts';
import { type Analysis, analyzeCandidate } from './candidate.ts';
import type { CandidateFile } from './findings.ts';
import { foreignWords } from './foreign.ts';
import { readNotServable } from './not-servable.ts';

/**
 * What may be a model by itself; of every other name the readers of folders would say what is
 * missing beside it.
 */
const MAYBE_MODEL = /\.(?:gguf|safetensors|onnx|pt|pth|pt2|ckpt|bin|jit|torchscript|plan|engine|trt)$|^sha256-[0-9a-f]{64}$/i;

/**
 * @param files the file itself and, of a GGUF, those that go with it. @param force as in
 * `analyzeCandidate`.
 */
export function analyzeLoose(files: readonly CandidateFile[], force: boolean): Analysis {
  const [file] = files;
  if (file === undefined || files.length > 1) return analyzeCandidate(files, force);
  if (!MAYBE_MODEL.test(file.path)) return foreign(file);
  const analysis = analyzeCandidate(files, force);
  if (analysis.profile?.forms.every(({ kind }) => kind === 'unknown') === true && analysis.whole) return foreign(file);
  const own = `${visibleName(file.path)}:`;
  const waitsForOthers = analysis.missing.length > 0 && !analysis.missing.some((sentence) => sentence.startsWith(own));
  // The parts of a split model, which come one after the other, are waited for.
  const isPart = analysis.missing.some((sentence) => /-of-\d{5}\.gguf:/i.test(sentence));
  return analysis.damage === null && waitsForOthers && !isPart ? foreign(file) : analysis;
}

function foreign(file: CandidateFile): Analysis {
  const [known] = readNotServable([file])?.profile?.notes ?? [];
  const profile = {
    ...NOTHING_KNOWN,
    weightBytes: file.bytes,
    forms: [{ kind: 'unknown' as const, files: [file.path], codeFiles: [] }],
    notes: [visibleName(known ?? foreignWords(file))],
    completenessPercent: 100,
  };
  return { bytesExpected: file.bytes, missing: [], damage: null, zeroTails: [], whole: true, usable: true, profile };
}
