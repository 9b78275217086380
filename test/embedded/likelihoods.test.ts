/**
 * Log-probabilities and biases, against what the same model does when it is asked often. On a real
 * llama.cpp.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tokenBytes } from '../../main/embedded/llama/token-bytes.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { readEvents, startServer, type TestServer } from './start-server.ts';

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-likelihoods-'));
  server = await startServer(['--model', await writeTinyGguf(folder), '--alias', 'tiny', '--ctx-size', '4096', '--parallel', '2']);
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const everything = { temperature: 1, top_k: 0, top_p: 1, min_p: 0 };

describe('log-probabilities', () => {
  test('are what the model does: 2,000 draws come as often as they say', async () => {
    const draws = 2000;
    const counts = new Map<string, number>();
    const said = new Map<string, number>();
    for (let batch = 0; batch < draws / 100; batch++) {
      const messages = [{ role: 'user', content: 'the model answers' }];
      const request = {
        messages,
        max_tokens: 1,
        n: 100,
        logprobs: true,
        top_logprobs: 10,
        seed: 1000 * batch,
        cache_prompt: true,
        ...everything,
      };
      const { body } = await server.json('/v1/chat/completions', request);
      for (const { logprobs } of body.choices) {
        const [drawn] = logprobs.content;
        // The end of the answer is a draw too, and no token of it.
        if (drawn === undefined) continue;
        // Single bytes that are no text are all spelled alike.
        const name = String(drawn.bytes);
        counts.set(name, (counts.get(name) ?? 0) + 1);
        for (const { bytes, logprob } of [drawn, ...drawn.top_logprobs]) said.set(String(bytes), logprob);
      }
    }
    expect(counts.size).toBeGreaterThan(50);
    // Each probability, and their sum over half the vocabulary, within five standard deviations.
    for (const [token, logprob] of said) {
      const expected = draws * Math.exp(logprob);
      expect(Math.abs((counts.get(token) ?? 0) - expected), token).toBeLessThan(5 * Math.sqrt(expected) + 5);
    }
    const known = [...said.values()].reduce((sum, logprob) => sum + Math.exp(logprob), 0);
    expect(known).toBeGreaterThan(0.9);
    expect(known).toBeLessThan(1.0001);
  });

  test('a chat tells each token with its rivals, likeliest first, whatever filters choose', async () => {
    const request = { messages: [{ role: 'user', content: 'memory' }], max_tokens: 6, logprobs: true, top_logprobs: 5 };
    const { body: greedy } = await server.json('/v1/chat/completions', { ...request, temperature: 0 });
    const { content } = greedy.choices[0]!.logprobs;
    expect(content.map(({ token }) => token).join('')).toBe(greedy.choices[0]!.message.content);
    for (const { token, logprob, top_logprobs, bytes } of content) {
      expect(top_logprobs).toHaveLength(5);
      expect(top_logprobs[0]).toMatchObject({ token, logprob });
      expect(top_logprobs.map((rival) => rival.logprob)).toEqual(top_logprobs.map((rival) => rival.logprob).toSorted((a, b) => b - a));
      expect(Buffer.from(bytes).toString('utf8')).toBe(token);
    }
    // Penalties, temperature and filters change what is chosen, not what the model held likely.
    const { body: other } = await server.json('/v1/chat/completions', { ...request, temperature: 0, top_k: 1, frequency_penalty: 1.5 });
    expect(other.choices[0]!.logprobs.content[0]!.logprob).toBeCloseTo(content[0]!.logprob, 4);
    const { body: none } = await server.json('/v1/chat/completions', { ...request, logprobs: false, top_logprobs: 0 });
    expect(none.choices[0]!.logprobs).toBeNull();
  });

  test('a stream brings the same ones, and a stop string takes its own away', async () => {
    const request = { prompt: 'the model', max_tokens: 20, logprobs: 2, temperature: 0 };
    const { body } = await server.json('/v1/completions', request);
    const whole = body.choices[0]!;
    expect(whole.logprobs.tokens.join('')).toBe(whole.text);
    expect(whole.logprobs.text_offset).toEqual(whole.logprobs.tokens.map((_, index, all) => all.slice(0, index).join('').length));
    const { events } = await readEvents(await server.request('/v1/completions', { ...request, stream: true }));
    const streamed = events.flatMap((event) => event.choices[0]?.logprobs?.tokens ?? []);
    expect(streamed).toEqual(whole.logprobs.tokens);
    const stop = whole.text.slice(whole.logprobs.text_offset[6], whole.logprobs.text_offset[9]);
    const { body: cut } = await server.json('/v1/completions', { ...request, stop });
    expect(cut.choices[0]!.logprobs.tokens.join('').startsWith(cut.choices[0]!.text)).toBe(true);
    expect(cut.choices[0]!.logprobs.tokens.length).toBeLessThanOrEqual(6);
  });

  test('bytes of tokens in each kind of vocabulary', () => {
    expect(tokenBytes('Ġthe', 'gpt2')).toEqual({ text: ' the', bytes: [32, 116, 104, 101] });
    expect(tokenBytes('Ã', 'gpt2')).toEqual({ text: '\uFFFD', bytes: [0xc3] });
    expect(tokenBytes('<0xC3>', 'llama').bytes).toEqual([0xc3]);
    expect(tokenBytes('▁über', 'llama').text).toBe(' über');
    expect(tokenBytes('<|im_end|>', 'gpt2').text).toBe('<|im_end|>');
  });
});

describe('what bends the choice', () => {
  test('logit_bias forces a token, and forbids one', async () => {
    const request = { prompt: 'the', max_tokens: 8, temperature: 0 };
    const { body: plain } = await server.json('/v1/completions', { ...request, logprobs: 1 });
    const forced = await server.json('/v1/completions', { ...request, logit_bias: { 60: 100 } });
    expect(new Set(forced.body.choices[0]!.text)).toEqual(new Set([String.fromCharCode(60 - 3)]));
    const favourite = plain.choices[0]!.logprobs.tokens[0]!;
    // Tokens 3 to 258 are the bytes.
    const ids = Array.from({ length: 400 }, (_, id) => id).slice(3, 300);
    const without = await server.json('/v1/completions', {
      ...request,
      logprobs: 1,
      logit_bias: Object.fromEntries(ids.map((id) => [id, -100])),
    });
    expect(without.body.choices[0]!.logprobs.tokens[0]).not.toBe(favourite.length === 1 ? favourite : '');
  });

  test('repeat_penalty and its other name', async () => {
    const ask = async (more: object) =>
      (await server.json('/v1/completions', { prompt: 'the', max_tokens: 40, temperature: 0, ...more })).body.choices[0]!.text;
    const plain = await ask({});
    expect(await ask({ repeat_penalty: 1.8 })).not.toBe(plain);
    expect(await ask({ repetition_penalty: 1.8 })).toBe(await ask({ repeat_penalty: 1.8 }));
  });

  test('n answers differ, and come again with the same seed', async () => {
    const ask = async (seed: number) => {
      const { body } = await server.json('/v1/completions', { prompt: 'the model', max_tokens: 12, n: 4, seed, temperature: 1.2 });
      return body.choices.map(({ text }) => text);
    };
    const first = await ask(11);
    expect(new Set(first).size).toBe(4);
    expect(await ask(11)).toEqual(first);
    expect(await ask(500)).not.toEqual(first);
  });

  test('several prompts, several answers each, numbered in their order, also as a stream', async () => {
    const request = { prompt: ['the model', [100, 101, 102], 'memory'], n: 2, max_tokens: 5, temperature: 0, cache_prompt: false };
    const { body } = await server.json('/v1/completions', request);
    expect(body.choices.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(body.choices[0]!.text).toBe(body.choices[1]!.text);
    expect(new Set(body.choices.map(({ text }) => text)).size).toBe(3);
    expect(body.usage.completion_tokens).toBe(30);
    const { events, done } = await readEvents(await server.request('/v1/completions', { ...request, stream: true }));
    const texts = ['', '', '', '', '', ''];
    for (const { choices } of events) for (const { index, text } of choices) texts[index] += text;
    expect(texts).toEqual(body.choices.map(({ text }) => text));
    expect(events.filter(({ choices }) => choices[0]?.finish_reason === 'length')).toHaveLength(6);
    expect(done).toBe(true);
  });

  test('echo puts the prompt in front, whole and streamed', async () => {
    const request = { prompt: 'the model', max_tokens: 4, temperature: 0 };
    const { body: plain } = await server.json('/v1/completions', request);
    const { body } = await server.json('/v1/completions', { ...request, echo: true });
    expect(body.choices[0]!.text).toBe(`the model${plain.choices[0]!.text}`);
    const { events } = await readEvents(await server.request('/v1/completions', { ...request, echo: true, stream: true }));
    expect(events.map((event) => event.choices[0]!.text).join('')).toBe(body.choices[0]!.text);
    const refused = await server.json('/v1/completions', { ...request, echo: true, logprobs: 1 });
    expect(refused.body.error).toMatchObject({ param: 'echo' });
  });
});
