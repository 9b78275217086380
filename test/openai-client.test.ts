/**
 * The `openai` client package, unchanged, against a real engine with a real llama.cpp on tiny
 * untrained models.
 */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError } from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Body, DEFAULTS, textBody } from '../renderer/pages/playground/request.ts';
import { type Language, type Shown, snippet } from '../renderer/pages/playground/snippets.ts';
import { predictPath } from '../shared/api-predict.ts';
import { eventually } from './helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

let live: LiveEngine;
let client: OpenAI;
const messages = [{ role: 'user' as const, content: 'Hello' }];
/** Shows the tools, and calls as Qwen's models write them. */
const TOOLS_TEMPLATE =
  '{% if tools %}{{ tools | tojson }} <tool_call>{% endif %}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}';
const tools: OpenAI.ChatCompletionFunctionTool[] = [
  {
    type: 'function',
    function: {
      name: 'weather',
      parameters: {
        type: 'object',
        properties: { city: { type: 'string', enum: ['Ulm', 'Bern'] } },
        required: ['city'],
        additionalProperties: false,
      },
    },
  },
];

beforeAll(async () => {
  live = await startLiveEngine({
    prepare: async ({ watch }) => {
      await writeTinyGguf(watch, { name: 'tiny', contextTokens: 8_192 });
      await writeTinyGguf(watch, { name: 'words', kind: 'bert', contextTokens: 512 });
      await writeTinyGguf(watch, { name: 'ranker', kind: 'bert', ranks: true, contextTokens: 512 });
      await writeTinyGguf(watch, { name: 'caller', chatTemplate: TOOLS_TEMPLATE, contextTokens: 2_048 });
    },
  });
  // What a user writes: the address, and any key.
  client = new OpenAI({ baseURL: `${live.address}/v1`, apiKey: 'any', maxRetries: 0 });
  // One loads after the other.
  for (const name of ['tiny', 'words', 'ranker', 'caller']) await live.comesTo(name, 'ready', 60_000);
});

afterAll(() => live.close());

describe('the requests that the playground shows', () => {
  const run = async (language: Language, shown: Shown) => {
    // As a person would run it, beside an installed `openai`.
    const command = language === 'curl' ? ['sh', '-eu'] : [process.execPath, '--input-type=module', '-'];
    const child = spawn(command[0] ?? '', command.slice(1), { cwd: join(import.meta.dirname, '..') });
    child.stdin.end(snippet(language, live.address, shown));
    const [out, wrong] = await Promise.all([readText(child.stdout), readText(child.stderr)]);
    if (out === '') throw new Error(wrong);
    return out;
  };
  const parameters = { ...DEFAULTS, temperature: 0, maxTokens: 6 };
  const words = (modelId: string, body: Body): Shown => ({ kind: 'words', modelId, path: predictPath(modelId), body });

  test('are programs in JavaScript that run, and get what /predict answers', async () => {
    const nasty = 'Say "it\'s" \\ `id` $1 \n \u2028 in a word';
    const chat = textBody('chat', [], nasty, parameters);
    const { text } = (await live.predict('tiny', { ...chat, stream: false })).json as { text: string };
    expect(await run('JavaScript', words('tiny', chat))).toBe(`${text}\n`);
    // An answer that is gone on with begins where it broke off.
    const more = textBody('chat', [], nasty, parameters, text);
    const { text: rest } = (await live.predict('tiny', { ...more, stream: false })).json as { text: string };
    expect(await run('JavaScript', words('tiny', more))).toBe(`${rest}\n`);
    expect(await run('JavaScript', { kind: 'embeddings', path: '/v1/embeddings', body: { model: 'words', input: ['a', 'b'] } })).toMatch(
      /^\d+ \[[^\]]+\]\n\d+ \[[^\]]+\]\n$/,
    );
    const body = { model: 'ranker', query: "it's", documents: ['one', 'two'] };
    const ranked: Shown = { kind: 'json', path: '/v1/rerank', body };
    const { json } = await live.ask('POST', '/v1/rerank', body);
    expect(JSON.parse(await run('JavaScript', ranked))).toEqual(json);
    expect(JSON.parse(await run('curl', ranked))).toEqual(json);
  });
});

describe('the openai client', () => {
  test('lists the models, and finds one', async () => {
    const { data } = await client.models.list();
    expect(data.map(({ id }) => id).toSorted()).toEqual(['caller', 'ranker', 'tiny', 'words']);
    const written = Math.floor(statSync(join(live.watch, 'tiny.gguf')).mtimeMs / 1000);
    const facts = { id: 'tiny', object: 'model', created: written, kind: 'chat', context_length: 8_192 };
    for (const name of ['tiny', 'TINY', 'tiny:latest', 'tiny.gguf']) expect(await client.models.retrieve(name)).toMatchObject(facts);
    expect(await client.models.retrieve('words')).toMatchObject({ kind: 'embedding', context_length: 512 });
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

  test('may send what it sends to others: ignored, named in a header and once in the story, counted', async () => {
    const habits = { keep_alive: '5m', num_ctx: 4_096, chat_id: 'a', id_slot: 0, user: 'me', store: true, metadata: { a: 'b' } };
    const ask = () =>
      client.chat.completions.create({ model: 'tiny', messages, max_tokens: 1, service_tier: 'auto', ...habits }).withResponse();
    await ask();
    const { response } = await ask();
    const names = [...Object.keys(habits), 'service_tier'];
    expect(response.headers.get('x-modelium-ignored')?.split(', ').toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      expect(live.logged.filter((line) => line.includes(`"${name}"`))).toHaveLength(1);
      expect(await live.metrics()).toContain(`modelium_ignored_fields_total{field="${name}"} 2`);
    }
    // What would change the answer is refused, as ever.
    const refused = client.chat.completions.create({ model: 'tiny', messages, web_search_options: {} });
    await expect(refused).rejects.toMatchObject({ status: 400, param: 'web_search_options' });
  });

  test('raises its own classes for errors', async () => {
    const unknown = client.chat.completions.create({ model: 'tinny', messages });
    await expect(unknown).rejects.toBeInstanceOf(NotFoundError);
    await expect(unknown).rejects.toMatchObject({ status: 404, code: 'model-not-found', param: 'model', type: 'not_found_error' });
    await expect(unknown).rejects.toThrow('tiny');
    const wrong = client.chat.completions.create({ model: 'tiny', messages, max_tokens: -2 });
    await expect(wrong).rejects.toBeInstanceOf(BadRequestError);
    const silent = client.embeddings.create({ model: 'tiny', input: 'Hello' });
    await expect(silent).rejects.toMatchObject({ status: 400, code: 'not-supported-by-model' });
  });

  test('calls tools, whole and streamed: its own helper puts the pieces together', async () => {
    const asked = {
      model: 'caller',
      messages,
      tools,
      tool_choice: 'required' as const,
      seed: 4,
      max_tokens: 200,
      parallel_tool_calls: false,
    };
    const { choices } = await client.chat.completions.create(asked);
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ type: 'function', function: { name: 'weather' } }] },
    });
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
    const [call] = streamed.choices[0]?.message.tool_calls ?? [];
    expect(call?.function.name).toBe('weather');
    expect(['Ulm', 'Bern']).toContain((JSON.parse(call?.function.arguments ?? '{}') as { city?: string }).city);
    expect(choices[0]?.message.tool_calls).toMatchObject([{ function: call?.function }]);
  });

  test('answers by a JSON schema, several times, with log-probabilities', async () => {
    const schema = {
      type: 'object',
      properties: { ready: { type: 'boolean' }, count: { type: 'integer', minimum: 1, maximum: 99 } },
      required: ['ready', 'count'],
    };
    const { choices, usage } = await client.chat.completions.create({
      model: 'tiny',
      messages,
      n: 3,
      seed: 9,
      temperature: 1.5,
      max_tokens: 200,
      logprobs: true,
      top_logprobs: 3,
      response_format: { type: 'json_schema', json_schema: { name: 'state', strict: true, schema } },
    });
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    for (const { message, logprobs } of choices) {
      const { ready, count } = JSON.parse(message.content ?? '') as { ready: unknown; count: number };
      expect([typeof ready, count >= 1 && count <= 99]).toEqual(['boolean', true]);
      expect(logprobs?.content?.map(({ token }) => token).join('')).toBe(message.content);
      expect(logprobs?.content?.every(({ logprob, top_logprobs }) => logprob <= 0 && top_logprobs.length === 3)).toBe(true);
    }
    expect(usage?.completion_tokens).toBe(choices.reduce((sum, { logprobs }) => sum + (logprobs?.content?.length ?? 0), 0));
  });

  test('goes on with a chat without reading it again', async () => {
    const long = [{ role: 'user' as const, content: 'a question about graphics and memory '.repeat(20) }];
    const first = await client.chat.completions.create({ model: 'tiny', messages: long, max_tokens: 10, temperature: 0 });
    const next = [...long, { role: 'assistant' as const, content: first.choices[0]?.message.content ?? '' }, ...messages];
    const { usage } = await client.chat.completions.create({ model: 'tiny', messages: next, max_tokens: 4, temperature: 0 });
    expect(usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual((first.usage?.prompt_tokens ?? 0) - 1);
  });

  test('ranks documents, which its generic request can ask for', async () => {
    const body = { model: 'ranker', query: 'memory', documents: ['nobody waits', 'graphics memory'] };
    const { results } = await client.post<{ results: { index: number; relevance_score: number }[] }>('/rerank', { body });
    expect(results.map(({ index }) => index).toSorted()).toEqual([0, 1]);
    expect(results[0]?.relevance_score).toBeGreaterThanOrEqual(results[1]?.relevance_score ?? 1);
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
