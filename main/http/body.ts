/** Bodies: read whole, bounded, JSON whatever the content type says (plain `curl -d` sends a form's). Knows no route. */
import type { Readable } from 'node:stream';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';

export type BodyResult = { readonly body: Buffer } | { readonly error: ModeliumError };

const BYTES_PER_MB = 1024 * 1024;

/**
 * Collects a body. What comes beyond the limit is thrown away unread, so that a client which is still sending can take the answer; one that
 * goes on for as much again is cut off (I10).
 * @param limitMb api.max_body_mb
 * @param done called once, with the body or the error body-too-large; never when the client leaves before the end.
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
    if (bytes <= limit) done({ body: parts.length === 1 && first !== undefined ? first : Buffer.concat(parts) });
  });
}

/** Is the announced length too long already? Null when it is not, or not announced. */
export function refuseLength(contentLength: string | undefined, limitMb: number): ModeliumError | null {
  return contentLength !== undefined && Number(contentLength) > limitMb * BYTES_PER_MB ? bodyTooLarge(limitMb) : null;
}

function bodyTooLarge(limitMb: number): ModeliumError {
  return new ModeliumError('body-too-large', `The body is larger than the ${limitMb} MB that api.max_body_mb allows.`);
}

/** @throws ModeliumError invalid-json, also for JSON that is no object. `__proto__` comes out as an ordinary key of its own. */
export function parseObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) throw new ModeliumError('invalid-json', 'The body is empty.');
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
