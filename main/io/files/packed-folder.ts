/**
 * The files of a folder as one zip, made as it is read: nothing is written anywhere. Stored and not
 * compressed, since weights do not shrink, so that its length is known before it is sent. Source:
 * APPNOTE.TXT of PKWARE, 4.3 (local headers, data descriptors, the central directory).
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Packed, Packing } from '../../core/machine-files.ts';

/** Sizes and places are numbers of 32 bits without its later extension. */
const MOST_ZIP_BYTES = 0xffff_ffff;
const MOST_FILES = 10_000;
const [LOCAL, DESCRIPTOR, CENTRAL, END] = [0x04034b50, 0x08074b50, 0x02014b50, 0x06054b50];
const LOCAL_BYTES = 30;
const DESCRIPTOR_BYTES = 16;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const VERSION = 20;
/** The sums stand behind the data; names are UTF-8. */
const FLAGS = 0x0808;
/** The first of January 1980: the time of a file is none of its content. */
const DATE = 0x21;

interface Entry {
  readonly path: string;
  readonly name: Buffer;
  readonly bytes: number;
}

export interface PackedFolder extends Packed {
  stream(): AsyncGenerator<Buffer>;
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
    for await (const chunk of createReadStream(path, { end: Math.max(0, bytes - 1) })) sha1.update(chunk);
  }
  const files = entries.reduce((sum, { name, bytes }) => sum + LOCAL_BYTES + DESCRIPTOR_BYTES + CENTRAL_BYTES + 2 * name.length + bytes, 0);
  return { sha1: sha1.digest('hex'), bytes: files + END_BYTES, stream: () => zip(entries) };
}

async function entriesOf(folder: string, { below, mostBytes, without }: Packing): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let sum = 0;
  const root = await realpath(folder);
  for (const found of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(found.parentPath, found.name);
    const facts = found.isFile() || (found.isSymbolicLink() && (await staysInside(root, path))) ? await stat(path).catch(() => null) : null;
    if (facts === null || !facts.isFile() || without.some((ending) => path.endsWith(ending))) continue;
    sum += facts.size;
    const name = Buffer.from(posix.join(below, relative(folder, path).split(sep).join('/')));
    entries.push({ path, name, bytes: facts.size });
    if (sum > Math.min(mostBytes, MOST_ZIP_BYTES)) throw new Error(`The files of ${folder} are more than ${mostBytes} bytes.`);
    if (entries.length > MOST_FILES) throw new Error(`${folder} holds more than ${MOST_FILES} files.`);
  }
  return entries.sort((one, other) => Buffer.compare(one.name, other.name));
}

/**
 * Other tools keep a model as a folder of links to files beside it, by their content. Any other
 * link out of the folder leads to what nobody wants sent.
 */
async function staysInside(root: string, path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => '');
  return [root, join(root, '..', '..', 'blobs')].some((place) => real.startsWith(`${place}${sep}`));
}

async function* zip(entries: readonly Entry[]): AsyncGenerator<Buffer> {
  const central: Buffer[] = [];
  let at = 0;
  for (const { path, name, bytes } of entries) {
    const local = Buffer.alloc(LOCAL_BYTES);
    local.writeUInt32LE(LOCAL, 0);
    for (const [place, value] of [
      [4, VERSION],
      [6, FLAGS],
      [12, DATE],
      [26, name.length],
    ] as const)
      local.writeUInt16LE(value, place);
    yield Buffer.concat([local, name]);
    let sum = 0;
    let read = 0;
    if (bytes > 0)
      for await (const chunk of createReadStream(path, { end: bytes - 1 })) {
        sum = crc32(chunk, sum);
        read += chunk.length;
        yield chunk;
      }
    if (read !== bytes) throw new Error(`${path} became shorter while it was sent.`);
    yield sums(Buffer.alloc(DESCRIPTOR_BYTES), DESCRIPTOR, 4, sum, bytes);
    const head = sums(Buffer.alloc(CENTRAL_BYTES), CENTRAL, 16, sum, bytes);
    for (const [place, value] of [
      [4, VERSION],
      [6, VERSION],
      [8, FLAGS],
      [14, DATE],
      [28, name.length],
    ] as const)
      head.writeUInt16LE(value, place);
    head.writeUInt32LE(at, 42);
    central.push(head, name);
    at += LOCAL_BYTES + name.length + bytes + DESCRIPTOR_BYTES;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(END_BYTES);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  yield directory;
  yield end;
}

/** Signature, and from `place` on: the sum, and twice the length. */
function sums(buffer: Buffer, signature: number, place: number, sum: number, bytes: number): Buffer {
  buffer.writeUInt32LE(signature, 0);
  buffer.writeUInt32LE(sum >>> 0, place);
  buffer.writeUInt32LE(bytes, place + 4);
  buffer.writeUInt32LE(bytes, place + 8);
  return buffer;
}
