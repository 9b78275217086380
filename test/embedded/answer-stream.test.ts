import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { AnswerStream } from '../../main/embedded/routes/answer-stream.ts';
import { readStrictly } from '../helpers/strict-stream.ts';

test('the head leaves before the first token, as soon as the request is known to be sound', async () => {
  const asked = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => asked.resolve(response)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const answer = fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const stream = new AnswerStream(
    await asked.promise,
    { route: 'chat', id: 'x', model: 'm', created: 1_790_000_000, fingerprint: 'build-1' },
    false,
  );
  stream.open();
  // Nothing else was written: without the head on its way this would wait for ever.
  const { status, headers, body } = await answer;
  expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
  void stream.part(0, { kind: 'text', text: 'Hello' }, []);
  stream.finish(0, 'stop');
  stream.end({ promptTokens: 1, cachedTokens: 0, completionTokens: 1 });
  expect(readStrictly(await new Response(body).text(), { route: 'chat' }).text).toBe('Hello');
  server.close();
});
