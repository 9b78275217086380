/**
 * The users' agreements to start programs from a modelium.yaml in the working folder, by the hash
 * of its folder and its programs, because `./server` is another program in another folder. Stored
 * in the state folder; it does not interpret settings.
 */
import { createHash } from 'node:crypto';
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder, requirePrivateFolder, writePrivate } from '../engine-file.ts';
import { readOwnTextSync } from '../ownership.ts';

const FILE_NAME = 'agreed-settings';
/** The oldest go (I10). */
const MOST_AGREED = 500;
const LARGEST_BYTES = 64 * 1024;

/**
 * Beside a settings file runtimes are looked for in an environment of this name, so that it names
 * programs as the file does.
 */
const ENVIRONMENT = '.venv';

/**
 * What a settings file and its folder name of programs, as `key: value`; empty: none. @param lines
 * what the file names.
 */
export function programsIn(file: string, lines: readonly string[]): readonly string[] {
  const environment = join(dirname(file), ENVIRONMENT);
  return [...lines, ...(existsSync(environment) ? [`${ENVIRONMENT}: ${JSON.stringify(environment)}`] : [])];
}

export function isAgreed(stateFolder: string, file: string, programs: readonly string[]): boolean {
  return agreedIn(stateFolder).includes(hashOf(file, programs));
}

/** Remembers it, or forgets it. @throws ModeliumError state-unusable. */
export function agree(stateFolder: string, file: string, programs: readonly string[], isWanted: boolean): void {
  makePrivateFolder(stateFolder);
  const hash = hashOf(file, programs);
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

/** The folder is the one that the path names, also of a link: `./server` begins there. */
function hashOf(file: string, programs: readonly string[]): string {
  return createHash('sha256')
    .update([realpathSync(dirname(file)), ...programs.toSorted()].join('\n'))
    .digest('hex');
}
