/**
 * Opens a file of a candidate for reading: the very file that was listed, whatever its path has
 * come to mean since.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { ModeliumError } from '../../../shared/errors.ts';
import type { ListedFile } from './files.ts';

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
  if (now.isFile() && now.dev === file.device && now.ino === file.inode) return descriptor;
  closeSync(descriptor);
  throw new ModeliumError('content-changed', `${file.path} is not the file any more that was listed there.`);
}
