/**
 * The files of the state folder by which others find an engine: `engine.json` and the control token, and how a private file or folder is made.
 * Free of `node:sqlite`, so that the window's main process can read them on any Node. Who may write them is state-folder.ts's business.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';

export const TOKEN_FILE = 'control-token';
export const ENGINE_FILE = 'engine.json';

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

/** Who claims to run here; null when nobody does. A claim is not a proof: a killed engine leaves its file behind. */
export function readEngineFile(path: string): (Omit<EngineFile, 'run'> & Partial<EngineFile>) | null {
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

/**
 * Creates a folder that only its owner may enter, and mends the mode of one that others could.
 * @throws ModeliumError path-invalid.
 */
export function makePrivateFolder(path: string): void {
  try {
    makeFolders(path);
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
  } catch (cause) {
    throw new ModeliumError('path-invalid', `The state folder ${path} cannot be used: ${(cause as Error).message}.`, { cause });
  }
}

/** Written aside and renamed into place, so that a reader never sees half of it. */
export function writePrivate(file: string, text: string): void {
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, text, { mode: 0o600, flush: true });
  renameSync(aside, file);
}
