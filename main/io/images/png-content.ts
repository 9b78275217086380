/**
 * Measures how much of a PNG is not picture data: two megabytes may expand to two gigabytes, which
 * keep a decoder busy for half a minute, or hold a million empty chunks. Runs only in a separate
 * thread (I12).
 */
import { Readable } from 'node:stream';
import { createInflate } from 'node:zlib';
import type { ImageHead } from './image-head.ts';

const SIGNATURE_BYTES = 8;
/** Length and name before what a chunk holds, and a checksum behind it. */
const CHUNK_HEAD_BYTES = 8;
const CHUNK_BYTES = 12;
const IDAT = 0x49_44_41_54;
/** Whatever stands behind it, nobody reads. */
const IEND = 0x49_45_4e_44;
/** Encoders write some thousands of 8 KiB for the largest picture. */
const MOST_CHUNKS = 50_000;
/** Deflate makes no more of one byte. */
const MOST_RATIO = 1_032;
/** Sixteen bits for each of four channels. */
const MOST_PIXEL_BYTES = 8;
/** A byte for each row, of which an interlaced picture has seven passes. */
const MOST_ROW_BYTES = 16;
const PIECE_BYTES = 1024 * 1024;

/**
 * A clause: it is not worth decoding. Null: it is, or it is damaged in a way that its decoder
 * tells.
 */
export async function pngProblem(bytes: Uint8Array<ArrayBuffer>, { width, height }: ImageHead): Promise<string | null> {
  const parts = dataOf(bytes);
  if (parts === null) return `it has more than ${MOST_CHUNKS} chunks: save it again`;
  const most = height * (width * MOST_PIXEL_BYTES + MOST_ROW_BYTES);
  if (parts.reduce((sum, part) => sum + part.length, 0) * MOST_RATIO <= most) return null;
  let inflated = 0;
  try {
    for await (const piece of Readable.from(parts).pipe(createInflate({ chunkSize: PIECE_BYTES }))) {
      inflated += (piece as Buffer).length;
      if (inflated > most) return 'it holds far more than its pixels: save it again';
    }
  } catch {
    // Its decoder tells.
  }
  return null;
}

/** The compressed rows; null: there are too many chunks. */
function dataOf(bytes: Uint8Array<ArrayBuffer>): readonly Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let chunks = 0;
  for (let at = SIGNATURE_BYTES; at + CHUNK_BYTES <= bytes.length; chunks += 1) {
    if (chunks > MOST_CHUNKS) return null;
    const [length, name] = [view.getUint32(at), view.getUint32(at + 4)];
    if (name === IEND) break;
    if (name === IDAT) parts.push(bytes.subarray(at + CHUNK_HEAD_BYTES, at + CHUNK_HEAD_BYTES + length));
    at += CHUNK_BYTES + length;
  }
  return parts;
}
