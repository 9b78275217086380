/** The `openai` client package, unchanged, against a real engine with a real llama.cpp on tiny untrained models. */
import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

let live: LiveEngine;
let client: OpenAI;
const messages = [{ role: 'user' as const, content: 'Hello' }];

beforeAll(async () => {
  live = await startLiveEngine({
    prepare: async ({ watch }) => {
      await writeTinyGguf(watch, { name: 'tiny', contextTokens: 8_192 });
      await writeTinyGguf(watch, { name: 'words', kind: 'bert', contextTokens: 512 });
    },
  });
  // What a user writes: the address, and any key.
  client = new OpenAI({ baseURL: `${live.address}/v1`, apiKey: 'any', maxRetries: 0 });
  await live.comesTo('tiny', 'ready');
  await live.comesTo('words', 'ready');
});

afterAll(() => live.close());

describe('the openai client', () => {
  test('lists the models, and finds one', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id).toSorted()).toEqual(['tiny', 'words']);
    expect(await client.models.retrieve('tiny')).toMatchObject({ id: 'tiny', object: 'model' });
  });

  test('chats, the same with the same seed', async () => {
    const ask = () => client.chat.completions.create({ model: 'tiny', messages, max_tokens: 8, seed: 7, temperature: 0.8 });
    const [first, second] = [await ask(), await ask()];
    expect(first).toMatchObject({ object: 'chat.completion', model: 'tiny', usage: { completion_tokens: 8 } });
    expect(first.choices[0]).toMatchObject({ finish_reason: 'length', message: { role: 'assistant', content: expect.any(String) } });
    expect(first.choices[0]?.message.content).toBe(second.choices[0]?.message.content);
  });

  test('streams a chat: the pieces make the whole, usage comes last', async () => {
    const asked = { model: 'tiny', messages, max_tokens: 12, temperature: 0 };
    const whole = await client.chat.completions.create(asked);
    const stream = await client.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } });
    const pieces: string[] = [];
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      pieces.push(chunk.choices[0]?.delta.content ?? '');
      usage = chunk.usage ?? usage;
    }
    expect(pieces.filter((piece) => piece !== '').length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(whole.choices[0]?.message.content);
    expect(usage).toMatchObject({ completion_tokens: 12 });
  });

  test('completes, at once and as a stream', async () => {
    const asked = { model: 'tiny', prompt: 'the model answers', max_tokens: 6, temperature: 0 };
    const whole = await client.completions.create(asked);
    let text = '';
    for await (const chunk of await client.completions.create({ ...asked, stream: true })) text += chunk.choices[0]?.text ?? '';
    expect(whole.choices[0]?.finish_reason).toBe('length');
    expect(text).toBe(whole.choices[0]?.text);
  });

  test.each(['float', 'base64'] as const)('embeds several texts as %s, in their order', async (encoding_format) => {
    const { data, usage } = await client.embeddings.create({
      model: 'words',
      input: ['the model', 'memory', 'the model'],
      encoding_format,
    });
    const vectors = data.map(({ embedding }) => (typeof embedding === 'string' ? fromBase64(embedding) : embedding));
    expect(data.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(vectors.map((vector) => vector.length)).toEqual([64, 64, 64]);
    expect(vectors[0]).toEqual(vectors[2]);
    expect(vectors[0]).not.toEqual(vectors[1]);
    expect(usage.prompt_tokens).toBeGreaterThan(0);
  });

  test('raises its own classes for errors', async () => {
    const unknown = client.chat.completions.create({ model: 'tinny', messages });
    await expect(unknown).rejects.toBeInstanceOf(NotFoundError);
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'model-not-found', param: 'model', type: 'not_found_error' });
    await expect(unknown).rejects.toThrow('tiny');
    const wrong = client.chat.completions.create({ model: 'tiny', messages, max_tokens: -1 });
    await expect(wrong).rejects.toBeInstanceOf(BadRequestError);
    const silent = client.embeddings.create({ model: 'tiny', input: 'Hello' });
    await expect(silent).rejects.toMatchObject({ status: 400, code: 'not-supported-by-model' });
  });

  test('aborts: the generation stops, and nothing stays in flight', async () => {
    const asked = { model: 'tiny', messages, max_tokens: 100_000, temperature: 0 };
    const abort = new AbortController();
    const stream = await client.chat.completions.create({ ...asked, stream: true }, { signal: abort.signal });
    for await (const _chunk of stream) {
      expect((await live.model('tiny'))?.inFlight).toBe(1);
      abort.abort();
      break;
    }
    await eventually('nothing is in flight', async () => (await live.model('tiny'))?.inFlight === 0);
    const late = new AbortController();
    const whole = client.chat.completions.create(asked, { signal: late.signal });
    const refused = expect(whole).rejects.toBeInstanceOf(APIUserAbortError);
    await eventually('it is in flight', async () => (await live.model('tiny'))?.inFlight === 1);
    late.abort();
    await refused;
    await eventually('nothing is in flight', async () => (await live.model('tiny'))?.inFlight === 0);
  });

  test('a model that idles is brought back by a request, which the client just waits for', async () => {
    await live.control('POST', '/control/models/words/unload', {});
    await live.comesTo('words', 'unloaded');
    const { data } = await client.embeddings.create({ model: 'words', input: 'memory' });
    expect(data[0]?.embedding).toHaveLength(64);
  });
});

function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}
