/**
 * Recognises files that are not complete yet, by name, size or first bytes: partial downloads,
 * Git-LFS pointers, empty files. Pure.
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { type CandidateFile, isDamaged, problemOf } from './findings.ts';

const PARTIAL_DOWNLOAD = /\.(?:part|incomplete|tmp|aria2|crdownload|download|opdownload|!qb)$/i;
const MODEL_FILE = /\.(?:gguf|safetensors|onnx|bin|pt|pth|pt2|ckpt|plan|engine)$|(?:^|\/)config\.json$/i;
/** Twenty times the largest published one; what is longer was never written (sparse files). */
const MOST_FILE_BYTES = 2 ** 41;
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';
/** A pointer is three lines. */
const LFS_POINTER_MAX_BYTES = 1024;

export interface NotThereYet {
  /** Files to leave out of the analysis. */
  readonly names: ReadonlySet<string>;
  /** By the name that the file will have in the end. */
  readonly problems: readonly FileProblem[];
}

export function isPartialDownload(name: string): boolean {
  return PARTIAL_DOWNLOAD.test(name);
}

/** By its name the weights or the description of a model. */
export function isModelFile(name: string): boolean {
  return MODEL_FILE.test(name);
}

/** The suffixes under which downloads in progress, or their notes, lie beside a file. */
export const PARTIAL_SUFFIXES: readonly string[] = [
  '.part',
  '.incomplete',
  '.tmp',
  '.aria2',
  '.crdownload',
  '.download',
  '.opdownload',
  '.!qB',
];

export function notThereYet(files: readonly CandidateFile[]): NotThereYet {
  const names = new Set<string>();
  const problems: FileProblem[] = [];
  for (const file of files) {
    const problem = problemWith(file);
    if (problem === null) continue;
    names.add(file.path);
    problems.push(problem);
  }
  return { names, problems };
}

function problemWith(file: CandidateFile): FileProblem | null {
  if (isPartialDownload(file.path)) {
    return problemOf(file.path.replace(PARTIAL_DOWNLOAD, ''), 'partial-download', file.bytes, null, ` (${file.path})`);
  }
  if (file.bytes > MOST_FILE_BYTES && MODEL_FILE.test(file.path)) {
    const sentence = `${file.path} has ${file.bytes} bytes, and no file of a model has more than ${MOST_FILE_BYTES}, so most of this file must be empty.`;
    return isDamaged(file.path, file.bytes, sentence);
  }
  if (file.bytes === 0 && MODEL_FILE.test(file.path)) return problemOf(file.path, 'empty', 0, null);
  const pointed = lfsBytes(file);
  return pointed === null ? null : problemOf(file.path, 'lfs-pointer', file.bytes, pointed);
}

/** The size that a Git-LFS pointer promises; null when the file is none. */
function lfsBytes(file: CandidateFile): number | null {
  if (file.bytes < LFS_POINTER.length || file.bytes > LFS_POINTER_MAX_BYTES || !MODEL_FILE.test(file.path)) return null;
  const text = new TextDecoder().decode(file.open().read(0, file.bytes));
  if (!text.startsWith(LFS_POINTER)) return null;
  return Number(/^size (\d{1,15})$/m.exec(text)?.[1] ?? 0);
}
