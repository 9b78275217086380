/**
 * Packs a folder into a zip while it is read: nothing is written to disk. Files are stored without
 * compression, because weights do not shrink; the length is therefore known before sending. The
 * only importer of client-zip.
 */
import { createHash } from 'node:crypto';
import { lstat, readdir, realpath } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { makeZip, predictLength } from 'client-zip';
import type { Packed, Packing } from '../../core/machine-files.ts';
import { openResolved } from './open-file.ts';

/** A zip of this and more has numbers of 64 bits, which not everybody reads. */
const MOST_ZIP_BYTES = 0xffff_ffff;
const MOST_FILES = 10_000;
/** The time of a file is none of its content. */
const DATE = new Date(1980, 0, 1);

interface Entry {
  /** Without links. */
  readonly path: string;
  readonly name: Buffer;
  readonly bytes: number;
}

export interface PackedFolder extends Packed {
  stream(): AsyncIterable<Uint8Array>;
}

/**
 * Reads every file once for the name, and once more when it is sent. @throws Error, in a sentence,
 * where a file cannot be read, or there are too many.
 */
export async function packedFolder(folder: string, packing: Packing): Promise<PackedFolder> {
  const entries = await entriesOf(folder, packing);
  const sha1 = createHash('sha1');
  for (const { path, name, bytes } of entries) {
    sha1.update(`${name.length} ${bytes} `).update(name);
    for await (const chunk of read(path, bytes)) sha1.update(chunk);
  }
  const bytes = Number(predictLength(entries.map(listed)));
  return {
    sha1: sha1.digest('hex'),
    bytes,
    stream: () =>
      makeZip(
        entries.map((entry) => ({ ...listed(entry), input: contentOf(entry) })),
        { buffersAreUTF8: true },
      ),
  };
}

async function entriesOf(folder: string, { below, mostBytes, without }: Packing): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let sum = 0;
  const root = await realpath(folder);
  for (const found of await readdir(root, { recursive: true, withFileTypes: true })) {
    const listedPath = join(found.parentPath, found.name);
    const path = found.isFile() ? listedPath : found.isSymbolicLink() ? await leadsTo(root, listedPath) : null;
    const facts = path === null ? null : await lstat(path).catch(() => null);
    if (path === null || facts?.isFile() !== true || without.some((ending) => listedPath.endsWith(ending))) continue;
    sum += facts.size;
    const name = Buffer.from(posix.join(below, relative(root, listedPath).split(sep).join('/')));
    entries.push({ path, name, bytes: facts.size });
    if (sum > Math.min(mostBytes, MOST_ZIP_BYTES)) throw new Error(`The files of ${folder} are more than ${mostBytes} bytes.`);
    if (entries.length > MOST_FILES) throw new Error(`${folder} holds more than ${MOST_FILES} files.`);
  }
  return entries.sort((one, other) => Buffer.compare(one.name, other.name));
}

/**
 * Other tools keep a model as a folder of links to files beside it, by their content. Any other
 * link out of the folder leads to what nobody wants sent: null.
 */
async function leadsTo(root: string, link: string): Promise<string | null> {
  const real = await realpath(link).catch(() => '');
  return [root, join(root, '..', '..', 'blobs')].some((place) => real.startsWith(`${place}${sep}`)) ? real : null;
}

async function* contentOf({ path, bytes }: Entry): AsyncGenerator<Uint8Array> {
  let sent = 0;
  for await (const chunk of read(path, bytes)) {
    sent += chunk.length;
    yield chunk;
  }
  if (sent !== bytes) throw new Error(`${path} became shorter while it was sent.`);
}

/** What is appended meanwhile is not read. */
async function* read(path: string, bytes: number): AsyncGenerator<Buffer> {
  if (bytes === 0) return;
  const handle = await openResolved(path);
  for await (const chunk of handle.createReadStream({ start: 0, end: bytes - 1 })) yield chunk as Buffer;
}

function listed({ name, bytes }: Entry) {
  return { name, size: bytes, lastModified: DATE };
}
