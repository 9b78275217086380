/**
 * The accepted compressions of bodies, with their decoders. The reader of the decoded bytes bounds
 * their size.
 */
import type { IncomingMessage } from 'node:http';
import { PassThrough, type Readable, type Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { ModeliumError } from '../../shared/errors.ts';

/**
 * A decoder of zstd takes a window of what the first bytes of the body ask for, up to 128 MiB, and
 * V8 looks for garbage each time. RFC 9659 allows 8 MiB for bodies.
 */
const ZSTD_WINDOW = { params: { [constants.ZSTD_d_windowLogMax]: 23 } };

const WINDOW_TOO_LARGE = 'ZSTD_error_frameParameter_windowTooLarge';

const DECODERS: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
  ['zstd', () => createZstdDecompress(ZSTD_WINDOW)],
]);

/** Can such a body be read? Null when it can. @param encoding the header `content-encoding`. */
export function refuseEncoding(encoding: string | undefined): ModeliumError | null {
  if (encoding === undefined || isPlain(encoding) || DECODERS.has(encoding.toLowerCase())) return null;
  const shown = encoding.slice(0, 100);
  return new ModeliumError('encoding-not-supported', `Bodies with the content-encoding "${shown}" are not read here.`);
}

/**
 * The request itself, or a stream of its decoded bytes, which fails with ModeliumError invalid-body
 * for what is not encoded so.
 */
export function decodedBody(request: IncomingMessage): Readable {
  const encoding = request.headers['content-encoding'];
  const decoder = encoding === undefined ? undefined : DECODERS.get(encoding.toLowerCase())?.();
  if (decoder === undefined) return request;
  const decoded = new PassThrough();
  decoder.on('error', (error: Error & { readonly code?: string }) => {
    const why = error.code === WINDOW_TOO_LARGE ? 'its window is larger than 8 MiB, which RFC 9659 allows' : error.message;
    decoded.destroy(new ModeliumError('invalid-body', `The body is not ${encoding}, as its content-encoding says: ${why}.`));
  });
  // What may follow is not read.
  decoded.once('close', () => {
    request.unpipe(decoder);
    decoder.destroy();
  });
  request.once('close', () => {
    if (!request.complete) decoded.destroy();
  });
  request.pipe(decoder).pipe(decoded);
  return decoded;
}

/** How long the decoded body will be, by its head. Null: the head does not say. */
export function announcedBytes({ headers }: IncomingMessage): number | null {
  const { 'content-length': length, 'content-encoding': encoding = '' } = headers;
  return length === undefined || !isPlain(encoding) ? null : Number(length);
}

function isPlain(encoding: string): boolean {
  return encoding === '' || encoding.toLowerCase() === 'identity';
}
