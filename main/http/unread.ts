/**
 * Handles bodies that are not read to their end: the answer announces that the connection closes,
 * the client gets a moment to read it, and is then disconnected even if it still sends (I10). Knows
 * no route.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../core/ports.ts';

/** A body so small is thrown away, and its connection stays. */
const SMALL_BYTES = 64 * 1024;
/**
 * So much of larger ones is thrown away, of all together: for clients that look for their answer
 * only when all is sent. What is beyond it fills the client's own buffers.
 */
const THROWN_AWAY_BYTES_PER_SECOND = 16 * 1024 * 1024;
const SECOND_MS = 1_000;
const LINGER_MS = 1_000;

/**
 * Is a body still coming that is worth a connection? To be asked before the head of the answer is
 * written.
 */
export function isUnread(request: IncomingMessage): boolean {
  return !request.complete && mayBeLarge(request);
}

/**
 * Also one of a length that is not told, and one that waits to be asked for: nobody can tell
 * whether it comes.
 */
function mayBeLarge({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || headers.expect !== undefined || Number(headers['content-length'] ?? 0) > SMALL_BYTES;
}

export class UnreadBodies {
  readonly #clock: Clock;
  /** The last request of each connection that may bring a large body. */
  readonly #latest = new WeakMap<Socket, IncomingMessage>();
  #thrownAwayBytes = 0;
  #sinceMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Sees to it that the connection ends with the answer, unless the body is whole by then. Closing
   * at once would not do: the system then throws away what the client has not read yet of its
   * answer, because bytes of the client are left unread.
   * @param response not answered yet.
   */
  follow(response: ServerResponse): void {
    const { req: request } = response;
    if (!mayBeLarge(request)) return;
    const { socket } = request;
    if (!this.#latest.has(socket)) {
      // This is how Node ends a connection after an answer that says so.
      const { destroySoon } = socket;
      socket.destroySoon = () => (this.#latest.get(socket)?.complete === false ? this.#linger(socket) : destroySoon.call(socket));
    }
    this.#latest.set(socket, request);
    response.once('finish', () => {
      if (!request.complete) this.#linger(socket);
    });
  }

  #linger(socket: Socket): void {
    if (socket.writableEnded) return;
    // Past Node's parser, which would go on making parts of a body of it.
    socket.removeAllListeners('data');
    socket.on('data', (part: Buffer) => {
      if (!this.#mayThrowAway(part.length)) socket.pause();
    });
    socket.resume();
    socket.end();
    const stop = this.#clock.after(LINGER_MS, () => socket.destroy());
    socket.once('close', stop);
  }

  #mayThrowAway(bytes: number): boolean {
    const nowMs = this.#clock.now();
    if (nowMs - this.#sinceMs >= SECOND_MS) {
      this.#sinceMs = nowMs;
      this.#thrownAwayBytes = 0;
    }
    this.#thrownAwayBytes += bytes;
    return this.#thrownAwayBytes <= THROWN_AWAY_BYTES_PER_SECOND;
  }
}
