/**
 * Finds processes that hold a file open for writing, as far as this user may see them in /proc.
 * Finds none without /proc. Reads only.
 */
import { readdirSync, statSync } from 'node:fs';
import { pauseInTime } from '../pause-in-time.ts';
import { readText } from '../processes/proc.ts';

/**
 * A machine with more open files than this is not searched to the end: the copy is then judged by
 * size and time alone.
 */
const MOST_DESCRIPTORS = 100_000;
/** O_WRONLY or O_RDWR, in the octal `flags` of /proc/PID/fdinfo. */
const WRITING = 0o3;
/**
 * A search takes a millisecond, and a tenth of a second where thousands of files are open: it
 * serves all who ask within so many times its own time, but not longer than what was still is
 * looked at anew.
 */
const REUSED_TIMES = 50;
const REUSED_AT_MOST_MS = 250;

export interface Writer {
  readonly pid: number;
  readonly command: string;
}

interface FileId {
  readonly device: number;
  readonly inode: number;
}

/** The first process found that has one of these files open for writing. */
export type FindWriter = (files: readonly FileId[]) => Writer | null;

interface Descriptor {
  readonly pid: string;
  readonly descriptor: string;
}

/** Searches /proc once for all who ask in a row. @param nowMs monotonic. */
export function writerFinder(nowMs: () => number = () => performance.now()): FindWriter {
  let open: ReadonlyMap<string, readonly Descriptor[]> = new Map();
  let reusedUntilMs = Number.NEGATIVE_INFINITY;
  return (files) => {
    const askedMs = nowMs();
    if (askedMs >= reusedUntilMs) {
      open = openFiles();
      const endMs = nowMs();
      reusedUntilMs = endMs + Math.min(REUSED_AT_MOST_MS, (endMs - askedMs) * REUSED_TIMES);
    }
    for (const { device, inode } of files) {
      const id = `${device}:${inode}`;
      // It may have been closed since, and the descriptor be another file's.
      const writing = open.get(id)?.find((each) => identityOf(pathOf(each)) === id && isWriting(each));
      if (writing !== undefined) return { pid: Number(writing.pid), command: (readText(`/proc/${writing.pid}/comm`) ?? 'unknown').trim() };
    }
    return null;
  };
}

/** The descriptors of each file, by device and inode. */
function openFiles(): ReadonlyMap<string, readonly Descriptor[]> {
  const open = new Map<string, Descriptor[]>();
  let looked = 0;
  for (const pid of namesIn('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    for (const descriptor of namesIn(`/proc/${pid}/fd`)) {
      pauseInTime();
      looked += 1;
      if (looked > MOST_DESCRIPTORS) return open;
      const id = identityOf(pathOf({ pid, descriptor }));
      if (id === '') continue;
      const known = open.get(id);
      if (known === undefined) open.set(id, [{ pid, descriptor }]);
      else known.push({ pid, descriptor });
    }
  }
  return open;
}

function pathOf({ pid, descriptor }: Descriptor): string {
  return `/proc/${pid}/fd/${descriptor}`;
}

function isWriting({ pid, descriptor }: Descriptor): boolean {
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
