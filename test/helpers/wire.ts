/**
 * A wire between a client and a server that can be cut: connections end, and none comes about until
 * it is mended.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Browsers take it for this machine, and the page works under it where api.allowed_hosts has it: at
 * another port of the engine's own names nobody else may pass its proof on.
 */
export const RELAY_NAME = 'relay.localhost';

export interface Wire {
  /** For a browser. */
  readonly address: string;
  cut(): void;
  mend(): void;
  close(): void;
}

/** @param server `http://127.0.0.1:PORT`. */
export async function startWire(server: string): Promise<Wire> {
  const { hostname, port } = new URL(server);
  const sockets = new Set<Socket>();
  let whole = true;
  const listener = createServer((near) => {
    if (!whole) {
      near.destroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    whole = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `http://${RELAY_NAME}:${(listener.address() as AddressInfo).port}`,
    cut,
    mend() {
      whole = true;
    },
    close() {
      cut();
      listener.close();
    },
  };
}
