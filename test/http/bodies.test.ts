/** Bodies as clients send them: with a byte order mark, compressed, or in an encoding that is none of JSON's. */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answered } from '../helpers/live-engine.ts';
import { type Setup, startSetup, WITH_TOKEN } from './harness.ts';

let setup: Setup;
beforeEach(async () => {
  setup = await startSetup();
});
afterEach(async () => {
  await setup.close();
});

const CHAT = '/v1/chat/completions';
const TEXT = '{"model":"tiny","messages":[{"role":"user","content":"schön 你好"}]}';

const post = async (path: string, body: Uint8Array, headers: Record<string, string> = {}) =>
  answered(await fetch(setup.address + path, { method: 'POST', body: body as BodyInit, headers }));

describe('a body', () => {
  it('may begin with a byte order mark, which the runtime never sees', async () => {
    expect((await post(CHAT, Buffer.from(`\ufeff${TEXT}`))).status).toBe(200);
    expect(setup.upstream.seen[0]?.raw).toBe(TEXT);
    expect((await post('/predict/tiny', Buffer.from('\ufeff{"prompt":"a"}'))).status).toBe(200);
    expect((await post('/control/plan', Buffer.from('\ufeff{"target":"tiny"}'), WITH_TOKEN)).status).toBe(200);
  });

  it.each([
    ['Latin-1', Buffer.from('{"model":"tiny","messages":[{"role":"user","content":"schön"}]}', 'latin1')],
    // "你好" in GBK.
    ['GBK', Buffer.from('7b226d6f64656c223a2274696e79222c2270726f6d7074223a22c4e3bac3227d', 'hex')],
    ['UTF-16', Buffer.from(`\ufeff${TEXT}`, 'utf16le')],
    ['a lone surrogate in bytes', Buffer.from('7b226d6f64656c223a22eda0bd227d', 'hex')],
  ])('in %s is 400, and no runtime is asked', async (_, body) => {
    for (const [path, headers] of [[CHAT], ['/predict/tiny'], ['/control/plan', WITH_TOKEN]] as const) {
      const got = await post(path, body, headers);
      expect(got.status).toBe(400);
      expect(got.json.error).toMatchObject({ code: 'invalid-json', message: expect.stringContaining('not UTF-8') });
    }
    expect(setup.upstream.seen).toEqual([]);
  });

  it.each([
    ['gzip', gzipSync],
    ['GZip', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['identity', (text: Buffer) => text],
  ])('compressed with %s is read', async (encoding, compress) => {
    const headers = { 'content-encoding': encoding };
    expect((await post(CHAT, compress(Buffer.from(TEXT)), headers)).status).toBe(200);
    expect(setup.upstream.seen[0]?.raw).toBe(TEXT);
    const control = await post('/control/plan', compress(Buffer.from('{"target":"tiny"}')), { ...headers, ...WITH_TOKEN });
    expect(control.status).toBe(200);
  });

  it('with an encoding that nobody knows is 415, which says what is known', async () => {
    const { status, json } = await post(CHAT, Buffer.from(TEXT), { 'content-encoding': 'compress' });
    expect(status).toBe(415);
    expect(json.error).toMatchObject({ code: 'encoding-not-supported', hint: expect.stringContaining('gzip') });
  });

  it.each([
    ['no gzip at all', Buffer.from(TEXT)],
    ['a gzip that is cut off', gzipSync(TEXT).subarray(0, -12)],
  ])('that says gzip and is %s is 400', async (_, body) => {
    const { status, json } = await post(CHAT, body, { 'content-encoding': 'gzip' });
    expect(status).toBe(400);
    expect(json.error).toMatchObject({ code: 'invalid-body', message: expect.stringContaining('is not gzip') });
    // The connection is as good as new.
    expect((await post(CHAT, Buffer.from(TEXT))).status).toBe(200);
  });

  it('that swells beyond api.max_body_mb is 413 and not read on, though its compressed bytes are few', async () => {
    setup.settings = { ...setup.settings, api: { ...setup.settings.api, max_body_mb: 1 } };
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(100_000);
    const { status, json } = await post(CHAT, bomb, { 'content-encoding': 'gzip' });
    expect(status).toBe(413);
    expect(json.error.message).toContain('1 MB');
    expect((await post(CHAT, Buffer.from(TEXT))).status).toBe(200);
  });
});
