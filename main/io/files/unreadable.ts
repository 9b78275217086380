/**
 * Says why a file or folder cannot be read, and which command would change that. Looks at rights
 * and names only.
 */
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { shellWord } from '../../../shared/visible.ts';
import type { Disk } from './disk.ts';

/** What Node puts for bytes of a name that are not UTF-8: nothing is found under such a name. */
const REPLACED = '\ufffd';

/** @param code the system's, of the attempt that failed. @returns whole sentences. */
export async function whyUnreadable(path: string, code: string): Promise<string> {
  if (code === 'ELOOP') return `${path} cannot be read: its links go in a circle.`;
  if (code !== 'EACCES' && code !== 'EPERM') return `${path} cannot be read: the system reports ${code}.`;
  return `${path} cannot be read: this user lacks the permission (${code}).${await remedy(path)}`;
}

/** Is the name of what a folder has listed not its real one? */
export async function isMisnamed(path: string, disk: Disk): Promise<boolean> {
  if (!basename(path).includes(REPLACED)) return false;
  return disk.lstat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
}

/** @param others how many more there are of its kind. */
export function whyUnreadableName(path: string, others = 0): string {
  if (others === 0) return `${path} cannot be read: its name is not UTF-8; rename it.`;
  return `${path} and ${others} more cannot be read: their names are not UTF-8; rename them.`;
}

/** Empty where the mode does not tell: other rules than it may forbid it. */
async function remedy(path: string): Promise<string> {
  for (const folder of foldersAbove(path)) if (!(await may(folder, constants.X_OK))) return command('x', folder);
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() === true;
  return (await may(path, constants.R_OK)) ? '' : command(isFolder ? 'rx' : 'r', path);
}

async function command(rights: string, path: string): Promise<string> {
  const owner = (await stat(path).catch(() => null))?.uid;
  if (owner === process.getuid?.()) return ` \`chmod u+${rights} ${shellWord(path)}\` gives it.`;
  return ` The owner of that file or root can give it: \`chmod a+${rights} ${shellWord(path)}\`.`;
}

/** The outermost first. */
function foldersAbove(path: string): readonly string[] {
  const folder = dirname(path);
  return folder === path ? [] : [...foldersAbove(folder), folder];
}

function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
