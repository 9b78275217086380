/**
 * The cache of converted models: one file for each set of source files and weight type, in a folder
 * that is bounded and may be emptied at any time. Owns the subfolder `converted`, which counts only
 * if it is not another user's: what lies there is loaded as what the user's own files were made
 * into. Writes nothing next to users' files (I8).
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, statfsSync, statSync, utimesSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Preparation } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import { bytesInWords } from '../../shared/units.ts';
import type { FileIdentity, Log, PreparedFiles } from '../core/ports.ts';
import { expandHome, modeliumFolders } from './folders.ts';
import { whyNotOurs } from './ownership.ts';
import { isMarkedRunning, ownMark } from './processes/proc.ts';

export interface PreparedFilesPorts {
  readonly log: Log;
  settings(): Settings['cache'];
}

/** Counts versions of the converter whose files differ: those of another one are made again. */
const CONVERTER_VERSION = 2;
/** What a conversion that is under way writes, with the mark of the engine that it is for. */
const PART = /^[0-9a-f]{40}(?:-[0-9a-f]{24})?\.gguf\.([\d-]+)\.part$/;
/**
 * Such names are ours alone, also those of earlier versions: a person may keep models in a folder
 * that is called like ours.
 */
const WHOLE = /^[0-9a-f]{40}(?:-[0-9a-f]{24})?\.gguf$/;
const GB = 1e9;
/** Left free on the disk: a full one breaks more than this. */
const RESERVE_BYTES = 256 * 1024 * 1024;

interface Entry {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
}

/**
 * Also removes what conversions of an engine that was killed have left; those of another engine
 * that runs go on.
 */
export function createPreparedFiles({ settings, log }: PreparedFilesPorts): PreparedFiles {
  const folder = (): string => join(expandHome(settings().folder ?? modeliumFolders().cache), 'converted');
  for (const { path } of entriesOf(folder())) {
    const mark = PART.exec(basename(path))?.[1];
    if (mark !== undefined && !isMarkedRunning(mark)) rmSync(path, { force: true });
  }
  return {
    pathOf: (files, preparation) => join(folder(), nameOf(files, preparation)),
    bytesOf: (path) => (whyUnusable(dirname(path)) === null ? (entryOf(path)?.bytes ?? null) : null),
    earlier(path) {
      if (whyUnusable(dirname(path)) !== null) return null;
      return (
        entriesOf(dirname(path)).find((entry) => entry.path.endsWith('.gguf') && sourceOf(entry.path) === sourceOf(path))?.path ?? null
      );
    },
    partOf,
    async commit(path) {
      const part = await open(partOf(path), 'r+');
      try {
        await part.sync();
      } finally {
        await part.close();
      }
      await rename(partOf(path), path);
    },
    discard(path) {
      rmSync(path, { force: true });
      for (const each of entriesOf(dirname(path)))
        if (each.path.startsWith(path) && PART.test(basename(each.path))) rmSync(each.path, { force: true });
    },
    used(path) {
      const now = new Date();
      try {
        utimesSync(path, now, now);
      } catch {
        // Gone, or a disk that cannot be written to: it counts as used when it was made.
      }
    },
    async makeRoom(bytes, inUse) {
      const at = folder();
      makeFolder(at);
      const most = settings().max_gb * GB;
      if (bytes > most) {
        throw new ModeliumError(
          'disk-full',
          `Its GGUF takes ${bytesInWords(bytes)}, and cache.max_gb allows ${bytesInWords(most)}: raise it.`,
        );
      }
      const all = entriesOf(at).filter(({ path }) => WHOLE.test(basename(path)));
      // Who uses it has it under the name that it had before its source was touched.
      const used = new Set([...inUse].map(sourceOf));
      const oldest = all.filter(({ path }) => !used.has(sourceOf(path))).toSorted((one, other) => one.usedMs - other.usedMs);
      let taken = all.reduce((sum, entry) => sum + entry.bytes, 0);
      for (const entry of oldest) {
        if (taken + bytes <= most && freeBytes(at) >= bytes + RESERVE_BYTES) break;
        rmSync(entry.path, { force: true });
        taken -= entry.bytes;
        log.say(`Cache: a GGUF of ${bytesInWords(entry.bytes)} was removed, because it was the least recently used`);
      }
      if (taken + bytes > most) {
        throw new ModeliumError(
          'disk-full',
          `Its GGUF takes ${bytesInWords(bytes)}, and the files in use leave ${bytesInWords(Math.max(0, most - taken))} of cache.max_gb: raise it.`,
        );
      }
      const free = freeBytes(at);
      if (free < bytes + RESERVE_BYTES) {
        const message = `Its GGUF takes ${bytesInWords(bytes)} and ${at} has ${bytesInWords(free)} free: make room there, or set cache.folder to another disk.`;
        throw new ModeliumError('disk-full', message);
      }
    },
  };
}

function partOf(path: string): string {
  return `${path}.${ownMark()}.part`;
}

/**
 * First which files it was made of, by their names, sizes and inodes, then their times, by which
 * changes are noticed without reading anything. The time of the last change of any kind is the one
 * that nobody can set back; it moves with a file's rights and its links, too. The device's number
 * changes with a remount.
 */
function nameOf(files: readonly FileIdentity[], { type }: Preparation): string {
  const [source, times] = [createHash('sha256').update(`${CONVERTER_VERSION} ${type}`), createHash('sha256')];
  for (const { path, bytes, mtimeMs, ctimeMs = 0, bornMs = 0, inode } of files.toSorted((one, other) => (one.path < other.path ? -1 : 1))) {
    source.update(JSON.stringify([path, bytes, inode, bornMs]));
    times.update(JSON.stringify([mtimeMs, ctimeMs]));
  }
  return `${source.digest('hex').slice(0, 40)}-${times.digest('hex').slice(0, 24)}.gguf`;
}

/** The same for all that was made of the same files, whatever their times. */
function sourceOf(path: string): string {
  return basename(path).split('-', 1)[0] ?? '';
}

/**
 * Null also where there is none. Neither it nor a link to it may be another user's. The mode does
 * not count: we made it for its owner alone, and some disks know no modes.
 */
function whyUnusable(folder: string): string | null {
  for (const found of [lstatSync(folder, { throwIfNoEntry: false }), statSync(folder, { throwIfNoEntry: false })]) {
    const why = found === undefined ? null : whyNotOurs({ uid: found.uid, mode: 0 }, folder);
    if (why !== null) return why;
  }
  return null;
}

/** A file that we made: no link, and no other user's, wherever its folder lies. */
function entryOf(path: string): Entry | null {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true || whyNotOurs({ uid: found.uid, mode: 0 }, path) !== null) return null;
  return { path, bytes: found.size, usedMs: found.mtimeMs };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ModeliumError('disk-full', `The cache folder ${path} cannot be created (${why}). Set cache.folder to another folder.`);
  }
  const why = whyUnusable(path);
  if (why !== null)
    throw new ModeliumError('disk-full', `The cache folder ${path} cannot be used: ${why}. Or set cache.folder to another folder.`);
}

function entriesOf(folder: string): readonly Entry[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => entryOf(join(folder, name)) ?? []);
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
