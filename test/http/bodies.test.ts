/**
 * Bodies of requests: how large, how deep, how many of them at once, and what is not read at all.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { connect, type Socket } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WaitOptions } from '../../main/core/gateway.ts';
import { createLargeJson } from '../../main/io/large-json.ts';
import { collectGarbage } from '../../main/io/memory.ts';
import { programs } from '../../main/programs.ts';
import { MIB } from '../../shared/units.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';
import { ask, type Setup, startSetup, until, WITH_TOKEN } from './harness.ts';

let setup: Setup;
let sockets: Socket[];
let clock: ReturnType<typeof createVirtualClock>;
beforeEach(async () => {
  clock = createVirtualClock();
  setup = await startSetup({ clock, api: { max_buffered_mb: 8, max_body_mb: 4 } });
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await setup.close();
});

interface Opened {
  readonly socket: Socket;
  /** What came back so far. */
  answer(): string;
}

/** Sends this, and stays. */
function opened(text: string): Opened {
  const socket = connect({ port: setup.port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  let answer = '';
  socket.on('data', (part) => (answer += String(part))).on('error', () => {});
  socket.write(text);
  return { socket, answer: () => answer };
}

/** Sends a head and a part of its body, and stays. */
function unfinished(path: string, sentBytes: number, announcedBytes = 4 * MIB): Opened {
  const made = opened(`POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${announcedBytes}\r\n\r\n{"a":"`);
  made.socket.write(Buffer.alloc(sentBytes, 120));
  return made;
}

const largeBody = () => ({ body: JSON.stringify({ model: 'tiny', prompt: 'x'.repeat(2 * MIB) }) });

/**
 * Asks with a large body until it is refused. Where what the others have announced is still coming,
 * it finds room, and one of them is refused in its place: another one fills the budget again.
 */
async function refusedBeside(others: Opened[]) {
  for (;;) {
    const answer = await ask(setup, '/v1/completions', largeBody());
    if (answer.status === 503) return answer;
    expect(answer.status).toBe(200);
    others.push(unfinished('/v1/completions', 3 * MIB));
  }
}

describe('the budget of all bodies', () => {
  it('refuses with 503 and Retry-After when it is used up, serves small requests on, and is given back', async () => {
    // Two of them fill it.
    const many = Array.from({ length: 6 }, () => unfinished('/v1/completions', 3 * MIB));
    await until(() => many.filter(({ answer }) => answer().includes('503')).length === 4);
    const refused = await refusedBeside(many);
    expect(refused.json.error.code).toBe('busy-with-bodies');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await ask(setup, '/v1/completions', { body: { model: 'tiny', prompt: 'a' } })).status).toBe(200);
    for (const { socket } of many) socket.destroy();
    while ((await ask(setup, '/v1/completions', largeBody())).status !== 200);
    // Whole bodies give their bytes back as well.
    for (let times = 0; times < 6; times += 1) expect((await ask(setup, '/v1/completions', largeBody())).status).toBe(200);
  });

  it('cuts a body that is silent for long before it refuses another one', async () => {
    const silent = Array.from({ length: 3 }, () => unfinished('/v1/completions', 3 * MIB));
    await until(() => silent.some(({ answer }) => answer().includes('503')));
    const isCut = () => silent.some(({ answer }) => answer().includes('408'));
    // The last bytes of one may have been on their way still: then there was room without a cut, or
    // one that was not silent yet was in the way.
    for (let status = 0; status !== 200 || !isCut(); ) {
      await refusedBeside(silent);
      await clock.advance(2_000);
      ({ status } = await ask(setup, '/v1/completions', largeBody()));
    }
  });
});

it('a body in chunks of a byte is read, but no long one', async () => {
  const head = 'POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n';
  const text = JSON.stringify({ model: 'tiny', prompt: 'x'.repeat(5_000) });
  const whole = opened(`${head}${[...text].map((letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`);
  await until(() => whole.answer().includes('HTTP/1.1 200'));
  expect(setup.upstream.seen.map(({ raw }) => raw)).toEqual([text]);
  const long = opened(`${head}${'1\r\nx\r\n'.repeat(50_000)}`);
  await new Promise((resolve) => long.socket.once('end', resolve));
  expect(long.answer()).toContain('HTTP/1.1 400');
  expect(long.answer()).toContain('send it in larger ones');
});

describe('a compressed body', () => {
  const post = async (encoding: string, body: Buffer) => {
    const answer = await fetch(`${setup.address}/v1/completions`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    });
    return { status: answer.status, text: await answer.text() };
  };
  const plain = JSON.stringify({ model: 'tiny', prompt: 'a' });

  it.each([
    ['gzip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ])('%s is read, and reaches the runtime as it was before', async (encoding, compress) => {
    expect((await post(encoding, compress(plain))).status).toBe(200);
    expect(JSON.parse(setup.upstream.seen[0]?.raw ?? '')).toMatchObject({ prompt: 'a' });
  });

  it('that is damaged, unknown, or far larger than it looks is refused by name', async () => {
    expect(await post('gzip', Buffer.from(plain))).toEqual({ status: 400, text: expect.stringContaining('The body is not gzip') });
    expect(await post('compress', Buffer.from(plain))).toEqual({ status: 415, text: expect.stringContaining('encoding-not-supported') });
    const bomb = gzipSync(JSON.stringify({ model: 'tiny', prompt: 'x'.repeat(64 * MIB) }));
    expect(bomb.length).toBeLessThan(MIB);
    expect(await post('gzip', bomb)).toEqual({ status: 413, text: expect.stringContaining('body-too-large') });
    expect(setup.upstream.seen).toEqual([]);
  });

  it('a few bytes of zstd that want a window of 128 MiB are refused before it is made', async () => {
    const windowOf = (log: number) => {
      const head = [0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3, ((plain.length << 3) | 1) & 0xff, plain.length >> 5, 0];
      return Buffer.concat([Buffer.from(head), Buffer.from(plain)]);
    };
    expect((await post('zstd', windowOf(23))).status).toBe(200);
    expect(await post('zstd', windowOf(27))).toEqual({ status: 400, text: expect.stringContaining('larger than 8 MiB') });
  });
});

it.each([
  ['small', { model: 'tiny', prompt: 'a' }],
  ['small, by another name', { model: 'owner/tiny', prompt: 'a' }],
  ['large', { model: 'tiny', prompt: 'a', suffix: 'x'.repeat(100_000) }],
])('a mark of the order of bytes in front of a body means nothing: %s', async (_, body) => {
  const answer = await ask(setup, '/v1/completions', { body: `\ufeff${JSON.stringify(body)}` });
  expect(answer.status).toBe(200);
  expect(setup.upstream.seen[0]?.raw[0]).toBe('{');
});

describe('what is not read', () => {
  const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';
  const ANNOUNCED = 'content-length: 4000000\r\n\r\n';
  /** Beyond what is read, thrown away, and kept by the system. */
  const SENT_BYTES = 40 * MIB;

  it.each([
    ['a model that there is not', 'POST /predict/nothing', ANNOUNCED, 404],
    ['the same, of no known length', 'POST /predict/nothing', CHUNKED, 404],
    ['the same, passed on as it is', 'PUT /upstream/nothing/a', CHUNKED, 404],
    ['a route that there is not', 'POST /nothing', ANNOUNCED, 404],
    ['a method that there is not', 'PATCH /health', CHUNKED, 405],
    ['a method that nobody knows of', 'POST /status', CHUNKED, 405],
    ['a caller without the token', 'POST /control/plan', ANNOUNCED, 401],
    ['a control route, beyond 64 KiB', 'POST /control/prove', ANNOUNCED, 413],
    ['a control route, of no known length', 'POST /control/prove', CHUNKED, 413],
    ['a length that is too much', 'POST /v1/completions', `content-length: ${64 * MIB}\r\n\r\n`, 413],
    ['one that turns out to be too much', 'POST /v1/completions', CHUNKED, 413],
    ['a form that turns out to be too much', 'POST /v1/audio/transcriptions', CHUNKED, 413],
    ['what is not compressed as it says', 'POST /v1/completions', `content-encoding: gzip\r\n${CHUNKED}`, 400],
    ['an encoding that nobody reads', 'POST /v1/completions', `content-encoding: rot13\r\n${CHUNKED}`, 415],
    ['a foreign page', 'POST /predict/tiny', `origin: https://evil.example\r\n${CHUNKED}`, 403],
    ['a GET', 'GET /health', CHUNKED, 200],
    ['a GET of control', 'GET /status', CHUNKED, 200],
    ['a GET of control without the token', 'GET /control/snapshot', ANNOUNCED, 401],
    ['a HEAD', 'HEAD /health', CHUNKED, 200],
  ])('%s: the connection ends with the answer, whatever still comes', async (_, request, rest, status) => {
    let taken: Socket | null = null;
    const onRequest = (message: unknown): void => {
      taken ??= (message as { socket: Socket }).socket;
    };
    subscribe('http.server.request.start', onRequest);
    const { socket, answer } = opened(`${request} HTTP/1.1\r\nhost: localhost\r\n${rest}`);
    const part = Buffer.alloc(64 * 1024, 'x');
    const chunk = rest.endsWith(CHUNKED) ? Buffer.concat([Buffer.from('10000\r\n'), part, Buffer.from('\r\n')]) : part;
    const ended = new Promise((resolve) => socket.once('end', resolve));
    for (let bytes = 0; bytes < SENT_BYTES; bytes += chunk.length) socket.write(chunk);
    await ended;
    unsubscribe('http.server.request.start', onRequest);
    expect(answer()).toContain(`HTTP/1.1 ${status} `);
    expect(answer()).toMatch(/\r\nconnection: close\r\n/i);
    for (let before = -1; before !== taken!.bytesRead; ) {
      before = taken!.bytesRead;
      for (let times = 0; times < 5; times += 1) await ask(setup, '/health');
    }
    expect(taken!.bytesRead).toBeLessThan(SENT_BYTES - 8 * MIB);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end();
    await clock.advance(1_000);
    await closed;
  });

  it.each([
    ['/v1/completions', 40 * MIB, 413],
    ['/predict/nothing', 3 * MIB, 404],
  ])('an ordinary client that sends to %s all the same hears why', async (path, bytes, status) => {
    expect((await ask(setup, path, { body: 'x'.repeat(bytes) })).status).toBe(status);
  });

  it('what stands behind a compressed body is not read, and ends the connection with the answer', async () => {
    const body = gzipSync(JSON.stringify({ model: 'tiny', prompt: 'a' }));
    const head = 'POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-encoding: gzip\r\n';
    const { socket, answer } = opened(`${head}content-length: ${4 * MIB}\r\n\r\n`);
    socket.write(body);
    socket.write(Buffer.alloc(64 * 1024));
    await until(() => answer().includes('HTTP/1.1 200'));
    await new Promise((resolve) => socket.once('end', resolve));
  });

  it('a small body that nobody wants costs no connection', async () => {
    const { socket, answer } = opened('');
    const request = 'POST /predict/nothing HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\n';
    socket.write(request);
    await until(() => answer().includes('404'));
    socket.write(`{}${request}{}`);
    await until(() => answer().split('HTTP/1.1 404').length === 3);
    expect(answer()).not.toMatch(/connection: close/i);
  });

  it('asks for no body that it does not want (Expect: 100-continue)', async () => {
    const socket = connect(setup.port, '127.0.0.1');
    sockets.push(socket);
    let answer = '';
    socket.on('data', (part) => (answer += String(part))).on('error', () => {});
    socket.write('POST /predict/nothing HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: 100\r\n\r\n');
    await until(() => answer.includes('404'));
    expect(answer).not.toContain('100 Continue');
  });
});

describe('large bodies', () => {
  it('reach the runtime as they came, but for an alias, in any order of their members', async () => {
    const messages = Array.from({ length: 3_000 }, (_, index) => ({ role: 'user', content: `"${index}" \\ {[ü` }));
    for (const body of [
      { model: 'owner/tiny', messages, stream: false },
      { messages, stream: false, model: 'tiny' },
    ]) {
      const got = await ask(setup, '/v1/chat/completions', { body });
      expect(got.status).toBe(200);
      expect(setup.upstream.seen.at(-1)?.body).toEqual({ ...body, model: 'tiny' });
    }
    const predicted = await ask(setup, '/predict/tiny', { body: { messages: messages.slice(0, 2_000) } });
    expect(predicted.status).toBe(200);
    expect(setup.upstream.seen.at(-1)?.body['messages']).toEqual(messages.slice(0, 2_000));
  });

  it('keep long texts whole where a request is written anew: its text, its place, and what stands beside it', async () => {
    const long = (letter: string) => `${letter}"\\\n\u2028ü😀`.repeat(20_000);
    const chat = [
      { role: 'system', content: long('a') },
      {
        role: 'user',
        content: [
          { type: 'text', text: long('b') },
          { type: 'text', text: 'short "0"' },
        ],
      },
    ];
    expect((await ask(setup, '/predict/tiny', { body: { messages: chat, stop: ['x'], max_tokens: 3 } })).status).toBe(200);
    expect(setup.upstream.seen.at(-1)?.body).toMatchObject({ model: 'tiny', messages: chat, stop: ['x'], max_tokens: 3 });
    expect((await ask(setup, '/predict/tiny', { body: { prompt: long('c') } })).status).toBe(200);
    expect(JSON.stringify(setup.upstream.seen.at(-1)?.body)).toContain(JSON.stringify(long('c')));
    // Members that are added at the end, to bytes that nobody reads.
    const streamed = await ask(setup, '/v1/chat/completions', { body: { model: 'owner/tiny', messages: chat, stream: true } });
    expect(streamed.status).toBe(200);
    expect(setup.upstream.seen.at(-1)?.body).toEqual({
      model: 'tiny',
      messages: chat,
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('with more messages than tokens, or too large a schema, never reach the runtime, where its bounds are known', async () => {
    const lease = setup.engine.ensureReady;
    const known =
      (contextTokens: number, schemaValues = 1) =>
      async (id: string, options: WaitOptions) => {
        const given = await lease(id, options);
        return { ...given, endpoint: { ...given.endpoint, bounds: { contextTokens, schemaValues } } };
      };
    const body = { model: 'owner/tiny', messages: Array.from({ length: 3_000 }, () => ({ role: 'user', content: 'A message.' })) };
    setup.engine.ensureReady = known(2_999);
    const refused = await ask(setup, '/v1/chat/completions', { body });
    expect([refused.status, refused.json.error.code, refused.json.error.param]).toEqual([400, 'context_length_exceeded', 'messages']);
    expect(refused.json.error.message).toBe('3000 messages do not fit a context of 2999 tokens.');
    expect(setup.upstream.seen).toEqual([]);
    setup.engine.ensureReady = known(3_000);
    expect((await ask(setup, '/v1/chat/completions', { body })).status).toBe(200);
    setup.upstream.seen.length = 0;
    const schema = { enum: Array.from({ length: 80_000 }, (_, index) => `value ${index}`) };
    for (const [param, more] of Object.entries({
      response_format: { type: 'json_schema', json_schema: { schema } },
      json_schema: schema,
    })) {
      const asked = { ...body, messages: [{ role: 'user', content: 'a' }], [param]: more };
      setup.engine.ensureReady = known(3_000, 160_000);
      const tooLarge = await ask(setup, '/v1/chat/completions', { body: asked });
      expect([tooLarge.status, tooLarge.json.error.param]).toEqual([400, param]);
      expect(tooLarge.json.error.message).toContain('more than 160000 values');
      expect(setup.upstream.seen).toEqual([]);
      setup.engine.ensureReady = known(3_000, 161_000);
      expect((await ask(setup, '/v1/chat/completions', { body: asked })).status).toBe(200);
      setup.upstream.seen.length = 0;
    }
  });

  const refuse = (body: string | Buffer<ArrayBuffer>) => fetch(`${setup.address}/v1/completions`, { method: 'POST', body });

  it.each([
    ['too deep', `{"model":"tiny","suffix":${'['.repeat(9_000)}${']'.repeat(9_000)}}`, 'nested'],
    ['not UTF-8 but Latin-1', Buffer.from('{"model":"tiny","prompt":"gr\xfcn"}', 'latin1'), 'UTF-8'],
    ['not UTF-8 but UTF-16', Buffer.from('{"model":"tiny","prompt":"a"}', 'utf16le'), ''],
  ])('a small body that is %s: 400', async (_, body, word) => {
    const answer = await refuse(body);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toContain(word);
  });

  it.each([
    ['too deep', `{"model":"tiny","suffix":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'nested'],
    ['too many values', `{"model":"tiny","a":[${'{},'.repeat(1_300_000)}{}]}`, 'values'],
    ['not closed', `{"model":"tiny","a":[${'{},'.repeat(100_000)}`, 'JSON'],
    [
      'not UTF-8',
      Buffer.concat([Buffer.from(`{"model":"tiny","a":[${'{},'.repeat(100_000)}"`), Buffer.from([0xff]), Buffer.from('"]}')]),
      'UTF-8',
    ],
  ])('%s: 400, and the engine answers others meanwhile', async (_, body, word) => {
    const { read } = setup.largeJson;
    const reading = Promise.withResolvers<string>();
    const others = Promise.withResolvers<void>();
    setup.largeJson.read = async (bytes, options) => {
      reading.resolve('is read elsewhere');
      await others.promise;
      return read(bytes, options);
    };
    const refused = refuse(body);
    expect(await Promise.race([reading.promise, refused.then(() => 'was read in a turn of this thread')])).toBe('is read elsewhere');
    expect((await ask(setup, '/health')).status).toBe(200);
    others.resolve();
    const answer = await refused;
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toContain(word);
  });

  it('a file may be as large as a body of inference, and is not JSON; without the token nothing is read', async () => {
    const path = '/control/library/upload?name=a.gguf';
    const body = `GGUF${'\u0000'.repeat(100_000)}`;
    expect((await ask(setup, path, { headers: { ...WITH_TOKEN, 'content-type': 'text/plain' }, body })).json).toEqual({
      path: '/incoming/a.gguf',
      id: 'sent',
    });
    expect(setup.engine.asked).toEqual([['upload', 'a.gguf', 100_004, expect.stringMatching(/^[\w-]{36}$/)]]);
    expect((await ask(setup, path, { body })).status).toBe(401);
    expect((await ask(setup, '/control/library/upload', { headers: WITH_TOKEN, body })).status).toBe(400);
    setup.settings = { ...setup.settings, api: { ...setup.settings.api, max_body_mb: 1 } };
    const large = await ask(setup, path, { headers: WITH_TOKEN, body: 'x'.repeat(MIB + 1) });
    expect(large.status).toBe(413);
    expect(large.json.error.message).toContain('api.max_body_mb');
  });

  it('keep many short texts whole, of which the engine builds few again', async () => {
    const { read } = setup.largeJson;
    let builtCharacters = 0;
    setup.largeJson.read = async (bytes, options) => {
      const answer = await read(bytes, options);
      builtCharacters = JSON.stringify(answer.value).length;
      return answer;
    };
    setup.engine.profile = { ...setup.engine.profile, kind: 'embedding' };
    const input = Array.from({ length: 400 }, (_, index) => `${index}"ü😀${'x'.repeat(8_000)}`);
    expect((await ask(setup, '/predict/tiny', { body: { input } })).status).toBe(200);
    expect(setup.upstream.seen.at(-1)?.body).toMatchObject({ input });
    expect(builtCharacters).toBeLessThan(1.1 * MIB);
  });

  it.each([
    ['the name of a member', { prompt: 'a', ['x'.repeat(3 * MIB)]: 1 }],
    ['a name in a message', { messages: [{ role: 'user', ['x'.repeat(3 * MIB)]: 1 }] }],
    ['a member that is no text', { prompt: 'a', stop: ['x'.repeat(3 * MIB)] }],
  ])('of which %s is long are refused before the engine builds that', async (_, body) => {
    setup.settings = { ...setup.settings, api: { ...setup.settings.api, max_body_mb: 8, max_buffered_mb: 16 } };
    const long = JSON.stringify(body).replace('xxx', 'xxx'.repeat(MIB));
    const answer = await ask(setup, '/predict/tiny', { body: long });
    expect([answer.status, answer.json.error.message]).toEqual([
      400,
      'The body holds more than 4194304 characters beside the texts in prompt, messages, input and inputs.',
    ]);
  });

  it('are not repeated in a refusal', async () => {
    const name = 'x'.repeat(500_000);
    for (const body of [
      { prompt: 'a', [name]: 1 },
      { inputs: { [name]: 1 }, prompt: 'a' },
    ]) {
      const answer = await ask(setup, '/predict/tiny', { body });
      expect(answer.status).toBe(400);
      expect(answer.text.length).toBeLessThan(1_000);
    }
  });

  it('large JSON is read in turns by caller, and not for who has left', async () => {
    const asked: { readonly caller?: string | undefined; readonly signal?: { readonly aborted: boolean } | undefined }[] = [];
    setup.largeJson.read = (_bytes, options) => new Promise(() => asked.push(options));
    const leaving = new AbortController();
    const body = JSON.stringify({ prompt: 'x', a: Array(30_000).fill([]) });
    const send = (agent: string, signal: AbortSignal | null) =>
      fetch(`${setup.address}/predict/tiny`, { method: 'POST', headers: { 'user-agent': agent }, body, signal }).catch(() => null);
    void send('stays', null);
    void send('leaves', leaving.signal);
    await until(() => asked.length === 2);
    leaving.abort();
    await until(() => asked.some(({ signal }) => signal?.aborted));
    const seen = asked.map(({ caller, signal }) => [caller?.split(' ').at(-1), signal?.aborted]);
    expect(seen.toSorted()).toEqual([
      ['leaves', true],
      ['stays', false],
    ]);
  });

  it('what was sent by who leaves before the answer is taken back; what was answered stays', async () => {
    const key = 'a-key-of-the-client';
    const leaving = new AbortController();
    const init = { method: 'POST', headers: WITH_TOKEN, body: 'GGUF' };
    const sent = fetch(`${setup.address}/control/library/upload?name=slow.gguf&key=${key}`, { ...init, signal: leaving.signal });
    sent.catch(() => {});
    await until(() => setup.engine.asked.length === 1);
    expect(setup.engine.asked).toEqual([['upload', 'slow.gguf', 4, key]]);
    leaving.abort();
    await until(() => setup.engine.asked.length === 2);
    expect(setup.engine.asked[1]).toEqual(['takeBack', key]);

    // Its connection ends after the answer.
    const answered = await fetch(`${setup.address}/control/library/upload?name=a.gguf`, {
      ...init,
      headers: { ...init.headers, connection: 'close' },
    });
    expect(await answered.json()).toEqual({ path: '/incoming/a.gguf', id: 'sent' });
    await ask(setup, '/control/snapshot', { headers: WITH_TOKEN });
    expect(setup.engine.asked.map(([what]) => what)).toEqual(['upload', 'takeBack', 'upload']);
  });

  it('a route without the token takes a nonce and no more', async () => {
    expect((await ask(setup, '/control/prove', { body: { nonce: 'x'.repeat(43) } })).status).toBe(200);
    expect((await ask(setup, '/control/prove', { body: { nonce: 'x'.repeat(43), more: 'x'.repeat(1_000) } })).status).toBe(413);
  });

  it('control routes take 64 KiB', async () => {
    const got = await ask(setup, '/control/plan', { headers: WITH_TOKEN, body: { target: 'x'.repeat(70_000) } });
    expect(got.status).toBe(413);
    expect(got.json.error.message).toContain('this route');
  });
});

it('bodies that come one after the other do not pile up, though two threads hold each of them', async () => {
  const large = createLargeJson(programs.largeJson, clock);
  const text = Buffer.from(`{"a":"${'x'.repeat(16 * MIB)}"}`);
  async function readOne(): Promise<void> {
    const shared = Buffer.from(new SharedArrayBuffer(text.length));
    text.copy(shared);
    await large.read(shared, { whole: false, bounds: { depth: 9, values: 9 } });
  }
  await readOne();
  collectGarbage();
  const before = process.memoryUsage.rss();
  for (let count = 0; count < 24; count += 1) {
    await readOne();
    collectGarbage('all');
  }
  // All of them are 384 MB.
  expect(process.memoryUsage.rss() - before).toBeLessThan(160 * MIB);
  await large.close();
});

it('a large body is not kept once it is answered', async () => {
  const large = createLargeJson(programs.largeJson, clock);
  const held = await (async () => {
    const { bytes } = await large.read(Buffer.from(new TextEncoder().encode(`{"a":"${'x'.repeat(MIB)}"}`).buffer), {
      whole: false,
      bounds: { depth: 9, values: 9 },
    });
    return new WeakRef(bytes.buffer);
  })();
  await until(() => {
    collectGarbage();
    return held.deref() === undefined;
  });
  await large.close();
});
