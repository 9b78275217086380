import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease } from '../../main/core/gateway.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { createVirtualClock, type VirtualClock } from '../helpers/virtual-clock.ts';
import { type Setup, startSetup, until } from './harness.ts';

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
  it('hears after 5 s what it waits for, then every few seconds, and gets its times in the final event', async () => {
    const { answer, text } = await waiting('/predict/tiny', { prompt: 'a', stream: true });
    await clock.advance(4_999);
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
    expect(whole.startsWith(': loading: reading weights, 40 %\n\n: loading: 80 % data: forged\n\n')).toBe(true);
    const last = JSON.parse(whole.trim().split('\n\n').at(-1)!.slice(6));
    expect(last).toMatchObject({ done: true, timings: { queue_ms: 12.4, load_ms: 7, total_ms: 8_000 } });
    expect(clock.pending).toBe(0);
  });

  it("gets its times before [DONE] on OpenAI's routes", async () => {
    const { text } = await waiting('/v1/chat/completions', { model: 'tiny', stream: true, stream_options: { include_usage: true } });
    await clock.advance(5_000);
    lease.resolve(setup.engine.lease());
    const events = (await text).trim().split('\n\n');
    expect(events[0]).toBe(': loading: reading weights, 40 %');
    expect(events.at(-1)).toBe('data: [DONE]');
    expect(JSON.parse(events.at(-2)!.slice(6))).toMatchObject({ choices: [], runtime: 'llama', timings: { queue_ms: 12.4, load_ms: 7 } });
  });

  it('sees a load that fails as an error event, in a stream that ends', async () => {
    const { text } = await waiting('/v1/chat/completions', { model: 'tiny', stream: true });
    await clock.advance(5_000);
    lease.reject(new ModeliumError('model-failed', 'It did not load.', { lastWords: ['no memory'] }));
    const events = (await text).trim().split('\n\n');
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
    const events = (await text).trim().split('\n\n');
    expect(JSON.parse(events.at(-1)!.slice(6)).error).toMatchObject({ message: 'too long', origin: 'llama' });
  });

  it('keeps the real status when the wait was short', async () => {
    const { answer } = await waiting('/predict/tiny', { prompt: 'a', stream: true });
    await clock.advance(4_000);
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
