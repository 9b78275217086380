/**
 * Clients that do not read their answers keep no place at a model for which others wait: the whole
 * way, from the runtime's endless stream to a client's socket.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MIB } from '../../shared/units.ts';
import { createVirtualClock, type VirtualClock } from '../helpers/virtual-clock.ts';
import { type Setup, startSetup, until } from './harness.ts';

let setup: Setup;
let clock: VirtualClock;
let upstream: PromiseWithResolvers<ServerResponse>;
let client: Socket;
beforeEach(async () => {
  clock = createVirtualClock();
  setup = await startSetup({ clock });
  upstream = Promise.withResolvers();
  setup.upstream.answer = (response) => upstream.resolve(response);
  const body = JSON.stringify({ model: 'tiny', prompt: 'a', stream: true });
  client = connect({ port: setup.port, host: '127.0.0.1' }).on('error', () => {});
  client.pause();
  client.write(`POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
});
afterEach(async () => {
  client.destroy();
  await setup.close();
});

/** Writes events until nobody takes more for a while. */
async function fill(response: ServerResponse): Promise<void> {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' });
  const event = `data: ${JSON.stringify({ choices: [{ index: 0, text: 'x'.repeat(1_000) }] })}\n\n`;
  for (let looks = 0; looks < 5 && !response.destroyed; ) {
    if (response.writableNeedDrain) {
      looks += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    } else {
      looks = 0;
      response.write(event);
    }
  }
}

it('one that reads nothing is left alone until others wait, and then it is cut and its place is free', async () => {
  const response = await upstream.promise;
  await fill(response);
  await clock.advance(600_000);
  expect([response.destroyed, setup.engine.leases[0]?.released]).toEqual([false, 0]);
  setup.engine.isWaitedFor = true;
  const closed = once(response, 'close');
  await clock.advance(30_000);
  await closed;
  expect(setup.engine.leases[0]?.released).toBe(1);
  await until(() => setup.engine.reports.length === 1);
  await clock.advance(60_000);
  expect(clock.pending).toBe(0);
});

it('one that reads nothing is cut while bodies are refused for want of memory', async () => {
  const response = await upstream.promise;
  await fill(response);
  setup.settings = { ...setup.settings, api: { ...setup.settings.api, max_buffered_mb: 1 } };
  const refused = await fetch(`${setup.address}/predict/tiny`, { method: 'POST', body: JSON.stringify({ prompt: 'x'.repeat(2 * MIB) }) });
  expect(refused.status).toBe(503);
  const closed = once(response, 'close');
  await clock.advance(30_000);
  await closed;
  expect(setup.engine.leases[0]?.released).toBe(1);
});

it('one that reads on goes on, though others wait', async () => {
  const response = await upstream.promise;
  await fill(response);
  setup.engine.isWaitedFor = true;
  let read = 0;
  client.on('data', ({ length }: Buffer) => (read += length));
  for (let looks = 0; looks < 5; looks += 1) {
    const before = read;
    client.resume();
    await until(() => read > before + MIB);
    client.pause();
    await fill(response);
    await clock.advance(30_000);
  }
  expect([response.destroyed, setup.engine.leases[0]?.released]).toEqual([false, 0]);
});
