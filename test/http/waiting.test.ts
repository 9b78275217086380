import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '../../main/core/gateway.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { readStrictly } from '../helpers/strict-stream.ts';
import { createVirtualClock, type VirtualClock } from '../helpers/virtual-clock.ts';
import { answerAsOpenAi, type Setup, startSetup, until } from './harness.ts';

let setup: Setup;
let clock: VirtualClock;
let lease: PromiseWithResolvers<Lease>;
beforeEach(async () => {
  clock = createVirtualClock();
  setup = await startSetup({ clock });
  lease = Promise.withResolvers();
  setup.engine.ensureReady = () => lease.promise;
});
afterEach(async () => {
  await setup.close();
});

/** A streamed request that is waiting now, and the text that it gets. */
async function waiting(path: string, body: unknown): Promise<{ answer: Promise<Response>; text: Promise<string> }> {
  const before = clock.pending;
  const answer = fetch(`${setup.address}${path}`, { method: 'POST', body: JSON.stringify(body) });
  await until(() => clock.pending > before);
  return { answer, text: answer.then((got) => got.text()) };
}

describe('a streamed request whose model still loads', () => {
  it('has its head at once, hears every few seconds what it waits for, and gets its times in the final event', async () => {
    const { answer, text } = await waiting('/predict/tiny', { prompt: 'a', stream: true });
    await clock.advance(249);
    let begun = false;
    void answer.then(() => {
      begun = true;
    });
    expect(begun).toBe(false);
    await clock.advance(1);
    expect((await answer).status).toBe(200);
    setup.engine.waitingFor = 'loading: 80 %\r\ndata: forged';
    await clock.advance(3_000);
    lease.resolve(setup.engine.lease());
    const whole = await text;
    expect(whole.startsWith(': loading: reading weights, 40 %\n: loading: 80 % data: forged\n')).toBe(true);
    const last = JSON.parse(whole.trim().split('\n\n').at(-1)!.slice(6));
    expect(last).toMatchObject({ done: true, timings: { queue_ms: 12.4, load_ms: 7, total_ms: 3_250 } });
    expect(clock.pending).toBe(0);
  });

  it.each([
    ['chat', '/v1/chat/completions', { messages: [] }, false],
    ['chat', '/v1/chat/completions', { messages: [] }, true],
    ['completion', '/v1/completions', { prompt: 'a' }, false],
    ['completion', '/v1/completions', { prompt: 'a' }, true],
  ] as const)('is a stream for the strictest client: %s %s, %o, usage %s', async (route, path, body, usage) => {
    const options = usage ? { stream_options: { include_usage: true } } : {};
    const { answer, text } = await waiting(path, { model: 'tiny', stream: true, ...body, ...options });
    await clock.advance(10_000);
    expect((await answer).headers.get('content-type')).toMatch(/^text\/event-stream/);
    lease.resolve(setup.engine.lease());
    const { text: said, comments, finishReasons } = readStrictly(await text, { route, usage });
    expect([said, finishReasons]).toEqual(['Hello wörld.', ['stop']]);
    // What the head could not tell any more stands where no client looks.
    expect(comments.at(-1)).toBe('x-modelium-model: tiny, x-modelium-runtime: llama, x-modelium-queue-ms: 12, x-modelium-load-ms: 7');
    expect(comments.slice(0, -1)).toEqual(Array(4).fill('loading: reading weights, 40 %'));
    expect(setup.engine.reports).toMatchObject([{ promptTokens: 5, completionTokens: 3 }]);
  });

  it('sees a load that fails as an error event, in a stream that ends', async () => {
    const { text } = await waiting('/v1/chat/completions', { model: 'tiny', stream: true });
    await clock.advance(5_000);
    lease.reject(new ModeliumError('model-failed', 'It did not load.', { lastOutput: ['no memory'] }));
    const events = (await text).trim().split('\n');
    expect(JSON.parse(events.at(-1)!.slice(6)).error).toMatchObject({ code: 'model-failed', last_words: ['no memory'] });
    expect(setup.engine.reports).toMatchObject([{ status: 503, runtime: null, queueMs: 5_000 }]);
  });

  it("sees a runtime's refusal as an error event", async () => {
    setup.upstream.answer = (response) => {
      response.writeHead(400);
      response.end('{"error":{"message":"too long"}}');
    };
    const { text } = await waiting('/v1/completions', { model: 'tiny', stream: true });
    await clock.advance(5_000);
    lease.resolve(setup.engine.lease());
    const events = (await text).trim().split('\n');
    expect(JSON.parse(events.at(-1)!.slice(6)).error).toMatchObject({ message: 'too long', origin: 'llama' });
  });

  it('keeps the real status when the wait was short', async () => {
    const { answer } = await waiting('/predict/tiny', { prompt: 'a', stream: true });
    await clock.advance(200);
    lease.reject(new ModeliumError('queue-timeout', 'Too long.'));
    expect((await answer).status).toBe(503);
    expect(clock.pending).toBe(0);
  });

  it('hears nothing when it asked for one answer', async () => {
    const answer = fetch(`${setup.address}/predict/tiny`, { method: 'POST', body: '{"prompt":"a"}' });
    await clock.advance(60_000);
    lease.resolve(setup.engine.lease());
    expect((await answer).status).toBe(200);
  });
});

describe('a streamed request to a runtime that is silent', () => {
  const body = JSON.stringify({ model: 'tiny', stream: true, messages: [] });
  let silent: PromiseWithResolvers<ServerResponse>;
  beforeEach(() => {
    silent = Promise.withResolvers();
    setup.engine.ensureReady = () => setup.engine.lease();
    setup.upstream.answer = (response) => silent.resolve(response);
  });

  it('has its head after a second, and hears that it is not forgotten, until the first byte', async () => {
    const answer = fetch(`${setup.address}/v1/chat/completions`, { method: 'POST', body });
    const upstream = await silent.promise;
    await clock.advance(1_000);
    const { status, headers } = await answer;
    expect([status, headers.get('x-modelium-queue-ms')]).toEqual([200, '12']);
    await clock.advance(3_000);
    answerAsOpenAi(upstream, JSON.parse(body), { url: '/v1/chat/completions' } as never);
    const { text, comments } = readStrictly(await (await answer).text(), { route: 'chat' });
    expect(text).toBe('Hello wörld.');
    expect(comments.slice(0, 2)).toEqual(['waiting for the first token', 'waiting for the first token']);
    expect(clock.pending).toBe(0);
  });

  it("has the runtime's own head as soon as that comes", async () => {
    const answer = fetch(`${setup.address}/v1/chat/completions`, { method: 'POST', body });
    (await silent.promise).writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    expect((await answer).status).toBe(200);
    await clock.advance(3_000);
    (await silent.promise).end('data: [DONE]\n\n');
    expect(await (await answer).text()).toBe(': waiting for the first token\ndata: [DONE]\n\n');
  });

  it('keeps the status of a refusal that comes within the second', async () => {
    const answer = fetch(`${setup.address}/v1/chat/completions`, { method: 'POST', body });
    const upstream = await silent.promise;
    await clock.advance(900);
    upstream.writeHead(400).end('{"error":{"message":"no such field"}}');
    expect((await answer).status).toBe(400);
    expect(clock.pending).toBe(0);
  });

  it('gets no comment into an answer that is no stream', async () => {
    const answer = fetch(`${setup.address}/v1/chat/completions`, { method: 'POST', body });
    const upstream = await silent.promise;
    upstream.writeHead(200, { 'content-type': 'application/json' }).write('{"half":');
    const { headers } = await answer;
    await clock.advance(10_000);
    upstream.end('1}');
    expect([headers.get('content-type'), await (await answer).text()]).toEqual(['application/json', '{"half":1}']);
  });
});
