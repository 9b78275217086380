/**
 * Reads the names in a watch folder once, bounded, and sorts them by what they may be: folders,
 * loose models, other files. Opens no file.
 */
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { MODEL_ENDINGS } from '../../../shared/model-files.ts';
import { joinable } from '../../core/analyzer/foreign.ts';
import { isSystemJunk } from '../../core/analyzer/junk-names.ts';
import { isPartialDownload } from '../../core/analyzer/not-there-yet.ts';
import { pairProjectors } from '../../core/analyzer/side-files.ts';
import { splitName, splitParts } from '../../core/analyzer/split-names.ts';
import { systemPathProblem } from '../../core/notice/models-path.ts';
import type { Disk } from './disk.ts';
import type { ReadTimes } from './entries.ts';
import { errorCode } from './files.ts';
import { type FolderNames, folderNames, isBesideName } from './names-beside.ts';
import { isMisnamed } from './unreadable.ts';

/** Loose files that are models by themselves. */
export const LOOSE_MODEL = new RegExp(`\\.(?:${MODEL_ENDINGS.join('|')})$`, 'i');
/** Names that are read of a watch folder; of one with more nothing counts as gone. */
export const MAX_NAMES = 1_000_000;
/** Loose files that are no models, each with a verdict of its own; the rest is counted. */
export const MAX_OTHER_FILES = 100;
/** Names of other files that are kept to choose those from. */
const MAX_OTHER_NAMES = 10_000;

/** There is more than the caller may look at. */
export class TooLarge extends Error {}

/** The names of a watch folder by what they may be, each list sorted. */
export interface WatchedNames extends ReadTimes {
  readonly count: number;
  readonly folders: readonly string[];
  readonly models: readonly string[];
  readonly others: readonly string[];
  readonly otherCount: number;
  readonly isCut: boolean;
  readonly beside: FolderNames;
}

/** @param times of the folder, before it is read. @throws TooLarge. */
export async function readNames(folder: string, { mtimeMs, ctimeMs }: Stats, disk: Disk, mostNames: number): Promise<WatchedNames> {
  const atMs = Date.now();
  const folders: string[] = [];
  const files: string[] = [];
  const others: string[] = [];
  const beside: string[] = [];
  const unclear: string[] = [];
  let otherCount = 0;
  let count = 0;
  const put = (name: string, kind: 'folder' | 'file'): void => {
    if (kind === 'folder') folders.push(name);
    else if (LOOSE_MODEL.test(name)) files.push(name);
    else if (!isPartialDownload(name)) {
      otherCount += 1;
      if (otherCount <= MAX_OTHER_NAMES) others.push(name);
    }
  };
  await disk.eachEntry(folder, (entry) => {
    const { name } = entry;
    count += 1;
    if (count > mostNames) throw new TooLarge();
    if (isSystemJunk(name)) return count < MAX_NAMES;
    if (isBesideName(name)) beside.push(name);
    if (entry.isDirectory()) put(name, 'folder');
    else if (entry.isFile()) put(name, 'file');
    else unclear.push(name);
    return count < MAX_NAMES;
  });
  for (const name of unclear) {
    const kind = await kindOf(join(folder, name), disk);
    if (kind !== null) put(name, kind);
  }
  return {
    mtimeMs,
    ctimeMs,
    atMs,
    count,
    folders: folders.toSorted(),
    models: looseModels(files),
    others: firstOfSets(others).slice(0, MAX_OTHER_FILES),
    otherCount,
    isCut: count >= MAX_NAMES,
    beside: folderNames(beside.toSorted()),
  };
}

/**
 * Of what is no plain entry: a link, a pipe, or where the file system does not tell. What can never
 * be read gets its verdict as a file does. Null: it is gone, or a link to what is missing.
 */
async function kindOf(path: string, disk: Disk): Promise<'folder' | 'file' | null> {
  try {
    const isFolder = (await disk.stat(path)).isDirectory() && systemPathProblem(await disk.realpath(path)) === null;
    return isFolder ? 'folder' : 'file';
  } catch (error) {
    return errorCode(error) === 'ELOOP' || (await isMisnamed(path, disk)) ? 'file' : null;
  }
}

/**
 * Without projectors that are looked at with their model, and with one part for all of a split
 * model: the first that is there.
 */
export function looseModels(names: readonly string[]): readonly string[] {
  const owned = pairProjectors(names);
  const all = new Set(names);
  return names
    .filter((name) => !owned.has(name) && (splitName(name) === null || splitParts(name).find((part) => all.has(part)) === name))
    .toSorted();
}

/** Of files that are pieces of one, the first stands for all. */
function firstOfSets(names: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return names.toSorted().filter((name) => {
    const whole = joinable(name)?.whole ?? name;
    if (whole !== name && seen.has(whole)) return false;
    seen.add(whole);
    return true;
  });
}
