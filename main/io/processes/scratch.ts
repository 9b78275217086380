/**
 * Implements the port ScratchFolders: one folder for each launch. A file in it lists the shared
 * memory that its processes created, so that the next engine can clean up if this one is killed. It
 * removes only what is listed for the launch.
 */
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ModeliumError } from '../../../shared/errors.ts';
import type { EntryParts, ScratchFolders } from '../../core/process-ports.ts';
import { readText } from './proc.ts';

const SHARED_MEMORY = '/dev/shm';
/**
 * What Python's multiprocessing and torch make (multiprocessing/shared_memory.py, synchronize.py).
 */
const MADE_BY_PYTHON = /^(?:psm_[0-9a-f]+|sem\.mp-\w+|torch_\d+_\d+_\d+)$/;
const NOTES = 'shared-memory';
/** A socket's path holds 107 bytes, and some runtimes name their sockets by 36 letters. */
const LONGEST_FOLDER = 70;
/** Names noted of one launch (I10). */
const MOST_NAMES = 1_000;

/**
 * In the system's temporary folder, whose path is short: below a state folder sockets would not
 * fit.
 * @param stateFolder tells the folders of this engine from those of others.
 */
export function createScratchFolders(stateFolder: string, temporary: string = tmpdir()): ScratchFolders {
  const name = `modelium-${createHash('sha256').update(stateFolder).digest('hex').slice(0, 8)}`;
  const noted = new Map<string, Set<string>>();
  /** Those of ours: one as a rule, more where somebody else was quicker. */
  const parents = (): readonly string[] =>
    namesIn(temporary)
      .filter((found) => found === name || found.startsWith(`${name}-`))
      .map((found) => join(temporary, found))
      .filter(isOwn);
  const folderOf = (launchId: string): string =>
    parents()
      .map((parent) => join(parent, launchId))
      .find(isOwn) ?? join(temporary, name, launchId);
  /**
   * What lies there under our name already must be ours, and closed to others; else it is left
   * alone, and another one is made.
   */
  function makeParent(): string {
    const usual = join(temporary, name);
    mkdirOnce(usual);
    const parent = isOwn(usual) ? usual : (parents()[0] ?? mkdtempSync(`${usual}-`));
    chmodSync(parent, 0o700);
    return parent;
  }
  return {
    make(launchId) {
      let folder = join(temporary, name, launchId);
      try {
        folder = join(makeParent(), launchId);
        if (folder.length > LONGEST_FOLDER)
          throw new ModeliumError('state-unusable', `The path ${folder} is too long for a socket: set TMPDIR to a shorter folder.`);
        mkdirSync(folder, { mode: 0o700 });
      } catch (error) {
        if (error instanceof ModeliumError) throw error;
        const { code, message } = error as NodeJS.ErrnoException;
        throw new ModeliumError(code === 'ENOSPC' ? 'disk-full' : 'state-unusable', `${folder} could not be made: ${message}.`, {
          cause: error,
        });
      }
      noted.set(launchId, new Set());
      return folder;
    },
    write(launchId, entry, parts) {
      const folder = folderOf(launchId);
      try {
        return writeEntry(folder, entry, parts);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        throw new ModeliumError(code === 'ENOSPC' ? 'disk-full' : 'state-unusable', `${folder} could not be written to: ${message}.`, {
          cause: error,
        });
      }
    },
    note(launchId, pids) {
      const names = noted.get(launchId);
      if (names === undefined) return;
      const fresh = pids.flatMap(sharedMemoryOf).filter((name) => !names.has(name));
      for (const name of fresh) if (names.size < MOST_NAMES) names.add(name);
      if (fresh.length === 0) return;
      try {
        appendFileSync(join(folderOf(launchId), NOTES), fresh.map((name) => `${name}\n`).join(''));
      } catch {
        // A full disk: this engine still knows the names.
      }
    },
    remove(launchId) {
      const folder = folderOf(launchId);
      if (!isOwn(folder)) return;
      const known = [...(noted.get(launchId) ?? []), ...(readText(join(folder, NOTES)) ?? '').split('\n')];
      for (const name of known) if (MADE_BY_PYTHON.test(name)) removeOwn(join(SHARED_MEMORY, name));
      // What bears the name of the launch needs no note: nobody else knows that name.
      for (const name of namesIn(SHARED_MEMORY)) if (name.startsWith(`modelium-${launchId}`)) removeOwn(join(SHARED_MEMORY, name));
      noted.delete(launchId);
      rmSync(folder, { recursive: true, force: true, maxRetries: 2 });
      removeEmpty(dirname(folder));
    },
    left: () => parents().flatMap(namesIn),
  };
}

/**
 * A new one is made beside it and moved into its place: a server that watches the folder never sees
 * half of it.
 */
function writeEntry(folder: string, entry: string, parts: EntryParts | null): string {
  const place = inside(folder, entry);
  if (dirname(place) !== folder) throw new Error(`${entry} is a path, where a name was expected`);
  const [part, old] = [join(folder, `.${entry}.new`), join(folder, `.${entry}.old`)];
  for (const left of [part, old]) rmSync(left, { recursive: true, force: true });
  for (const [path, content] of Object.entries(parts ?? {})) {
    const file = inside(part, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    if ('text' in content) writeFileSync(file, content.text, { mode: 0o600 });
    else symlinkSync(content.linkTo, file);
  }
  if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) renameSync(place, old);
  if (parts !== null) renameSync(part, place);
  rmSync(old, { recursive: true, force: true });
  return place;
}

/** @throws where the path leads out of the folder: names inside dropped files get here. */
function inside(folder: string, path: string): string {
  const full = resolve(folder, path);
  if (path === '' || !full.startsWith(`${folder}/`)) throw new Error(`${path} leads out of it`);
  return full;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Also where something lies there already, a link to nowhere included. */
function mkdirOnce(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A real folder of this user, no link. */
function isOwn(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

/** Names of Python's shared memory that a process has mapped. */
function sharedMemoryOf(pid: number): readonly string[] {
  let maps: string;
  try {
    maps = readFileSync(`/proc/${pid}/maps`, 'latin1');
  } catch {
    return [];
  }
  const names = [...maps.matchAll(/ \/dev\/shm\/(\S+)$/gm)].map(([, name = '']) => name);
  return [...new Set(names)].filter((name) => MADE_BY_PYTHON.test(name));
}

/** The last launch takes the common folder along. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Others lie in it still.
  }
}

function removeOwn(path: string): void {
  try {
    if (lstatSync(path).uid === process.getuid?.()) unlinkSync(path);
  } catch {
    // Gone already: whoever made it cleared up.
  }
}
