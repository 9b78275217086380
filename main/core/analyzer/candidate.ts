/**
 * A candidate's files -> what is there, what is missing, whether it is damaged, and what it is. The analyzer's front door.
 * Pure over sources of bytes: who opens files, and says that one cannot be read, is `main/io`.
 */
import type { ModelProfile } from '../../../shared/profile.ts';
import type { CandidateFile, FormatFindings } from './findings.ts';
import { readGgufs } from './gguf-folder.ts';
import { readHuggingface } from './huggingface-folder.ts';
import { notThereYet } from './not-there-yet.ts';

export interface Analysis {
  /** Null until every header could be read. */
  readonly bytesExpected: number | null;
  readonly missing: readonly string[];
  readonly damage: string | null;
  /** Tensors that end in zeros, as `file: tensor`. */
  readonly zeroTails: readonly string[];
  /** Null as long as something is missing or damaged. */
  readonly profile: ModelProfile | null;
}

/**
 * @param files everything in the candidate, links resolved.
 * @param force a person said "load anyway": tensors that end in zeros are let through with a note.
 */
export function analyzeCandidate(files: readonly CandidateFile[], force: boolean): Analysis {
  const sorted = files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  const early = notThereYet(sorted);
  const present = sorted.filter((file) => !early.names.has(file.path));
  const findings = [readGgufs(present), readHuggingface(present)].filter((finding) => finding !== null);
  const missing = [...early.missing, ...findings.flatMap((finding) => finding.missing)];
  const damage = findings.map((finding) => finding.damage).find((sentence) => sentence !== null) ?? null;
  const zeroTails = findings.flatMap((finding) => finding.zeroTails);
  const bytesExpected = expectedBytes(present, findings, early.bytesExpected);
  const profiles = findings.map((finding) => finding.profile).filter((profile) => profile !== null);
  const whole = missing.length === 0 && damage === null && bytesExpected !== null && present.length > 0;
  const notes = [...findings.flatMap((finding) => finding.notes), ...(force && zeroTails.length > 0 ? [letThrough(zeroTails)] : [])];
  return {
    bytesExpected,
    missing: present.length === 0 && missing.length === 0 ? ['any file of a model'] : missing,
    damage,
    zeroTails: force ? [] : zeroTails,
    profile: whole ? combined(profiles, notes, present) : null,
  };
}

/** One profile for all forms that lie in the folder: the first describes, the others add their form. */
function combined(profiles: readonly ModelProfile[], notes: readonly string[], files: readonly CandidateFile[]): ModelProfile {
  const [first, ...others] = profiles;
  if (first === undefined) return unknownProfile(files, notes);
  return {
    ...first,
    forms: [...first.forms, ...others.flatMap((profile) => profile.forms)],
    notes: [...first.notes, ...others.flatMap((profile) => profile.notes), ...notes],
  };
}

function expectedBytes(files: readonly CandidateFile[], findings: readonly FormatFindings[], more: number | null): number | null {
  if (more === null) return null;
  // A null also stands for a file that is named and not there: then nobody knows the sum.
  if (findings.some((finding) => [...finding.expected.values()].includes(null))) return null;
  let sum = more;
  for (const file of files) {
    const named = findings.map((finding) => finding.expected.get(file.path)).find((bytes) => bytes !== undefined);
    sum += Math.max(named ?? 0, file.bytes);
  }
  return sum;
}

function letThrough(zeroTails: readonly string[]): string {
  return `Loaded anyway although ${zeroTails.length === 1 ? 'a tensor ends' : `${zeroTails.length} tensors end`} in zeros: ${zeroTails.slice(0, 3).join(', ')}.`;
}

function unknownProfile(files: readonly CandidateFile[], notes: readonly string[]): ModelProfile {
  const paths = files.map((file) => file.path);
  const found = `${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`;
  return {
    kind: 'unknown',
    architecture: 'unknown',
    name: null,
    parameters: null,
    weightBytes: files.reduce((sum, file) => sum + file.bytes, 0),
    weightBytesByType: {},
    quantization: null,
    contextLength: null,
    layers: null,
    embeddingLength: null,
    feedForwardLength: null,
    heads: null,
    kvHeads: null,
    vocabularySize: null,
    kv: null,
    tokenizer: null,
    hasChatTemplate: false,
    forms: [{ kind: 'unknown', files: paths, codeFiles: [] }],
    notes: [`There is neither a GGUF nor a config.json of a Hugging Face model in it; found: ${found}.`, ...notes],
    layerBytes: [],
    inputBytes: 0,
    outputBytes: 0,
  };
}
