/**
 * A stream whose client reads nothing: its place is given to those who wait for it, and only then.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { AnswerStream } from '../../main/embedded/routes/answer-stream.ts';
import { readStat } from '../../main/io/processes/proc.ts';
import { eventually } from '../helpers/eventually.ts';
import { FULL } from '../helpers/full.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { KEY, startServer } from './start-server.ts';

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

// Half a minute of patience, and what fills the system's buffers before.
test.runIf(FULL)(
  'four unread streams of 128 answers each leave a place to who asks next, on a real llama.cpp',
  async ({ onTestFinished }) => {
    const folder = await mkdtemp(join(tmpdir(), 'modelium-unread-'));
    const model = await writeTinyGguf(folder, { name: 'tiny' });
    const server = await startServer(['--model', model, '--alias', 'tiny', '--ctx-size', '8192', '--parallel', '4']);
    onTestFinished(async () => {
      await server.stop();
      await rm(folder, { recursive: true });
    });
    // Token 2 ends a text: without it each answer is as long as it may be.
    const body = JSON.stringify({ prompt: 'the model', n: 128, max_tokens: 2_000, logit_bias: { '2': -100 }, logprobs: 20, stream: true });
    const head = `POST /v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${KEY}\r\ncontent-length: ${body.length}\r\n\r\n`;
    const clients = Array.from({ length: 4 }, () => connect(server.port, '127.0.0.1').on('error', () => {}));
    closing.push(...clients.map((client) => () => void client.destroy()));
    for (const client of clients) {
      client.write(head + body);
      const [first] = (await once(client, 'data')) as [Buffer];
      client.pause();
      expect(first.toString()).toMatch(/^HTTP\/1\.1 200/);
    }
    // Once nobody takes the bytes, nothing more is computed.
    let before = 0;
    await eventually(
      'all of them stand still',
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        const now = readStat(server.child.pid!)!.cpuMs;
        const isStill = now - before < 100;
        before = now;
        return isStill;
      },
      200_000,
    );
    const { status } = await server.json('/v1/completions', { prompt: 'the model', max_tokens: 1 });
    expect(status).toBe(200);
    // One of them gave its place.
    const cut = Promise.race(clients.map((client) => once(client, 'close')));
    for (const client of clients) client.resume();
    await cut;
  },
  300_000,
);
