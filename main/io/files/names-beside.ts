/**
 * Finds what lies beside a loose file and may belong to it: parts, projectors, a download in
 * progress. Reads names only.
 */
import { isPartialDownload } from '../../core/analyzer/not-there-yet.ts';
import { pairProjectors } from '../../core/analyzer/side-files.ts';
import type { Disk } from './disk.ts';
import { namesHold, type ReadTimes } from './entries.ts';

/**
 * Names that are read to find what belongs to a loose file: those of a folder with more are not all
 * known.
 */
const MAX_BESIDE = 1_000_000;
/**
 * Reading the names of thousands of files takes milliseconds, which is most of a look at one of
 * them. While files arrive, one reading serves all who ask within so many times its own time, and
 * not for longer than this. What arrives meanwhile raises an event, and the scan that it brings
 * sees that the model has other files now.
 */
const REUSED_TIMES = 50;
const REUSED_AT_MOST_MS = 100;

/** What lies in a folder, as far as loose files in it need to know: read once for all of them. */
export interface FolderNames {
  /** Names of GGUFs and of downloads in progress. */
  readonly names: ReadonlySet<string>;
  /** The projectors of each model. */
  readonly projectors: ReadonlyMap<string, readonly string[]>;
}

/** What lies beside a loose file. @param folder that it lies in. */
export type NamesBeside = (folder: string) => FolderNames | Promise<FolderNames>;

/** A name that a loose file beside it may belong together with. */
export function isBesideName(name: string): boolean {
  return /\.gguf$/i.test(name) || isPartialDownload(name);
}

export function folderNames(names: readonly string[]): FolderNames {
  const projectors = new Map<string, string[]>();
  for (const [projector, model] of pairProjectors(names)) {
    const known = projectors.get(model);
    if (known === undefined) projectors.set(model, [projector]);
    else known.push(projector);
  }
  return { names: new Set(names), projectors };
}

/** Reads them now. Rejects with the file error. */
export async function readNamesBeside(folder: string, disk: Disk): Promise<FolderNames> {
  const names: string[] = [];
  let left = MAX_BESIDE;
  await disk.eachEntry(folder, ({ name }) => {
    if (isBesideName(name)) names.push(name);
    left -= 1;
    return left > 0;
  });
  return folderNames(names.toSorted());
}

/**
 * Reads a folder once for all files in it that are asked about one after the other, as long as
 * nothing changes in it. @param nowMs monotonic.
 */
export function rememberingNames(disk: Disk, nowMs: () => number = () => performance.now()): NamesBeside {
  let last: (ReadTimes & { readonly folder: string; readonly names: FolderNames; readonly reusedUntilMs: number }) | null = null;
  return async (folder) => {
    const startMs = nowMs();
    if (last?.folder === folder && startMs < last.reusedUntilMs) return last.names;
    const times = await disk.stat(folder);
    if (last?.folder === folder && namesHold(last, times)) return last.names;
    const atMs = Date.now();
    const { mtimeMs, ctimeMs } = times;
    const names = await readNamesBeside(folder, disk);
    const endMs = nowMs();
    const reusedUntilMs = endMs + Math.min(REUSED_AT_MOST_MS, (endMs - startMs) * REUSED_TIMES);
    last = { folder, mtimeMs, ctimeMs, atMs, names, reusedUntilMs };
    return names;
  };
}
