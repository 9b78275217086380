/**
 * The state folder: owner-only, with the control token, the lock that makes an engine the only one there, and `engine.json`, by which the
 * command line and the window find it. What the tables in it mean is not its business.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ModeliumError } from '../../shared/errors.ts';

const TOKEN_FILE = 'control-token';
const ENGINE_FILE = 'engine.json';
const LOCK_FILE = 'engine.lock';

/** A running engine, as it announces itself. */
export interface EngineFile {
  readonly pid: number;
  /** Kernel clock ticks since boot, from /proc/PID/stat; 0 where there is no /proc. */
  readonly startTime: number;
  readonly bootId: string;
  readonly address: string;
  readonly version: string;
  readonly startedAt: string;
}

export interface StateFolder {
  readonly path: string;
  /** The control token: 43 characters, the same over restarts. */
  readonly token: string;
  /** Writes engine.json: from now on others find this engine. */
  announce(engine: EngineFile): void;
  /** Takes engine.json away and lets the next engine in. */
  close(): void;
}

/**
 * Takes the folder for this engine; creates it with mode 0700.
 * @throws ModeliumError `already-running` with the first one's address; `path-invalid` when the folder cannot be made or is not ours.
 */
export function openStateFolder(path: string): StateFolder {
  makePrivateFolder(path);
  const unlock = lock(path);
  try {
    const token = readToken(path) ?? makeToken(path);
    return {
      path,
      token,
      announce: (engine) => writePrivate(join(path, ENGINE_FILE), `${JSON.stringify(engine, null, 2)}\n`),
      close: () => {
        rmSync(join(path, ENGINE_FILE), { force: true });
        unlock();
      },
    };
  } catch (thrown) {
    unlock();
    throw thrown;
  }
}

/** Who claims to run here; null when nobody does. A claim is not a proof: a killed engine leaves its file behind. */
export function readEngineFile(path: string): EngineFile | null {
  try {
    const read = JSON.parse(readFileSync(join(path, ENGINE_FILE), 'utf8')) as Partial<EngineFile>;
    return typeof read.address === 'string' && typeof read.pid === 'number' ? (read as EngineFile) : null;
  } catch {
    return null;
  }
}

/** The control token; null before the first start. */
export function readToken(path: string): string | null {
  try {
    const token = readFileSync(join(path, TOKEN_FILE), 'utf8').trim();
    return token === '' ? null : token;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ModeliumError('path-invalid', `${join(path, TOKEN_FILE)} cannot be read: ${(thrown as Error).message}.`, { cause: thrown });
  }
}

/** One by one: Node's own `recursive` never returns where a folder that exists takes no entries and answers ENOENT, as /proc does. */
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

/** Creates a folder that only its owner may enter, and mends the mode of one that others could. */
function makePrivateFolder(path: string): void {
  try {
    makeFolders(path);
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (cause) {
    throw new ModeliumError('path-invalid', `The state folder ${path} cannot be used: ${(cause as Error).message}.`, { cause });
  }
}

/**
 * SQLite's exclusive file lock: the kernel drops it however the process ends, so that no stale one is ever left, and a recycled process number
 * cannot hold it.
 */
function lock(path: string): () => void {
  const database = new DatabaseSync(join(path, LOCK_FILE), { timeout: 0 });
  try {
    chmodSync(join(path, LOCK_FILE), 0o600);
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) {
      throw new ModeliumError('path-invalid', `The state folder ${path} cannot be locked: ${(cause as Error).message}.`, { cause });
    }
    const first = readEngineFile(path);
    const where = first === null ? 'it is just starting or ending' : `it is at ${first.address}, process ${first.pid}`;
    throw new ModeliumError('already-running', `An engine already runs for the state folder ${path}: ${where}.`);
  }
  return () => database.close();
}

const SQLITE_BUSY = 5;

function makeToken(path: string): string {
  const token = randomBytes(32).toString('base64url');
  writePrivate(join(path, TOKEN_FILE), `${token}\n`);
  return token;
}

/** Written aside and renamed into place, so that a reader never sees half of it. */
function writePrivate(file: string, text: string): void {
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, text, { mode: 0o600, flush: true });
  renameSync(aside, file);
}
