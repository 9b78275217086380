/** Clients that have left before their request begins: nothing is done for them, and nothing kept. */
import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Setup, startSetup, until } from './harness.ts';

const MB = 1_000_000;
let setup: Setup;
const responses: ServerResponse[] = [];
const arrived = (message: unknown) => void responses.push((message as { response: ServerResponse }).response);

beforeEach(async () => {
  setup = await startSetup({ api: { max_buffered_mb: 64, max_body_mb: 64 } });
  channel('http.server.request.start').subscribe(arrived);
});
afterEach(async () => {
  channel('http.server.request.start').unsubscribe(arrived);
  responses.length = 0;
  await setup.close();
});

/** Sends a whole request, and is gone. */
async function leaveAfter(body: Buffer, encoding: string): Promise<void> {
  const client = connect(setup.port, '127.0.0.1');
  await once(client, 'connect');
  client.write(`POST /predict/tiny HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`);
  client.write(body, () => client.destroy());
  await once(client, 'close');
}

const areGone = () => responses.every(({ destroyed }) => destroyed);

test('a body is decoded after its client has left: no place at the model is taken for it', async () => {
  const body = gzipSync(JSON.stringify({ prompt: 'a', stream: true }));
  for (let count = 1; count <= 50; count++) {
    await leaveAfter(body, 'gzip');
    await until(() => responses.length === count && areGone());
  }
  await until(() => setup.engine.leases.every(({ released }) => released === 1));
  expect((await fetch(`${setup.address}/predict/tiny`, { method: 'POST', body: '{"prompt":"a"}' })).status).toBe(200);
});

test('a large body is decoded after its client has left: its memory is free for others', async () => {
  const body = gzipSync(JSON.stringify({ prompt: 'a'.repeat(30 * MB) }));
  for (let count = 1; count <= 10; count++) {
    await leaveAfter(body, 'gzip');
    await until(() => responses.length === count && areGone());
  }
  const answer = await fetch(`${setup.address}/predict/tiny`, { method: 'POST', body: JSON.stringify({ prompt: 'a'.repeat(50 * MB) }) });
  expect(await answer.text()).toContain('Hello');
});

test('a client that leaves before the folders were looked at asks for nothing after that', async () => {
  const begun = Promise.withResolvers<void>();
  setup.engine.begun = begun.promise;
  await leaveAfter(Buffer.from('{"prompt":"a"}'), 'identity');
  await until(() => responses.length === 1 && areGone());
  begun.resolve();
  setup.engine.begun = null;
  expect((await fetch(`${setup.address}/predict/tiny`, { method: 'POST', body: '{"prompt":"b"}' })).status).toBe(200);
  expect(setup.upstream.seen.map(({ raw }) => raw)).toEqual([expect.stringContaining('"b"')]);
});
