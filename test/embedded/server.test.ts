/** The embedded server with a real llama.cpp on tiny untrained models. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyModel } from '../../main/embedded/gguf/tiny-model.ts';
import { BUILT_SERVER } from '../helpers/built-app.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { freePort, KEY, readEvents, spawnServer, startServer, type TestServer } from './start-server.ts';

let folder: string;
let chat: TestServer;
let embedder: TestServer;
const hello = { messages: [{ role: 'user', content: 'What is a GPU?' }], temperature: 0, max_tokens: 24 };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-embedded-'));
  const [text, bert] = await Promise.all([
    writeTinyGguf(folder),
    writeTinyGguf(folder, { name: 'bert', kind: 'bert', contextTokens: 128 }),
  ]);
  chat = await startServer(['--model', text, '--alias', 'tiny', '--ctx-size', '2048', '--parallel', '2']);
  embedder = await startServer(['--model', bert, '--alias', 'bert', '--ctx-size', '128', '--embeddings', '--ubatch-size', '128']);
});

afterAll(async () => {
  await chat?.stop();
  await embedder?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('generation', () => {
  test('a chat answers in OpenAI shape, through the model’s own template', async () => {
    const { status, body } = await chat.json('/v1/chat/completions', hello);
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'chat.completion', model: 'tiny', choices: [{ index: 0, finish_reason: 'length' }] });
    expect(body.choices[0]!.message.role).toBe('assistant');
    expect(body.choices[0]!.message.content.length).toBeGreaterThan(10);
    expect(body.usage.completion_tokens).toBe(24);
    expect(body.usage.total_tokens).toBe(body.usage.prompt_tokens + 24);
    // The template written out by hand gives the same tokens.
    const prompt = '<|im_start|>user\nWhat is a GPU?<|im_end|>\n<|im_start|>assistant\n';
    const { body: raw } = await chat.json('/v1/completions', { prompt, temperature: 0, max_tokens: 24 });
    expect(raw.usage.prompt_tokens).toBe(body.usage.prompt_tokens);
    expect(raw.choices[0]!.text).toBe(body.choices[0]!.message.content);
  });

  test('a stream carries the same text, its usage only when asked for, and [DONE]', async () => {
    const { body: whole } = await chat.json('/v1/chat/completions', hello);
    const asked = await readEvents(
      await chat.request('/v1/chat/completions', { ...hello, stream: true, stream_options: { include_usage: true } }),
    );
    expect(asked.done).toBe(true);
    expect(asked.events[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: null });
    expect(asked.events.map((event) => event.choices[0]?.delta?.content ?? '').join('')).toBe(whole.choices[0]!.message.content);
    expect(asked.events.at(-1)).toMatchObject({ choices: [], usage: whole.usage });
    expect(asked.events.at(-2)!.choices[0]!.finish_reason).toBe('length');
    const plain = await readEvents(await chat.request('/v1/completions', { prompt: 'the', temperature: 0, max_tokens: 5, stream: true }));
    expect(plain.events.every((event) => !('usage' in event))).toBe(true);
    // As the engine asks, which keeps the last one to itself.
    const counted = { ...hello, stream: true, stream_options: { include_usage: true } };
    const headers = { 'x-modelium-usage': 'last' };
    const { events } = await readEvents(await chat.request('/v1/chat/completions', counted, { headers }));
    expect(events.filter((event) => 'usage' in event)).toEqual([expect.objectContaining({ choices: [], usage: whole.usage })]);
    expect(plain.events.at(-1)!.choices[0]).toMatchObject({ text: '', finish_reason: 'length' });
  });

  test('a stop string that spans tokens ends the text in front of it, streamed or not', async () => {
    const request = { prompt: 'the model', temperature: 0, max_tokens: 60 };
    const { body } = await chat.json('/v1/completions', request);
    const text: string = body.choices[0]!.text;
    for (const at of [7, 16, 25]) {
      const stop = text.slice(at, at + 9);
      const wanted = text.slice(0, text.indexOf(stop));
      const { body: cut } = await chat.json('/v1/completions', { ...request, stop });
      expect(cut.choices[0]).toMatchObject({ text: wanted, finish_reason: 'stop' });
      const { events } = await readEvents(
        await chat.request('/v1/completions', { ...request, stop: ['never in it \u0001', stop], stream: true }),
      );
      expect(events.map((event) => event.choices[0]!.text).join('')).toBe(wanted);
      expect(events.at(-1)!.choices[0]!.finish_reason).toBe('stop');
    }
  });

  test('equal seeds answer equally, others differ', async () => {
    const ask = async (seed: number) =>
      (await chat.json('/v1/completions', { prompt: 'a', temperature: 1.5, seed, max_tokens: 30 })).body.choices[0]!.text;
    const first = await ask(7);
    expect(await ask(7)).toBe(first);
    expect(await ask(8)).not.toBe(first);
    expect(await ask(-1)).toBe(await ask(-1));
  });

  test('more requests than sequences: all answered', async () => {
    const prompts = ['the', 'model', 'room for', 'nobody', 'waits there', 'memory'];
    const ask = async (prompt: string) => (await chat.json('/v1/completions', { prompt, seed: 3, max_tokens: 20 })).body.choices[0]!.text;
    const together = await Promise.all(prompts.map(ask));
    expect(together.every((text) => typeof text === 'string' && text !== '')).toBe(true);
  });

  test('penalties, top_k and template values are carried out', async () => {
    const request = { prompt: 'the', temperature: 0, max_tokens: 40 };
    const { body: plain } = await chat.json('/v1/completions', request);
    const { body: penalized } = await chat.json('/v1/completions', { ...request, frequency_penalty: 2, presence_penalty: 2 });
    expect(penalized.choices[0]!.text).not.toBe(plain.choices[0]!.text);
    const { body: greedy } = await chat.json('/v1/completions', { ...request, temperature: 5, top_k: 1, seed: 1 });
    expect(greedy.choices[0]!.text).toBe(plain.choices[0]!.text);
  });

  test('generation ends where the context ends', async () => {
    const { body } = await chat.json('/v1/completions', { prompt: 'the', temperature: 0, max_tokens: 5000 });
    expect(body.choices[0]!.finish_reason).toBe('length');
    expect(body.usage.total_tokens).toBe(1024);
  });

  test('a prompt longer than the context is refused with both numbers', async () => {
    const { status, body } = await chat.json('/v1/completions', { prompt: Array.from({ length: 1500 }, () => 10) });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: 'context_length_exceeded', param: 'prompt', origin: 'llama' });
    expect(body.error.message).toMatch(/1500 tokens.*1024/);
  });
});

describe('what clients of other servers send', () => {
  const request = { prompt: 'the model', temperature: 0, max_tokens: 12 };

  test('no bound of tokens, empty stops, llama-server’s name for the bound, and habits that change nothing', async () => {
    const { body: plain } = await chat.json('/v1/completions', request);
    const { max_tokens: _, ...bare } = request;
    const habits = { keep_alive: '5m', think: false, num_ctx: 4096, id_slot: 0, chat_id: 'x', verbosity: 'low', reasoning_effort: 'high' };
    for (const more of [
      { n_predict: 12 },
      { n_predict: 12, stop: '' },
      { n_predict: 12, stop: [''] },
      { max_tokens: 12, ...habits, reasoning_effort: undefined },
    ]) {
      const { body } = await chat.json('/v1/completions', { ...bare, ...more });
      expect(body.choices?.[0]?.text, JSON.stringify([more, body])).toBe(plain.choices[0]!.text);
    }
    const { body: endless } = await chat.json('/v1/completions', { ...bare, max_tokens: -1 });
    expect(endless.usage.total_tokens).toBe(1024);
    expect((await chat.json('/v1/chat/completions', { ...hello, ...habits })).status).toBe(200);
  });

  test('seeds of 64 bits: each an answer of its own', async () => {
    const ask = async (seed: string) =>
      (await chat.json('/v1/completions', `{"prompt":"a","temperature":1.5,"max_tokens":30,"seed":${seed}}`)).body.choices[0]!.text;
    const first = await ask('9223372036854775807');
    expect(await ask('9223372036854775807')).toBe(first);
    expect(await ask('4611686018427387904')).not.toBe(first);
  });

  test('a prompt of nothing begins as the model’s texts begin', async () => {
    const { body: one } = await chat.json('/v1/completions', { ...request, prompt: '' });
    const { body: other } = await chat.json('/v1/completions', { ...request, prompt: [''] });
    expect(one.usage).toMatchObject({ prompt_tokens: 1, completion_tokens: 12 });
    expect(other.choices[0]!.text).toBe(one.choices[0]!.text);
  });

  test('an answer that the client began goes on', async () => {
    const messages = [
      { role: 'user', content: 'What is a GPU?' },
      { role: 'assistant', content: 'It is a' },
    ];
    const prompt = '<|im_start|>user\nWhat is a GPU?<|im_end|>\n<|im_start|>assistant\nIt is a';
    const { body: raw } = await chat.json('/v1/completions', { ...request, prompt });
    for (const more of [{}, { continue_final_message: true, add_generation_prompt: false }]) {
      const { body } = await chat.json('/v1/chat/completions', { messages, temperature: 0, max_tokens: 12, ...more });
      expect(body.choices[0]!.message.content).toBe(raw.choices[0]!.text);
      expect(body.usage.prompt_tokens).toBe(raw.usage.prompt_tokens);
    }
    const { body: closed } = await chat.json('/v1/chat/completions', {
      messages,
      temperature: 0,
      max_tokens: 12,
      continue_final_message: false,
    });
    expect(closed.usage.prompt_tokens).toBeGreaterThan(raw.usage.prompt_tokens);
  });

  test('a grammar of the client’s own, and what is wrong with one', async () => {
    const { body } = await chat.json('/v1/chat/completions', { ...hello, grammar: 'root ::= ("yes" | "no") "!"' });
    expect(body.choices[0]).toMatchObject({ message: { content: expect.stringMatching(/^(yes|no)!$/) }, finish_reason: 'stop' });
    const { status, body: wrong } = await chat.json('/v1/chat/completions', { ...hello, grammar: 'root ::= nothing' });
    expect([status, wrong.error.code]).toEqual([400, 'invalid-body']);
  });

  test('a bias of texts: each of their tokens; false is never', async () => {
    const { body: plain } = await chat.json('/v1/completions', request);
    const { body: pushed } = await chat.json('/v1/completions', { ...request, logit_bias: { GPU: 100 }, max_tokens: 3 });
    const { body: same } = await chat.json('/v1/completions', { ...request, logit_bias: [['GPU', 100]], max_tokens: 3 });
    expect(pushed.choices[0]!.text).toMatch(/^[GPU]+$/);
    expect(same.choices[0]!.text).toBe(pushed.choices[0]!.text);
    const { body: first } = await chat.json('/v1/completions', { ...request, max_tokens: 1, logprobs: 1 });
    const [token] = first.choices[0]!.logprobs.tokens;
    const { body: other } = await chat.json('/v1/completions', { ...request, max_tokens: 1, logit_bias: [[token, false]] });
    expect(plain.choices[0]!.text.startsWith(token!)).toBe(true);
    expect(other.choices[0]!.text).not.toBe(token);
  });

  test('a stream tells its speed with each part', async () => {
    const response = await chat.request('/v1/completions', { ...request, stream: true, timings_per_token: true });
    const { events } = await readEvents(response);
    const reported = (events as unknown as { timings?: Record<string, number> }[])
      .map(({ timings }) => timings)
      .filter((timings) => timings !== undefined);
    expect(reported.length).toBeGreaterThan(3);
    expect(reported.at(-1)).toMatchObject({ prompt_n: expect.any(Number), predicted_n: 12, predicted_per_second: expect.any(Number) });
    const counts = reported.map((timings) => timings['predicted_n']!);
    expect(counts).toEqual(counts.toSorted((left, right) => left - right));
  });
});

describe('a client that leaves', () => {
  test('ends its generation, and gives its place to the next', async () => {
    const before = chat.messages.length;
    const controllers = [new AbortController(), new AbortController()];
    const readers = await Promise.all(
      controllers.map(async ({ signal }) => {
        const response = await chat.request('/v1/completions', { prompt: 'the', max_tokens: 1000, stream: true }, { signal });
        const reader = response.body!.getReader();
        await reader.read();
        return reader;
      }),
    );
    // Both sequences are busy: this one waits for a place.
    const waiting = chat.json('/v1/completions', { prompt: 'the', max_tokens: 2 });
    for (const controller of controllers) controller.abort();
    for (const reader of readers) await expect(reader.closed).rejects.toThrow();
    expect((await waiting).status).toBe(200);
    await chat.message((message) => message['type'] === 'generating' && message['active'] === 0 && chat.messages.indexOf(message) > before);
  });
});

describe('what is refused', () => {
  test.each([
    ['n', { n: 0 }],
    ['tools[0]', { tools: [{ type: 'function' }] }],
    ['tool_choice', { tool_choice: 'required' }],
    ['logprobs', { logprobs: 3 }],
    ['top_logprobs', { top_logprobs: 3 }],
    ['response_format', { response_format: { type: 'xml' } }],
    ['response_format', { response_format: { type: 'json_schema', json_schema: { schema: { type: 'string', pattern: '(?=a)' } } } }],
    ['logit_bias', { logit_bias: { word: 'much' } }],
    ['logit_bias', { logit_bias: [[5, 1, 2], 7] }],
    ['logit_bias', { logit_bias: { 99999: 1 } }],
    ['context_shift', { context_shift: true, max_tokens: undefined }],
    ['suffix', { suffix: 'after' }],
    ['suffix', { suffix: Array.from({ length: 3000 }).reduce((inner) => [inner], []) }],
    ['best_of', { best_of: 3 }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['audio', { audio: { voice: 'alto' } }],
    ['modalities', { modalities: ['audio'] }],
    ['web_search_options', { web_search_options: {} }],
    ['grammar', { grammar: 'root ::= "a"', response_format: { type: 'json_object' } }],
    ['grammar', { grammar: `root ::= ${'('.repeat(5000)}"a"${')'.repeat(5000)}` }],
    ['continue_final_message', { continue_final_message: true }],
    ['temprature', { temprature: 0.5 }],
    ['temperature', { temperature: -1 }],
    ['top_p', { top_p: 'much' }],
    ['max_tokens', { max_tokens: 0 }],
    ['stop', { stop: [5] }],
    ['n_predict', { n_predict: -2 }],
    ['seed', { seed: 1.5 }],
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: { include_usage: true } }],
    ['messages', { messages: [] }],
    ['messages[0].role', { messages: [{ content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
  ])('%s by name', async (param, extra) => {
    const { status, body } = await chat.json('/v1/chat/completions', { ...hello, ...extra });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: 'invalid-body', param, origin: 'llama' });
  });

  test('an unknown parameter with the name that was probably meant; an image with what is missing', async () => {
    const { body } = await chat.json('/v1/chat/completions', { ...hello, temprature: 0.5 });
    expect(body.error.message).toMatch(/does not know the parameter "temprature".*"temperature"/);
    const image = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }];
    const { body: refused } = await chat.json('/v1/chat/completions', { ...hello, messages: [{ role: 'user', content: image }] });
    expect(refused.error).toMatchObject({ param: 'messages[0].content', message: expect.stringMatching(/reads no images/) });
  });

  test('neutral values of what we lack are no reason to refuse', async () => {
    const neutral = {
      n: 1,
      tools: [],
      logprobs: false,
      response_format: { type: 'text' },
      logit_bias: {},
      stop: null,
      user: 'me',
      store: false,
      metadata: {},
      include_reasoning: true,
      documents: [],
      extra_body: {},
    };
    expect((await chat.json('/v1/chat/completions', { ...hello, max_tokens: 1, ...neutral })).status).toBe(200);
  });

  test('a wrong key, everywhere but at /health', async () => {
    for (const path of ['/v1/models', '/v1/chat/completions', '/nowhere']) {
      const response = await chat.request(path, undefined, { key: 'wrong-key' });
      expect(response.status).toBe(401);
      expect(((await response.json()) as { error: { origin: string } }).error.origin).toBe('llama');
    }
    const health = await chat.request('/health', undefined, { key: 'wrong-key' });
    expect([health.status, await health.json()]).toEqual([
      200,
      { status: 'ok', bounds: { contextTokens: expect.any(Number), schemaValues: expect.any(Number) } },
    ]);
  });

  test('unknown routes, broken JSON, the wrong kind of model', async () => {
    expect((await chat.json('/nowhere')).status).toBe(404);
    expect((await chat.json('/v1/completions', '{')).body.error.code).toBe('invalid-json');
    expect((await chat.json('/v1/embeddings', { input: 'x' })).body.error.code).toBe('not-supported-by-model');
    expect((await embedder.json('/v1/chat/completions', hello)).body.error.code).toBe('not-supported-by-model');
  });

  test('a chat with a model that has no template', async () => {
    const file = await writeTinyGguf(folder, { name: 'bare', chatTemplate: false });
    const bare = await startServer(['--model', file, '--alias', 'bare', '--ctx-size', '256']);
    try {
      const { status, body } = await bare.json('/v1/chat/completions', hello);
      expect(status).toBe(400);
      expect(body.error.message).toMatch(/no chat template.*\/v1\/completions/);
      expect((await bare.json('/v1/completions', { prompt: 'the', max_tokens: 1 })).status).toBe(200);
    } finally {
      await bare.stop();
    }
  });
});

describe('embeddings', () => {
  test('a batch of hundreds of texts lets a single one in between', async () => {
    const ended: string[] = [];
    const input = Array.from({ length: 600 }, (_, at) => `text ${at} ${'the '.repeat(60)}`);
    const batch = embedder.json('/v1/embeddings', { input }).then(({ body }) => ended.push(`batch of ${body.data.length}`));
    const single = embedder
      .json('/v1/embeddings', { input: 'nobody waits' })
      .then(({ body }) => ended.push(`single of ${body.data.length}`));
    await Promise.all([batch, single]);
    expect(ended).toEqual(['single of 1', 'batch of 600']);
  });

  test('are of length 1, the same for the same text, in both encodings', async () => {
    const { body } = await embedder.json('/v1/embeddings', { input: ['graphics memory', 'nobody waits', 'graphics memory'] });
    expect(body.data.map((item) => item.index)).toEqual([0, 1, 2]);
    const [first, second, third] = body.data.map((item) => item.embedding);
    expect(Math.hypot(...first!)).toBeCloseTo(1, 5);
    expect(third).toEqual(first);
    expect(second).not.toEqual(first);
    expect(body.usage.prompt_tokens).toBeGreaterThan(6);
    const { body: encoded } = await embedder.json('/v1/embeddings', { input: 'graphics memory', encoding_format: 'base64' });
    const bytes = Buffer.from(encoded.data[0]!.embedding as unknown as string, 'base64');
    const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    expect([...floats].every((value, index) => Math.abs(value - first![index]!) < 1e-6)).toBe(true);
  });

  test('an input longer than the context is refused with both numbers', async () => {
    const { status, body } = await embedder.json('/v1/embeddings', { input: ['ok', 'the '.repeat(300)] });
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: 'context_length_exceeded', param: 'input[1]' });
    expect(body.error.message).toMatch(/302 tokens.*128/);
  });

  test('a text that fills the context is served, one token more is not; token numbers go the same way', async () => {
    const { body: one } = await embedder.json('/v1/embeddings', { input: 'the' });
    const own = one.usage.prompt_tokens - 2;
    expect(own).toBe(1);
    const { body: full } = await embedder.json('/v1/embeddings', { input: 'the '.repeat(126) });
    expect(full.usage.prompt_tokens).toBe(128);
    expect(Math.hypot(...full.data[0]!.embedding)).toBeCloseTo(1, 5);
    const { body: more } = await embedder.json('/v1/embeddings', { input: 'the '.repeat(127) });
    expect(more.error).toMatchObject({ code: 'context_length_exceeded', param: 'input' });
    const { body: foreign } = await embedder.json('/v1/embeddings', { input: [[5], [9999999]] });
    expect(foreign.error).toMatchObject({ code: 'invalid-body', param: 'input[1]' });
  });

  test('blank texts embed as BERT’s two marks do: never to a vector of no numbers', async () => {
    const blanks = ['', ' ', '\n', '\u200b', '\u0000', '\u0301', '\ufeff'];
    const { status, body } = await embedder.json('/v1/embeddings', { input: ['the', ...blanks] });
    expect(status).toBe(200);
    for (const { embedding } of body.data) expect(Math.hypot(...embedding)).toBeCloseTo(1, 5);
    const [, empty, space, newline] = body.data.map(({ embedding }) => embedding);
    expect([space, newline]).toEqual([empty, empty]);
    const { body: encoded } = await embedder.json('/v1/embeddings', { input: ' ', encoding_format: 'base64' });
    expect(Buffer.from(encoded.data[0]!.embedding as unknown as string, 'base64')).toHaveLength(64 * 4);
    expect(encoded.usage.prompt_tokens).toBe(2);
  });

  // text-embeddings-inference: [CLS], the first 126 tokens, [SEP].
  test('what is too long is cut where the client asks for it', async () => {
    const asked = async (body: object) => (await embedder.json('/v1/embeddings', body)).body;
    const fitting = await asked({ input: 'the '.repeat(126) });
    for (const wish of [{ truncate: true }, { truncate_prompt_tokens: -1 }, { truncate_prompt_tokens: 500 }]) {
      const cut = await asked({ input: 'the '.repeat(300_000), ...wish });
      expect(cut.usage.prompt_tokens).toBe(128);
      expect(cut.data[0]!.embedding).toEqual(fitting.data[0]!.embedding);
    }
    const short = await asked({ input: 'the model answers', truncate_prompt_tokens: 4 });
    expect(short.data[0]!.embedding).toEqual((await asked({ input: 'the model' })).data[0]!.embedding);
    expect((await asked({ input: 'the '.repeat(300), truncate: false })).error).toMatchObject({ code: 'context_length_exceeded' });
    expect((await asked({ input: 'the', truncate_prompt_tokens: 0 })).error).toMatchObject({ param: 'truncate_prompt_tokens' });
  });

  test('what is wrong is named by its place in "input"', async () => {
    const refused = async (input: unknown) => (await embedder.json('/v1/embeddings', { input })).body.error;
    expect(await refused(['a', 7, 'b'])).toMatchObject({ code: 'invalid-body', param: 'input[1]' });
    expect(await refused([])).toMatchObject({ code: 'invalid-body', param: 'input' });
    expect(await refused(Array.from({ length: 3000 }, () => 'a'))).toMatchObject({
      param: 'input',
      message: expect.stringMatching(/3000.*2048/),
    });
  });
});

// The forms of llama.cpp's and vLLM's own servers; the tokens of this vocabulary are bytes, three
// marks in front of them.
describe('texts in pieces, and tokens', () => {
  const byte = (letter: string) => 3 + letter.charCodeAt(0);

  test('a text may come as tokens and texts in turn, or as an object; a list that begins with a text is a list of texts', async () => {
    const answer = async (prompt: unknown) => (await chat.json('/v1/completions', { prompt, temperature: 0, max_tokens: 4 })).body;
    const whole = await answer('abc');
    for (const pieces of [
      [byte('a'), byte('b'), byte('c')],
      [byte('a'), 'bc'],
      { prompt_string: 'abc' },
      { content: [{ type: 'text', text: 'abc' }] },
    ]) {
      expect((await answer(pieces)).usage.prompt_tokens).toBe(3);
      expect((await answer(pieces)).choices[0]!.text).toBe(whole.choices[0]!.text);
    }
    expect((await answer([[byte('a'), 'b'], 'ab'])).choices).toHaveLength(2);
    expect((await answer(['a', 5])).error).toMatchObject({ param: 'prompt' });
    expect((await answer({ prompt_string: 'a', multimodal_data: ['AAAA'] })).error).toMatchObject({ param: 'prompt' });
    const vectors = await embedder.json('/v1/embeddings', {
      input: [
        'the model',
        {
          content: [
            { type: 'text', text: 'the ' },
            { type: 'text', text: 'model' },
          ],
        },
      ],
    });
    expect(vectors.body.data[1]!.embedding).toEqual(vectors.body.data[0]!.embedding);
  });

  test('/tokenize and /detokenize say what a text and a chat are made of', async () => {
    const said = async (path: string, body: object) => (await (await chat.request(path, body)).json()) as Record<string, unknown>;
    expect(await said('/tokenize', { prompt: 'a !', return_token_strs: true })).toEqual({
      count: 3,
      max_model_len: 1024,
      tokens: [byte('a'), expect.any(Number), byte('!')],
      token_strs: ['a', ' ', '!'],
    });
    const { tokens } = await said('/tokenize', { messages: hello.messages });
    const prompt = '<|im_start|>user\nWhat is a GPU?<|im_end|>\n<|im_start|>assistant\n';
    expect(await said('/detokenize', { tokens })).toEqual({ prompt });
    const { tokens: open } = await said('/tokenize', { messages: hello.messages, add_generation_prompt: false });
    expect(await said('/detokenize', { tokens: open })).toEqual({ prompt: prompt.replace('<|im_start|>assistant\n', '') });
    // llama.cpp's own way back drops the space in front of such a mark.
    const { tokens: spaced } = await said('/tokenize', { prompt: 'of France ?' });
    expect(await said('/detokenize', { tokens: spaced })).toEqual({ prompt: 'of France ?' });
    expect((await answerOf('of France ?', true)).startsWith('of France ?')).toBe(true);
    expect(await said('/tokenize', { prompt: ['a', 'b'] })).toMatchObject({ error: { param: 'prompt' } });
    expect(await said('/detokenize', { tokens: [999_999] })).toMatchObject({ error: { param: 'tokens' } });
  });

  const answerOf = async (prompt: string, echo: boolean) =>
    (await chat.json('/v1/completions', { prompt, echo, max_tokens: 1 })).body.choices[0]!.text;

  test('parts of a message are lines of it; two beginnings of one answer are refused', async () => {
    const tokens = async (messages: readonly object[]) =>
      (await chat.json('/v1/chat/completions', { ...hello, max_tokens: 1, messages })).body;
    const newer = [
      { type: 'input_text', text: 'one' },
      { type: 'output_text', text: 'two' },
    ];
    const parts = [
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
    ];
    const said = async (messages: readonly object[]) =>
      (await (await chat.request('/tokenize', { messages })).json()) as { readonly tokens: unknown };
    expect((await said([{ role: 'user', content: parts }])).tokens).toEqual((await said([{ role: 'user', content: 'one\ntwo' }])).tokens);
    expect((await said([{ role: 'user', content: newer }])).tokens).toEqual((await said([{ role: 'user', content: parts }])).tokens);
    const begun = { role: 'assistant', content: 'It' };
    expect((await tokens([hello.messages[0]!, begun, begun])).error).toMatchObject({ param: 'messages' });
    const both = { ...hello, messages: [...hello.messages, begun], continue_final_message: true, add_generation_prompt: true };
    expect((await chat.json('/v1/chat/completions', both)).body.error).toMatchObject({ param: 'continue_final_message' });
  });
});

test('the openai client, unchanged: models, chat, stream, embeddings', async () => {
  const client = (server: TestServer) => new OpenAI({ apiKey: KEY, baseURL: `http://127.0.0.1:${server.port}/v1`, maxRetries: 0 });
  const models = await client(chat).models.list();
  expect(models.data.map((model) => model.id)).toEqual(['tiny']);
  const messages = [{ role: 'user' as const, content: 'Hello' }];
  const whole = await client(chat).chat.completions.create({ model: 'tiny', messages, temperature: 0, max_tokens: 8 });
  let streamed = '';
  for await (const chunk of await client(chat).chat.completions.create({
    model: 'tiny',
    messages,
    temperature: 0,
    max_tokens: 8,
    stream: true,
  })) {
    streamed += chunk.choices[0]?.delta.content ?? '';
  }
  expect(streamed).toBe(whole.choices[0]!.message.content);
  const embedding = await client(embedder).embeddings.create({ model: 'bert', input: 'graphics' });
  expect(embedding.data[0]!.embedding).toHaveLength(64);
});

describe('the process', () => {
  test('tells how many generate, and takes new thread shares in mid-generation', async () => {
    const running = chat.json('/v1/completions', { prompt: 'the', max_tokens: 300, temperature: 0 });
    await chat.message((message) => message['type'] === 'generating' && message['active'] === 1);
    chat.child.send({ type: 'threads', threads: 2 });
    chat.child.send({ type: 'threads', threads: 'many' });
    chat.child.send({ type: 'threads', threads: 1 });
    expect((await running).body.usage.completion_tokens).toBe(300);
  });

  test('ends when its parent is killed', async () => {
    const port = await freePort();
    const args = [BUILT_SERVER, '--port', String(port), '--model', join(folder, 'tiny.gguf'), '--ctx-size', '256'];
    const script = `const child = require('node:child_process').spawn(process.execPath, ${JSON.stringify(args)},
      { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env: { LLAMA_API_KEY: 'k' } }); console.log(child.pid); setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout!, 'data')) as [Buffer];
    const pid = Number(line.toString());
    const answers = () =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        () => true,
        () => false,
      );
    while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 20));
    parent.kill('SIGKILL');
    const lives = async () => (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z')).split(') ')[1]?.startsWith('Z') !== true;
    while (await lives()) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await answers()).toBe(false);
  });

  test('SIGTERM ends it, also in mid-generation', async () => {
    const server = await startServer(['--model', join(folder, 'tiny.gguf'), '--ctx-size', '2048']);
    const response = await server.request('/v1/completions', { prompt: 'the', max_tokens: 2000, stream: true });
    await response.body!.getReader().read();
    server.child.kill('SIGTERM');
    const [, signal] = await once(server.child, 'exit');
    expect(signal).toBe('SIGTERM');
  });

  test.each([
    [
      'a file that is not a model',
      async () => writeFile(join(folder, 'broken.gguf'), 'GGUF and then nothing'),
      'broken.gguf',
      /cannot load .*broken\.gguf: /,
    ],
    [
      'a header that llama.cpp asserts on',
      async () => {
        // kv heads 0 divides by zero inside llama.cpp: it aborts the process instead of answering.
        const bytes = Buffer.from(tinyModel()[0]!.bytes);
        const key = Buffer.from('llama.attention.head_count_kv');
        bytes.writeUInt32LE(0, bytes.indexOf(key) + key.length + 4);
        await writeFile(join(folder, 'assert.gguf'), bytes);
      },
      'assert.gguf',
      /GGML_ASSERT|cannot load|division/,
    ],
  ])('%s: the reason reaches stderr', async (_, make, file, words) => {
    await make();
    const server = await spawnServer(['--model', join(folder, file), '--ctx-size', '256']);
    await once(server.child, 'close');
    expect(server.child.exitCode).not.toBe(0);
    expect(server.lines.join('\n')).toMatch(words);
  });

  test('a taken port, a missing key and an unknown flag end it with a sentence', async () => {
    const model = join(folder, 'tiny.gguf');
    for (const [args, env, words] of [
      [['--model', model, '--port', String(chat.port)], { LLAMA_API_KEY: 'k' }, /EADDRINUSE/],
      [['--model', model], { LLAMA_API_KEY: '' }, /LLAMA_API_KEY is not set/],
      [['--model', model, '--mlock'], { LLAMA_API_KEY: 'k' }, /does not know the flag --mlock/],
    ] as const) {
      const server = await spawnServer(args, env);
      await once(server.child, 'close');
      expect(server.child.exitCode).toBe(1);
      expect(server.lines.join('\n')).toMatch(words);
    }
  });

  test('says 503 while it loads, and a split model loads by its first part', async () => {
    const file = await writeTinyGguf(folder, { name: 'parts', parts: 3 });
    const server = await spawnServer(['--model', file, '--ctx-size', '256']);
    try {
      let loading: unknown = null;
      for (;;) {
        const response = await server.request('/health').catch(() => null);
        if (response?.status === 503) loading = await response.json();
        if (response?.status === 200) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(loading).toMatchObject({ error: { message: 'Loading model', code: 503 } });
      expect(server.lines.some((line) => /^modelium: loading \d+ %$/.test(line))).toBe(true);
    } finally {
      await server.stop();
    }
  });
});
