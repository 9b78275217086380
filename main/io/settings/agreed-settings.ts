/**
 * Which programs a person has agreed to start from a modelium.yaml that merely lay in the working folder, by the hash of what the file says of
 * them. Kept in the state folder; what the settings mean is not its business.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileOnlyValues } from '../../../shared/settings-keys.ts';
import { makePrivateFolder, requirePrivateFolder, writePrivate } from '../engine-file.ts';
import { readOwnTextSync } from '../ownership.ts';

const FILE_NAME = 'agreed-settings';
/** The oldest go (I10). */
const MOST_AGREED = 500;
const LARGEST_BYTES = 64 * 1024;

/** What a file's text says of programs, as `key: value`; empty: it names none. @param data the file as plain data. */
export function programsIn(data: unknown): readonly string[] {
  return fileOnlyValues(data).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
}

export function isAgreed(stateFolder: string, programs: readonly string[]): boolean {
  return agreedIn(stateFolder).includes(hashOf(programs));
}

/** Remembers it, or forgets it. @throws ModeliumError path-invalid. */
export function agree(stateFolder: string, programs: readonly string[], isWanted: boolean): void {
  makePrivateFolder(stateFolder);
  const hash = hashOf(programs);
  const others = agreedIn(stateFolder).filter((line) => line !== hash);
  const all = [...others, ...(isWanted ? [hash] : [])].slice(-MOST_AGREED);
  writePrivate(join(stateFolder, FILE_NAME), all.map((line) => `${line}\n`).join(''));
}

function agreedIn(stateFolder: string): readonly string[] {
  try {
    requirePrivateFolder(stateFolder);
    return readOwnTextSync(join(stateFolder, FILE_NAME), LARGEST_BYTES)
      .split('\n')
      .filter((line) => line !== '');
  } catch {
    // Not there yet, or not to be believed.
    return [];
  }
}

function hashOf(programs: readonly string[]): string {
  return createHash('sha256').update(programs.toSorted().join('\n')).digest('hex');
}
