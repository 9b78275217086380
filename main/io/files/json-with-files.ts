/**
 * A JSON object with files as base64, generated while it is sent, because a large model would
 * otherwise be in memory three times and delay other work (I12).
 */
import { stat } from 'node:fs/promises';
import type { FilesInJson } from '../../core/process-ports.ts';
import { openResolved } from './open-file.ts';

/** Of a file at once: three bytes become four characters, so that pieces can be put together. */
const PIECE_BYTES = 3 * 64 * 1024;

export interface JsonWithFiles {
  /** Its whole length. */
  readonly bytes: number;
  stream(): AsyncGenerator<Buffer>;
}

/** @throws Error of the system where a file cannot be read, or becomes shorter meanwhile. */
export async function jsonWithFiles({ texts, files }: FilesInJson): Promise<JsonWithFiles> {
  const start = JSON.stringify({ parameters: texts }).slice(0, -2);
  const parts: { readonly head: Buffer; readonly path: string; readonly bytes: number }[] = [];
  for (const [name, path] of Object.entries(files)) {
    const comma = parts.length > 0 || Object.keys(texts).length > 0 ? ',' : '';
    const { size } = await stat(path);
    parts.push({ head: Buffer.from(`${comma}${JSON.stringify(name)}:"`), path, bytes: size });
  }
  const head = Buffer.from(start);
  const bytes = parts.reduce((sum, part) => sum + part.head.length + 4 * Math.ceil(part.bytes / 3) + 1, head.length + 2);
  async function* stream(): AsyncGenerator<Buffer> {
    yield head;
    for (const part of parts) {
      yield part.head;
      for await (const piece of piecesOf(part.path, part.bytes)) yield Buffer.from(piece.toString('base64'));
      yield Buffer.from('"');
    }
    yield Buffer.from('}}');
  }
  return { bytes, stream };
}

/** Of equal length but for the last: what is appended meanwhile is not read. */
async function* piecesOf(path: string, bytes: number): AsyncGenerator<Buffer> {
  const handle = await openResolved(path);
  try {
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      const piece = Buffer.alloc(Math.min(PIECE_BYTES, bytes - at));
      for (let filled = 0; filled < piece.length; ) {
        const { bytesRead } = await handle.read(piece, filled, piece.length - filled, at + filled);
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was sent.`);
        filled += bytesRead;
      }
      yield piece;
    }
  } finally {
    await handle.close();
  }
}
