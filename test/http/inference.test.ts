import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Departure } from '../../main/core/gateway.ts';
import { AnswerBudget } from '../../main/http/answer-budget.ts';
import { predictEmbeddingsSchema, predictEventSchema, predictLabelsSchema, predictTextSchema } from '../../shared/api-predict.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { ask, CHAT_PROFILE, event, type Setup, startSetup, until } from './harness.ts';

let setup: Setup;
beforeEach(async () => {
  setup = await startSetup();
});
afterEach(async () => {
  await setup.close();
});

/** The events of a stream as text. */
function eventsOf(text: string): unknown[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .map((line) => JSON.parse(line.slice(6)));
}

describe('/predict', () => {
  it('answers a prompt as the user said it, whatever the content type', async () => {
    const got = await ask(setup, '/predict/tiny', {
      body: '{"prompt": "Hi", "max_tokens": 5}',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(got.status).toBe(200);
    const answer = predictTextSchema.strict().parse(got.json);
    expect(answer).toMatchObject({ model: 'tiny', runtime: 'llama', text: 'Hello wörld.', finish_reason: 'stop' });
    expect(answer.usage).toEqual({ prompt_tokens: 5, completion_tokens: 3 });
    expect(answer.timings).toMatchObject({ queue_ms: 12.4, load_ms: 7 });
    expect(answer.timings.first_token_ms).toBeGreaterThan(0);
    expect(got.headers.get('x-modelium-model')).toBe('tiny');
    expect(got.headers.get('x-modelium-runtime')).toBe('llama');
    expect(got.headers.get('x-modelium-queue-ms')).toBe('12');
    expect(got.headers.get('x-modelium-load-ms')).toBe('7');
    const [seen] = setup.upstream.seen;
    expect(seen?.url).toBe('/v1/chat/completions');
    expect(seen?.headers.authorization).toBe('Bearer runtime-key');
    expect(seen?.body).toMatchObject({ model: 'tiny', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, stream: true });
    expect(setup.engine.leases.map(({ released }) => released)).toEqual([1]);
    expect(setup.engine.reports).toMatchObject([
      { modelId: 'tiny', runtime: 'llama', status: 200, promptTokens: 5, completionTokens: 3, queueMs: 12.4, queueCause: 'loading' },
    ]);
  });

  it('passes messages and sampling on, and the default length', async () => {
    const body = {
      messages: [{ role: 'system', content: 'Be brief.' }],
      temperature: 0,
      top_p: 0.5,
      stop: ['x'],
      seed: 3,
      keep_alive_seconds: 9,
    };
    expect((await ask(setup, '/predict/owner/tiny', { body })).status).toBe(200);
    const { keep_alive_seconds, ...passed } = body;
    expect(setup.upstream.seen[0]?.body).toMatchObject({ ...passed, model: 'tiny', max_tokens: 256 });
    expect(setup.engine.keptAlive).toEqual([['tiny', keep_alive_seconds]]);
  });

  it('without a limit names none to a chat, and has an answer that was begun gone on with', async () => {
    const messages = [
      { role: 'user', content: 'Count' },
      { role: 'assistant', content: 'one, two' },
    ];
    expect((await ask(setup, '/predict/owner/tiny', { body: { messages, max_tokens: -1 } })).status).toBe(200);
    const { body } = setup.upstream.seen[0] ?? {};
    expect(body).toMatchObject({ messages, continue_final_message: true, add_generation_prompt: false });
    expect(body).not.toHaveProperty('max_tokens');
    expect((await ask(setup, '/predict/owner/tiny', { body: { messages, max_tokens: -2 } })).status).toBe(400);
  });

  it('asks a model without chat template to go on with the text', async () => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'completion', hasChatTemplate: false };
    const got = await ask(setup, '/predict/tiny', { body: { prompt: 'Once' } });
    expect(got.json.text).toBe('Hello wörld.');
    expect(setup.upstream.seen[0]?.url).toBe('/v1/completions');
    expect(setup.upstream.seen[0]?.body['prompt']).toBe('Once');
  });

  it('tells thoughts apart, whole and streamed', async () => {
    const whole = await ask(setup, '/predict/tiny', { body: { prompt: 'Think!' } });
    expect(predictTextSchema.strict().parse(whole.json)).toMatchObject({ text: 'Hello wörld.', reasoning: 'I think.' });
    const streamed = await ask(setup, '/predict/tiny', { body: { prompt: 'Think!', stream: true } });
    const events = eventsOf(streamed.text).map((data) => predictEventSchema.parse(data));
    expect(events.slice(0, 3)).toEqual([{ reasoning: 'I ' }, { reasoning: 'think.' }, { text: 'Hello' }]);
    expect((await ask(setup, '/predict/tiny', { body: { prompt: 'Hi' } })).json).not.toHaveProperty('reasoning');
  });

  it('streams texts and one final event', async () => {
    const got = await ask(setup, '/predict/tiny', { body: { prompt: 'Hi', stream: true } });
    expect(got.headers.get('content-type')).toContain('text/event-stream');
    const events = eventsOf(got.text).map((data) => predictEventSchema.parse(data));
    expect(events.slice(0, -1)).toEqual([{ text: 'Hello' }, { text: ' wörld' }, { text: '.' }]);
    expect(events.at(-1)).toMatchObject({
      done: true,
      model: 'tiny',
      finish_reason: 'stop',
      usage: { prompt_tokens: 5, completion_tokens: 3 },
    });
  });

  it('hears a sign of life in the head of an answer and in each part of it', async () => {
    await ask(setup, '/predict/tiny', { body: { prompt: 'Hi', stream: true } });
    await ask(setup, '/v1/completions', { body: { model: 'tiny', prompt: 'a' } });
    const [streamed, whole] = setup.engine.leases.map(({ timesHeard }) => timesHeard);
    expect(streamed).toBeGreaterThan(1);
    expect(whole).toBeGreaterThan(0);
  });

  it('asks a server by what that calls the model, and answers with what we call it', async () => {
    const lease = setup.engine.lease;
    setup.engine.ensureReady = () => ({ ...lease(), endpoint: { ...lease().endpoint, model: 'org/theirs' } });
    const got = await ask(setup, '/predict/tiny', { body: { prompt: 'Hi' } });
    expect([got.json.model, setup.upstream.seen[0]?.body['model']]).toEqual(['tiny', 'org/theirs']);
    await ask(setup, '/v1/completions', { body: { model: 'owner/tiny', prompt: 'Hi' } });
    expect(setup.upstream.seen[1]?.body).toEqual({ model: 'org/theirs', prompt: 'Hi' });
    const form = new FormData();
    form.set('file', new Blob(['RIFF']), 'a.wav');
    form.set('model', 'tiny');
    await fetch(`${setup.address}/v1/audio/transcriptions`, { method: 'POST', body: form });
    expect(setup.upstream.seen[2]?.raw).toContain('org/theirs');
    expect(setup.upstream.seen[2]?.raw).not.toContain('tiny');
  });

  it('embeds texts in their order', async () => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'embedding', hasChatTemplate: false };
    const got = await ask(setup, '/predict/tiny', { body: { input: ['a', 'bcd'] } });
    const answer = predictEmbeddingsSchema.strict().parse(got.json);
    expect(answer.embeddings).toEqual([
      [1, 0.5],
      [3, 0.5],
    ]);
    expect(answer.usage).toEqual({ prompt_tokens: 4, completion_tokens: 0 });
    expect(setup.upstream.seen[0]?.body).toEqual({ model: 'tiny', input: ['a', 'bcd'], encoding_format: 'float' });
  });

  it('tells the class of each text', async () => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'classifier', hasChatTemplate: false };
    const got = await ask(setup, '/predict/tiny', { body: { input: ['a', 'bcd'] } });
    const answer = predictLabelsSchema.strict().parse(got.json);
    expect(answer.labels).toEqual([
      { label: 'good', probability: 0.75 },
      { label: '1', probability: 0.75 },
    ]);
    expect(setup.upstream.seen[0]).toMatchObject({ url: '/classify', body: { model: 'tiny', input: ['a', 'bcd'] } });
  });

  it.each([
    ['null', null],
    ['no list', { data: { length: 1 } }],
    ['entries that are none', { data: [null] }],
  ])('a server that answers inputs with %s is told, and it counts as no bug of ours', async (_what, value) => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'embedding', hasChatTemplate: false };
    setup.upstream.answer = (response) => void response.end(JSON.stringify(value));
    const got = await ask(setup, '/predict/tiny', { body: { input: 'a' } });
    expect([got.status, got.json.error.code, setup.logged]).toEqual([502, 'upstream-failed', []]);
  });

  it.each(['null', '5', '{"error":null}', '{"choices":[null]}', '{"choices":[{"text":{}}]}', '{"choices":"x"}', '{"text_output":null}'])(
    'an event that says nothing counts as none: %s',
    async (event) => {
      const usage = '{"choices":[{"delta":{"content":"Hi"},"finish_reason":7}],"usage":{"prompt_tokens":"12","completion_tokens":-1}}';
      setup.upstream.answer = (response) => void response.end(`data: ${event}\n\ndata: ${usage}\n\ndata: [DONE]\n\n`);
      const got = await ask(setup, '/predict/tiny', { body: { prompt: 'a' } });
      expect([got.status, got.json.text, got.json.finish_reason, setup.logged]).toEqual([200, 'Hi', null, []]);
      expect(setup.engine.reports).toMatchObject([{ promptTokens: null, completionTokens: null }]);
    },
  );

  it('a large answer to inputs counts in the bound of all large answers, until it is sent', async () => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'embedding', hasChatTemplate: false };
    const taken: number[] = [];
    const open = vi.spyOn(AnswerBudget.prototype, 'open').mockImplementation(() => ({
      take: (bytes) => void taken.push(bytes),
      release: () => void taken.push(0),
    }));
    const embedding = Array.from({ length: 100_000 }, () => 0.5);
    setup.upstream.answer = (response) => void response.end(JSON.stringify({ data: [{ embedding }] }));
    expect((await ask(setup, '/predict/tiny', { body: { input: 'a' } })).json.embeddings).toEqual([embedding]);
    expect(taken.reduce((sum, bytes) => sum + bytes)).toBeGreaterThan(300_000);
    expect(taken.at(-1)).toBe(0);
    open.mockRestore();
  });

  it.each([
    ['an event that is too large', 'it sent an event that is too large', 1, 1.5 * 1024 * 1024],
    ['text that never ends', 'its answer has no end', 90, 100_000],
  ])('%s is neither read nor collected', async (_what, why, events, characters) => {
    const text = event({ choices: [{ delta: { content: 'x'.repeat(characters) } }] });
    setup.upstream.answer = (response) => void response.end(`${text.repeat(events)}data: [DONE]\n\n`);
    const got = await ask(setup, '/predict/tiny', { body: { prompt: 'a' } });
    expect([got.status, got.json.error.message]).toEqual([502, expect.stringContaining(why)]);
  });

  it('a large answer to inputs is read on another thread: in order, with its usage, and damaged ones are told', async () => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'embedding', hasChatTemplate: false };
    const parse = vi.spyOn(JSON, 'parse');
    const parsedHere = () => parse.mock.calls.filter(([text]) => String(text).startsWith('{"data":'));
    const [one, two] = [0.5, -1].map((value) => Array.from({ length: 50_000 }, () => value));
    const data = [
      { index: 1, embedding: two },
      { index: 0, embedding: one },
    ];
    setup.upstream.answer = (response) => void response.end(JSON.stringify({ data, usage: { prompt_tokens: 7 } }));
    const got = await ask(setup, '/predict/tiny', { body: { input: ['a', 'b'] } });
    expect(predictEmbeddingsSchema.strict().parse(got.json)).toMatchObject({ embeddings: [one, two], usage: { prompt_tokens: 7 } });
    expect(setup.engine.reports.at(-1)).toMatchObject({ status: 200, promptTokens: 7, completionTokens: 0 });
    for (const [answer, why] of [
      [`{"data":[null]${' '.repeat(100_000)}}`, 'has no embeddings'],
      [`{"data":[${'0,'.repeat(50_000)}`, 'is not JSON'],
    ] as const) {
      setup.upstream.answer = (response) => void response.end(answer);
      const damaged = await ask(setup, '/predict/tiny', { body: { input: 'a' } });
      expect([damaged.status, damaged.json.error.message]).toEqual([502, expect.stringContaining(why)]);
    }
    expect(parsedHere()).toEqual([]);
    parse.mockRestore();
  });

  it('the likeliest of any number of classes is told', async () => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'classifier', hasChatTemplate: false };
    const probs = Array.from({ length: 200_000 }, (_, index) => (index === 7 ? 0.5 : 0));
    setup.upstream.answer = (response) => void response.end(JSON.stringify({ data: [{ probs }] }));
    const got = await ask(setup, '/predict/tiny', { body: { input: 'a' } });
    expect(got.json.labels).toEqual([{ label: '7', probability: 0.5 }]);
  });

  it.each([
    ['embedding', 'BertModel'],
    ['vision', 'ViTForImageClassification'],
  ] as const)('labels are refused by a model of the kind %s that chooses between none', async (kind, architecture) => {
    setup.engine.profile = { ...CHAT_PROFILE, kind, architecture, hasChatTemplate: false };
    const got = await ask(setup, '/predict/tiny', { body: { input: 'a', labels: ['b', 'c'] } });
    expect([got.status, got.json.error.param, setup.upstream.seen]).toEqual([400, 'labels', []]);
  });

  it.each([
    ['images', 'vision', {}],
    ['images or texts by names of the request', 'embedding', { labels: ['cat', 'dog'] }],
  ] as const)('tells the class of %s', async (_what, kind, more) => {
    setup.engine.profile = {
      ...CHAT_PROFILE,
      kind,
      architecture: kind === 'embedding' ? 'CLIPModel' : 'ViTForImageClassification',
      hasChatTemplate: false,
    };
    const image = 'data:image/png;base64,AAAA';
    const got = await ask(setup, '/predict/tiny', { body: { input: image, ...more } });
    expect(predictLabelsSchema.strict().parse(got.json).labels).toEqual([{ label: 'good', probability: 0.75 }]);
    expect(setup.upstream.seen[0]).toMatchObject({ url: '/classify', body: { model: 'tiny', input: image, ...more } });
  });

  it.each([
    ['labels of nothing', { prompt: 'a', labels: ['b'] }, 'invalid-body', 'labels'],
    ['no subject', {}, 'invalid-body', null],
    ['two subjects', { prompt: 'a', input: 'b' }, 'invalid-body', null],
    ['a typing error', { prompt: 'a', max_token: 5 }, 'invalid-body', 'max_token'],
    ['a wrong type', { prompt: 'a', max_tokens: 'many' }, 'invalid-body', 'max_tokens'],
    ['a wrong type within', { messages: [{ content: 'x' }] }, 'invalid-body', 'messages.0.role'],
    ['__proto__', '{"prompt": "a", "__proto__": {"stream": true}}', 'invalid-body', '__proto__'],
    ['tensors', { inputs: { x: [1] } }, 'not-supported-by-model', 'inputs'],
    ['embedding with a chat model', { input: 'a' }, 'not-supported-by-model', 'input'],
    ['streamed embeddings', { input: 'a', stream: true }, 'invalid-body', 'stream'],
    ['no JSON', 'prompt=a', 'invalid-json', null],
    ['an array', '[1]', 'invalid-json', null],
    ['deep nesting', `{"prompt": "a", "messages": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`, 'invalid-body', 'messages.0'],
    ['deep nesting without end', '['.repeat(1_000_000), 'invalid-json', null],
  ])('refuses %s', async (_name, body, code, param) => {
    const got = await ask(setup, '/predict/tiny', { body });
    expect(got.status).toBe(400);
    expect(got.json.error).toMatchObject({ code, param, origin: 'modelium' });
    expect(setup.upstream.seen).toEqual([]);
    expect(setup.engine.leases.every(({ released }) => released === 1)).toBe(true);
  });

  // A template prints 1.0 otherwise than 1, and llama.cpp's own server gets the body as the client
  // wrote it.
  it('passes the numbers of tool calls on as they were written', async () => {
    const call = '{"function": {"name": "f", "arguments": {"x": 1.0, "y": 1e2, "n": 12345678901234567890}}}';
    await ask(setup, '/predict/tiny', { body: `{"messages": [{"role": "assistant", "tool_calls": [${call}]}], "temperature": 1.0}` });
    expect(setup.upstream.seen[0]?.raw).toContain('"arguments":{"x":1.0,"y":1e2,"n":12345678901234567890}');
    expect(setup.upstream.seen[0]?.body['temperature']).toBe(1);
  });

  it('says that an embedding model wants texts', async () => {
    setup.engine.profile = { ...CHAT_PROFILE, kind: 'embedding' };
    const got = await ask(setup, '/predict/tiny', { body: { prompt: 'a' } });
    expect(got.json.error).toMatchObject({ code: 'not-supported-by-model', param: 'prompt' });
  });

  it('takes an answer without its end for a failure', async () => {
    setup.upstream.answer = (response) => response.end(event({ choices: [{ text: 'half' }] }));
    const got = await ask(setup, '/predict/tiny', { body: { prompt: 'a' } });
    expect(got.status).toBe(502);
    expect(got.json.error).toMatchObject({ code: 'upstream-failed', origin: 'llama' });
  });

  it("takes an error event in the runtime's stream for a failure", async () => {
    setup.upstream.answer = (response) => response.end(`${event({ error: { message: 'engine died' } })}data: [DONE]\n\n`);
    const got = await ask(setup, '/predict/tiny', { body: { prompt: 'a' } });
    expect(got.status).toBe(502);
    expect(got.json.error.message).toContain('engine died');
  });
});

describe('/v1', () => {
  it('passes the very bytes on when the name is the id', async () => {
    const raw = '{ "model":"tiny",  "messages":[], "seed": 12345678901234567890, "__proto__": {"x": 1} }';
    const got = await ask(setup, '/v1/chat/completions', { body: raw });
    expect(got.status).toBe(200);
    expect(got.json.choices[0].message.content).toBe('Hello world.');
    expect(setup.upstream.seen[0]?.raw).toBe(raw);
    expect(got.headers.get('x-modelium-runtime')).toBe('llama');
    expect(setup.engine.reports).toMatchObject([{ status: 200, promptTokens: 5, completionTokens: 3, firstTokenMs: null }]);
  });

  it('puts the id in the place of an alias', async () => {
    await ask(setup, '/v1/chat/completions', { body: { model: 'owner/tiny', messages: [], n: 2 } });
    expect(setup.upstream.seen[0]?.body).toEqual({ model: 'tiny', messages: [], n: 2 });
  });

  it('lets no other header of the runtime through', async () => {
    const got = await ask(setup, '/v1/chat/completions', { body: { model: 'tiny', stream: true } });
    expect(got.headers.get('access-control-allow-origin')).toBeNull();
    expect(got.headers.get('set-cookie')).toBeNull();
    expect(got.text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it.each([
    ['no model', { messages: [] }, 400, 'model-required'],
    ['a model that is no name', { model: 5 }, 400, 'model-required'],
    ['an unknown model', { model: 'tinny' }, 404, 'model-not-found'],
  ])('refuses %s', async (_name, body, status, code) => {
    const got = await ask(setup, '/v1/chat/completions', { body });
    expect(got.status).toBe(status);
    expect(got.json.error).toMatchObject({ code, param: 'model' });
    if (status === 404) expect(got.json.error.message).toContain('Did you mean tiny?');
  });

  it.each(['/v1/load_lora_adapter', '/v1/unload_lora_adapter', '/sleep', '/v1/sleep', '/wake_up', '/v1/models/tiny/load', '/v1/../sleep'])(
    'never reaches %s of a runtime',
    async (path) => {
      const got = await ask(setup, path, { body: { model: 'tiny' } });
      expect([404, 405]).toContain(got.status);
      expect(setup.upstream.seen).toEqual([]);
    },
  );

  it.each([
    ['an OpenAI error', 400, { error: { message: 'too long', type: 'BadRequestError', code: 400, param: 'max_tokens' } }, 400, 'too long'],
    ['a FastAPI error', 404, { detail: 'Not Found' }, 404, 'Not Found'],
    ['a refused key', 401, { error: 'Unauthorized: sk-ours' }, 502, 'llama refuses the key that Modelium sends'],
    ['an error of the runtime', 500, { error: { message: 'oops', type: 'InternalServerError' } }, 500, 'oops'],
    ['plain text', 503, 'busy', 503, 'busy'],
    ['nothing', 429, '', 429, 'status 429'],
  ])('tells %s in the envelope', async (_name, status, body, expected, message) => {
    setup.upstream.answer = (response) => {
      response.writeHead(status, { 'retry-after': '7' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    const got = await ask(setup, '/v1/chat/completions', { body: { model: 'tiny', stream: true } });
    expect(got.status).toBe(expected);
    expect(got.json.error.message).toContain(message);
    expect(got.json.error.origin).toBe('llama');
    expect(got.headers.get('retry-after')).toBe('7');
    expect(setup.engine.reports).toMatchObject([{ status: expected }]);
    expect(setup.engine.leases[0]?.released).toBe(1);
  });

  it.each([
    ['/v1/completions', 400, false],
    ['/v1/completions', 200, true],
    ['/predict/tiny', 400, false],
    ['/predict/tiny', 200, false],
  ])('takes the key out of what a server quotes of it, also with escapes: %s, %i, stream %s', async (path, status, stream) => {
    const quotedKey = 'runtime-key'.replaceAll('-', '\\u002d');
    const error = `{"error":{"message":"bad key ${quotedKey}, runtime-key"}}`;
    setup.upstream.answer = (response) => {
      const streams = status === 200;
      response.writeHead(status, { 'content-type': streams ? 'text/event-stream' : 'application/json' });
      response.end(streams ? `data: ${error}\n\n` : error);
    };
    const got = await ask(setup, path, {
      body: path === '/v1/completions' ? { model: 'tiny', prompt: 'x', stream } : { prompt: 'x', stream },
    });
    expect(got.text).toContain('bad key ***, ***');
  });

  // The words of vLLM 0.32 (renderers/params.py, v1/engine/input_processor.py) and of llama-server;
  // OpenAI's own code for it is what agents look for.
  it.each([
    {
      error: { message: "This model's maximum context length is 2048 tokens. However, your prompt contains 2100 input tokens", code: 400 },
    },
    { error: { message: 'The decoder prompt (length 2100) is longer than the maximum model length of 2048.', type: 'BadRequestError' } },
    { error: { code: 400, message: 'the request exceeds the available context size', type: 'exceed_context_size_error', n_ctx: 2048 } },
  ])('names a prompt that is too long as OpenAI does: %j', async (body) => {
    setup.upstream.answer = (response) => response.writeHead(400).end(JSON.stringify(body));
    const { status, json } = await ask(setup, '/v1/chat/completions', { body: { model: 'tiny' } });
    expect([status, json.error.code, json.error.message]).toEqual([400, 'context_length_exceeded', body.error.message]);
  });

  it('lists models with what clients look for, for a base URL without /v1 too', async () => {
    const entry = { id: 'tiny', object: 'model', created: 1_700_000_000, context_length: 2_048, kind: 'chat', aliases: ['owner/tiny'] };
    for (const path of ['/v1/models', '/models']) expect((await ask(setup, path)).json).toMatchObject({ object: 'list', data: [entry] });
    expect((await ask(setup, '/models')).json.models).toMatchObject([{ id: 'tiny', state: 'ready' }]);
    expect((await ask(setup, '/v1/models/owner%2Ftiny')).json).toMatchObject(entry);
  });

  it('ignores fields that change nothing, and tells which; the runtime may add some, but none that nobody knows', async () => {
    const habits = { user: 'me', keep_alive: '5m', num_ctx: 4_096, store: null };
    const { headers, status } = await ask(setup, '/v1/chat/completions', {
      body: { model: 'tiny', messages: [], ...habits, temperature: 1 },
    });
    expect(status).toBe(200);
    expect(headers.get('x-modelium-ignored')).toBe('user, keep_alive, num_ctx');
    expect((await ask(setup, '/v1/completions', { body: { model: 'tiny', prompt: 'a' } })).headers.get('x-modelium-ignored')).toBeNull();
    const answer = setup.upstream.answer;
    setup.upstream.answer = (response, body, request) => {
      response.setHeader('x-modelium-ignored', 'reasoning_effort, made_up, user');
      answer(response, body, request);
    };
    const said = await ask(setup, '/v1/chat/completions', { body: { model: 'tiny', messages: [], user: 'me', reasoning_effort: 'low' } });
    expect(said.headers.get('x-modelium-ignored')).toBe('user, reasoning_effort');
    expect(setup.engine.reports.map(({ ignoredFields }) => ignoredFields)).toEqual([
      ['user', 'keep_alive', 'num_ctx'],
      [],
      ['user', 'reasoning_effort'],
    ]);
  });

  it('is what the openai client expects', async () => {
    const client = new OpenAI({ baseURL: `${setup.address}/v1`, apiKey: 'unused', maxRetries: 0 });
    const listed = await client.models.list();
    expect(listed.data.map(({ id }) => id)).toEqual(['tiny']);
    expect((await client.models.retrieve('owner/tiny')).id).toBe('tiny');
    const messages = [{ role: 'user' as const, content: 'Hi' }];
    const chat = await client.chat.completions.create({ model: 'tiny', messages });
    expect(chat.choices[0]?.message.content).toBe('Hello world.');
    const stream = await client.chat.completions.create({ model: 'tiny', messages, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('Hello wörld.');
    const embedded = await client.embeddings.create({ model: 'tiny', input: ['a', 'bc'], encoding_format: 'float' });
    expect(embedded.data).toHaveLength(2);
    await expect(client.chat.completions.create({ model: 'nothing', messages })).rejects.toMatchObject({
      status: 404,
      code: 'model-not-found',
    });
  });
});

describe('trouble', () => {
  it.each([
    ['model-settling', 503],
    ['model-blocked', 503],
    ['model-failed', 503],
    ['model-gone', 410],
    ['queue-full', 429],
    ['queue-timeout', 503],
    ['out-of-memory', 503],
    ['shutting-down', 503],
  ] as const)('%s is told with its status and Retry-After, thrown or rejected', async (code, status) => {
    const error = new ModeliumError(code, 'A sentence.', { retryAfterSeconds: 20, lastOutput: ['last word'] });
    const ways: (typeof setup.engine.ensureReady)[] = [
      () => {
        throw error;
      },
      () => Promise.reject(error),
    ];
    for (const way of ways) {
      setup.engine.ensureReady = way;
      const got = await ask(setup, '/predict/tiny', { body: { prompt: 'a', stream: true } });
      expect(got.status).toBe(status);
      expect(got.json.error).toMatchObject({ code, message: 'A sentence.', last_words: ['last word'] });
      expect(got.headers.get('retry-after')).toBe('20');
      expect(got.headers.get('x-modelium-model')).toBe('tiny');
    }
    expect(setup.engine.reports).toMatchObject([
      { status, runtime: null },
      { status, runtime: null },
    ]);
  });

  it('never shows a stack', async () => {
    setup.engine.ensureReady = () => {
      throw new TypeError('a bug');
    };
    const got = await ask(setup, '/v1/completions', { body: { model: 'tiny' } });
    expect(got.status).toBe(500);
    expect(got.text).not.toContain('.ts');
    expect(setup.logged).toHaveLength(1);
  });

  it('ends a stream whose runtime dies with an error event and a broken transfer', async () => {
    setup.upstream.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ choices: [{ delta: { content: 'Hel' } }] }), () => response.destroy());
    };
    for (const path of ['/v1/chat/completions', '/predict/tiny']) {
      const body = path === '/predict/tiny' ? { prompt: 'a', stream: true } : { model: 'tiny', stream: true };
      const answer = await fetch(`${setup.address}${path}`, { method: 'POST', body: JSON.stringify(body) });
      const parts: string[] = [];
      const reading = (async () => {
        for await (const part of answer.body!) parts.push(Buffer.from(part).toString());
      })();
      await expect(reading).rejects.toThrow();
      expect(parts.join('')).toContain('Hel');
      expect(eventsOf(parts.join('')).at(-1)).toMatchObject({ error: { code: 'upstream-failed', origin: 'llama' } });
      expect(parts.join('')).not.toContain('[DONE]');
    }
    expect(setup.engine.reports.map(({ status }) => status)).toEqual([502, 502]);
    expect(setup.engine.leases.map(({ released }) => released)).toEqual([1, 1]);
  });

  it('answers 502 when the runtime dies before its answer, and asks only once', async () => {
    setup.upstream.answer = (response) => response.destroy();
    const got = await ask(setup, '/v1/chat/completions', { body: { model: 'tiny' } });
    expect(got.status).toBe(502);
    expect(got.json.error).toMatchObject({ code: 'upstream-failed', origin: 'llama' });
    expect(setup.upstream.seen).toHaveLength(1);
  });

  it('breaks an answer of known length off rather than to end it short', async () => {
    setup.upstream.answer = (response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"half', () => response.destroy());
    };
    await expect(ask(setup, '/v1/chat/completions', { body: { model: 'tiny' } })).rejects.toThrow();
  });

  it('a cut ends the request with its reason', async () => {
    setup.upstream.answer = () => {};
    const asking = ask(setup, '/v1/chat/completions', { body: { model: 'tiny' } });
    await until(() => setup.upstream.seen.length === 1);
    setup.engine.leases[0]?.cutter.abort(new ModeliumError('cancelled', 'A person unloaded it.'));
    expect((await asking).json.error.message).toBe('A person unloaded it.');
    expect(setup.engine.leases[0]?.released).toBe(1);
  });

  it('a client that leaves stops the runtime and gives the lease back', async () => {
    let left = false;
    setup.upstream.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(event({ choices: [] }));
      response.on('close', () => {
        left = true;
      });
    };
    const leaving = new AbortController();
    const body = JSON.stringify({ model: 'tiny', stream: true });
    const answer = await fetch(`${setup.address}/v1/chat/completions`, { method: 'POST', body, signal: leaving.signal });
    expect(answer.status).toBe(200);
    leaving.abort();
    await until(() => left && setup.engine.reports.length === 1);
    expect(setup.engine.reports).toMatchObject([{ status: 499 }]);
    expect(setup.engine.leases[0]?.released).toBe(1);
  });

  it('a client that leaves while it waits gives its place up, and a lease that comes late is given back', async () => {
    let signal: Departure | null = null;
    const late = Promise.withResolvers<ReturnType<typeof setup.engine.lease>>();
    setup.engine.ensureReady = (_id, options) => {
      signal = options.signal;
      return late.promise;
    };
    const leaving = new AbortController();
    const asking = fetch(`${setup.address}/predict/tiny`, { method: 'POST', body: '{"prompt":"a"}', signal: leaving.signal });
    asking.catch(() => {});
    await until(() => signal !== null);
    leaving.abort();
    await until(() => signal?.aborted === true);
    const lease = setup.engine.lease();
    late.resolve(lease);
    await until(() => lease.released === 1);
    expect(setup.upstream.seen).toEqual([]);
    expect(setup.engine.reports).toMatchObject([{ status: 499, runtime: null }]);
  });

  it('holds the runtime back while the client is slow, and loses no byte', async () => {
    const total = 70 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    setup.upstream.answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const fill = (): void => {
        while (sent < total) {
          sent += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', fill);
            return;
          }
        }
        response.end();
      };
      fill();
    };
    const socket = connect(setup.port, '127.0.0.1').on('error', () => {});
    const body = '{"model":"tiny","stream":true}';
    socket.write(`POST /v1/completions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await until(() => sent > 0);
    // Nobody reads: what went out is in the kernel's buffers and a few of ours, and stays there for
    // as many turns as one likes.
    let before = -1;
    for (let still = 0; still < 2_000; still = sent === before ? still + 1 : 0) {
      before = sent;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeLessThan(total / 2);
    let received = 0;
    for await (const part of socket) received += (part as Buffer).length;
    expect(received).toBeGreaterThan(total);
    expect(setup.engine.leases[0]?.released).toBe(1);
  });
});

describe('a connection that does not come about', () => {
  it.each([
    ['once', 1, 200, 2],
    ['again', 9, 502, 2],
  ])('is tried once more: refused %s', async (_name, refusals, status, calls) => {
    let called = 0;
    const refusing = await startSetup({
      through: (real) => (endpoint, request, handler) => {
        called += 1;
        // Port 1 is refused by the kernel, as that of a process that is gone.
        real(called <= refusals ? { ...endpoint, at: { port: 1 } } : endpoint, request, handler);
      },
    });
    const got = await ask(refusing, '/v1/completions', { body: { model: 'tiny' } });
    expect(got.status).toBe(status);
    expect(called).toBe(calls);
    if (status === 502) expect(got.json.error).toMatchObject({ code: 'upstream-failed', origin: 'llama' });
    expect(refusing.engine.leases[0]?.released).toBe(1);
    await refusing.close();
  });
});
