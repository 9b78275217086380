/**
 * Scans a watch folder: finds the children that are models, by names and stats. Scans are
 * authoritative; events only trigger them. One pass over the names, bounded; opens no file. Entries
 * beyond the limit are reported, and never count as removed.
 */
import { basename, dirname, join } from 'node:path';
import { systemPathProblem } from '../../core/notice/models-path.ts';
import type { CandidateListing, FolderScan } from '../../core/ports.ts';
import { storedName } from '../../core/stores/names.ts';
import { type Disk, waitingDisk } from './disk.ts';
import { type EntryBudget, namesHold } from './entries.ts';
import { errorCode, listCandidate, listCandidateFiles, listingOf } from './files.ts';
import { shapeOf } from './folder-shape.ts';
import { type MountFacts, mountOf, unmounted } from './mounts.ts';
import { type FolderNames, folderNames } from './names-beside.ts';
import { isMisnamed, whyUnreadableName } from './unreadable.ts';
import { looseModels, MAX_NAMES, MAX_OTHER_FILES, readNames, TooLarge, type WatchedNames } from './watched-names.ts';

/** Models that a watch folder may have; those beyond are not looked at, and said. */
const MAX_MODELS = 2_000;
/**
 * Of those that are not looked at, so many are named: of a folder with more, nothing counts as
 * gone. Each name is compared with what is known, in the engine's own process.
 */
const MAX_NOT_SCANNED = 3_000;
/** Names of a folder that are kept for the next look; those of a fuller one are read anew. */
const MAX_KEPT_NAMES = 10_000;
/** Watch folders of which names are kept. */
const MAX_KEPT_FOLDERS = 16;
/** Names read to tell what the folders are. */
const MAX_SHAPE_NAMES = 100_000;
/** What the engine's own thread may look at; more is for the reader's process (I12). */
const INLINE: Limits = { names: 250, files: 1_000 };
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

export interface ScanOutcome {
  readonly scan: FolderScan;
  /** What to compare the next look with; null where the folder could not be read. */
  readonly mount: MountFacts | null;
  /** Models that were not looked at. */
  readonly leftOut: number;
  /** What cannot be opened under the name that the system lists: a sentence; null: nothing. */
  readonly misnamed: string | null;
  /** Folders in which something may change, the outer ones first: what to listen to. */
  readonly folders: readonly string[];
}

/** Finds what is in a watch folder. */
export type ScanFolder = (
  folder: string,
  /**
   * The mount of the last good look, by which an unmounted disk is told from an emptied folder;
   * null for the first.
   */
  before: MountFacts | null,
  /** Watch folders that lie in this one: their models are theirs. */
  inner: ReadonlySet<string>,
) => Promise<ScanOutcome>;

/** Reads the names of a folder once, as long as nothing changes in it. */
export function folderScanner(disk: Disk): ScanFolder {
  const kept = new Map<string, WatchedNames>();
  return (folder, before, inner) =>
    scan(folder, before, inner, disk, UNLIMITED, async () => {
      const times = await disk.stat(folder);
      const last = kept.get(folder);
      if (last !== undefined && namesHold(last, times)) return last;
      const names = await readNames(folder, times, disk, MAX_NAMES);
      if (kept.size >= MAX_KEPT_FOLDERS) kept.clear();
      if (names.count <= MAX_KEPT_NAMES) kept.set(folder, names);
      else kept.delete(folder);
      return names;
    });
}

/** Was it so little that the next look is probably one for `scanSmallFolder` again? */
export function isSmall(scan: FolderScan): boolean {
  return scan.ok && scan.candidates.reduce((files, candidate) => files + candidate.files.length, 0) <= INLINE.names / 2;
}

/** The same where it is little work; null: it is not, and belongs into another process. */
export async function scanSmallFolder(...[folder, before, inner]: Parameters<ScanFolder>): Promise<ScanOutcome | null> {
  try {
    return await scan(folder, before, inner, waitingDisk, INLINE, async () =>
      readNames(folder, await waitingDisk.stat(folder), waitingDisk, INLINE.names),
    );
  } catch (error) {
    if (error instanceof TooLarge) return null;
    throw error;
  }
}

async function scan(
  folder: string,
  before: MountFacts | null,
  inner: ReadonlySet<string>,
  disk: Disk,
  limits: Limits,
  namesIn: () => Promise<WatchedNames>,
): Promise<ScanOutcome> {
  try {
    const realPath = await disk.realpath(folder);
    const problem = systemPathProblem(folder, realPath);
    if (problem !== null) return away(folder, problem);
    const mount = await mountOf(realPath);
    const lost = before === null ? null : unmounted(before, mount, folder);
    if (lost !== null) return away(folder, lost);
    const names = await namesIn();
    const walk = new ScanWalk(folder, names.beside, disk, limits.files);
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
    return { scan, mount, leftOut, misnamed: walk.misnamed(), folders: watched };
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
    const problem = systemPathProblem(path, await waitingDisk.realpath(path).catch(() => path));
    if (problem !== null) return away(path, problem);
    const mount = await mountOf(await waitingDisk.realpath(parent));
    const lost = before === null ? null : unmounted(before, mount, parent);
    if (lost !== null) return away(path, lost);
    const listing = await listCandidate(path, storedName(path) ?? basename(path));
    const scan = { folder: path, ok: true, candidates: listing === null ? [] : [listing] } as const;
    const folders = listing === null ? [] : listing.kind === 'file' ? [path] : [path, ...foldersOf(listing)];
    return { scan, mount, leftOut: 0, misnamed: null, folders };
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
  readonly #disk: Disk;
  readonly #budget: EntryBudget = { left: MAX_SHAPE_NAMES };

  #filesLeft: number;
  readonly #misnamed = { first: '', count: 0 };

  constructor(folder: string, beside: FolderNames, disk: Disk, mostFiles: number) {
    this.#folder = folder;
    this.#beside = beside;
    this.#disk = disk;
    this.#filesLeft = mostFiles;
  }

  /**
   * A child that is a folder: a model, or a publisher's. @param name relative to the watch folder.
   */
  async child(name: string, nesting = 0): Promise<void> {
    const path = join(this.#folder, name);
    // A repository of another tool's store is one model, whatever folders it is kept in.
    const shape = storedName(path) === null ? await shapeOf(path, this.#budget, this.#disk, nesting) : ({ kind: 'model' } as const);
    if (shape.kind !== 'publisher') return this.#add(path, nameOf(path, name));
    this.folders.push(path);
    for (const model of shape.models) await this.child(`${name}/${model}`, nesting + 1);
    const beside = folderNames(shape.files);
    for (const file of looseModels(shape.files)) await this.#add(join(path, file), nameOf(path, `${name}/${file}`), beside);
  }

  async file(name: string): Promise<void> {
    await this.#add(join(this.#folder, name), name, this.#beside);
  }

  misnamed(): string | null {
    const { first, count } = this.#misnamed;
    return count === 0 ? null : whyUnreadableName(first, count - 1);
  }

  async #add(path: string, name: string, beside?: FolderNames): Promise<void> {
    if (this.candidates.length >= MAX_MODELS + MAX_OTHER_FILES) {
      this.leftOut += 1;
      if (this.notScanned.length < MAX_NOT_SCANNED) this.notScanned.push(path);
      return;
    }
    const found = await listCandidateFiles(path, this.#disk, beside && (() => beside));
    if (found === null) {
      if (!(await isMisnamed(path, this.#disk))) return;
      this.#misnamed.first ||= path;
      this.#misnamed.count += 1;
      return;
    }
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

function away(folder: string, message: string): ScanOutcome {
  return { scan: { folder, ok: false, message }, mount: null, leftOut: 0, misnamed: null, folders: [] };
}

function awaySentence(folder: string, code: string): string {
  if (code === 'ENOENT') return `The folder ${folder} is not there.`;
  if (code === 'ENOTDIR') return `${folder} is not a folder.`;
  if (code === 'EACCES' || code === 'EPERM') return `The folder ${folder} cannot be read: this user lacks the permission.`;
  return `The folder ${folder} cannot be read: the system reports ${code}.`;
}
