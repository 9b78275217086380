/**
 * Scans a watch folder: finds the children that are models, by names and stats. Scans are
 * authoritative; events only trigger them. One pass over the names, bounded; opens no file. Entries
 * beyond the limit are reported, and never count as removed.
 */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MODEL_ENDINGS } from '../../../shared/model-files.ts';
import { joinable } from '../../core/analyzer/foreign.ts';
import { isSystemJunk } from '../../core/analyzer/junk-names.ts';
import { isPartialDownload } from '../../core/analyzer/not-there-yet.ts';
import { pairProjectors } from '../../core/analyzer/side-files.ts';
import { splitName, splitParts } from '../../core/analyzer/split-names.ts';
import { systemPathProblem } from '../../core/notice/models-path.ts';
import type { CandidateListing, FolderScan } from '../../core/ports.ts';
import { storedName } from '../../core/stores/names.ts';
import { direntsOf, type EntryBudget, namesHold, type ReadTimes } from './entries.ts';
import { errorCode, type FolderNames, folderNames, isBesideName, listCandidate, listCandidateFiles, listingOf } from './files.ts';
import { shapeOf } from './folder-shape.ts';
import { type MountFacts, mountOf, unmounted } from './mounts.ts';

/** Loose files that are models by themselves. */
export const LOOSE_MODEL = new RegExp(`\\.(?:${MODEL_ENDINGS.join('|')})$`, 'i');
/** Names that are read of a watch folder; of one with more nothing counts as gone. */
const MAX_NAMES = 1_000_000;
/** Models that a watch folder may have; those beyond are not looked at, and said. */
const MAX_MODELS = 2_000;
/**
 * Of those that are not looked at, so many are named: of a folder with more, nothing counts as
 * gone. Each name is compared with what is known, in the engine's own process.
 */
const MAX_NOT_SCANNED = 3_000;
/** Loose files that are no models, each with a verdict of its own; the rest is counted. */
const MAX_OTHER_FILES = 100;
/** Names of other files that are kept to choose those from. */
const MAX_OTHER_NAMES = 10_000;
/**
 * Names that are kept for the next look; those of a fuller folder are read anew each time, by the
 * process that looks: handing them over would hold up the engine's own.
 */
const MAX_KEPT_NAMES = 10_000;
/** Names read to tell what the folders are. */
const MAX_SHAPE_NAMES = 100_000;
/** What the engine's own thread may look at; more is for the reader's process (I12). */
const INLINE: Limits = { names: 1_000, files: 4_000 };
const UNLIMITED: Limits = { names: MAX_NAMES, files: Number.POSITIVE_INFINITY };
/**
 * A folder with more entries is looked at now and then, not listened to: whoever listens reads all
 * of it at each change.
 */
const MAX_WATCHED_ENTRIES = 2_000;

interface Limits {
  readonly names: number;
  readonly files: number;
}

class TooLarge extends Error {}

export interface ScanOutcome {
  readonly scan: FolderScan;
  /** What to compare the next look with; null where the folder could not be read. */
  readonly mount: MountFacts | null;
  /** Models that were not looked at. */
  readonly leftOut: number;
  /** Folders in which something may change, the outer ones first: what to listen to. */
  readonly folders: readonly string[];
  /**
   * The names in it, for the next look: they hold as long as the folder's own times do. Null where
   * there are very many.
   */
  readonly names: Names | null;
}

/** The names of a watch folder by what they may be, each list sorted. */
export interface Names extends ReadTimes {
  readonly count: number;
  readonly folders: readonly string[];
  readonly models: readonly string[];
  readonly others: readonly string[];
  readonly otherCount: number;
  readonly isCut: boolean;
  readonly beside: FolderNames;
}

/**
 * @param before the mount of the last good look, by which an unmounted disk is told from an
 * emptied folder; null for the first.
 * @param inner watch folders that lie in this one: their models are theirs.
 * @param last the names of the last look.
 */
export function scanFolder(
  folder: string,
  before: MountFacts | null,
  inner: ReadonlySet<string>,
  last: Names | null = null,
): Promise<ScanOutcome> {
  return scan(folder, before, inner, last, UNLIMITED);
}

/** The same where it is little work; null: it is not, and belongs into another process. */
export async function scanSmallFolder(...question: Parameters<typeof scanFolder>): Promise<ScanOutcome | null> {
  const [folder, before, inner, last = null] = question;
  try {
    return await scan(folder, before, inner, last, INLINE);
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  }
}

async function scan(
  folder: string,
  before: MountFacts | null,
  inner: ReadonlySet<string>,
  last: Names | null,
  limits: Limits,
): Promise<ScanOutcome> {
  try {
    const realPath = await realpath(folder);
    const problem = systemPathProblem(folder, realPath);
    if (problem !== null) return away(folder, problem);
    const mount = await mountOf(realPath);
    const lost = before === null ? null : unmounted(before, mount, folder);
    if (lost !== null) return away(folder, lost);
    const names = await namesIn(folder, last, limits.names);
    const walk = new ScanWalk(folder, names.beside, limits.files);
    const isFolder = new Set(names.folders);
    for (const name of [...names.folders, ...names.models].toSorted()) {
      if (!isFolder.has(name)) await walk.file(name);
      else if (!inner.has(join(folder, name))) await walk.child(name);
    }
    for (const name of names.others) await walk.file(name);
    const { candidates, notScanned, folders, leftOut } = walk;
    const otherFiles = names.otherCount - names.others.length;
    const isCut = names.isCut || leftOut > notScanned.length;
    const scan = { folder, ok: true, candidates, notScanned, leftOut, isCut, otherFiles } as const;
    const watched = names.count > MAX_WATCHED_ENTRIES ? folders : [folder, ...folders];
    return { scan, mount, leftOut, folders: watched, names: names.count > MAX_KEPT_NAMES ? null : names };
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    return away(folder, awaySentence(folder, code));
  }
}

/**
 * A path that a person registered, by itself. Missing: no candidate; its parent missing or
 * unmounted: away.
 */
export async function scanPath(path: string, before: MountFacts | null): Promise<ScanOutcome> {
  const parent = dirname(path);
  try {
    const problem = systemPathProblem(path, await realpath(path).catch(() => path));
    if (problem !== null) return away(path, problem);
    const mount = await mountOf(await realpath(parent));
    const lost = before === null ? null : unmounted(before, mount, parent);
    if (lost !== null) return away(path, lost);
    const listing = await listCandidate(path, storedName(path) ?? basename(path));
    const scan = { folder: path, ok: true, candidates: listing === null ? [] : [listing] } as const;
    const folders = listing === null ? [] : listing.kind === 'file' ? [path] : [path, ...foldersOf(listing)];
    return { scan, mount, leftOut: 0, folders, names: null };
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    return away(path, awaySentence(parent, code));
  }
}

/** What one look at a watch folder has found so far. */
class ScanWalk {
  readonly candidates: CandidateListing[] = [];
  readonly notScanned: string[] = [];
  leftOut = 0;
  readonly folders: string[] = [];
  readonly #folder: string;
  readonly #beside: FolderNames;
  readonly #budget: EntryBudget = { left: MAX_SHAPE_NAMES };

  #filesLeft: number;

  constructor(folder: string, beside: FolderNames, mostFiles: number) {
    this.#folder = folder;
    this.#beside = beside;
    this.#filesLeft = mostFiles;
  }

  /**
   * A child that is a folder: a model, or a publisher's. @param name relative to the watch folder.
   */
  async child(name: string, nesting = 0): Promise<void> {
    const path = join(this.#folder, name);
    // A repository of another tool's store is one model, whatever folders it is kept in.
    const shape = storedName(path) === null ? await shapeOf(path, this.#budget, nesting) : ({ kind: 'model' } as const);
    if (shape.kind !== 'publisher') return this.#add(path, nameOf(path, name));
    this.folders.push(path);
    for (const model of shape.models) await this.child(`${name}/${model}`, nesting + 1);
    const beside = folderNames(shape.files);
    for (const file of looseModels(shape.files)) await this.#add(join(path, file), nameOf(path, `${name}/${file}`), beside);
  }

  async file(name: string): Promise<void> {
    await this.#add(join(this.#folder, name), name, this.#beside);
  }

  async #add(path: string, name: string, beside?: FolderNames): Promise<void> {
    if (this.candidates.length >= MAX_MODELS + MAX_OTHER_FILES) {
      this.leftOut += 1;
      if (this.notScanned.length < MAX_NOT_SCANNED) this.notScanned.push(path);
      return;
    }
    const found = await listCandidateFiles(path, beside && (() => beside));
    if (found === null) return;
    this.#filesLeft -= found.files.length;
    if (this.#filesLeft < 0) throw new TooLarge();
    const listing = listingOf(found, path, name);
    this.candidates.push(listing);
    // One that is no model's folder because it is too large, or that may not be read, is not
    // listened to either.
    if (found.kind === 'folder' && found.unreadable === null) this.folders.push(path, ...foldersOf(listing));
  }
}

/** The last two names: a publisher's and a model's, however deep they lie. */
function nameOf(path: string, name: string): string {
  return storedName(path) ?? name.split('/').slice(-2).join('/');
}

/** The folders in a model's folder that hold files of it. */
function foldersOf({ path, kind, files }: CandidateListing): readonly string[] {
  if (kind === 'file') return [];
  return [...new Set(files.map((file) => dirname(file.path)))].filter((name) => name !== '.').map((name) => join(path, name));
}

async function namesIn(folder: string, last: Names | null, mostNames: number): Promise<Names> {
  const times = await stat(folder);
  if (last !== null && namesHold(last, times)) return last;
  const { mtimeMs, ctimeMs } = times;
  const atMs = Date.now();
  const [folders, files, others, beside]: string[][] = [[], [], [], []] as never;
  let otherCount = 0;
  let count = 0;
  const budget = { left: MAX_NAMES };
  for await (const entry of direntsOf(folder, budget)) {
    const { name } = entry;
    count += 1;
    if (count > mostNames) throw new TooLarge();
    if (isSystemJunk(name)) continue;
    if (isBesideName(name)) beside?.push(name);
    const kind = entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : await kindOf(join(folder, name));
    if (kind === 'folder') folders?.push(name);
    else if (kind === 'file' && LOOSE_MODEL.test(name)) files?.push(name);
    else if (kind !== null && !isPartialDownload(name)) {
      otherCount += 1;
      if (otherCount <= MAX_OTHER_NAMES) others?.push(name);
    }
  }
  return {
    mtimeMs,
    ctimeMs,
    atMs,
    count,
    folders: (folders ?? []).toSorted(),
    models: looseModels(files ?? []),
    others: firstOfSets(others ?? []).slice(0, MAX_OTHER_FILES),
    otherCount,
    isCut: budget.left <= 0,
    beside: folderNames((beside ?? []).toSorted()),
  };
}

/**
 * Of what is no plain entry: a link, a pipe, or where the file system does not tell. What can never
 * be read gets its verdict as a file does. Null: it is gone, or a link to what is missing.
 */
async function kindOf(path: string): Promise<'folder' | 'file' | null> {
  try {
    const isFolder = (await stat(path)).isDirectory() && systemPathProblem(await realpath(path)) === null;
    return isFolder ? 'folder' : 'file';
  } catch (error) {
    return errorCode(error) === 'ELOOP' ? 'file' : null;
  }
}

/**
 * Without projectors that are looked at with their model, and with one part for all of a split
 * model: the first that is there.
 */
function looseModels(names: readonly string[]): readonly string[] {
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

function away(folder: string, message: string): ScanOutcome {
  return { scan: { folder, ok: false, message }, mount: null, leftOut: 0, folders: [], names: null };
}

function awaySentence(folder: string, code: string): string {
  if (code === 'ENOENT') return `The folder ${folder} is not there.`;
  if (code === 'ENOTDIR') return `${folder} is not a folder.`;
  if (code === 'EACCES' || code === 'EPERM') return `The folder ${folder} cannot be read: this user lacks the permission.`;
  return `The folder ${folder} cannot be read: the system reports ${code}.`;
}
