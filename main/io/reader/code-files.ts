/**
 * Reads the code files of a candidate completely: their hash, and the beginning of text files. Runs
 * in the reader process, because it reads synchronously (I12). Executes nothing of what it reads
 * (I7) and writes nothing (I8).
 */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, readSync } from 'node:fs';
import { ModeliumError } from '../../../shared/errors.ts';
import type { CodeFile, CodeReading } from '../../core/ports.ts';
import { blockingDisk } from '../files/disk.ts';
import { errorCode, type ListedFile, listCandidateFiles } from '../files/files.ts';
import { openListed } from '../files/open-file.ts';
import { whyUnreadable } from '../files/unreadable.ts';
import { pauseInTime } from '../pause-in-time.ts';

const CHUNK_BYTES = 1024 * 1024;
/** What a person looks at of one file, and of all of them together (I10). */
const PREVIEW_BYTES = 64 * 1024;
const PREVIEW_BYTES_IN_ALL = 1024 * 1024;

/**
 * @param names of the files, relative to the candidate's root.
 * @param onProgress told of the bytes read so far, now and then.
 * @throws ModeliumError content-changed, path-invalid.
 */
export async function readCode(path: string, names: readonly string[], onProgress: (readBytes: number) => void): Promise<CodeReading> {
  const found = await listCandidateFiles(path, blockingDisk);
  if (found === null) throw changed(`${path} is not there any more.`);
  if (found.unreadable !== null) throw new ModeliumError('path-invalid', found.unreadable);
  // Code can import it, and no hash would tell that it changed.
  if (found.unlisted !== null) {
    throw new ModeliumError(
      'path-invalid',
      `${found.unlisted}: code there could not be shown, so the rest cannot be trusted. Move it away.`,
    );
  }
  const listed = new Map(found.files.map((file) => [file.path, file]));
  const hash = createHash('sha256');
  const files: CodeFile[] = [];
  let readBytes = 0;
  let previewBytes = PREVIEW_BYTES_IN_ALL;
  for (const name of [...new Set(names)].toSorted()) {
    const file = listed.get(name);
    if (file === undefined) throw changed(`${name} is not there any more.`);
    const start = await readInto(hash, file, (bytes) => {
      readBytes += bytes;
      onProgress(readBytes);
    });
    const text = textOf(start, file.bytes);
    const isShown = text !== null && start.length <= previewBytes;
    if (isShown) previewBytes -= start.length;
    const { absolute: _, ...identity } = file;
    // A text that is not shown must not look like what is none: nobody would ask for the rest of
    // it.
    files.push({ ...identity, preview: isShown ? text : null, isCut: text !== null && (!isShown || file.bytes > PREVIEW_BYTES) });
  }
  return { hash: hash.digest('hex'), files };
}

/** Hashes path, size and bytes. @returns the first PREVIEW_BYTES. */
async function readInto(hash: Hash, file: ListedFile, onRead: (bytes: number) => void): Promise<Buffer> {
  const { path, bytes } = file;
  const descriptor = await opened(file);
  try {
    // As JSON on a line of its own: no two lists of files give the same text.
    hash.update(`${JSON.stringify([path, bytes])}\n`);
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, Math.max(1, bytes)));
    let start = Buffer.alloc(0);
    for (let offset = 0; offset < bytes; ) {
      pauseInTime();
      const got = readSync(descriptor, chunk, 0, Math.min(chunk.length, bytes - offset), offset);
      if (got === 0) throw changed(`${path} became shorter while it was read.`);
      if (offset < PREVIEW_BYTES) start = Buffer.concat([start, chunk.subarray(0, Math.min(got, PREVIEW_BYTES - offset))]);
      hash.update(chunk.subarray(0, got));
      offset += got;
      onRead(got);
    }
    const after = fstatSync(descriptor);
    if (after.size !== bytes || after.mtimeMs !== file.mtimeMs || after.ctimeMs !== file.ctimeMs) {
      throw changed(`${path} was written to while it was read.`);
    }
    return start;
  } finally {
    closeSync(descriptor);
  }
}

async function opened(file: ListedFile): Promise<number> {
  try {
    return openListed(file);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ELOOP') throw changed(`${file.path} is not there any more.`);
    throw code === null ? error : new ModeliumError('path-invalid', await whyUnreadable(file.absolute, code));
  }
}

/** The text that these bytes are; null where they are none. */
function textOf(start: Buffer, bytes: number): string | null {
  if (start.includes(0)) return null;
  try {
    // Where it is cut in the middle of a character, that one is left out; within a whole file half
    // a character means that it is no text.
    return new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: bytes > start.length });
  } catch {
    return null;
  }
}

function changed(sentence: string): ModeliumError {
  return new ModeliumError('content-changed', sentence);
}
