/** Answers by JSON schema, from a real llama.cpp with random weights: whatever the model likes to say, the schema holds. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { jsonGrammar } from '../../main/embedded/json-grammar.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { startServer, type TestServer } from './start-server.ts';

let folder: string;
let server: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-schema-'));
  const file = await writeTinyGguf(folder, { contextTokens: 8192 });
  server = await startServer(['--model', file, '--alias', 'tiny', '--ctx-size', '32768', '--parallel', '4']);
});

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

type JsonSchema = Parameters<typeof z.fromJSONSchema>[0];
const short = { type: 'string', maxLength: 8 } as const;

const SCHEMAS: readonly [string, JsonSchema][] = [
  [
    'required and optional properties, in any mixture',
    {
      type: 'object',
      properties: { a: short, b: { type: 'integer' }, c: { type: 'boolean' }, d: { type: 'null' }, e: { type: 'number' } },
      required: ['b', 'd'],
      additionalProperties: false,
    },
  ],
  ['only optional ones', { type: 'object', properties: { x: { type: 'boolean' }, y: { type: 'boolean' } }, additionalProperties: false }],
  ['an enumeration', { enum: ['red', 'green "quoted"', 7, null, true] }],
  ['a list of bounded length', { type: 'array', items: { type: 'integer', minimum: -3, maximum: 120 }, minItems: 2, maxItems: 5 }],
  ['a tuple', { type: 'array', prefixItems: [{ const: 'point' }, { type: 'integer', exclusiveMinimum: 0 }], items: false }],
  ['texts of bounded length', { type: 'object', properties: { name: { type: 'string', minLength: 3, maxLength: 6 } }, required: ['name'] }],
  ['a date', { type: 'object', properties: { day: { type: 'string', format: 'date' } }, required: ['day'] }],
  [
    'a choice',
    {
      anyOf: [
        { type: 'integer', minimum: 10, maximum: 99 },
        { type: 'object', properties: { k: { type: 'boolean' } }, required: ['k'] },
      ],
    },
  ],
  ['several types', { type: ['integer', 'null', 'boolean'] }],
  [
    'definitions that refer to themselves',
    {
      $defs: {
        node: {
          type: 'object',
          properties: { value: { type: 'integer', minimum: 0, maximum: 9 }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['value', 'next'],
          additionalProperties: false,
        },
      },
      $ref: '#/$defs/node',
    },
  ],
  [
    'parts put together',
    {
      allOf: [
        { type: 'object', properties: { left: { type: 'boolean' } }, required: ['left'] },
        { type: 'object', properties: { right: { type: 'null' } }, required: ['right'] },
      ],
    },
  ],
];

describe('what the model writes is valid', () => {
  test.each(SCHEMAS)('%s', async (_, schema) => {
    const valid = z.fromJSONSchema(schema);
    const response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
    const answers = await Promise.all(
      seeds.map(async (seed) => {
        const request = {
          messages: [{ role: 'user', content: 'the model' }],
          temperature: 1.5,
          seed,
          max_tokens: 1500,
          response_format,
        };
        const { status, body } = await server.json('/v1/chat/completions', request);
        expect(status, JSON.stringify(body)).toBe(200);
        return body.choices[0]!;
      }),
    );
    const whole = answers.filter(({ finish_reason }) => finish_reason === 'stop');
    expect(whole.length).toBeGreaterThanOrEqual(4);
    for (const { message } of whole) expect(valid.safeParse(JSON.parse(message.content)).error, message.content).toBeUndefined();
    // Not one answer eight times.
    if (JSON.stringify(schema).length > 120) expect(new Set(whole.map(({ message }) => message.content)).size).toBeGreaterThan(1);
  });

  test('json_object gives an object, and only one', async () => {
    const request = { prompt: 'the', temperature: 1.2, response_format: { type: 'json_object' }, max_tokens: 2000 };
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => server.json('/v1/completions', { ...request, seed })));
    const whole = answers.map(({ body }) => body.choices[0]!).filter(({ finish_reason }) => finish_reason === 'stop');
    expect(whole.length).toBeGreaterThan(0);
    for (const { text } of whole) expect(JSON.parse(text)).toBeTypeOf('object');
  });
});

describe('what cannot be enforced is refused by its keyword and place', () => {
  test.each<[unknown, RegExp]>([
    [{ type: 'string', pattern: '^a$' }, /"pattern" at #/],
    [{ type: 'object', properties: { a: { type: 'number', minimum: 3 } } }, /"minimum" at #\/a/],
    [{ type: 'array', uniqueItems: true }, /"uniqueItems" at #/],
    [{ not: { type: 'string' } }, /"not" at #/],
    [{ type: 'text' }, /"type" at # must be one of/],
    [{ $ref: 'https://example.org/schema' }, /must point into the schema/],
    [{ $ref: '#/$defs/none' }, /not there/],
    [{ type: 'integer', minimum: 2, maximum: 1 }, /no whole number lies between/],
    [{ type: 'string', maxLength: 1e9 }, /whole number up to/],
    [[], /no JSON schema/],
    [Array.from({ length: 100 }).reduce((inner) => ({ type: 'array', items: inner }), { type: 'null' }), /nested more than 64 deep/],
  ])('%j', (schema, words) => {
    expect(() => jsonGrammar(schema)).toThrow(words);
  });

  test('a schema that refers to itself at once is an error of the request, not of the server', async () => {
    const schema = { $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } }, $ref: '#/$defs/a' };
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const { status, body } = await server.json('/v1/completions', { prompt: 'the', response_format });
    expect(status).toBe(400);
    expect(body.error.message).toMatch(/refers to itself/);
    expect((await server.json('/v1/completions', { prompt: 'the', max_tokens: 1 })).status).toBe(200);
  });
});
