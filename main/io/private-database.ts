/**
 * Opens the SQLite files of the state folder. SQLite follows links and takes whatever lies there:
 * only regular files that nobody else can write are handed to it.
 */
import { chmodSync, lstatSync, type Stats } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { ModeliumError } from '../../shared/errors.ts';
import { whyNotReadable } from './ownership.ts';

/** The file, and those that SQLite reads together with it. */
const SUFFIXES = ['', '-wal', '-shm', '-journal'] as const;
/** What a private file must not let others do. */
const OTHERS = 0o077;

/**
 * Opens a file that lies in a folder of ours, or begins it, and closes it to others: pins and paths
 * are nobody else's business, and the -wal and -shm files take over its rights.
 * @throws ModeliumError state-unusable for a link, for what is no file, and for what is not ours or
 * others may write.
 */
export function openPrivateDatabase(file: string, timeout: number): DatabaseSync {
  for (const suffix of SUFFIXES) requirePrivateFile(file + suffix);
  const database = new DatabaseSync(file, { timeout });
  try {
    // By its name: whoever closes another handle of a file loses the locks that SQLite holds on it.
    if (((requirePrivateFile(file)?.mode ?? 0) & OTHERS) !== 0) chmodSync(file, 0o600);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** One that is not there is fine. */
function requirePrivateFile(path: string): Stats | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const why = whyNotReadable(found, path);
  if (why === null) return found;
  const help = found.isFile() ? '' : '; move it away, and Modelium makes a new one';
  throw new ModeliumError('state-unusable', `${path} cannot be used: ${why}${help}.`);
}
