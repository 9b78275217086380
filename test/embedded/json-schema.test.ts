/**
 * Answers by JSON schema, from a real llama.cpp with random weights: whatever the model likes to
 * say, the schema holds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { jsonGrammar } from '../../main/embedded/grammar/json-grammar.ts';
import { grammarOf } from '../../main/embedded/requests/answer-format.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { matcher } from './grammar-matcher.ts';
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
    'numbers between bounds, and multiples',
    {
      type: 'object',
      properties: {
        share: { type: 'number', minimum: 0, maximum: 1 },
        below: { type: 'number', exclusiveMinimum: -2.5, exclusiveMaximum: 10.25 },
        dozens: { type: 'integer', multipleOf: 12, minimum: 0 },
        price: { type: 'number', multipleOf: 0.25, minimum: 1 },
      },
      required: ['share', 'below', 'dozens', 'price'],
    },
  ],
  [
    'patterns',
    {
      type: 'object',
      properties: {
        code: { type: 'string', pattern: '^[A-Z]{2}-\\d{3,5}$' },
        word: { type: 'string', pattern: 'a', minLength: 2, maxLength: 9 },
        quoted: { type: 'string', pattern: '^"[^"\\\\]{1,4}"$' },
      },
      required: ['code', 'word', 'quoted'],
    },
  ],
  [
    'formats',
    {
      type: 'object',
      properties: Object.fromEntries(
        ['email', 'ipv4', 'ipv6', 'uuid', 'uri', 'date', 'time', 'date-time', 'duration', 'hostname'].map((format) => [
          format,
          format === 'email' || format === 'uri' ? { type: 'string', format, maxLength: 60 } : { type: 'string', format },
        ]),
      ),
      required: ['email', 'ipv4', 'ipv6', 'uuid', 'uri', 'date', 'time', 'date-time', 'duration', 'hostname'],
    },
  ],
  ['a set of named values', { type: 'array', items: { enum: ['a', 'b', 'c', 'd'] }, uniqueItems: true, minItems: 2 }],
  [
    'bounds beside a reference, and parts that are references',
    {
      $defs: {
        name: { type: 'string', minLength: 2 },
        named: { type: 'object', properties: { name: { $ref: '#/$defs/name', maxLength: 5 } }, required: ['name'] },
        aged: { type: 'object', properties: { age: { type: 'integer', minimum: 0 } }, required: ['age'] },
      },
      allOf: [{ $ref: '#/$defs/named' }, { $ref: '#/$defs/aged' }, { properties: { age: { maximum: 99 } } }],
    },
  ],
  [
    'a choice of exactly one, told by a property',
    {
      oneOf: [
        {
          type: 'object',
          properties: { kind: { const: 'cat' }, lives: { type: 'integer', minimum: 0, maximum: 9 } },
          required: ['kind', 'lives'],
        },
        { type: 'object', properties: { kind: { const: 'dog' }, good: { type: 'boolean' } }, required: ['kind', 'good'] },
      ],
    },
  ],
  [
    'keys of a pattern',
    {
      type: 'object',
      propertyNames: { type: 'string', pattern: '^k[0-9]{1,3}$' },
      additionalProperties: { type: 'null' },
      maxProperties: 3,
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

/** A schema of a kilobyte whose definitions hold twice the next one, thirty times. */
function doubling(make: (next: object) => object): object {
  const definitions = Array.from({ length: 30 }, (_, at) => [`d${at}`, make({ $ref: `#/$defs/d${at + 1}` })]);
  return { $defs: { ...Object.fromEntries(definitions), d30: { type: 'array' } }, $ref: '#/$defs/d0' };
}

describe('what the model writes is valid', () => {
  test.each(SCHEMAS)('%s', async (_, schema) => {
    const valid = z.fromJSONSchema(schema);
    const response_format = { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
    const seeds = [1, 2, 3, 4];
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
    expect(whole.length).toBeGreaterThanOrEqual(2);
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

describe('llama.cpp takes the grammar, and its own matcher says what fits', () => {
  const many = (count: number, item: unknown) => Array.from({ length: count }, () => item);
  const named = (count: number) => Array.from({ length: count }, (_, at) => `value ${(at * 7919) % 100_003}`);
  test.each<[string, unknown, unknown[], unknown[]]>([
    [
      'long texts',
      { type: 'string', minLength: 700, maxLength: 100_000 },
      ['a'.repeat(700), 'a'.repeat(100_000)],
      ['a'.repeat(699), 'a'.repeat(100_001)],
    ],
    [
      'long lists',
      { type: 'array', items: { type: 'null' }, minItems: 300, maxItems: 2000 },
      [many(300, null), many(2000, null)],
      [many(299, null), many(2001, null)],
    ],
    ['5,000 values', { enum: named(5000) }, named(5000).filter((_, at) => at % 250 === 0), ['value', 'value 1000000', 'valu']],
    ['values that begin alike', { enum: ['', 'a', 'ab', 'é', '😀', '😃', 7] }, ['', 'a', 'ab', 'é', '😀', '😃', 7], ['abc', '😁', 77]],
    [
      'values and bounds',
      { type: ['string', 'integer'], enum: ['a', 'abc', 5, 500, null], maxLength: 2, maximum: 9 },
      ['a', 5],
      ['abc', 500, null],
    ],
    [
      'a set',
      { type: 'array', items: { enum: [1, 2, 3] }, uniqueItems: true, maxItems: 2 },
      [[], [1, 3], [2]],
      [
        [1, 1],
        [1, 2, 3],
      ],
    ],
    ['places of an earlier draft', { type: 'array', items: [{ type: 'integer' }, { type: 'string' }] }, [[1, 'a']], [['a', 1]]],
    [
      'a long address',
      { type: 'string', format: 'uri', minLength: 1, maxLength: 2083 },
      ['https://example.org/a?b=c#d'],
      ['example', 'https://a b.org'],
    ],
    ['a name of a machine', { type: 'string', format: 'hostname' }, ['example.org', 'gpu-7', 'a'], ['', '-a', 'a b', 'a..b', 'a_b', '.a']],
    ['any and all', { anyOf: [{ minimum: 5 }, { maximum: 1 }], type: 'integer', oneOf: [{ multipleOf: 2 }] }, [6, 0], [5, 3, 1]],
  ])('%s', async (_, schema, fitting, others) => {
    const fits = await matcher(jsonGrammar(schema));
    for (const value of fitting) expect(fits(JSON.stringify(value)), JSON.stringify(value).slice(0, 40)).toBe(true);
    for (const value of others) expect(fits(JSON.stringify(value)), JSON.stringify(value).slice(0, 40)).toBe(false);
  });
});

describe('what cannot be enforced is refused by its keyword and place', () => {
  test.each<[unknown, RegExp]>([
    [{ type: 'string', pattern: '(?=a)b' }, /"pattern" at # cannot be enforced: "\(\?="/],
    [{ type: 'string', format: 'colour' }, /"format" at # cannot be enforced/],
    [{ type: 'string', minLength: 5, pattern: '^a{2}$' }, /no value is allowed/],
    [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, /"uniqueItems" at #/],
    [{ oneOf: [{ type: 'integer' }, { type: 'number' }] }, /"oneOf" at # .*choices 0 and 1 may both match/],
    [{ type: 'number', multipleOf: 1.234567 }, /"multipleOf" at #/],
    [{ $ref: '#/%zz' }, /"\$ref" at # is not an address/],
    [{ enum: Array.from({ length: 100_000 }, (_, value) => value) }, /"enum" at # has 100000 values/],
    [doubling((next) => ({ allOf: [next, next] })), /more than 10000 parts/],
    [
      doubling((next) => ({
        type: 'array',
        prefixItems: [
          { ...next, minItems: 1 },
          { ...next, minItems: 2 },
        ],
      })),
      /more than 10000 parts/,
    ],
    [{ type: 'object', allOf: [{ properties: { a: {} }, additionalProperties: false }, { required: ['b'] }] }, /forbids "b"/],
    [{ type: 'object', properties: { a: { not: {} } } }, /"not" at #\/a/],
    [{ type: 'array', uniqueItems: true }, /"uniqueItems" at #/],
    [{ not: { type: 'string' } }, /"not" at #/],
    [{ type: 'text' }, /"type" at # must be one of/],
    [{ $ref: 'https://example.org/schema' }, /must point into the schema/],
    [{ $ref: '#/$defs/none' }, /not there/],
    [{ type: 'integer', minimum: 2, maximum: 1 }, /no value is allowed/],
    [{ type: 'string', maxLength: 1e9 }, /go up to 1000000/],
    [[], /not a JSON schema/],
    [Array.from({ length: 100 }).reduce((inner) => ({ type: 'array', items: inner }), { type: 'null' }), /nested more than 64 deep/],
  ])('%j', (schema, words) => {
    expect(() => jsonGrammar(schema)).toThrow(words);
  });

  test('a schema that refers to itself at once is an error of the request, not of the server', async () => {
    const schema = { $defs: { a: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } }, $ref: '#/$defs/a' };
    const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
    const { status, body } = await server.json('/v1/completions', { prompt: 'the', response_format });
    expect(status).toBe(400);
    expect(body.error.message).toMatch(/left-recursive/);
    expect((await server.json('/v1/completions', { prompt: 'the', max_tokens: 1 })).status).toBe(200);
  });
});

test('a pattern of so many parts that the stack is full is refused in words', () => {
  const schema = { type: 'string', pattern: `^${'a?'.repeat(200_000)}$` };
  expect(() => grammarOf('response_format', () => jsonGrammar(schema))).toThrow(
    expect.objectContaining({ code: 'invalid-body', message: expect.stringContaining('cannot be carried out: ') }),
  );
  expect(() => grammarOf('response_format', () => jsonGrammar(schema))).not.toThrow(/call stack/);
});
