/**
 * Reads the format and size of an image from its first bytes, before anything is decoded, so that a
 * small file that expands to a huge picture is refused at no cost (I7, I10). Pure.
 */

export type ImageFormat = 'png' | 'jpeg';

export interface ImageHead {
  readonly format: ImageFormat;
  readonly width: number;
  readonly height: number;
}

/**
 * A picture of a good camera; decoded it takes four bytes a pixel, and while it is decoded up to
 * twelve.
 */
export const MOST_PIXELS = 40_000_000;
/** As many as a JPEG can have: what is longer is no picture. */
const LONGEST_SIDE = 65_535;
/** More segments than any camera writes before the picture itself. */
const MOST_SEGMENTS = 2_000;
/**
 * Scans of a progressive JPEG: encoders make some ten. Each of them goes over all of the picture,
 * and may have sixty bytes.
 */
const MOST_SCANS = 50;
const START_OF_SCAN = 0xda;

/** A clause in place of a head: it cannot be read. */
export function imageHead(bytes: Uint8Array): ImageHead | string {
  const head = isPng(bytes) ? pngHead(bytes) : isJpeg(bytes) ? jpegHead(bytes) : null;
  if (head === null) return `it is ${otherFormat(bytes) ?? 'no image'}, and PNG and JPEG are read`;
  if (typeof head === 'string') return head;
  const { width, height } = head;
  if (width === 0 || height === 0) return 'it has no pixels';
  if (width * height > MOST_PIXELS || Math.max(width, height) > LONGEST_SIDE)
    return `it has ${width} x ${height} pixels, and ${MOST_PIXELS / 1_000_000} million are read at most: make it smaller`;
  return head;
}

function startsWith(bytes: Uint8Array, signature: readonly number[], at = 0): boolean {
  return signature.every((byte, index) => bytes[at + index] === byte);
}

const isPng = (bytes: Uint8Array): boolean => startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const isJpeg = (bytes: Uint8Array): boolean => startsWith(bytes, [0xff, 0xd8, 0xff]);

/** The header chunk comes first. */
function pngHead(bytes: Uint8Array): ImageHead | string {
  if (bytes.length < 33 || !startsWith(bytes, [0x49, 0x48, 0x44, 0x52], 12)) return 'it is a damaged PNG';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { format: 'png', width: view.getUint32(16), height: view.getUint32(20) };
}

/** Segments one after another, up to the one that begins a frame: its size stands there. */
function jpegHead(bytes: Uint8Array): ImageHead | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const damaged = 'it is a damaged JPEG';
  let at = 2;
  for (let segments = 0; segments < MOST_SEGMENTS && at + 4 <= bytes.length; segments += 1) {
    if (bytes[at] !== 0xff) return damaged;
    const marker = bytes[at + 1] ?? 0;
    // Any number of fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      if (at + 9 > bytes.length) return damaged;
      if (hasManyScans(bytes, at)) return `it has more than ${MOST_SCANS} scans: save it again with fewer`;
      return { format: 'jpeg', height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    // The picture begins, or ends, without a frame.
    if (marker === START_OF_SCAN || marker === 0xd9) return damaged;
    const length = view.getUint16(at + 2);
    if (length < 2) return damaged;
    at += 2 + length;
  }
  return damaged;
}

/** @param at where the frame begins: what stands before it may hold a small picture of its own. */
function hasManyScans(bytes: Uint8Array, at: number): boolean {
  let scans = 0;
  // Inside of a scan a zero follows each 0xff; only markers have another byte there.
  for (let from = bytes.indexOf(0xff, at); from >= 0 && scans <= MOST_SCANS; from = bytes.indexOf(0xff, from + 1)) {
    if (bytes[from + 1] === START_OF_SCAN) scans += 1;
  }
  return scans > MOST_SCANS;
}

const OTHERS: readonly (readonly [string, readonly number[], number])[] = [
  ['a WebP', [0x57, 0x45, 0x42, 0x50], 8],
  ['a GIF', [0x47, 0x49, 0x46, 0x38], 0],
  ['a BMP', [0x42, 0x4d], 0],
  ['a TIFF', [0x49, 0x49, 0x2a, 0x00], 0],
  ['a TIFF', [0x4d, 0x4d, 0x00, 0x2a], 0],
  ['an AVIF or HEIC', [0x66, 0x74, 0x79, 0x70], 4],
];

function otherFormat(bytes: Uint8Array): string | null {
  return OTHERS.find(([, signature, at]) => startsWith(bytes, signature, at))?.[0] ?? null;
}
