/**
 * Limits the open connections of all our ports together, so that the process always has file
 * descriptors for models, files and control clients. An idle connection is closed before a new one
 * is refused. Knows no route.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ModeliumError } from '../../shared/errors.ts';
import { answerByHand } from './malformed.ts';
import { sendError } from './respond.ts';

/** For files, folders that are listened to, and three for each child. */
const LEAST_RESERVE = 256;
const RESERVE_RATIO = 8;
/** Even where the limit of descriptors is tiny. */
const FEWEST = 16;
/** Each takes some 10 KiB of memory, however many descriptors there may be. */
const MOST = 20_000;
/** Connections beyond the bound, for who controls the engine. */
const SPARE = 32;
/** What a client sends with its connection has come by then. */
const SILENT_MS = 250;
/**
 * A body that came so slowly for so long makes room: a byte a second would hold its connection for
 * minutes.
 */
const SLOW_MS = 2_000;
const SLOW_BYTES_PER_SECOND = 1024;
/** Requests that one client may send before the first of them is answered. */
const MOST_PIPELINED = 64;
/**
 * Their bodies wait in memory, and no others do: beyond what Node buffers of one it reads nothing
 * of the connection, and would not see that the client has left.
 */
const MOST_WAITING_BODY_BYTES = 16 * 1024;
/** Of all connections together. */
const MOST_WAITING_BYTES = 32 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 1;

export interface ConnectionsPorts {
  /** How many descriptors this process may have open. */
  readonly descriptors: number;
  now(): number;
}

interface Connection {
  readonly openedMs: number;
  /** It came when there was room only for control. */
  readonly isSpare: boolean;
  /** Requests that came while an earlier one was being answered. */
  pipelined: number;
  /** Of their bodies. */
  waitingBytes: number;
  /** When its bytes were counted last, to tell a body or an answer that hardly comes on. */
  readonly counted: { bytes: number; atMs: number };
}

export class Connections {
  readonly #ports: ConnectionsPorts;
  readonly #most: number;
  /**
   * Who has asked for nothing yet first, then by the last request: the first idle one is the one to
   * go.
   */
  readonly #silent = new Map<Socket, Connection>();
  readonly #asked = new Map<Socket, Connection>();
  #waitingBytes = 0;

  constructor(ports: ConnectionsPorts) {
    this.#ports = ports;
    const reserve = Math.max(LEAST_RESERVE, ports.descriptors / RESERVE_RATIO);
    // Each may need a second descriptor, to its model.
    this.#most = Math.min(MOST, Math.max(FEWEST, Math.floor((ports.descriptors - reserve) / 2)));
  }

  /** How many may be open for inference. */
  get most(): number {
    return this.#most;
  }

  /**
   * Counts this server's connections, and says which of them are idle: for Node those are too who
   * have not yet taken an answer that is written, and not those who have sent nothing yet or half
   * of a request.
   */
  follow(server: Server): void {
    server.closeIdleConnections = () => this.#closeIdle(server);
    server.on('connection', (socket: Socket) => this.#opened(socket));
  }

  /**
   * A request came on this connection. `act` is called at once, or when the requests before it on
   * the same connection are answered: one connection asks one thing at a time, so that the number
   * of connections bounds what is asked.
   */
  asked(response: ServerResponse, act: () => void): void {
    const { socket } = response.req;
    const connection = this.#asked.get(socket) ?? this.#silent.get(socket);
    if (connection !== undefined) {
      this.#silent.delete(socket);
      this.#asked.delete(socket);
      this.#asked.set(socket, connection);
      connection.counted.bytes = movedBytes(socket);
      connection.counted.atMs = this.#ports.now();
    }
    if (response.socket !== null) return act();
    if (connection !== undefined) {
      connection.pipelined += 1;
      if (connection.pipelined > MOST_PIPELINED) {
        takeNoMore(socket);
        socket.destroy();
        return;
      }
    }
    const bytes = this.#waitingBytesOf(response.req);
    // Read on, so that its end is seen, and thrown away.
    if (bytes === null) response.req.resume();
    this.#wait(connection, bytes ?? 0);
    response.once('socket', () => {
      if (connection !== undefined) connection.pipelined -= 1;
      this.#wait(connection, -(bytes ?? 0));
      if (bytes === null) sendError(response, sentTooEarly(), { connection: 'close' });
      else act();
    });
  }

  /** What a request keeps in memory until its turn comes; null: more than it may. */
  #waitingBytesOf({ headers }: IncomingMessage): number | null {
    if (headers['transfer-encoding'] !== undefined) return null;
    const bytes = Number(headers['content-length'] ?? 0);
    return bytes <= MOST_WAITING_BODY_BYTES && this.#waitingBytes + bytes <= MOST_WAITING_BYTES ? bytes : null;
  }

  #wait(connection: Connection | undefined, bytes: number): void {
    if (connection === undefined) return;
    connection.waitingBytes += bytes;
    this.#waitingBytes += bytes;
  }

  /** Whether this connection is kept for control, because the others are all in use. */
  isSpare(socket: Socket): boolean {
    return this.#size > this.#most && this.#asked.get(socket)?.isSpare === true;
  }

  #closeIdle(server: Server): void {
    for (const socket of [...this.#silent.keys(), ...this.#asked.keys()]) {
      const isAnswered = answered(socket)?.req.complete === true || socket.writableLength > 0;
      if ((socket as { readonly server?: Server }).server === server && !isAnswered) socket.destroy();
    }
  }

  get #size(): number {
    return this.#silent.size + this.#asked.size;
  }

  #opened(socket: Socket): void {
    while (this.#size >= this.#most && this.#makeRoom());
    const isSpare = this.#size >= this.#most;
    if (this.#size >= this.#most + SPARE) {
      socket.on('error', () => {});
      answerByHand(socket, tooManyConnections());
      return;
    }
    const nowMs = this.#ports.now();
    const connection = { openedMs: nowMs, isSpare, pipelined: 0, waitingBytes: 0, counted: { bytes: 0, atMs: nowMs } };
    this.#silent.set(socket, connection);
    socket.once('close', () => {
      this.#silent.delete(socket);
      this.#asked.delete(socket);
      this.#wait(connection, -connection.waitingBytes);
    });
  }

  /** @returns whether one was closed. */
  #makeRoom(): boolean {
    const nowMs = this.#ports.now();
    const gone =
      first(this.#silent, (_socket, { openedMs }) => nowMs - openedMs >= SILENT_MS) ??
      first(this.#asked, (socket) => answered(socket) === null) ??
      first(this.#asked, (socket, connection) => isStuck(socket, connection, nowMs));
    if (gone === null) return false;
    this.#silent.delete(gone);
    this.#asked.delete(gone);
    gone.destroy();
    return true;
  }
}

function sentTooEarly(): ModeliumError {
  const message = 'This request came before the one in front of it on its connection was answered, and its body is too large to wait.';
  return new ModeliumError('invalid-body', `${message} Send it on a connection of its own.`);
}

/** For a client that is turned away. */
export function tooManyConnections(): ModeliumError {
  const message = 'All connections that this process may have open are in use.';
  return new ModeliumError('busy-with-connections', message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
}

function first(of: ReadonlyMap<Socket, Connection>, matches: (socket: Socket, connection: Connection) => boolean): Socket | null {
  for (const [socket, connection] of of) if (matches(socket, connection)) return socket;
  return null;
}

/**
 * Node makes a request of all that came at once, also after the end of the connection: 64 KiB are
 * 1,300 of them. An answer of 2 to the head of the next one tells its parser that no HTTP follows.
 */
function takeNoMore(socket: Socket): void {
  const { parser } = socket as { readonly parser?: { onIncoming: () => number } | null };
  if (parser != null) parser.onIncoming = () => 2;
}

/** The request that is being answered on it. Node keeps it there, and has no other way to tell. */
function answered(socket: Socket): ServerResponse | null {
  return (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? null;
}

/**
 * Its body hardly comes on, or its client hardly takes the answer. Counts what moved so far as it
 * looks, at most every two seconds.
 */
function isStuck(socket: Socket, { counted }: Connection, nowMs: number): boolean {
  const sinceMs = nowMs - counted.atMs;
  if (sinceMs < SLOW_MS || (answered(socket)?.req.complete !== false && socket.writableLength === 0)) return false;
  const bytesPerSecond = ((movedBytes(socket) - counted.bytes) * 1000) / sinceMs;
  counted.bytes = movedBytes(socket);
  counted.atMs = nowMs;
  return bytesPerSecond < SLOW_BYTES_PER_SECOND;
}

/** What the system has taken, in both directions. */
function movedBytes(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten - socket.writableLength;
}
