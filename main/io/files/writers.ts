/**
 * Finds processes that hold a file open for writing, as far as this user may see them in /proc.
 * Returns null without /proc. Reads only.
 */
import { readdirSync, statSync } from 'node:fs';
import { readText } from '../processes/proc.ts';

/**
 * A machine with more open files than this is not searched to the end: the copy is then judged by
 * size and time alone.
 */
const MOST_DESCRIPTORS = 100_000;
/** O_WRONLY or O_RDWR, in the octal `flags` of /proc/PID/fdinfo. */
const WRITING = 0o3;

export interface Writer {
  readonly pid: number;
  readonly command: string;
}

/** The first process found that has one of these files (by device and inode) open for writing. */
export function findWriter(files: readonly { readonly device: number; readonly inode: number }[]): Writer | null {
  const wanted = new Set(files.map((file) => `${file.device}:${file.inode}`));
  let looked = 0;
  for (const pid of namesIn('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const descriptor of namesIn(`/proc/${pid}/fd`)) {
      looked += 1;
      if (looked > MOST_DESCRIPTORS) return null;
      if (wanted.has(identityOf(`/proc/${pid}/fd/${descriptor}`)) && isWriting(pid, descriptor)) {
        return { pid: Number(pid), command: (readText(`/proc/${pid}/comm`) ?? 'unknown').trim() };
      }
    }
  }
  return null;
}

function isWriting(pid: string, descriptor: string): boolean {
  const flags = /^flags:\s*([0-7]+)/m.exec(readText(`/proc/${pid}/fdinfo/${descriptor}`) ?? '')?.[1];
  return flags !== undefined && (Number.parseInt(flags, 8) & WRITING) !== 0;
}

function identityOf(path: string): string {
  try {
    const stats = statSync(path);
    return stats.isFile() ? `${stats.dev}:${stats.ino}` : '';
  } catch {
    return '';
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
