/**
 * Writes a file that a browser sent into a watch folder, where it is noticed like any other. Never
 * writes over a file, outside of the folder, or under a name that is no model's.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ModeliumError } from '../../../shared/errors.ts';
import { visibleName } from '../../../shared/visible.ts';
import { errorCode } from './files.ts';
import { LOOSE_MODEL } from './scan.ts';

/** File systems take 255 bytes. */
const LONGEST_NAME_BYTES = 200;
const MADE_OF_MORE = 'a model that is a folder has to be copied to the machine of the engine by other means';

/**
 * @param folder the watch folder; undefined: there is none.
 * @param name from another machine: not to be trusted.
 * @param signal aborts when the client leaves: then nothing stays, and the name can be used again.
 * @param use takes the path of the file, which stays only if this works.
 * @throws ModeliumError upload-refused, disk-full, cancelled; what `use` throws.
 */
export async function keepUpload<Used>(
  folder: string | undefined,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
  use: (path: string) => Promise<Used>,
): Promise<Used> {
  const shown = visibleName(name.slice(0, LONGEST_NAME_BYTES));
  const refuse = (why: string, cause?: unknown) =>
    new ModeliumError('upload-refused', `${shown} cannot be uploaded: ${why}.`, { param: 'name', cause });
  if (folder === undefined) throw refuse('there is no watch folder that it could be copied into');
  if (name !== shown || /[/\\]|^\./.test(name) || Buffer.byteLength(name) > LONGEST_NAME_BYTES)
    throw refuse('that is not a valid file name');
  if (!LOOSE_MODEL.test(name)) throw refuse(`it is not a complete model in one file, such as a GGUF or an ONNX file; ${MADE_OF_MORE}`);
  if (bytes.length === 0) throw refuse('it is empty');
  const path = join(folder, name);
  let made: FileHandle | null = null;
  try {
    made = await open(path, 'wx');
    await made.writeFile(bytes, { signal });
    await made.close();
    signal.throwIfAborted();
    const used = await use(path);
    signal.throwIfAborted();
    return used;
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === 'EEXIST') throw refuse(`${folder} has a file of that name already`);
    // Only what this call made: opening fails in other ways, too, where a file is there.
    if (made !== null) await Promise.allSettled([made.close(), rm(path, { force: true })]);
    if (signal.aborted) throw new ModeliumError('cancelled', 'The client left.');
    if (thrown instanceof ModeliumError) throw thrown;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new ModeliumError('disk-full', `${folder} has no room for ${shown}.`, { cause: thrown });
    throw refuse(`${folder} cannot be written to (${code})`, thrown);
  }
}
