/**
 * Reads the OpenVINO pairs of a candidate: whether each `.xml` has a `.bin` that is long enough.
 * Pure and bounded (I7).
 */
import type { FileProblem, ModelProfile } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { shown, someOf } from './file-names.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isMissing, isTruncated } from './findings.ts';
import { hasHole } from './holes.ts';
import { beginsAsOpenVino, type OpenVinoModel, readOpenVinoXml } from './openvino.ts';
import { findings, plainProfile, weightsByType } from './plain-profile.ts';

interface Pair {
  readonly xml: string;
  readonly bin: string;
  readonly model: OpenVinoModel;
}

/**
 * Each `.bin` that holds nothing but weights: its `.xml` is a model of OpenVINO that can be read,
 * and names weights that lie in it.
 */
export function openVinoWeights(files: readonly CandidateFile[]): ReadonlySet<string> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const found = new Set<string>();
  for (const file of files) {
    const bin = file.path.replace(/xml$/i, 'bin');
    const there = byPath.get(bin)?.bytes ?? 0;
    if (!/\.xml$/i.test(file.path) || there === 0) continue;
    const source = file.open();
    const model = beginsAsOpenVino(source) ? attempt(() => readOpenVinoXml(source)) : null;
    if (model === null || model instanceof FormatError) continue;
    if (model.weightsEnd > 0 && model.weightsEnd <= there) found.add(bin);
  }
  return found;
}

/** Null when no `.xml` is a model of OpenVINO. */
export function readOpenVinoPairs(files: readonly CandidateFile[]): FormatFindings | null {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const problems: FileProblem[] = [];
  const expected = new Map<string, number | null>();
  const pairs: Pair[] = [];
  const zeroTails: string[] = [];
  for (const file of files) {
    if (!/\.xml$/i.test(file.path)) continue;
    const source = file.open();
    if (!beginsAsOpenVino(source)) continue;
    const bin = file.path.replace(/xml$/i, 'bin');
    const model = attempt(() => readOpenVinoXml(source));
    if (model instanceof FormatError) {
      expected.set(file.path, model.fault === 'truncated' ? null : file.bytes);
      const sentence = `${file.path} is not a model of OpenVINO that can be read: ${model.message}.`;
      problems.push(model.fault === 'truncated' ? isTruncated(file.path, file.bytes, null) : isDamaged(file.path, file.bytes, sentence));
      continue;
    }
    expected.set(file.path, file.bytes);
    pairs.push({ xml: file.path, bin, model });
    const there = byPath.get(bin)?.bytes ?? null;
    if (there === null && model.weightsEnd === 0) continue;
    expected.set(bin, model.weightsEnd);
    if (there === null) problems.push(isMissing(bin, model.weightsEnd));
    else if (there < model.weightsEnd) problems.push(isTruncated(bin, there, model.weightsEnd));
    else if (hasHole(byPath.get(bin)?.open() ?? source, 0, model.weightsEnd)) zeroTails.push(`${bin}: its weights`);
  }
  if (expected.size === 0) return null;
  const hasWeights = pairs.some(({ bin }) => byPath.has(bin));
  return findings({ expected, problems, zeroTails, hasWeights, profile: pairs.length === 0 ? null : profileOf(pairs, byPath) });
}

function profileOf(pairs: readonly Pair[], byPath: ReadonlyMap<string, CandidateFile>): ModelProfile {
  // Tokenizers come as pairs too, with operators of a library of their own.
  const mainFirst = pairs.toSorted((one, other) => Number(/tokenizer/i.test(one.xml)) - Number(/tokenizer/i.test(other.xml)));
  const [main] = mainFirst;
  const weights = pairs.flatMap(({ model }) => [...model.weightBytes].map(([type, bytes]) => ({ type, bytes })));
  const custom = pairs.filter(({ model }) => model.customSets.length > 0);
  const known = pairs.every(({ model }) => model.parameters !== null);
  const sets = [...new Set(custom.flatMap(({ model }) => model.customSets))];
  const form = {
    kind: 'openvino' as const,
    files: mainFirst.flatMap(({ xml, bin }) => [xml, ...(byPath.has(bin) ? [bin] : [])]),
    codeFiles: custom.map(({ xml }) => xml),
    inputs: main?.model.inputs ?? [],
    detail: `OpenVINO IR version ${main?.model.version ?? 0}`,
  };
  return plainProfile({
    architecture: 'openvino',
    name: main?.model.name ?? null,
    parameters: known ? pairs.reduce((sum, { model }) => sum + (model.parameters ?? 0), 0) : null,
    ...weightsByType(weights),
    forms: [form],
    notes: sets.length === 0 ? [] : [`It uses operators of ${someOf(sets.map(shown))}: a library that contains them must be trusted.`],
  });
}
