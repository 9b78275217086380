/**
 * Writes zip archives of our own making, right or wrong. Knows the format from its specification,
 * not from our reader.
 */

export interface SyntheticEntry {
  readonly name: string;
  readonly content: Uint8Array | string;
}

export interface SyntheticZip {
  readonly comment?: string;
  /** Says entries, sizes and offsets in the 64-bit fields only. */
  readonly zip64?: boolean;
  /** Puts the directory's entries at these places instead. */
  readonly offsets?: readonly number[];
  readonly entryCount?: number;
}

function u16(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) buffer.writeUInt16LE(value, index * 2);
  return buffer;
}

function u32(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32LE(value, index * 4);
  return buffer;
}

function u64(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 8);
  for (const [index, value] of values.entries()) buffer.writeBigUInt64LE(BigInt(value), index * 8);
  return buffer;
}

export function writeZip(entries: readonly SyntheticEntry[], options: SyntheticZip = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [index, { name, content }] of entries.entries()) {
    const body = Buffer.from(content);
    const title = Buffer.from(name);
    const local = Buffer.concat([
      u32(0x04034b50),
      u16(20, 0, 0, 0, 0),
      u32(0, body.length, body.length),
      u16(title.length, 0),
      title,
      body,
    ]);
    const place = options.offsets?.[index] ?? offset;
    const big = options.zip64 === true;
    const extra = big ? Buffer.concat([u16(1, 24), u64(body.length, body.length, place)]) : Buffer.alloc(0);
    const sizes = big ? [0xffffffff, 0xffffffff] : [body.length, body.length];
    directory.push(
      Buffer.concat([
        u32(0x02014b50),
        u16(20, 20, 0, 0, 0, 0),
        u32(0, ...sizes),
        u16(title.length, extra.length, 0, 0, 0),
        u32(0, big ? 0xffffffff : place),
        title,
        extra,
      ]),
    );
    parts.push(local);
    offset += local.length;
  }
  const index = Buffer.concat(directory);
  const count = options.entryCount ?? entries.length;
  const comment = Buffer.from(options.comment ?? '');
  const tail: Buffer[] = [];
  if (options.zip64 === true) {
    tail.push(Buffer.concat([u32(0x06064b50), u64(44), u16(45, 45), u32(0, 0), u64(count, count, index.length, offset)]));
    tail.push(Buffer.concat([u32(0x07064b50, 0), u64(offset + index.length), u32(1)]));
    tail.push(Buffer.concat([u32(0x06054b50), u16(0, 0, 0xffff, 0xffff), u32(0xffffffff, 0xffffffff), u16(comment.length), comment]));
  } else {
    tail.push(Buffer.concat([u32(0x06054b50), u16(0, 0, count, count), u32(index.length, offset), u16(comment.length), comment]));
  }
  return Buffer.concat([...parts, index, ...tail]);
}

/** As `torch.jit.save` lays it out. */
export function torchScript(weights = 256): Buffer {
  return writeZip([
    { name: 'net/data/0', content: Buffer.alloc(weights, 1) },
    { name: 'net/data.pkl', content: 'x' },
    { name: 'net/code/__torch__/net.py', content: 'class Net(Module): ...' },
    { name: 'net/constants.pkl', content: 'x' },
    { name: 'net/version', content: '3' },
  ]);
}

/** As `torch.save` lays it out. */
export function checkpoint(weights = 256): Buffer {
  return writeZip([
    { name: 'archive/data.pkl', content: 'x' },
    { name: 'archive/byteorder', content: 'little' },
    { name: 'archive/data/0', content: Buffer.alloc(weights, 1) },
    { name: 'archive/version', content: '3' },
  ]);
}
