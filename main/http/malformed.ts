/**
 * Answers bytes that are not HTTP, a head that is too large, or a head that never ends. It writes
 * the raw response, because there is no request object. Also refuses heads that Node accepts but
 * that other programs understand differently.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { ModeliumError } from '../../shared/errors.ts';
import { errorHeaders } from './respond.ts';

/** Answers, and closes the connection: whatever comes after such bytes is no request either. */
export function answerMalformed(thrown: Error & { code?: string }, socket: Socket): void {
  // In the middle of an answer these bytes would become a part of it.
  const answering = (socket as { _httpMessage?: unknown })._httpMessage;
  if (thrown.code === 'ECONNRESET' || !socket.writable || answering) {
    socket.destroy();
    return;
  }
  answerByHand(socket, errorOf(thrown));
}

/** An answer without a request: what the socket gets before it is closed. */
export function answerByHand(socket: Socket, error: ModeliumError): void {
  const body = JSON.stringify(error.envelope());
  socket.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close\r\n` +
      Object.entries(errorHeaders(error))
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('') +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    // Without this a client that keeps its side open would hold the connection for ever.
    () => socket.destroy(),
  );
}

const HOST = 'host';

/**
 * What RFC 9112 has a server refuse, and Node takes: more than one Host (section 3.2), and a body
 * in a coding that we do not undo (section 6.1), of which the end might never come. Null for every
 * other head.
 */
export function refuseHead({ headers, rawHeaders }: Pick<IncomingMessage, 'headers' | 'rawHeaders'>): ModeliumError | null {
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return new ModeliumError(
      'malformed-http',
      `A body with "transfer-encoding: ${coding.slice(0, 100)}" is not read here, only "chunked" is.`,
    );
  }
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === HOST.length && name.toLowerCase() === HOST) hosts += 1;
  }
  return hosts > 1 ? new ModeliumError('malformed-http', 'The request has more than one Host header.') : null;
}

function errorOf(thrown: Error & { code?: string }): ModeliumError {
  if (thrown.code === 'HPE_HEADER_OVERFLOW') return new ModeliumError('head-too-large', 'The head of the request is larger than 16 KiB.');
  if (thrown.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ModeliumError('request-timeout', 'The request did not come whole in time.');
  return new ModeliumError('malformed-http', `That is not HTTP: ${thrown.message}`);
}
