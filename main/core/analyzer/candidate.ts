/**
 * The entry point of the analyzer: from a candidate's files to what is present, missing or damaged,
 * and what the model is. Pure over byte sources; `main/io` opens the files and reports unreadable
 * ones.
 */
import { type FileProblem, type ModelProfile, NOTHING_KNOWN } from '../../../shared/profile.ts';
import { visibleName } from '../../../shared/visible.ts';
import { MOST_READ_BYTES, withBudget } from './budget.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, type FormatFindings, isDamaged } from './findings.ts';
import { FORM_READERS, type RankedReader } from './form-readers.ts';
import { notThereYet } from './not-there-yet.ts';
import { findings } from './plain-profile.ts';

export interface Analysis {
  /** Null until every header could be read. */
  readonly bytesExpected: number | null;
  /** What holds the model back, in words. */
  readonly missing: readonly string[];
  readonly damage: string | null;
  /** Tensors that end in zeros, as `file: tensor`. */
  readonly zeroTails: readonly string[];
  /** Everything that the model needs is there, and nothing better is on its way. */
  readonly whole: boolean;
  /**
   * One of its forms is whole, though another one is not: what can be served when no more bytes
   * come.
   */
  readonly usable: boolean;
  /** What it is, as far as the bytes tell; also of a model that is not whole. */
  readonly profile: ModelProfile | null;
}

/**
 * What lies beside a model's weights and is mostly copied before them: a folder with nothing else
 * is waited for.
 */
const COMPANION =
  /\.(?:json|jinja|md|txt|model|tiktoken|spm|py|ya?ml|gitattributes|incomplete|part)$|(?:^|\/)(?:licen[cs]e|notice|readme|use_policy)[^/]*$/i;

/** What one reader found, with what is wrong with the files of its kind by their names alone. */
interface Found extends FormatFindings {
  readonly rank: number;
}

/**
 * @param files everything in the candidate, links resolved.
 * @param force a person said "load anyway": tensors that end in zeros are let through with a note.
 * @param mostReadBytes of all files together; then the candidate is damaged.
 */
export function analyzeCandidate(files: readonly CandidateFile[], force: boolean, mostReadBytes = MOST_READ_BYTES): Analysis {
  const sorted = files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  const early = notThereYet(sorted);
  const present = withBudget(
    sorted.filter((file) => !early.names.has(file.path)),
    mostReadBytes,
  );
  const found = FORM_READERS.flatMap((reader) => foundBy(reader, present, early.problems) ?? []);
  const strays = early.problems.filter((problem) => !FORM_READERS.some(({ claims }) => claims.test(problem.file)));
  const usable = found.filter(isUsable);
  // Beside a whole form only a download that runs is a reason to wait; an empty file or a pointer
  // that no form asks for is none.
  const unclaimed = strays.filter(({ kind }) => usable.length === 0 || kind === 'partial-download');
  const holding = found.filter((finding) => holds(finding, usable));
  const problems = onceEach([...holding.flatMap((finding) => finding.problems.filter(isBlocking)), ...unclaimed]);
  const damage = problems.find(({ kind }) => kind === 'damaged')?.message ?? null;
  const missing = problems.filter(({ kind }) => kind !== 'damaged').map(({ message }) => message);
  if (sorted.length === 0) missing.push('any file of a model');
  else if (found.length === 0 && present.every(({ path }) => COMPANION.test(path))) missing.push('the weights: no file of a model yet');
  const counted = [...usable, ...holding];
  const bytesExpected = unclaimed.length > 0 ? null : expectedBytes(present, counted);
  const zeroTails = counted.flatMap((finding) => finding.zeroTails);
  const whole = problems.length === 0 && missing.length === 0 && bytesExpected !== null && present.length > 0;
  const notes = force && zeroTails.length > 0 ? [letThrough(zeroTails)] : [];
  const profile = profileOf(usable.length > 0 ? usable : found, present, notes);
  return {
    bytesExpected,
    missing,
    damage,
    zeroTails: force ? [] : zeroTails,
    whole,
    usable: whole || usable.length > 0,
    profile: profile && {
      ...profile,
      problems: onceEach([...found.flatMap((finding) => finding.problems), ...strays]),
      completenessPercent: percent(whole, present, bytesExpected, problems),
    },
  };
}

function foundBy(reader: RankedReader, files: readonly CandidateFile[], early: readonly FileProblem[]): Found | null {
  const own = early.filter((problem) => reader.claims.test(problem.file));
  // Where a reader does not catch it itself: what it asked for is more than a candidate may cost.
  const read = attempt(() => reader.read(files));
  const given = read instanceof FormatError ? unread(files, read) : read;
  if (given === null && own.length === 0) return null;
  const named = new Set(own.map((problem) => problem.file));
  // A file that is a pointer or half downloaded is left out of the reading, which then misses it:
  // said once.
  const rest = (given?.problems ?? []).filter((problem) => !(problem.kind === 'missing' && named.has(problem.file)));
  const expected = new Map(given?.expected ?? []);
  for (const problem of own) expected.set(problem.file, problem.expectedBytes);
  return {
    rank: reader.rank,
    expected,
    problems: [...own, ...rest],
    ...(given?.besides === undefined ? {} : { besides: given.besides }),
    zeroTails: given?.zeroTails ?? [],
    profile: given?.profile ?? null,
    notes: given?.notes ?? [],
    hasWeights: (given?.hasWeights ?? false) || own.some(({ kind }) => kind === 'partial-download'),
  };
}

function unread(files: readonly CandidateFile[], { message }: FormatError): FormatFindings {
  return findings({ problems: [isDamaged(files[0]?.path ?? '', 0, `The folder cannot be read: ${message}.`)] });
}

/** A file that several forms need lacks the same for each of them: said once. */
function onceEach(problems: readonly FileProblem[]): readonly FileProblem[] {
  return [...new Map(problems.map((problem) => [problem.message, problem])).values()];
}

function isBlocking({ kind }: FileProblem): boolean {
  return kind !== 'stale-index';
}

function isUsable({ profile, problems, besides }: FormatFindings): boolean {
  return profile !== null && !problems.some((problem) => isBlocking(problem) && besides?.has(problem) !== true);
}

/**
 * Is this form's lack a reason to wait? Always where no other form is whole. Else only while it is
 * better or as good as those that are, bytes of it are there, and more of them would mend it.
 */
function holds(finding: Found, usable: readonly Found[]): boolean {
  if (!finding.problems.some(isBlocking)) return false;
  if (usable.length === 0) return true;
  const isHopeless = finding.problems.some(({ kind }) => kind === 'damaged');
  return finding.hasWeights && !isHopeless && usable.every(({ rank }) => finding.rank <= rank);
}

/**
 * One profile for all forms that lie in the folder: the first describes, the others add their form.
 */
function profileOf(found: readonly Found[], files: readonly CandidateFile[], notes: readonly string[]): ModelProfile | null {
  const [first, ...others] = found.map(({ profile }) => profile).filter((profile) => profile !== null);
  const moreNotes = [...found.flatMap((finding) => finding.notes), ...notes];
  if (first === undefined) return found.length === 0 && files.length > 0 ? unknownProfile(files, moreNotes) : null;
  return {
    ...first,
    forms: [...first.forms, ...others.flatMap((profile) => profile.forms)],
    // File names stand in them: what is read must be what is there.
    notes: [...new Set([...first.notes, ...others.flatMap((profile) => profile.notes), ...moreNotes])].map(visibleName),
    licence: first.licence ?? others.find(({ licence }) => licence !== null)?.licence ?? null,
    tags: [...new Set([...first.tags, ...others.flatMap(({ tags }) => tags)])],
  };
}

function expectedBytes(files: readonly CandidateFile[], findings: readonly FormatFindings[]): number | null {
  const expected = new Map<string, number>();
  for (const finding of findings) {
    for (const [path, bytes] of finding.expected) {
      // A null also stands for a file that is named and not there: then nobody knows the sum.
      if (bytes === null) return null;
      expected.set(path, Math.max(bytes, expected.get(path) ?? 0));
    }
  }
  for (const file of files) expected.set(file.path, Math.max(file.bytes, expected.get(file.path) ?? 0));
  return [...expected.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Of the bytes where they are known, else of the files. Never 100 while anything is missing. */
function percent(whole: boolean, files: readonly CandidateFile[], bytesExpected: number | null, problems: readonly FileProblem[]): number {
  if (whole) return 100;
  const wrong = new Set(problems.map(({ file }) => file));
  const bytesPresent = files.reduce((sum, file) => sum + file.bytes, 0);
  const good = files.filter((file) => !wrong.has(file.path)).length;
  const share = bytesExpected === null || bytesExpected === 0 ? good / (good + wrong.size || 1) : bytesPresent / bytesExpected;
  return Math.min(99, Math.floor(share * 100));
}

function letThrough(zeroTails: readonly string[]): string {
  return `Loaded anyway although ${zeroTails.length === 1 ? 'a tensor ends' : `${zeroTails.length} tensors end`} in zeros: ${zeroTails.slice(0, 3).join(', ')}.`;
}

function unknownProfile(files: readonly CandidateFile[], notes: readonly string[]): ModelProfile {
  const paths = files.map((file) => file.path);
  const found = `${paths.slice(0, 5).join(', ')}${paths.length > 5 ? ` and ${paths.length - 5} more` : ''}`;
  return {
    ...NOTHING_KNOWN,
    weightBytes: files.reduce((sum, file) => sum + file.bytes, 0),
    forms: [{ kind: 'unknown', files: paths, codeFiles: [] }],
    notes: [
      `Modelium does not recognise a model in it: it has neither a GGUF nor a config.json of a Hugging Face model; found: ${found}.`,
      ...notes,
    ],
  };
}
