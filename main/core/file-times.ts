/**
 * Tells by what the system says of files whether anybody did anything to them. Unlike `settle.ts`
 * it counts the time of the last change of any kind, which nobody can set back: who writes other
 * bytes of the same length and sets the other times back leaves a trace. Pure.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { sameBytes } from './notice/settle.ts';
import type { FileIdentity } from './ports.ts';

/**
 * Are they all there, with the size, times and inode that they had? Without the device number,
 * which changes with a remount.
 */
export function untouched(before: readonly FileIdentity[], now: readonly FileIdentity[]): boolean {
  const byPath = new Map(now.map((file) => [file.path, file]));
  return before.every((old) => {
    const file = byPath.get(old.path);
    return file !== undefined && file.ctimeMs === old.ctimeMs && file.inode === old.inode && sameBytes(file, old);
  });
}

/**
 * Was one of these files written to, or given other rights, since it was read? A new name
 * counts for nothing: it moves that time, too.
 */
export function wasTouched({
  files,
  analyzedFiles,
}: {
  readonly files: readonly FileIdentity[];
  readonly analyzedFiles: readonly FileIdentity[];
}): boolean {
  const before = new Map(analyzedFiles.map((file) => [file.path, file]));
  return files.some((file) => {
    const old = before.get(file.path);
    return old !== undefined && old.ctimeMs !== file.ctimeMs;
  });
}

export function filesChanged(id: string): ModeliumError {
  return new ModeliumError('content-changed', `The files of ${id} have changed since they were shown; they are being read again.`);
}
