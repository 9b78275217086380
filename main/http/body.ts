/** Bodies: read whole, bounded, JSON whatever the content type says (plain `curl -d` sends a form's). Knows no route. */
import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';

export type BodyResult = { readonly body: Buffer } | { readonly error: ModeliumError };

const BYTES_PER_MB = 1024 * 1024;
/** Editors and PowerShell put it in front of a file; to JSON it is no blank. */
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Collects a body. What comes beyond the limit is thrown away unread, so that a client which is still sending can take the answer; one that
 * goes on for as much again is cut off (I10).
 * @param limitMb api.max_body_mb
 * @param request the request, or the decoder of its body.
 * @param done called once, with the body, or with body-too-large or what the decoder met; never when the client leaves before the end.
 */
export function readBody(request: Readable, limitMb: number, done: (result: BodyResult) => void): void {
  const limit = limitMb * BYTES_PER_MB;
  let parts: Buffer[] = [];
  let bytes = 0;
  request.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes <= limit) {
      parts.push(part);
      return;
    }
    if (bytes - part.length <= limit) done({ error: bodyTooLarge(limitMb) });
    parts = [];
    if (bytes > 2 * limit + BYTES_PER_MB) request.destroy();
  });
  request.on('end', () => {
    const [first] = parts;
    if (bytes <= limit) done({ body: withoutMark(parts.length === 1 && first !== undefined ? first : Buffer.concat(parts)) });
  });
  // What the decoder of a compressed body says; a client that leaves is an error too, and needs no answer.
  request.on('error', (error) => {
    if (error instanceof ModeliumError && bytes <= limit) done({ error });
  });
}

function withoutMark(body: Buffer): Buffer {
  return body[0] === BYTE_ORDER_MARK[0] && body.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? body.subarray(BYTE_ORDER_MARK.length)
    : body;
}

/** Is the announced length too long already? Null when it is not, or not announced. */
export function refuseLength(contentLength: string | undefined, limitMb: number): ModeliumError | null {
  return contentLength !== undefined && Number(contentLength) > limitMb * BYTES_PER_MB ? bodyTooLarge(limitMb) : null;
}

function bodyTooLarge(limitMb: number): ModeliumError {
  return new ModeliumError('body-too-large', `The body is larger than the ${limitMb} MB that api.max_body_mb allows.`);
}

/** @throws ModeliumError invalid-json, also for what is not UTF-8, and for JSON that is no object. `__proto__` comes out as an ordinary key of its own. */
export function parseObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) throw new ModeliumError('invalid-json', 'The body is empty.');
  // Decoded all the same, foreign letters would become U+FFFD, and the model would be asked something else.
  if (!isUtf8(body)) throw new ModeliumError('invalid-json', 'The body is not UTF-8: encode it so, rather than as Latin-1, UTF-16 or GBK.');
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (thrown) {
    throw new ModeliumError('invalid-json', `The body is not JSON: ${toModeliumError(thrown).message.replace('Unexpected error: ', '')}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ModeliumError('invalid-json', 'The body is JSON, but not an object in braces.');
  }
  return value as Record<string, unknown>;
}

/** @throws ModeliumError invalid-json for what is nested deeper than JSON.stringify's stack. */
export function toJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new ModeliumError('invalid-json', 'The body is nested too deeply.');
    throw thrown;
  }
}
