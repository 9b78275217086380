/**
 * Checks the owner of files and folders, and reads such files safely. A file that controls the
 * engine or holds secrets counts only if nobody but its owner can write it. This also holds for
 * root, and for the target of a link.
 */
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, type Stats } from 'node:fs';
import { lstat, open, readlink, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { shellWord } from '../../shared/visible.ts';

/** What became a pipe or a device holds nobody up. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const STICKY = 0o1000;
/** As many as Linux follows. */
const MOST_LINKS = 40;

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
  if (found.isSymbolicLink()) return 'a link';
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
 * Whoever may write in a folder on the way, or owns a link on it, puts another file of ours in its
 * place: each folder from the root on is looked at, and each link, wherever it leads; the file at
 * the end, too.
 * @throws the file error where there is none.
 */
export async function whyReplaceable(path: string): Promise<string | null> {
  const own = process.getuid?.();
  if (own === undefined) return null;
  let folder = '/';
  let rest = namesOf(resolve(path));
  for (let links = 0; ; ) {
    const why = whyOthersWrite(await stat(folder), folder, own);
    if (why !== null) return why;
    const [name, ...further] = rest;
    if (name === undefined) return null;
    const next = join(folder, name);
    const found = await lstat(next);
    rest = further;
    if (found.isSymbolicLink()) {
      // In a folder like /tmp anybody may have made it.
      if (!isOwnOrRoots(found, own)) return `user number ${found.uid} can replace it: the link ${next} belongs to that user`;
      links += 1;
      if (links > MOST_LINKS) return 'too many links lead to it';
      rest = [...namesOf(resolve(folder, await readlink(next))), ...further];
      folder = '/';
    } else if (found.isDirectory()) folder = next;
    else return whyOthersWrite(found, next, own);
  }
}

function namesOf(absolute: string): readonly string[] {
  return absolute.split('/').filter((name) => name !== '');
}

/**
 * In a folder with the sticky bit each replaces only what is theirs, and the folder's owner all. Of
 * a file the bit says nothing.
 */
function whyOthersWrite(found: Stats, folder: string, own: number): string | null {
  const { uid, gid, mode } = found;
  if (!isOwnOrRoots(found, own)) return `user number ${uid} can replace it: ${folder} belongs to that user; move it to a folder of yours`;
  if (found.isDirectory() && (mode & STICKY) !== 0) return null;
  if ((mode & 0o002) !== 0) return `everybody can replace it; \`chmod o-w ${shellWord(folder)}\` fixes that`;
  if ((mode & 0o020) === 0 || gid === 0 || isPrivateGroup(gid, own)) return null;
  return `the group with the number ${gid} can replace it; \`chmod g-w ${shellWord(folder)}\` fixes that`;
}

function isOwnOrRoots({ uid }: Stats, own: number): boolean {
  return uid === own || uid === 0;
}

/**
 * The group that systems make for each user, and which nobody else is in: they let it write by
 * default.
 */
function isPrivateGroup(gid: number, own: number): boolean {
  if (gid === own) return true;
  try {
    const entries = (file: string) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .map((line) => line.split(':'));
    const user = entries('/etc/passwd').find(([, , number]) => Number(number) === own)?.[0];
    return entries('/etc/group').some(
      ([name, , number, members = '']) => Number(number) === gid && name === user && (members === '' || members === user),
    );
  } catch {
    return false;
  }
}

function whyTooLarge(bytes: number, limitBytes: number): string | null {
  return bytes > limitBytes ? `it has ${bytes} bytes; at most ${limitBytes} are read` : null;
}

function refuse(why: string | null): void {
  if (why !== null) throw new Error(why);
}
