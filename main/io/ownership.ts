/**
 * Checks the owner of files and folders, and reads such files safely. A file that controls the
 * engine or holds secrets counts only if nobody but its owner can write it. This also holds for
 * root, and for the target of a link.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { shellWord } from '../../shared/visible.ts';

/** What became a pipe or a device holds nobody up. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const STICKY = 0o1000;

/**
 * @param found what lies at the path, links followed.
 * @returns why it does not count, and what to do about it; null: it does. Root's files count for
 * everybody: root could change what runs anyway.
 */
export function whyNotOurs({ uid, mode }: Pick<Stats, 'uid' | 'mode'>, path: string): string | null {
  const own = process.getuid?.();
  if (own === undefined) return null;
  if (uid !== own && uid !== 0)
    return `it belongs to another user (number ${uid}); \`chown ${own} ${shellWord(path)}\` would make it yours`;
  if ((mode & 0o022) !== 0) return `other users can write it; \`chmod go-w ${shellWord(path)}\` fixes that`;
  return null;
}

/** The same for a file that is to be read: also what is no file is none to be read. */
export function whyNotReadable(found: Stats, path: string): string | null {
  return found.isFile() ? whyNotOurs(found, path) : `it is ${kindOf(found)}, not a regular file`;
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a pipe';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

/**
 * A small text that only its owner can have written.
 * @throws Error with the reason; the file error where there is none.
 */
export async function readOwnText(path: string, limitBytes: number): Promise<string> {
  const before = await stat(path);
  refuse(whyNotReadable(before, path));
  refuse(await whyReplaceable(path));
  const handle = await open(path, OPEN_FLAGS);
  try {
    const found = await handle.stat();
    refuse(whyNotReadable(found, path) ?? whyTooLarge(found.size, limitBytes));
    const bytes = Buffer.alloc(limitBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length > limitBytes) break;
    }
    refuse(whyTooLarge(length, limitBytes));
    return bytes.toString('utf8', 0, length);
  } finally {
    await handle.close();
  }
}

/** As `readOwnText`, for a file of ours in a folder that was looked at. */
export function readOwnTextSync(path: string, limitBytes: number): string {
  const descriptor = openSync(path, OPEN_FLAGS);
  try {
    const found = fstatSync(descriptor);
    refuse(whyNotReadable(found, path) ?? whyTooLarge(found.size, limitBytes));
    const bytes = Buffer.alloc(limitBytes);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Who may write in the folder puts another file, or a link to one of ours, in its place; where the
 * sticky bit is set, only the folder's owner and the file's can. A group of the same number as the
 * user holds nobody else: systems that let groups write by default make such a one for each user.
 */
async function whyReplaceable(path: string): Promise<string | null> {
  const own = process.getuid?.();
  if (own === undefined) return null;
  for (const folder of new Set([dirname(path), dirname(await realpath(path))])) {
    const { uid, gid, mode } = await stat(folder);
    if (uid !== own && uid !== 0) return `user number ${uid} can replace it: ${folder} belongs to that user; move it to a folder of yours`;
    if ((mode & STICKY) !== 0) continue;
    if ((mode & 0o002) !== 0) return `everybody can replace it; \`chmod o-w ${shellWord(folder)}\` fixes that`;
    if ((mode & 0o020) !== 0 && gid !== own && gid !== 0)
      return `the group with the number ${gid} can replace it; \`chmod g-w ${shellWord(folder)}\` fixes that`;
  }
  return null;
}

function whyTooLarge(bytes: number, limitBytes: number): string | null {
  return bytes > limitBytes ? `it has ${bytes} bytes; at most ${limitBytes} are read` : null;
}

function refuse(why: string | null): void {
  if (why !== null) throw new Error(why);
}
