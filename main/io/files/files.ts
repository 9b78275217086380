/**
 * Lists the files of a candidate, for the watcher and the inspector: bounded in depth and number,
 * links confined, dot files left out. Reads names and stats only (and what `stored.ts` reads of
 * other tools' stores); writes no file (I8).
 */
import type { Stats } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { visibleName } from '../../../shared/visible.ts';
import { isSystemJunk } from '../../core/analyzer/junk-names.ts';
import { isModelFile, PARTIAL_SUFFIXES } from '../../core/analyzer/not-there-yet.ts';
import { splitParts } from '../../core/analyzer/split-names.ts';
import { systemPathProblem } from '../../core/notice/models-path.ts';
import type { CandidateListing, FileIdentity } from '../../core/ports.ts';
import { isOllamaManifest } from '../../core/stores/names.ts';
import { storedAt } from '../reader/stored.ts';
import { type Disk, waitingDisk } from './disk.ts';
import { type EntryBudget, entriesOf } from './entries.ts';
import { type NamesBeside, readNamesBeside } from './names-beside.ts';
import { isMisnamed, whyUnreadable, whyUnreadableName } from './unreadable.ts';

const MAX_DEPTH = 4;
/** Far more files than a model has; a folder with more is somebody's home, not a model. */
const MAX_FILES = 4096;
/** Files, folders, links that lead nowhere: whatever is looked at. */
const MAX_ENTRIES = 16_384;
/** Links named one by one; more are counted. */
const MOST_REFUSED = 16;
/** What would be imported, were it named: of such a file nobody may be unaware. */
const HIDDEN_CODE = /\.(?:py|pyc|so|dll|dylib)(?:\.\d+)*$/i;
/**
 * Blobs of the Hugging Face cache and of Ollama's store: where links out of a model folder may
 * lead.
 */
const STORE_BLOB = /[/\\](?:models--[^/\\]+[/\\]blobs[/\\][0-9a-f]{40,64}|models[/\\]blobs[/\\]sha256-[0-9a-f]{64})$/;

export interface ListedFile extends FileIdentity {
  /** Where the bytes are: the file itself, or what its link leads to. */
  readonly absolute: string;
}

export interface CandidateFiles {
  readonly kind: 'file' | 'folder';
  readonly realPath: string;
  readonly device: number;
  readonly inode: number;
  readonly bornMs: number;
  readonly files: readonly ListedFile[];
  /** Links that are not followed, each as a sentence. */
  readonly refused: readonly string[];
  /** Links to what is not there (yet). */
  readonly dangling: readonly string[];
  /**
   * The first thing that is there and not listed, and may hold code: a folder too deep, a hidden
   * file of code. Null: none.
   */
  readonly unlisted: string | null;
  /** Why nothing can be said of it; null: all is listed. */
  readonly unreadable: string | null;
}

interface Walk {
  readonly disk: Disk;
  readonly root: string;
  readonly owner: number;
  readonly files: ListedFile[];
  readonly refused: string[];
  refusedCount: number;
  readonly dangling: string[];
  readonly budget: EntryBudget;
  unlisted: string | null;
  unreadable: string | null;
}

/**
 * Null when the path is not there. The candidate itself may be a link: a person put it there; or an
 * entry of another tool's store, which stands for what it names. Rejects only for what is no file
 * error.
 * @param beside knows what lies beside a loose file; left out, it is read.
 */
export async function listCandidateFiles(path: string, disk: Disk = waitingDisk, beside?: NamesBeside): Promise<CandidateFiles | null> {
  try {
    const leadsTo = await disk.realpath(path);
    const problem = systemPathProblem(path, leadsTo);
    if (problem !== null) return { ...NOTHING, realPath: leadsTo, unreadable: problem };
    const stored = await storedAt(leadsTo, disk);
    const isBlob = isOllamaManifest(path);
    const nothing = { ...NOTHING, kind: isBlob ? ('file' as const) : ('folder' as const) };
    if (stored?.kind === 'missing') return { ...nothing, realPath: stored.path, dangling: isBlob ? [stored.path] : [] };
    if (stored?.kind === 'refused') return { ...nothing, realPath: path, unreadable: stored.message };
    const at = stored?.path ?? path;
    const realPath = stored === null ? leadsTo : await disk.realpath(at);
    return await listAt(at, realPath, disk, (stored === null ? beside : undefined) ?? ((folder) => readNamesBeside(folder, disk)));
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (code === null) throw error;
    return { ...NOTHING, realPath: path, unreadable: await whyUnreadable(path, code) };
  }
}

const NOTHING: Omit<CandidateFiles, 'realPath'> = {
  kind: 'folder',
  device: 0,
  inode: 0,
  bornMs: 0,
  files: [],
  refused: [],
  dangling: [],
  unlisted: null,
  unreadable: null,
};

async function listAt(path: string, realPath: string, disk: Disk, beside: NamesBeside): Promise<CandidateFiles> {
  const stats = await disk.stat(realPath);
  const common = { ...NOTHING, realPath, device: stats.dev, inode: stats.ino, bornMs: stats.birthtimeMs };
  if (stats.isFile())
    return { ...common, kind: 'file', files: await fileAndCompanions(path, toListed(basename(path), realPath, stats), disk, beside) };
  if (!stats.isDirectory()) return { ...common, kind: 'file', unreadable: notAFile(path) };
  const walk: Walk = {
    disk,
    root: realPath,
    owner: stats.uid,
    files: [],
    refused: [],
    refusedCount: 0,
    dangling: [],
    unlisted: null,
    unreadable: null,
    budget: { left: MAX_ENTRIES },
  };
  await walkFolder(walk, realPath, 0);
  const { files, dangling, unlisted, unreadable, refusedCount } = walk;
  const more = refusedCount - walk.refused.length;
  const refused = more > 0 ? [...walk.refused, `${more} more links are not followed.`] : walk.refused;
  return { ...common, files, refused, dangling, unlisted, unreadable };
}

/**
 * The listing that events are made from; null when it is not there. @param name `model` or
 * `owner/model`.
 */
export async function listCandidate(path: string, name: string): Promise<CandidateListing | null> {
  const found = await listCandidateFiles(path);
  return found === null ? null : listingOf(found, path, name);
}

export function listingOf({ kind, realPath, device, inode, bornMs, files }: CandidateFiles, path: string, name: string): CandidateListing {
  return { path, realPath, name, kind, device, inode, bornMs, files: files.map(identityOf) };
}

export function identityOf({ path, bytes, mtimeMs, ctimeMs = 0, bornMs = 0, device, inode }: FileIdentity): FileIdentity {
  return { path, bytes, mtimeMs, ctimeMs, bornMs, device, inode };
}

/**
 * A loose file, the other parts of a split model beside it, and what a download in progress leaves
 * beside it.
 */
async function fileAndCompanions(path: string, itself: ListedFile, disk: Disk, namesBeside: NamesBeside): Promise<readonly ListedFile[]> {
  const folder = dirname(path);
  const own = itself.path;
  const beside = await namesBeside(folder);
  const names = new Set([...splitParts(own).filter((name) => beside.names.has(name)), own, ...(beside.projectors.get(own) ?? [])]);
  const partial = [...names, ...splitParts(own)].flatMap((name) =>
    PARTIAL_SUFFIXES.map((suffix) => name + suffix).filter((each) => beside.names.has(each)),
  );
  const files: ListedFile[] = [];
  for (const name of new Set([...names, ...partial])) {
    if (name === own) {
      files.push(itself);
      continue;
    }
    try {
      // Each part of a split model that is a link is one of it.
      const absolute = await disk.realpath(join(folder, name));
      const stats = await disk.stat(absolute);
      if (stats.isFile()) files.push(toListed(name, absolute, stats));
    } catch (error) {
      if (errorCode(error) === null) throw error;
    }
  }
  return files;
}

async function walkFolder(walk: Walk, folder: string, depth: number): Promise<void> {
  let found: Awaited<ReturnType<typeof entriesOf>>;
  try {
    found = await entriesOf(folder, walk.budget, walk.disk);
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    if (code !== 'ENOENT') walk.unreadable ??= await whyUnreadable(folder, code);
    return;
  }
  if (found.isCut) walk.unreadable ??= `${walk.root} holds more than ${MAX_ENTRIES} files and folders, too many for a model folder.`;
  for (const entry of found.entries) {
    if (walk.unreadable !== null && walk.budget.left <= 0) return;
    const absolute = join(folder, entry.name);
    if (isSystemJunk(entry.name)) {
      if (!entry.isDirectory() && HIDDEN_CODE.test(entry.name)) walk.unlisted ??= `${nameIn(walk, absolute)} is hidden`;
    } else if (entry.isDirectory()) {
      if (depth < MAX_DEPTH) await walkFolder(walk, absolute, depth + 1);
      else walk.unlisted ??= `${nameIn(walk, absolute)} lies more than ${MAX_DEPTH} folders deep`;
    } else if (entry.isFile() || entry.isSymbolicLink()) {
      if (walk.files.length >= MAX_FILES) {
        walk.unreadable ??= `${walk.root} holds more than ${MAX_FILES} files: that is not a model folder.`;
        return;
      }
      await addEntry(walk, absolute, entry.isSymbolicLink());
    } else if (isModelFile(entry.name)) {
      walk.unreadable ??= notAFile(absolute);
    }
  }
}

function notAFile(path: string): string {
  return `${path} is neither a file nor a folder.`;
}

function nameIn(walk: Walk, absolute: string): string {
  return relative(walk.root, absolute).split(sep).join('/');
}

async function addEntry(walk: Walk, absolute: string, isLink: boolean): Promise<void> {
  const path = nameIn(walk, absolute);
  try {
    const target = isLink ? await follow(walk, absolute, path) : absolute;
    if (target !== null) walk.files.push(toListed(path, target, await walk.disk.stat(target)));
  } catch (error) {
    const code = errorCode(error);
    if (code === null) throw error;
    // Gone between the listing and the look: as if it had never been listed. A link to nowhere is a
    // file that is not there yet.
    if (code !== 'ENOENT') walk.unreadable ??= await whyUnreadable(absolute, code);
    else if (isModelFile(path) && (await isMisnamed(absolute, walk.disk))) walk.unreadable ??= whyUnreadableName(absolute);
    else if (isLink) walk.dangling.push(path);
  }
}

/**
 * Follows a link once. Null, and a sentence in `refused`, where it leads to anything but a regular
 * file that may be read through it.
 */
async function follow(walk: Walk, absolute: string, path: string): Promise<string | null> {
  const { disk } = walk;
  const target = resolve(dirname(absolute), await disk.readlink(absolute));
  const stats = await disk.lstat(target);
  const real = await disk.realpath(target);
  const inside = real.startsWith(walk.root + sep) || STORE_BLOB.test(real);
  const ours = [process.getuid?.() ?? stats.uid, 0, walk.owner].includes(stats.uid);
  if (stats.isFile() && inside && ours) return real;
  const why = stats.isFile()
    ? inside
      ? `belongs to user ${stats.uid}`
      : `leads out of the folder, to ${target}`
    : 'does not lead to a regular file';
  const sentence = visibleName(`The link ${path} ${why}: it is not followed.`);
  walk.refusedCount += 1;
  if (walk.refused.length < MOST_REFUSED) walk.refused.push(sentence);
  if (isModelFile(path)) walk.unreadable ??= sentence;
  return null;
}

function toListed(path: string, absolute: string, stats: Stats): ListedFile {
  const { size: bytes, mtimeMs, ctimeMs, birthtimeMs: bornMs, dev: device, ino: inode } = stats;
  return { path, absolute, bytes, mtimeMs, ctimeMs, bornMs, device, inode };
}

/** The system's code of a file error; null for anything else. */
export function errorCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
