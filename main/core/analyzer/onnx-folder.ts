/**
 * Reads all ONNX files of a candidate: which form the model together (encoder and decoder), which
 * are copies in another precision, and whether their external weight files are present and long
 * enough. Pure and bounded (I7).
 */
import type { FileProblem, ModelProfile } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { confined, folderOf, nameOf, shown, someOf } from './file-names.ts';
import { type CandidateFile, type FormatFindings, isDamaged, isMissing, isTruncated } from './findings.ts';
import { hasHole } from './holes.ts';
import { type OnnxModel, parseOnnx } from './onnx.ts';
import { onnxKind, specOf, valueInWords } from './onnx-interface.ts';
import { findings, isBlank, plainProfile, weightsByType } from './plain-profile.ts';

/** Names that exporters put behind the part's own: the same weights in another precision. */
const VARIANT = /_(?:quantized|fp16|fp32|int8|uint8|int4|uint4|q4|q4f16|q8|bnb4|quant_\w+|qint8_\w+|quint8_\w+|O[1-4])$/i;
/** Parts that exporters make of one model. */
const PART = /^(?:model|\w*encoder\w*|\w*decoder\w*|(?:text|vision|audio)_model|embed_tokens)$/i;

interface OnnxFile {
  readonly path: string;
  readonly model: OnnxModel | null;
  readonly problems: readonly FileProblem[];
  /** Files that hold weights of it, in the candidate. */
  readonly companions: readonly string[];
  /** Weights that have not arrived, as `file: what`. */
  readonly zeroTails: readonly string[];
  /** Bytes that it and its companions need; null where nobody can know. */
  readonly expected: ReadonlyMap<string, number | null>;
}

/** Null when there is no ONNX file. */
export function readOnnxFiles(files: readonly CandidateFile[]): FormatFindings | null {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const read = files.filter((file) => /\.onnx$/i.test(file.path)).map((file) => readOne(file, byPath));
  const sound = read.filter((file) => !isHopeless(file));
  const [first] = read;
  if (first === undefined) return null;
  if (sound.length === 0) return findings({ expected: first.expected, problems: first.problems });
  const chosen = chosenOf(sound);
  const expected = new Map(chosen.flatMap((file) => [...file.expected]));
  const notes = read.filter((file) => !chosen.includes(file)).map((file) => noteOf(file, chosen));
  const complete = chosen.every((file) => file.model !== null);
  return findings({
    expected,
    problems: chosen.flatMap((file) => file.problems),
    zeroTails: chosen.flatMap((file) => file.zeroTails),
    profile: complete ? profileOf(chosen, notes) : null,
  });
}

function isHopeless({ problems }: OnnxFile): boolean {
  return problems.some(({ kind }) => kind === 'damaged');
}

function readOne(file: CandidateFile, byPath: ReadonlyMap<string, CandidateFile>): OnnxFile {
  const { path, bytes } = file;
  const source = file.open();
  const parsed = attempt(() => parseOnnx(source));
  const nothing = { path, model: null, companions: [], zeroTails: [] };
  if (parsed instanceof FormatError) {
    const blank = isBlank(source);
    const damage = isDamaged(path, bytes, `${path} is not an ONNX model that can be read: ${parsed.message}.`);
    return { ...nothing, problems: [blank ? isTruncated(path, bytes, null) : damage], expected: new Map([[path, blank ? null : bytes]]) };
  }
  if ('truncated' in parsed) {
    return { ...nothing, problems: [isTruncated(path, bytes, parsed.fileBytes)], expected: new Map([[path, parsed.fileBytes]]) };
  }
  const own = hasHole(source, 0, Math.min(bytes, parsed.fileBytes)) ? [`${path}: its weights`] : [];
  const beside = externals(file, parsed, byPath);
  return { path, model: parsed, ...beside, zeroTails: [...own, ...beside.zeroTails] };
}

/**
 * The second files of an ONNX file: each is in the folder, and long enough for every tensor that
 * lies in it.
 */
function externals(
  { path, bytes }: CandidateFile,
  model: OnnxModel,
  byPath: ReadonlyMap<string, CandidateFile>,
): Pick<OnnxFile, 'problems' | 'companions' | 'expected' | 'zeroTails'> {
  const problems: FileProblem[] = [];
  const companions: string[] = [];
  const zeroTails: string[] = [];
  const expected = new Map<string, number | null>([[path, model.fileBytes]]);
  for (const [name, wanted] of model.externals) {
    const inside = confined(folderOf(path), name);
    if (inside === null) {
      return {
        problems: [isDamaged(path, bytes, `${path} names weights outside its folder: ${shown(name)}.`)],
        companions: [],
        zeroTails: [],
        expected,
      };
    }
    const second = byPath.get(inside);
    const there = second?.bytes ?? null;
    companions.push(inside);
    expected.set(inside, wanted);
    if (there === null) problems.push(isMissing(inside, wanted));
    else if (there < wanted) problems.push(isTruncated(inside, there, wanted));
    else if (second !== undefined && hasHole(second.open(), 0, wanted)) zeroTails.push(`${inside}: its weights`);
  }
  return { problems, companions, zeroTails, expected };
}

function roleOf(path: string): string {
  return nameOf(path)
    .replace(/\.onnx$/i, '')
    .replace(VARIANT, '');
}

/**
 * The files that are the model: the parts of an encoder and a decoder together, else `model`, else
 * the first by name. Of a part that is there in several precisions the one without a suffix.
 */
function chosenOf(files: readonly OnnxFile[]): readonly OnnxFile[] {
  const byRole = new Map<string, OnnxFile>();
  const plainFirst = files.toSorted((one, other) => nameOf(one.path).length - nameOf(other.path).length);
  for (const file of plainFirst) if (!byRole.has(roleOf(file.path))) byRole.set(roleOf(file.path), file);
  const parts = [...byRole.keys()].filter((role) => PART.test(role));
  // The merged decoder is both others in one.
  const isMerged = parts.includes('decoder_model_merged');
  const used = parts.filter((role) => role !== 'model' && !(isMerged && /^decoder(?:_with_past)?_model$/.test(role)));
  if (used.length > 1) return files.filter((file) => used.some((role) => byRole.get(role) === file));
  const single = byRole.get('model') ?? byRole.get(used[0] ?? '') ?? files[0];
  return single === undefined ? [] : [single];
}

function noteOf(file: OnnxFile, chosen: readonly OnnxFile[]): string {
  if (isHopeless(file)) return `Also in the folder, and not usable: ${file.problems.map(({ message }) => message).join(' ')}`;
  const lacks = file.problems.length === 0 ? '' : `; not complete: ${someOf(file.problems.map(({ message }) => message))}`;
  const isSame = chosen.some((other) => roleOf(other.path) === roleOf(file.path));
  return `Also in the folder, and not used: ${file.path} (${isSame ? 'the same in another precision' : 'another ONNX file'}${lacks}).`;
}

function profileOf(chosen: readonly OnnxFile[], notes: readonly string[]): ModelProfile {
  const models = chosen.flatMap(({ model }) => (model === null ? [] : [model]));
  const weights = models.flatMap((model) => [...model.weights].map(([type, sizes]) => ({ type, ...sizes })));
  const custom = chosen.filter(({ model }) => (model?.customDomains.length ?? 0) > 0);
  const domains = [...new Set(custom.flatMap(({ model }) => model?.customDomains ?? []))];
  const inputs = models.flatMap((model) => model.inputs);
  const outputs = models.flatMap((model) => model.outputs);
  const opsets = [...new Set(models.flatMap((model) => model.opsets.get('ai.onnx') ?? []))];
  const kind = onnxKind(inputs, outputs);
  const remarks: string[] = [];
  if (kind === 'unknown') {
    remarks.push(`It takes ${someOf(inputs.map(valueInWords), 8)}, and answers with ${someOf(outputs.map(valueInWords), 8)}.`);
  }
  if (domains.length > 0) {
    remarks.push(
      `It uses operators of ${someOf(domains.map(shown))}, which ONNX Runtime lacks: it needs a library with them, which you have to trust.`,
    );
  }
  const form = {
    kind: 'onnx' as const,
    files: [...new Set([...chosen.map(({ path }) => path), ...chosen.flatMap(({ companions }) => companions)])],
    codeFiles: custom.map(({ path }) => path),
    inputs: inputs.map(specOf),
    outputs: outputs.map(specOf),
    detail: `opset ${opsets.join(', ')}`,
  };
  const parameters = weights.reduce((sum, { elements }) => sum + elements, 0);
  return plainProfile({ kind, architecture: 'onnx', parameters, ...weightsByType(weights), forms: [form], notes: [...remarks, ...notes] });
}
