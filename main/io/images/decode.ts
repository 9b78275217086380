/**
 * Decodes PNG and JPEG to pixels with WebAssembly decoders, so that a hostile file can damage only
 * the decoder's own memory. Runs only in a separate thread, after the caller has checked the head
 * of the file.
 */
import { readFileSync } from 'node:fs';
import decodeJpeg, { init as initJpeg } from '@jsquash/jpeg/decode.js';
import decodePng, { init as initPng } from '@jsquash/png/decode.js';
import type { ImageFormat, ImageHead } from './image-head.ts';
import type { Pixels } from './resample.ts';

/** Paths of the two decoders. */
export type Decoders = Readonly<Record<ImageFormat, string>>;

interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

const started = new Set<ImageFormat>();

/** Upright, where a camera wrote how it was held. A clause: it cannot be decoded. */
export async function decoded(
  bytes: Uint8Array<ArrayBuffer>,
  { format, width, height }: ImageHead,
  paths: Decoders,
): Promise<Pixels | string> {
  if (!started.has(format)) {
    const program = readFileSync(paths[format]);
    await (format === 'png' ? initPng(program) : initJpeg({ wasmBinary: aloneInMemory(program), quit: thrown, printErr: () => {} }));
    started.add(format);
  }
  let image: Decoded | null;
  try {
    const file = aloneInMemory(bytes);
    image = (await (format === 'png' ? decodePng(file) : decodeJpeg(file, { preserveOrientation: true }))) as Decoded | null;
  } catch {
    image = null;
  }
  const isWhole = image !== null && image.width * image.height === width * height && image.data.length === width * height * 4;
  if (image === null || !isWhole) return `it is a damaged ${format === 'png' ? 'PNG' : 'JPEG'}`;
  return {
    width: image.width,
    height: image.height,
    channels: 4,
    data: new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.length),
  };
}

/** At an error its library would end the thread. */
function thrown(_status: number, error: unknown): never {
  throw error;
}

function aloneInMemory({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): ArrayBuffer {
  return buffer.slice(byteOffset, byteOffset + byteLength);
}
