/** Files that by their name, size or first bytes are not a model's file yet: partial downloads, Git-LFS pointers, empty files. Pure. */
import type { CandidateFile } from './findings.ts';

const PARTIAL_DOWNLOAD = /\.(?:part|incomplete|tmp|aria2|crdownload)$/i;
const MODEL_FILE = /\.(?:gguf|safetensors|onnx|bin|pt|pth|plan|engine)$|(?:^|\/)config\.json$/i;
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';
/** A pointer is three lines. */
const LFS_POINTER_MAX_BYTES = 1024;

export interface NotThereYet {
  /** Files to leave out of the analysis. */
  readonly names: ReadonlySet<string>;
  /** The same for people: `name: what is missing`. */
  readonly missing: readonly string[];
  /** Bytes that they will take; null where nobody can know. */
  readonly bytesExpected: number | null;
}

export function isPartialDownload(name: string): boolean {
  return PARTIAL_DOWNLOAD.test(name);
}

/** By its name the weights or the description of a model. */
export function isModelFile(name: string): boolean {
  return MODEL_FILE.test(name);
}

/** The suffixes under which downloads in progress, or their notes, lie beside a file. */
export const PARTIAL_SUFFIXES: readonly string[] = ['.part', '.incomplete', '.tmp', '.aria2', '.crdownload'];

export function notThereYet(files: readonly CandidateFile[]): NotThereYet {
  const names = new Set<string>();
  const missing: string[] = [];
  let bytesExpected: number | null = 0;
  for (const file of files) {
    const pointed = lfsBytes(file);
    if (isPartialDownload(file.path)) {
      missing.push(`${file.path.replace(PARTIAL_DOWNLOAD, '')}: its download is not complete (${file.path})`);
      bytesExpected = null;
    } else if (file.bytes === 0 && MODEL_FILE.test(file.path)) {
      missing.push(`${file.path}: still empty`);
      bytesExpected = null;
    } else if (pointed !== null) {
      missing.push(`${file.path}: only a Git-LFS pointer (run "git lfs pull")`);
      if (bytesExpected !== null) bytesExpected += pointed;
    } else continue;
    names.add(file.path);
  }
  return { names, missing, bytesExpected };
}

/** The size that a Git-LFS pointer promises; null when the file is none. */
function lfsBytes(file: CandidateFile): number | null {
  if (file.bytes < LFS_POINTER.length || file.bytes > LFS_POINTER_MAX_BYTES || !MODEL_FILE.test(file.path)) return null;
  const text = new TextDecoder().decode(file.open().read(0, file.bytes));
  if (!text.startsWith(LFS_POINTER)) return null;
  return Number(/^size (\d{1,15})$/m.exec(text)?.[1] ?? 0);
}
