/**
 * A stream whose client reads nothing: its place is given to those who wait for it, and only then.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { AnswerStream } from '../../main/embedded/routes/answer-stream.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A response whose client never reads. */
async function unread(): Promise<{ response: ServerResponse; client: Socket }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  client.on('error', () => {});
  closing.push(
    () => server.close(),
    () => client.destroy(),
  );
  client.pause();
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  return { response, client };
}

const head = { route: 'completion', id: 'cmpl-1', model: 'm', created: 1, fingerprint: 'build-1' } as const;

/** Writes until the client's and our buffers are full. */
async function fill(stream: AnswerStream): Promise<void> {
  const part = { kind: 'text', text: 'x'.repeat(100_000) } as const;
  for (;;) {
    const full = stream.part(0, part, []);
    if (full !== undefined) return await full;
  }
}

test('others wait: the answer ends, and its place is free', async () => {
  const { response } = await unread();
  const stream = new AnswerStream(response, head, false, () => true, 5);
  while (!response.destroyed) await fill(stream);
  expect(response.destroyed).toBe(true);
});

test('nobody waits: it goes on when the client reads on', async () => {
  const { response, client } = await unread();
  let asked = 0;
  const stream = new AnswerStream(response, head, false, () => asked++ < 0, 5);
  const filling = (async () => {
    while (asked < 3) await fill(stream);
  })();
  while (asked < 3) await new Promise(setImmediate);
  client.resume();
  await filling;
  expect(response.destroyed).toBe(false);
});
