/**
 * The files of the state folder that clients need: `engine.json` and the control token, and how a
 * private file or folder is made. It does not use `node:sqlite`, so that the window's main process
 * can load it on any Node. state-folder.ts checks who may write them.
 */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';
import { shellWord } from '../../shared/visible.ts';
import { readOwnTextSync, whyNotOurs } from './ownership.ts';

export const TOKEN_FILE = 'control-token';
export const ENGINE_FILE = 'engine.json';
/** Neither file comes near it. */
const LARGEST_BYTES = 16 * 1024;
/** What a folder of secrets must not let others do. */
const OTHERS = 0o077;

/** A running engine, as it announces itself. */
export interface EngineFile {
  readonly pid: number;
  /** Kernel clock ticks since boot, from /proc/PID/stat; 0 where there is no /proc. */
  readonly startTime: number;
  readonly bootId: string;
  /** As it says when it proves itself: it tells this run from every other one. */
  readonly run: string;
  readonly address: string;
  readonly version: string;
  readonly startedAt: string;
}

/**
 * Who claims to run here; null when nobody does. A claim is not a proof: a killed engine leaves its
 * file behind.
 */
export function readEngineFile(path: string): (Omit<EngineFile, 'run'> & Partial<EngineFile>) | null {
  try {
    const read = JSON.parse(readOwnTextSync(join(path, ENGINE_FILE), LARGEST_BYTES)) as Partial<EngineFile>;
    return typeof read.address === 'string' && typeof read.pid === 'number' ? (read as EngineFile) : null;
  } catch {
    return null;
  }
}

/**
 * The control token; null before the first start. @throws ModeliumError state-unusable, also where
 * others could have put it there.
 */
export function readToken(path: string): string | null {
  requirePrivateFolder(path);
  try {
    const token = readOwnTextSync(join(path, TOKEN_FILE), LARGEST_BYTES).trim();
    return token === '' ? null : token;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ModeliumError('state-unusable', `${join(path, TOKEN_FILE)} cannot be used: ${(thrown as Error).message}.`, { cause: thrown });
  }
}

/**
 * A state folder counts only where nobody else can have put anything into it. One that is not there
 * is fine. @throws ModeliumError state-unusable.
 */
export function requirePrivateFolder(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  const why = found === undefined ? null : whyNotOurs(found, path);
  if (why !== null) throw new ModeliumError('state-unusable', `The state folder ${path} cannot be used: ${why}.`);
}

/**
 * One by one: Node's own `recursive` never returns where a folder that exists takes no entries and
 * answers ENOENT, as /proc does.
 */
function makeFolders(path: string): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolders(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (thrown) {
    // An engine that starts at the same time was quicker.
    if (!existsSync(path)) throw thrown;
  }
}

/**
 * Creates a folder that only its owner may enter, and closes one that others could look into. A
 * link to one is used, and never changed.
 * @throws ModeliumError state-unusable, also for a folder of somebody else or one that others may
 * write.
 */
export function makePrivateFolder(given: string): void {
  // With a slash at its end a link would be followed.
  const path = resolve(given);
  try {
    makeFolders(path);
    requirePrivateFolder(path);
    if ((statSync(path).mode & OTHERS) === 0) return;
    if (lstatSync(path).isSymbolicLink()) throw new Error(`other users can read it; \`chmod 700 ${shellWord(path)}\` fixes that`);
    closeToOthers(path);
  } catch (cause) {
    if (cause instanceof ModeliumError) throw cause;
    throw new ModeliumError('state-unusable', `The state folder ${path} cannot be used: ${(cause as Error).message}.`, { cause });
  }
}

/** What was put there as a link meanwhile is not followed. */
function closeToOthers(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    if (whyNotOurs(fstatSync(descriptor), path) === null) fchmodSync(descriptor, 0o700);
  } finally {
    closeSync(descriptor);
  }
}

/** Written aside and renamed into place, so that a reader never sees half of it. */
export function writePrivate(file: string, text: string): void {
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, text, { mode: 0o600, flush: true });
  renameSync(aside, file);
}
