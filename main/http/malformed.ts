/**
 * The answer to bytes that are no HTTP request, too long a head, or one that never ends; written by
 * hand, since there is no request.
 */
import { STATUS_CODES } from 'node:http';
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

function errorOf(thrown: Error & { code?: string }): ModeliumError {
  if (thrown.code === 'HPE_HEADER_OVERFLOW') return new ModeliumError('head-too-large', 'The head of the request is larger than 16 KiB.');
  if (thrown.code === 'ERR_HTTP_REQUEST_TIMEOUT') return new ModeliumError('request-timeout', 'The request did not come whole in time.');
  return new ModeliumError('malformed-http', `That is not HTTP: ${thrown.message}`);
}
