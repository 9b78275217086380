/**
 * Writes answers: JSON, text, errors in the common format, and the heads of event streams. Decides
 * nothing.
 */
import type { ServerResponse } from 'node:http';
import { type ErrorEnvelope, ModeliumError } from '../../shared/errors.ts';
import { IGNORED_HEADER } from '../../shared/ignored-fields.ts';
import type { Lease } from '../core/gateway.ts';
import type { Clock } from '../core/ports.ts';
import { whenClosed } from './leaving.ts';
import { isUnread } from './unread.ts';

/** How long a client may take to fetch the error event that ends its broken stream. */
const LAST_WORDS_MS = 5_000;
/**
 * Browsers throw away what a page has not read yet of a stream that breaks: the error event would
 * go with it.
 */
const READ_MS = 50;

export type Headers = Readonly<Record<string, string>>;

/**
 * `no-transform` and X-Accel-Buffering keep proxies between us and the client from collecting the
 * events.
 */
export const EVENT_STREAM_HEADERS: Headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** Sends the head of an event stream now, unless one is out. */
export function beginEventStream(response: ServerResponse, headers: Headers): void {
  if (response.headersSent) return;
  response.writeHead(200, { ...EVENT_STREAM_HEADERS, ...headers });
  // Node keeps a head until the first byte behind it, which may take a minute. Mostly that byte
  // comes in this same turn, and both go out together.
  process.nextTick(flushHead, response);
}

function flushHead(response: ServerResponse): void {
  if (!response.destroyed) response.flushHeaders();
}

/**
 * What a head tells of the model. @param lease null: it never became ready, or is not yet. @param
 * ignoredFields of the request.
 */
export function modelHeaders(modelId: string, lease: Lease | null, ignoredFields: readonly string[]): Headers {
  const model = headerText(modelId);
  const ignored = ignoredFields.length === 0 ? null : { [IGNORED_HEADER]: ignoredFields.join(', ') };
  if (lease === null) return { 'x-modelium-model': model, ...ignored };
  return {
    ...ignored,
    'x-modelium-model': model,
    'x-modelium-runtime': lease.runtime,
    'x-modelium-queue-ms': String(Math.round(lease.queueMs)),
    'x-modelium-load-ms': String(Math.round(lease.loadMs)),
  };
}

/** A header holds ASCII alone: a name of another script is percent-encoded, as in an address. */
function headerText(name: string): string {
  return /^[ -~]*$/.test(name) ? name : encodeURIComponent(name);
}

export function isEventStream(headers: Readonly<Record<string, string | string[] | undefined>>): boolean {
  const type = headers['content-type'];
  return typeof type === 'string' && type.startsWith('text/event-stream');
}

export function sendText(
  response: ServerResponse,
  status: number,
  contentType: string,
  text: string | Buffer,
  headers: Headers = {},
): void {
  const ending = isUnread(response.req) ? { connection: 'close' } : null;
  response.writeHead(status, { ...headers, ...ending, 'content-type': contentType, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

export function sendJson(response: ServerResponse, status: number, value: unknown, headers: Headers = {}): void {
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(value), headers);
}

/** A good answer of which one member is JSON already: it may be large, and is not copied. */
export function sendJsonAround(
  response: ServerResponse,
  headers: Headers,
  { before, name, json, after }: { readonly before: object; readonly name: string; readonly json: Uint8Array; readonly after: object },
): void {
  const [open, close] = [JSON.stringify(before).slice(0, -1), JSON.stringify(after).slice(1)];
  const parts = [Buffer.from(`${open},${JSON.stringify(name)}:`), json, Buffer.from(`,${close}`)];
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const ending = isUnread(response.req) ? { connection: 'close' } : null;
  response.writeHead(200, { ...headers, ...ending, 'content-type': 'application/json; charset=utf-8', 'content-length': length });
  for (const part of parts) response.write(part);
  response.end();
}

/**
 * Never a stack: only the envelope. Does nothing when an answer has begun or the client is gone.
 */
export function sendError(response: ServerResponse, error: ModeliumError, headers: Headers = {}): void {
  if (response.headersSent || response.destroyed) return;
  sendJson(response, error.status, error.envelope(), { ...errorHeaders(error), ...headers });
}

/** The headers that belong to an error, beside those of its route. */
export function errorHeaders(error: ModeliumError): Headers {
  const { retryAfterSeconds } = error.details;
  return {
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(error.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  };
}

/** The error as the last event of a stream whose status has gone out long ago. */
export function errorEvent(envelope: ErrorEnvelope): string {
  return `data: ${JSON.stringify(envelope)}\n\n`;
}

/** A 404 that helps. @param nearest names like it, best first. */
export function modelNotFound(name: string, nearest: readonly string[]): ModeliumError {
  const shown = name.length > 100 ? `${name.slice(0, 100)}...` : name;
  const hint = nearest.length === 0 ? '' : ` Did you mean ${nearest.slice(0, 3).join(', ')}?`;
  return new ModeliumError('model-not-found', `There is no model "${shown}".${hint}`, { param: 'model' });
}

/**
 * Ends a stream so that nobody takes it for whole: an error event, then a transfer without its end.
 * What went out before it are whole events.
 */
export function cutStream(response: ServerResponse, envelope: ErrorEnvelope, clock: Clock): void {
  const stops = [clock.after(LAST_WORDS_MS, () => response.destroy())];
  whenClosed(response, () => {
    for (const stop of stops) stop();
  });
  response.write(errorEvent(envelope), () => stops.push(clock.after(READ_MS, () => response.destroy())));
}
