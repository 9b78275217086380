/**
 * Bounds the connections of programs that have not shown the key: any program on this machine may
 * open them, and each takes a descriptor that the engine's own would lack. The oldest goes for a
 * new one.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** The engine shows its key with its first bytes. */
const MOST_STRANGERS = 64;

export class Strangers {
  readonly #sockets = new Set<Socket>();

  /** Counts this server's connections. */
  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      const [oldest] = this.#sockets.size < MOST_STRANGERS ? [] : this.#sockets;
      if (oldest !== undefined) {
        this.#sockets.delete(oldest);
        oldest.destroy();
      }
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /** A request with the key came on it. */
  known(socket: Socket): void {
    this.#sockets.delete(socket);
  }
}
