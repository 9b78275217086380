/**
 * Opens files that were checked before, and verifies that they are still the same ones: somebody
 * who may write to a model's folder could have replaced one by a link to another file meanwhile.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ModeliumError } from '../../../shared/errors.ts';
import { errorCode, type ListedFile } from './files.ts';

/**
 * A listed path has no links left, so none is followed. What became a pipe or a device must neither
 * hold the open nor be read.
 */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | constants.O_NOFOLLOW;

/**
 * @returns a descriptor that the caller closes.
 * @throws the file error, or ModeliumError content-changed when another file lies there now, as
 * behind a link that was put in its way.
 */
export function openListed(file: ListedFile): number {
  const descriptor = openSync(file.absolute, OPEN_FLAGS);
  const now = fstatSync(descriptor);
  if (now.isFile() && now.dev === file.device && now.ino === file.inode && isAt(descriptor, file.absolute)) return descriptor;
  closeSync(descriptor);
  throw new ModeliumError('content-changed', `${file.path} has been replaced by another file since it was listed.`);
}

/**
 * @param path of which all links are resolved.
 * @throws the file error, or ModeliumError content-changed where a link stands in the path now.
 */
export async function openResolved(path: string): Promise<FileHandle> {
  const replaced = () => new ModeliumError('content-changed', `${path} has been replaced since it was looked at.`);
  const handle = await open(path, OPEN_FLAGS).catch((thrown: unknown) => {
    throw errorCode(thrown) === 'ELOOP' ? replaced() : thrown;
  });
  try {
    if (isAt(handle.fd, path) && (await handle.stat()).isFile()) return handle;
    throw replaced();
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
}

/**
 * Is what was opened at this very path, and not elsewhere, because a folder on the way became a
 * link? Without /proc nothing tells.
 */
function isAt(descriptor: number, path: string): boolean {
  return process.platform !== 'linux' || readlinkSync(`/proc/self/fd/${descriptor}`) === path;
}
