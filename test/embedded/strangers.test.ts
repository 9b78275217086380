/** Connections to a model's process by programs that do not have its key. */
import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Strangers } from '../../main/embedded/routes/strangers.ts';
import { eventually } from '../helpers/eventually.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

test('those of strangers are bounded, the oldest go, and the engine’s own stay', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/with-key') strangers.known(request.socket);
    response.end('fine');
  });
  const strangers = new Strangers(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  closing.push(
    () => server.close(),
    () => agent.destroy(),
  );
  const ask = async () => {
    const request = get({ port, host: '127.0.0.1', path: '/with-key', agent });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    return { status: response.statusCode, wasKept: request.reusedSocket };
  };
  expect(await ask()).toEqual({ status: 200, wasKept: false });
  const sockets: Socket[] = [];
  for (let count = 0; count < 200; count += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    closing.push(() => socket.destroy());
    sockets.push(socket);
    await once(socket, 'connect');
  }
  const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  await eventually('the oldest are gone', async () => (await connections()) === 65);
  await eventually('their clients hear of it', () => sockets.filter(({ closed }) => closed).length === 136);
  expect(sockets.slice(0, 136).every(({ closed }) => closed)).toBe(true);
  expect(await ask()).toEqual({ status: 200, wasKept: true });
  agent.destroy();
  expect((await ask()).status).toBe(200);
});
