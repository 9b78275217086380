/**
 * The input and result types of the format readers, shared with `candidate.ts`, and small helpers
 * for them.
 */
import type { FileProblem, ModelProfile, ProblemKind } from '../../../shared/profile.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { visibleName } from '../../../shared/visible.ts';
import type { ByteSource } from './bytes.ts';

export interface CandidateFile {
  /** Relative to the candidate's root; the file's own name where the candidate is a file. */
  readonly path: string;
  readonly bytes: number;
  open(): ByteSource;
}

/** What one format's reader has to say of the candidate's files. */
export interface FormatFindings {
  /**
   * Bytes that the headers ask for, by file; null where a header is not all there, or the file is
   * named and not there.
   */
  readonly expected: ReadonlyMap<string, number | null>;
  /**
   * What is missing or wrong, by file. While there is a problem of any kind but `stale-index`, the
   * form cannot be used.
   */
  readonly problems: readonly FileProblem[];
  /**
   * Those among them that are of another model in the same folder: a reason to wait for more bytes,
   * and none against the one that is there.
   */
  readonly besides?: ReadonlySet<FileProblem>;
  /** Tensors that end in zeros, as `file: tensor`. */
  readonly zeroTails: readonly string[];
  /** What it is, with its forms, as far as the bytes tell; null as long as they tell nothing. */
  readonly profile: ModelProfile | null;
  readonly notes: readonly string[];
  /**
   * False where files only describe or name weights and none of them is there: then nobody is
   * copying this form.
   */
  readonly hasWeights: boolean;
}

/**
 * A file format (or a family of folders) that holds a model. The table of them is
 * `form-readers.ts`.
 */
export interface FormReader {
  readonly name: string;
  /**
   * Names of files that this form may need: a partial download or a Git-LFS pointer of such a name
   * counts against it.
   */
  readonly claims: RegExp;
  /**
   * Pure and bounded; throws nothing but what a source throws. Null when there is nothing of this
   * format in the folder.
   */
  read(files: readonly CandidateFile[]): FormatFindings | null;
}

const WORDS: Readonly<Record<Exclude<ProblemKind, 'damaged' | 'truncated'>, string>> = {
  missing: 'not there yet',
  'partial-download': 'its download is not complete',
  'lfs-pointer': 'only a Git-LFS pointer (run "git lfs pull")',
  empty: 'still empty',
  'stale-index': 'named by the index, but the weights are all in other files',
  'ends-in-zeros': 'ends in zeros',
};

export function isMissing(file: string, expectedBytes: number | null = null): FileProblem {
  return { file, kind: 'missing', presentBytes: 0, expectedBytes, message: `${visibleName(file)}: ${WORDS.missing}` };
}

/**
 * @param expectedBytes null: nobody knows, because its header is not all there. @param why in
 * words, for files without a header.
 */
export function isTruncated(
  file: string,
  presentBytes: number,
  expectedBytes: number | null,
  why = 'its header is not complete',
): FileProblem {
  const what = expectedBytes === null ? why : bytesInWords(expectedBytes - presentBytes);
  return { file, kind: 'truncated', presentBytes, expectedBytes, message: `${visibleName(file)}: ${what}` };
}

/** @param sentence whole, with the file's name. */
export function isDamaged(file: string, presentBytes: number, sentence: string): FileProblem {
  return { file, kind: 'damaged', presentBytes, expectedBytes: null, message: visibleName(sentence) };
}

export function problemOf(
  file: string,
  kind: Exclude<ProblemKind, 'damaged' | 'truncated' | 'missing'>,
  presentBytes: number,
  expectedBytes: number | null,
  more = '',
): FileProblem {
  return { file, kind, presentBytes, expectedBytes, message: `${visibleName(file)}: ${WORDS[kind]}${more}` };
}
