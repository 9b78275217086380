/**
 * Reads the central directory of a zip archive: names, sizes and positions of its entries. It reads
 * and decompresses no entry. Pure and bounded (I7): the number of entries, the length of names,
 * offsets inside the file, and no two entries may overlap.
 */
import type { ByteSource } from './bytes.ts';
import { damaged, FormatError, HeaderReader } from './bytes.ts';

export interface ZipEntry {
  readonly name: string;
  readonly bytes: number;
  /** Bytes that it takes in the archive. */
  readonly packedBytes: number;
  readonly isStored: boolean;
  /** Where its local header begins. */
  readonly offset: number;
}

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const LOCATOR_BYTES = 20;
const END_64_BYTES = 56;
export const LOCAL_HEADER_BYTES = 30;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR = 0x07064b50;
const ENTRY = 0x02014b50;
const ZIP_64_FIELD = 1;
const STORED = 0;
const UNKNOWN_16 = 0xffff;
const UNKNOWN_32 = 0xffffffff;

/** Archives of the largest models have some 10,000 entries, one a tensor. */
const MAX_ENTRIES = 65_536;
const MAX_NAME_BYTES = 4096;
const MAX_DIRECTORY_BYTES = 16 * 1024 * 1024;
const MAX_FILE_BYTES = 2 ** 46;

interface Directory {
  readonly entries: number;
  readonly offset: number;
  readonly bytes: number;
}

/** Does it begin as an archive does that has entries? */
export function beginsAsZip(source: ByteSource): boolean {
  const start = source.read(0, Math.min(4, source.bytes));
  return start.length === 4 && start[0] === 0x50 && start[1] === 0x4b && start[2] === 3 && start[3] === 4;
}

/**
 * @throws FormatError `truncated` while its end is not there (the directory lies there), `damaged`
 * when it never can be right.
 */
export function readZip(source: ByteSource): readonly ZipEntry[] {
  const directory = findDirectory(source);
  const limits = {
    headerBytes: MAX_FILE_BYTES,
    keptBytes: 8 * 1024 * 1024,
    steps: MAX_ENTRIES * 24,
    fetchedBytes: 2 * MAX_DIRECTORY_BYTES,
  };
  const reader = new HeaderReader(source, limits, directory.offset);
  const entries: ZipEntry[] = [];
  for (let index = 0; index < directory.entries; index += 1) entries.push(readEntry(reader));
  if (reader.position !== directory.offset + directory.bytes) throw damaged('its directory is not as long as it says');
  checkPlaces(entries, directory.offset);
  return entries;
}

function findDirectory(source: ByteSource): Directory {
  const tailBytes = Math.min(source.bytes, END_BYTES + MAX_COMMENT_BYTES + LOCATOR_BYTES);
  const tailStart = source.bytes - tailBytes;
  const bytes = source.read(tailStart, tailBytes);
  const tail = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = tail.byteLength - END_BYTES; at >= 0; at -= 1) {
    // The comment's length must end where the file does: else it is a comment that looks like an
    // end.
    if (tail.getUint32(at, true) !== END || at + END_BYTES + tail.getUint16(at + 20, true) !== tail.byteLength) continue;
    return checked(directoryOf(source, tail, at, tailStart), tailStart + at);
  }
  throw new FormatError('truncated', 'the end of the archive is not there');
}

function directoryOf(source: ByteSource, tail: DataView, at: number, tailStart: number): Directory {
  const [disk, directoryDisk] = [tail.getUint16(at + 4, true), tail.getUint16(at + 6, true)];
  const entries = tail.getUint16(at + 10, true);
  const [bytes, offset] = [tail.getUint32(at + 12, true), tail.getUint32(at + 16, true)];
  const needsMore = entries === UNKNOWN_16 || bytes === UNKNOWN_32 || offset === UNKNOWN_32;
  if (needsMore && at >= LOCATOR_BYTES && tail.getUint32(at - LOCATOR_BYTES, true) === LOCATOR) {
    return readEnd64(source, tail, at - LOCATOR_BYTES, tailStart);
  }
  if (disk !== directoryDisk || (disk !== 0 && disk !== UNKNOWN_16)) throw damaged('it is one of several parts of an archive');
  return { entries, offset, bytes };
}

function readEnd64(source: ByteSource, tail: DataView, locator: number, tailStart: number): Directory {
  const place = number64(tail, locator + 8);
  if (place > tailStart + locator - END_64_BYTES) throw damaged('its directory lies where no directory can be');
  const reader = new HeaderReader(source, { headerBytes: MAX_FILE_BYTES, keptBytes: 0, steps: 16, fetchedBytes: 65_536 }, place);
  if (reader.u32() !== END_64) throw damaged('its directory lies where none is');
  reader.skip(28);
  return { entries: reader.u64(), bytes: reader.u64(), offset: reader.u64() };
}

function number64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}

function checked(directory: Directory, end: number): Directory {
  const { entries, offset, bytes } = directory;
  if (entries > MAX_ENTRIES) throw damaged(`it says that it has ${entries} entries; ${MAX_ENTRIES} are possible`);
  if (bytes > MAX_DIRECTORY_BYTES) throw damaged(`its directory has ${bytes} bytes; ${MAX_DIRECTORY_BYTES} are possible`);
  if (offset + bytes > end) throw damaged('its directory lies where no directory can be');
  return directory;
}

function readEntry(reader: HeaderReader): ZipEntry {
  if (reader.u32() !== ENTRY) throw damaged('its directory has an entry that is none');
  reader.skip(6);
  const method = reader.u16();
  reader.skip(8);
  let packedBytes = reader.u32();
  let bytes = reader.u32();
  const nameBytes = reader.u16();
  const extraBytes = reader.u16();
  const commentBytes = reader.u16();
  reader.skip(8);
  let offset = reader.u32();
  if (nameBytes > MAX_NAME_BYTES) throw damaged(`a name in it has ${nameBytes} bytes; ${MAX_NAME_BYTES} are possible`);
  const name = reader.text(nameBytes);
  const extraEnd = reader.position + extraBytes;
  while (extraEnd - reader.position >= 4) {
    const id = reader.u16();
    const end = reader.u16() + reader.position;
    if (end > extraEnd) throw damaged('an entry of its directory is longer than it says');
    if (id === ZIP_64_FIELD) {
      const next = (value: number): number => (value === UNKNOWN_32 && end - reader.position >= 8 ? reader.u64() : value);
      [bytes, packedBytes, offset] = [next(bytes), next(packedBytes), next(offset)];
    }
    reader.skip(end - reader.position);
  }
  reader.skip(extraEnd - reader.position + commentBytes);
  return { name, bytes, packedBytes, isStored: method === STORED, offset };
}

/** Every entry lies before the directory, and no two overlap. */
function checkPlaces(entries: readonly ZipEntry[], directoryOffset: number): void {
  let end = 0;
  for (const entry of entries.toSorted((one, other) => one.offset - other.offset)) {
    if (entry.offset < end) throw damaged('its entries overlap');
    if (entry.isStored && entry.bytes !== entry.packedBytes) throw damaged('an entry that is not packed has two lengths');
    end = entry.offset + LOCAL_HEADER_BYTES + entry.packedBytes;
    if (end > directoryOffset) throw damaged('an entry of it goes on into the directory');
  }
}
