/**
 * Sequences side by side: what of a prompt is not read again, and that a long prompt holds nobody
 * up. On a real llama.cpp.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Pace } from '../../main/embedded/llama/pace.ts';
import { inOrder } from '../../main/embedded/llama/sequence.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { type OpenAiBody, startServer, type TestServer } from './start-server.ts';

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-parallel-'));
  const file = await writeTinyGguf(folder, { contextTokens: 4096 });
  server = await startServer(['--model', file, '--alias', 'tiny', '--ctx-size', '8192', '--parallel', '2']);
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Ends of an answer, which are forbidden so that it has the length that was asked for. */
const NO_END = { '0': -100, '2': -100 };

type Turn = { role: string; content: string };

async function turn(messages: readonly Turn[], more: object = {}): Promise<{ answer: Turn; usage: OpenAiBody['usage'] }> {
  const { status, body } = await server.json('/v1/chat/completions', { messages, temperature: 0, max_tokens: 24, ...more });
  expect(status, JSON.stringify(body)).toBe(200);
  return { answer: { role: 'assistant', content: body.choices[0]!.message.content }, usage: body.usage };
}

const cached = (usage: OpenAiBody['usage']) => usage.prompt_tokens_details.cached_tokens;
const user = (content: string): Turn => ({ role: 'user', content });

describe('requests side by side', () => {
  test('a short one that comes during a long one does not wait for its end', async () => {
    const ended: string[] = [];
    const ask = async (name: string, max_tokens: number): Promise<void> => {
      const { status } = await server.json('/v1/completions', {
        prompt: `${name} answers`,
        temperature: 0,
        max_tokens,
        logit_bias: NO_END,
      });
      expect(status).toBe(200);
      ended.push(name);
    };
    const long = ask('the long one', 2_000);
    for (let index = 0; index < 5; index += 1) await ask(`short ${index}`, 3);
    await long;
    expect(ended.at(-1)).toBe('the long one');
  });

  test('each step takes the sequences in the order of their numbers, as much of each as there is place for', () => {
    const item = (evaluationPriority: number, tokens: number) => ({ evaluationPriority, tokens: Array.from({ length: tokens }, () => 1) });
    const items = [item(3, 1), item(0, 64), item(1, 1), item(2, 64)];
    const taken = (size: number) =>
      inOrder({ items, size }).map(({ item: { evaluationPriority }, processAmount }) => [evaluationPriority, processAmount]);
    expect(taken(512)).toEqual([
      [0, 64],
      [1, 1],
      [2, 64],
      [3, 1],
    ]);
    expect(taken(100)).toEqual([
      [0, 64],
      [1, 1],
      [2, 35],
    ]);
  });
});

describe('a beginning that is known is not read again', () => {
  test('two chats by turns: each finds its own sequence, and answers as if it had read everything', async () => {
    const chats: Turn[][] = [[user('the model answers a question '.repeat(20))], [user('nobody waits there '.repeat(30))]];
    const read = [0, 0];
    for (let round = 0; round < 3; round++) {
      for (const [index, messages] of chats.entries()) {
        const { answer, usage } = await turn(messages);
        if (round === 0) expect(cached(usage)).toBeLessThan(20);
        // All of the last prompt, and of the answer at least what its tokens are when it is read as
        // text.
        else expect(cached(usage)).toBeGreaterThanOrEqual(read[index]! - 1);
        expect(cached(usage)).toBeLessThan(usage.prompt_tokens);
        const anew = await fresh(messages);
        expect(answer.content).toBe(anew);
        read[index] = usage.prompt_tokens;
        messages.push(answer, user('and another'));
      }
    }
  });

  /**
   * The same request without anything kept. It takes the sequence used longest ago, so that each
   * chat's own one must be refreshed.
   */
  async function fresh(messages: readonly Turn[]): Promise<string> {
    const other = await startServer(['--model', join(folder, 'tiny.gguf'), '--ctx-size', '8192']);
    try {
      const { body } = await other.json('/v1/chat/completions', { messages, temperature: 0, max_tokens: 24, cache_prompt: false });
      expect(cached(body.usage)).toBe(0);
      return body.choices[0]!.message.content;
    } finally {
      await other.stop();
    }
  }

  test('a seed asks for the same answer again: nothing is kept, unless cache_prompt says so', async () => {
    const messages = [user('a question about graphics '.repeat(10))];
    await turn(messages);
    expect(cached((await turn(messages)).usage)).toBeGreaterThan(50);
    expect(cached((await turn(messages, { seed: 1 })).usage)).toBe(0);
    await turn(messages);
    expect(cached((await turn(messages, { seed: 1, cache_prompt: true })).usage)).toBeGreaterThan(50);
    expect(cached((await turn(messages, { cache_prompt: false })).usage)).toBe(0);
  });

  test('several answers to one prompt read it once', async () => {
    const prompt = 'memory when nobody waits '.repeat(100);
    const response = await server.request('/v1/completions', {
      prompt,
      n: 3,
      max_tokens: 4,
      stream: true,
      return_progress: true,
      cache_prompt: false,
    });
    const events = eventsIn(await response.text());
    const starts = events.filter(
      (event) => event.prompt_progress !== undefined && event.prompt_progress.processed < event.prompt_progress.total,
    );
    expect(starts.length).toBeGreaterThan(0);
    const { body } = await server.json('/v1/completions', { prompt, n: 3, max_tokens: 4 });
    expect(body.choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(body.usage).toMatchObject({ completion_tokens: 12 });
  });
});

function eventsIn(text: string): OpenAiBody[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: {'))
    .map((event) => JSON.parse(event.slice(6)) as OpenAiBody);
}

async function* eventsOf(response: Response): AsyncGenerator<OpenAiBody> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield* eventsIn(part);
  }
}

describe('a long prompt', () => {
  test('others get a token with every piece of it', async () => {
    const talker = new AbortController();
    const talk = await server.request(
      '/v1/completions',
      { prompt: 'the', max_tokens: 4000, stream: true, temperature: 1 },
      { signal: talker.signal },
    );
    let tokens = 0;
    const talking = (async () => {
      for await (const event of eventsOf(talk)) if (event.choices[0]?.text !== '') tokens += 1;
    })().catch(() => {});
    while (tokens < 5) await new Promise((resolve) => setTimeout(resolve, 1));

    const prompt = Array.from({ length: 2000 }, (_, index) => 200 + (index % 90));
    const long = await server.request('/v1/completions', { prompt, max_tokens: 2, stream: true, return_progress: true });
    let before = 0;
    let pieces = 0;
    let during = 0;
    for await (const event of eventsOf(long)) {
      if (event.prompt_progress?.processed === 0) before = tokens;
      if (event.prompt_progress !== undefined) pieces += 1;
      if (event.prompt_progress?.processed === 2000) during = tokens - before;
    }
    talker.abort();
    await talking;
    // 64 tokens a piece, as long as somebody else generates.
    expect(pieces).toBeGreaterThan(30);
    // Two sockets are read in turns, so that a few may be counted late.
    expect(during).toBeGreaterThan(25);
  });

  test('is read in whole steps where nobody else is held up', async () => {
    const prompt = Array.from({ length: 3000 }, (_, index) => 100 + ((7 * index) % 80));
    const response = await server.request('/v1/completions', { prompt, max_tokens: 1, stream: true, return_progress: true });
    const pieces = eventsIn(await response.text()).flatMap(({ prompt_progress }) =>
      prompt_progress === undefined ? [] : [prompt_progress.processed],
    );
    expect(pieces).toEqual([0, 512, 1024, 1536, 2048, 2560, 3000]);
  });

  test('the pace: all of a step alone, a share beside another reader, little beside a writer', () => {
    const pace = new Pace(512);
    pace.beginReading();
    expect(pace.step()).toBe(512);
    pace.beginReading();
    expect(pace.step()).toBe(256);
    pace.beginGenerating();
    expect(pace.step()).toBe(64);
    pace.endGenerating();
    pace.endReading();
    expect(pace.step()).toBe(512);
    const small = new Pace(4);
    for (let index = 0; index < 6; index++) small.beginReading();
    small.beginGenerating();
    expect(small.step()).toBe(1);
  });
});

describe('the end of the context', () => {
  test('is an end by length; with context_shift the answer goes on', async () => {
    const prompt = Array.from({ length: 4000 }, () => 210);
    const { body } = await server.json('/v1/completions', { prompt, max_tokens: 400 });
    expect(body).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 96 } });
    const shifted = await server.json('/v1/completions', { prompt, max_tokens: 160, context_shift: true });
    expect(shifted.body).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 160 } });
  });
});
