/**
 * Clients of the AI SDK, unchanged, against a real engine with a real llama.cpp on tiny untrained
 * models: chats, streams that wait for a load, tools, objects by a schema, embeddings. The `openai`
 * package has tests of its own (openai-client, waiting-clients); those of Python and Go are in
 * test/runtimes.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { embedMany, generateText, jsonSchema, Output, streamText, type ToolSet } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LiveEngine, startLiveEngine } from './helpers/live-engine.ts';
import { writeTinyGguf } from './helpers/tiny-gguf.ts';

/** Shows the tools, and calls as Qwen's models write them. */
const TEMPLATE =
  '{% if tools %}{{ tools | tojson }} <tool_call>{% endif %}{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}';
const CITIES = ['Ulm', 'Bern'];

let live: LiveEngine;
const sdk = (baseURL: string) =>
  createOpenAICompatible({ name: 'modelium', baseURL, apiKey: 'any', includeUsage: true, supportsStructuredOutputs: true });
const asked = { prompt: 'Hello', maxOutputTokens: 8, temperature: 0, maxRetries: 0 };

beforeAll(async () => {
  live = await startLiveEngine({
    prepare: async ({ watch }) => {
      await writeTinyGguf(watch, { name: 'talker', chatTemplate: TEMPLATE, contextTokens: 2_048 });
      await writeTinyGguf(watch, { name: 'words', kind: 'bert', contextTokens: 512 });
    },
  });
  for (const name of ['talker', 'words']) await live.comesTo(name, 'ready', 60_000);
});

afterAll(() => live?.close());

describe('the AI SDK', () => {
  test('generates, and streams the same from a model that has to be loaded first', async () => {
    const model = sdk(`${live.address}/v1`)('talker');
    const whole = await generateText({ model, ...asked });
    expect(whole.finishReason).toBe('length');
    expect(whole.usage.outputTokens).toBe(8);
    await live.control('POST', '/control/models/talker/unload', {});
    await live.comesTo('talker', 'unloaded');
    const failures: unknown[] = [];
    const stream = streamText({ model, ...asked, onError: ({ error }) => void failures.push(error) });
    let text = '';
    for await (const piece of stream.textStream) text += piece;
    expect(failures).toEqual([]);
    expect(text).toBe(whole.text);
    expect(await stream.finishReason).toBe('length');
    expect((await stream.usage).outputTokens).toBe(8);
  });

  test('calls a tool, whole and streamed', async () => {
    const model = sdk(`${live.address}/v1`)('talker');
    const inputSchema = jsonSchema({
      type: 'object',
      properties: { city: { type: 'string', enum: CITIES } },
      required: ['city'],
      additionalProperties: false,
    });
    const tools: ToolSet = { weather: { description: 'The weather', inputSchema } };
    const request = { model, ...asked, tools, toolChoice: 'required' as const, maxOutputTokens: 200, seed: 4 };
    const { toolCalls, finishReason } = await generateText(request);
    expect(finishReason).toBe('tool-calls');
    expect(toolCalls[0]).toMatchObject({ toolName: 'weather', input: { city: expect.stringMatching(CITIES.join('|')) } });
    const streamed = await streamText(request).toolCalls;
    expect(streamed[0]).toMatchObject({ toolName: 'weather', input: toolCalls[0]?.input });
  });

  test('makes an object by a schema', async () => {
    const schema = jsonSchema<{ ready: boolean; count: number; city: string }>({
      type: 'object',
      properties: {
        ready: { type: 'boolean' },
        count: { type: 'integer', minimum: 1, maximum: 9 },
        city: { type: 'string', enum: CITIES },
      },
      required: ['ready', 'count', 'city'],
      additionalProperties: false,
    });
    const model = sdk(`${live.address}/v1`)('talker');
    const { output } = await generateText({ model, ...asked, maxOutputTokens: 200, output: Output.object({ schema }) });
    expect(typeof output.ready).toBe('boolean');
    expect(output.count).toBeGreaterThanOrEqual(1);
    expect(output.count).toBeLessThanOrEqual(9);
    expect(CITIES).toContain(output.city);
  });

  test('embeds several texts, in their order', async () => {
    const model = sdk(`${live.address}/v1`).embeddingModel('words');
    const { embeddings } = await embedMany({ model, values: ['the model', 'memory', 'the model'], maxRetries: 0 });
    expect(embeddings.map(({ length }) => length)).toEqual([64, 64, 64]);
    expect(embeddings[0]).toEqual(embeddings[2]);
    expect(embeddings[0]).not.toEqual(embeddings[1]);
  });
});

test.each(['', '/', '/v1/', '//v1', '/api/v1', '/V1'])(
  'both clients reach the model by the base URL that ends in %j, and its other spellings',
  async (end) => {
    const baseURL = live.address + end;
    const openai = new OpenAI({ baseURL, apiKey: 'any', maxRetries: 0 });
    expect((await openai.models.list()).data.map(({ id }) => id)).toContain('talker');
    const { model } = await openai.chat.completions.create({
      model: 'Talker:latest',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 1,
    });
    expect(model).toBe('talker');
    const { usage } = await generateText({ model: sdk(baseURL)('talker.gguf'), ...asked, maxOutputTokens: 1 });
    expect(usage.outputTokens).toBe(1);
  },
);
