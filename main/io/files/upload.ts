/**
 * Writes a file that a browser sent into a watch folder, where it is noticed like any other, and
 * removes it again if it is taken back. Never writes over a file, outside of the folder, or under a
 * name that is no model's; never removes a file that it did not write.
 */
import type { Stats } from 'node:fs';
import { type FileHandle, lstat, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ModeliumError } from '../../../shared/errors.ts';
import { visibleName } from '../../../shared/visible.ts';
import { errorCode } from './files.ts';
import { LOOSE_MODEL } from './watched-names.ts';

/** File systems take 255 bytes. */
const LONGEST_NAME_BYTES = 200;
const MADE_OF_MORE = 'a model that is a folder has to be copied to the machine of the engine by other means';

/** Uploads that have ended and can still be taken back: somebody cancels what just happened. */
const MOST_ENDED = 64;

/** A file that was written here, as it was then. */
interface Kept<Used> {
  readonly path: string;
  readonly identity: string;
  readonly used: Used;
}

interface Upload {
  readonly leaving: AbortController;
  /** Null once resolved: no file of it is left. */
  kept: Promise<Kept<unknown> | null>;
  isRunning: boolean;
}

/**
 * The uploads of this run, by keys that their clients chose. A client that cancels cannot know
 * whether its upload has ended meanwhile, and neither can the engine know whether its answer has
 * arrived: so a client takes back by key, whatever became of it.
 */
export class Uploads {
  readonly #folder: () => string | undefined;
  readonly #uploads = new Map<string, Upload>();

  /** @param folder the watch folder of the moment; undefined: there is none. */
  constructor(folder: () => string | undefined) {
    this.#folder = folder;
  }

  /**
   * @param name from another machine: not to be trusted.
   * @param use takes the path of the file, which stays only if this works.
   * @throws ModeliumError upload-refused, disk-full, cancelled when it was taken back; what `use`
   * throws.
   */
  async keep<Used>(name: string, bytes: Uint8Array, key: string, use: (path: string) => Promise<Used>): Promise<Used> {
    const upload = this.#named(key);
    const kept = keepFile(this.#folder(), name, bytes, upload.leaving.signal, use);
    upload.isRunning = true;
    upload.kept = kept
      .catch(() => null)
      .finally(() => {
        upload.isRunning = false;
      });
    return (await kept).used;
  }

  /** Resolves when nothing is left of it. An upload that comes later under this key is refused. */
  async takeBack(key: string): Promise<void> {
    const upload = this.#named(key);
    upload.leaving.abort();
    const kept = await upload.kept;
    if (kept === null) return;
    const now = await lstat(kept.path).catch(() => null);
    if (now !== null && identity(now) === kept.identity) await rm(kept.path, { force: true });
  }

  #named(key: string): Upload {
    const known = this.#uploads.get(key);
    if (known !== undefined) return known;
    const made: Upload = { leaving: new AbortController(), kept: Promise.resolve(null), isRunning: false };
    this.#uploads.set(key, made);
    const ended = [...this.#uploads].filter(([, { isRunning }]) => !isRunning);
    for (const [oldest] of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) this.#uploads.delete(oldest);
    return made;
  }
}

function identity({ dev, ino, size, mtimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs}`;
}

/** @param signal aborts when it is taken back: nothing stays, and the name can be used again. */
async function keepFile<Used>(
  folder: string | undefined,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
  use: (path: string) => Promise<Used>,
): Promise<Kept<Used>> {
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
    const written = identity(await made.stat());
    await made.close();
    signal.throwIfAborted();
    const used = await use(path);
    signal.throwIfAborted();
    return { path, identity: written, used };
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code === 'EEXIST') throw refuse(`${folder} has a file of that name already`);
    // Only what this call made: opening fails in other ways, too, where a file is there.
    if (made !== null) await Promise.allSettled([made.close(), rm(path, { force: true })]);
    if (signal.aborted) throw new ModeliumError('cancelled', 'The upload was taken back.');
    if (thrown instanceof ModeliumError) throw thrown;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new ModeliumError('disk-full', `${folder} has no room for ${shown}.`, { cause: thrown });
    throw refuse(`${folder} cannot be written to (${code})`, thrown);
  }
}
