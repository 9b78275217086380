/**
 * Calls of tools: how each family writes them, in any pieces; demanded of a real llama.cpp by
 * grammar; rendered through its template.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Schema } from '../../main/embedded/grammar/schema-merge.ts';
import type { PreparedGeneration, TextSide } from '../../main/embedded/requests/prepared.ts';
import { prepare } from '../../main/embedded/requests/preparing.ts';
import { answerGrammar, type ToolFormat, takesNothing, toolFormatOf } from '../../main/embedded/tools/tool-format.ts';
import { ToolReader } from '../../main/embedded/tools/tool-reader.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { matcher } from './grammar-matcher.ts';
import { readEvents, startServer, type TestServer, type ToolCall } from './start-server.ts';

interface Outcome {
  text: string;
  calls: { name: string; arguments: string }[];
}

/** Reads a text in these pieces; any text is cut at the given places. */
function readIn(format: ToolFormat, text: string, cuts: readonly number[]): Outcome {
  const reader = new ToolReader(format, (name) => ['weather', 'clock'].includes(name));
  const places = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort((left, right) => left - right);
  const outcome: Outcome = { text: '', calls: [] };
  const parts = places.slice(1).flatMap((end, index) => [...reader.push(text.slice(places[index], end))]);
  for (const part of [...parts, ...reader.end()]) {
    if (part.kind === 'text') outcome.text += part.text;
    else if (part.name !== null) outcome.calls.push({ name: part.name, arguments: part.arguments });
    else outcome.calls[part.index]!.arguments += part.arguments;
  }
  expect(reader.calls).toBe(outcome.calls.length);
  return outcome;
}

const weather = { name: 'weather', arguments: '{"city": "Ulm {\\"}", "days": [1, 2]}' };
const clock = { name: 'clock', arguments: '{}' };

const WRITTEN: readonly [string, ToolFormat, string, Outcome][] = [
  [
    'Hermes and Qwen: text, then two calls',
    'hermes',
    'Let me look.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Ulm {\\"}", "days": [1, 2]}}\n</tool_call>\n<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>',
    { text: 'Let me look.', calls: [weather, clock] },
  ],
  [
    'the keys the other way round',
    'hermes',
    '<tool_call>{"arguments": {"a": 1}, "name": "clock"}</tool_call>',
    { text: '', calls: [{ name: 'clock', arguments: '{"a":1}' }] },
  ],
  ['text behind a call', 'hermes', '<tool_call>{"name": "clock", "arguments": {}}</tool_call> Done.', { text: ' Done.', calls: [clock] }],
  [
    'a second call that was cut off in its mark',
    'hermes',
    '<tool_call>{"name": "clock", "arguments": {}}</tool_call>\n<tool_ca',
    { text: '', calls: [clock] },
  ],
  [
    'a second call that was cut off before its name was told',
    'hermes',
    '<tool_call>{"name": "clock", "arguments": {}}</tool_call>\n<tool_call>{"na',
    { text: '', calls: [clock] },
  ],
  [
    'text behind a call that ends as a mark begins',
    'hermes',
    '<tool_call>{"name": "clock", "arguments": {}}</tool_call>a <',
    { text: 'a <', calls: [clock] },
  ],
  ['no call, but its first letters', 'hermes', 'a <tool is < than <tool_cal', { text: 'a <tool is < than <tool_cal', calls: [] }],
  ['what only begins as a call comes out as text', 'hermes', '<tool_call>\n{"name": 3', { text: '{"name": 3', calls: [] }],
  [
    'Mistral: a list',
    'mistral',
    `[TOOL_CALLS] [{"name": "weather", "arguments": ${weather.arguments}}, {"name": "clock", "arguments": {}}]`,
    { text: '', calls: [weather, clock] },
  ],
  [
    'Mistral, newer: the name in front',
    'mistral-named',
    `Well:[TOOL_CALLS]weather[ARGS]${weather.arguments}[TOOL_CALLS]clock[ARGS]{}`,
    { text: 'Well:', calls: [weather, clock] },
  ],
  ['Mistral, without the inner mark', 'mistral-named', `[TOOL_CALLS]weather${weather.arguments}`, { text: '', calls: [weather] }],
  ['Llama 3: the whole answer', 'llama', `{"name": "weather", "parameters": ${weather.arguments}}`, { text: '', calls: [weather] }],
  [
    'Llama 3, with its mark and a type',
    'llama',
    `<|python_tag|>{"type": "function", "name": "clock", "parameters": {}}; {"name": "clock", "parameters": {}}`,
    { text: '', calls: [clock, clock] },
  ],
  [
    'Llama 3: JSON that is an answer',
    'llama',
    '{"name": "Ulm", "parameters": {"is": "a city"}}',
    { text: '{"name": "Ulm", "parameters": {"is": "a city"}}', calls: [] },
  ],
  ['Llama 3: JSON of another shape', 'llama', '{"city": {"name": "Ulm"}} is it.', { text: '{"city": {"name": "Ulm"}} is it.', calls: [] }],
  [
    'Llama 3: an answer in words',
    'llama',
    'It is {"name": "weather", "parameters": {}}',
    { text: 'It is {"name": "weather", "parameters": {}}', calls: [] },
  ],
];

describe('calls are read', () => {
  test.each(WRITTEN)('%s', (_, format, text, wanted) => {
    expect(readIn(format, text, [])).toEqual(wanted);
    expect(
      readIn(
        format,
        text,
        Array.from({ length: text.length }, (_unused, at) => at),
      ),
    ).toEqual(wanted);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(readIn(format, text, cuts)).toEqual(wanted);
      }),
      { numRuns: 50 },
    );
  });

  test('arguments come while they are written', () => {
    const reader = new ToolReader('hermes', () => true);
    expect(reader.push('<tool_call>\n{"name": "clock", "arguments": {"zone": "Eu')).toEqual([
      { kind: 'call', index: 0, name: 'clock', arguments: '' },
      { kind: 'call', index: 0, name: null, arguments: '{"zone": "Eu' },
    ]);
    expect(reader.push('rope"')).toEqual([{ kind: 'call', index: 0, name: null, arguments: 'rope"' }]);
  });

  test('text is never lost, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<ToolFormat>('hermes', 'mistral', 'mistral-named'),
        fc.string(),
        fc.array(fc.nat()),
        (format, text, cuts) => {
          expect(readIn(format, text, cuts)).toEqual({ text, calls: [] });
        },
      ),
    );
  });

  test('the format is the template’s', () => {
    expect(toolFormatOf('{% for m in messages %}{{ m.content }}{% endfor %}')).toBeNull();
    expect(toolFormatOf('{% if tools %}<tool_call>{% endif %}')).toBe('hermes');
    expect(toolFormatOf('{% if tools %}<tool_call><function=name>{% endif %}')).toBeNull();
    expect(toolFormatOf('{% if tools %}[TOOL_CALLS]{% endif %}')).toBe('mistral');
    expect(toolFormatOf('{% if tools %}[TOOL_CALLS]name[ARGS]{% endif %}')).toBe('mistral-named');
    expect(toolFormatOf('{% if tools %}<|python_tag|>{% endif %}')).toBe('llama');
    expect(toolFormatOf('{% if tools %}call them{% endif %}')).toBeNull();
  });
});

/** A template like Qwen's: tools in the system text, calls and their results in the turns. */
const TEMPLATE = [
  "{% if tools %}{{ '<|im_start|>system\\n' }}{% for tool in tools %}{{ tool | tojson }}{% endfor %}{{ '<tool_call><|im_end|>\\n' }}{% endif %}",
  "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content }}",
  "{% for call in message.tool_calls or [] %}{{ '<tool_call>' + call.function.name + ' ' + call.function.arguments.city + '</tool_call>' }}{% endfor %}",
  "{{ '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
].join('');

const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'weather',
      description: 'The weather of a city',
      parameters: {
        type: 'object',
        properties: { city: { enum: ['Ulm', 'Bern'] }, days: { type: 'integer', minimum: 1, maximum: 9 } },
        required: ['city', 'days'],
        additionalProperties: false,
      },
    },
  },
  { type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {}, additionalProperties: false } } },
];

describe('what is asked of calls', () => {
  const read = (texts: readonly string[], reader: ToolReader) => [...texts.flatMap((text) => reader.push(text)), ...reader.end()];

  test('one call at most: what follows it is dropped, and the reader says that it is done', () => {
    const one = '<tool_call>\n{"name": "clock", "arguments": {"a": 1}}\n</tool_call>\n';
    for (const cut of [0, 20, one.length - 3, one.length + 4]) {
      const reader = new ToolReader('hermes', () => true, { isSingle: true });
      const parts = read([(one + one).slice(0, cut), (one + one).slice(cut), 'more'], reader);
      expect(reader.isDone).toBe(true);
      expect(reader.calls).toBe(1);
      expect(parts.map((part) => (part.kind === 'text' ? part.text : part.arguments)).join('')).toBe('{"a": 1}');
    }
  });

  test.each([
    '<tool_call>{"name": "clock", "arguments": {"zone": "made up"}}</tool_call>',
    '<tool_call>{"name": "clock"}</tool_call>',
    '<tool_call>{"name": "clock", "arguments": ""}</tool_call>',
    '<tool_call>{"name": "clock", "arguments": null}</tool_call>',
  ])('a tool that takes nothing gets {}: %s', (text) => {
    const reader = new ToolReader('hermes', () => true, { takesNothing: (name) => name === 'clock' });
    const parts = read([...text], reader);
    expect(parts.map((part) => (part.kind === 'text' ? part.text : part.arguments)).join('')).toBe('{}');
  });

  test('which tools take nothing', () => {
    const takes = (parameters: Schema | null) => !takesNothing({ parameters });
    for (const empty of [null, {}, { type: 'object' }, { type: 'object', properties: {}, required: [], additionalProperties: false }])
      expect(takes(empty), JSON.stringify(empty)).toBe(false);
    for (const more of [{ properties: { a: {} } }, { type: 'object', additionalProperties: true }, { $ref: '#/x' }])
      expect(takes(more)).toBe(true);
  });

  const tool = (name: string, isStrict: boolean, parameters: Schema | null) => ({ name, isStrict, parameters, given: {} });
  const city = { type: 'object', properties: { city: { enum: ['Ulm'] } }, required: ['city'], additionalProperties: false };
  const right = '{"name": "weather", "arguments": {"city": "Ulm"}}';
  const wrong = '{"name": "weather", "arguments": {"city": "Oz"}}';
  const called = (json: string) => `<tool_call>\n${json}\n</tool_call>`;

  test('strict holds where the model may answer in words: any words, and calls as the schema says', async () => {
    const tools = [tool('weather', true, city), tool('clock', false, null)];
    const fits = await matcher(answerGrammar('hermes', { tools, choice: 'auto', parallel: true }, null)!);
    const fine = ['', 'Hello <tool> <tool_call', called(right), `So: ${called(right)}\n${called('{"name": "clock", "arguments": {}}')}`];
    for (const text of fine) expect(fits(text), text).toBe(true);
    for (const text of [called(wrong), `x${called(right)} y`, called('{"name": "other", "arguments": {}}')])
      expect(fits(text), text).toBe(false);
    const bare = await matcher(answerGrammar('llama', { tools, choice: 'auto', parallel: false }, null)!);
    expect(['', 'Hello', '{"name": "weather", "parameters": {"city": "Ulm"}}', '{"name": "weather", "parameters": {}}'].map(bare)).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(answerGrammar('hermes', { tools: [tool('weather', false, city)], choice: 'auto', parallel: true }, null)).toBeNull();
  });

  test.each<[ToolFormat, string]>([
    ['hermes', called(right)],
    ['mistral', `[TOOL_CALLS][${right}]`],
    ['mistral-named', '[TOOL_CALLS]weather[ARGS]{"city": "Ulm"}'],
    ['llama', '{"name": "weather", "parameters": {"city": "Ulm"}}'],
  ])('%s: with an answer by schema a call stays possible; a demanded call is one', async (format, call) => {
    const tools = [tool('weather', false, city)];
    const either = await matcher(answerGrammar(format, { tools, choice: 'auto', parallel: true }, { type: 'integer' })!);
    expect([either('7'), either(call), either('seven')]).toEqual([true, true, false]);
    const demanded = await matcher(answerGrammar(format, { tools, choice: 'required', parallel: true }, { type: 'integer' })!);
    expect([demanded('7'), demanded(call), demanded(call.replace('Ulm', 'Oz'))]).toEqual([false, true, false]);
  });
});

describe('what a request asks of tools is what an answer is held to', () => {
  const template = '{% if tools %}<tool_call>{{ tools | tojson }}</tool_call>{% endif %}{{ messages[0].content }}';
  const side = {
    alias: 'm',
    template: { text: template, toolText: template, render: async () => 'Hi' },
    // No token is looked at here.
    model: { contextTokens: 512, mostBytes: () => 1e6, tokenize: () => [1], tokenizeAlone: () => [1], promptTokens: () => [1] },
  } as unknown as TextSide;
  const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
  const tool = (name: string, more: object) => ({ type: 'function', function: { name, ...more } });
  const toolsOf = async (more: object) => {
    const body = {
      messages: [{ role: 'user', content: 'Hi' }],
      tools: [tool('weather', { parameters: city }), tool('clock', {})],
      ...more,
    };
    const prepared = await prepare('chat', Buffer.from(JSON.stringify(body)), side, new AbortController().signal);
    return (prepared as PreparedGeneration).tools!;
  };

  test('parallel_tool_calls: false is one call at most, with auto too', async () => {
    expect([(await toolsOf({ parallel_tool_calls: false })).isSingle, (await toolsOf({})).isSingle]).toEqual([true, false]);
  });

  test('a tool without parameters takes {}', async () => {
    expect((await toolsOf({})).empty).toEqual(['clock']);
  });

  test('strict: true holds with auto, and nothing does without it', async () => {
    expect((await toolsOf({})).grammar).toBeNull();
    const strict = await toolsOf({ tools: [tool('weather', { parameters: city, strict: true })] });
    const fits = await matcher(strict.grammar!);
    expect(fits('<tool_call>\n{"name": "weather", "arguments": {"city": "Ulm"}}\n</tool_call>')).toBe(true);
    expect(fits('<tool_call>\n{"name": "weather", "arguments": {"town": "Ulm"}}\n</tool_call>')).toBe(false);
  });

  test('a schema of the answer holds beside tools: that, or a call', async () => {
    const format = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'integer' } } };
    const fits = await matcher((await toolsOf({ response_format: format })).grammar!);
    expect([fits('42'), fits('"a"'), fits('Hello')]).toEqual([true, false, false]);
    expect(fits('<tool_call>\n{"name": "weather", "arguments": {"city": "Ulm"}}\n</tool_call>')).toBe(true);
  });
});

describe('a model with tools', () => {
  let folder: string;
  const servers = new Map<string, TestServer>();
  const formats = {
    hermes: TEMPLATE,
    mistral: TEMPLATE.replaceAll('tool_call>', 'x>').replace('<x>', '[TOOL_CALLS]'),
    named: '',
    llama: '',
  };
  formats.named = formats.mistral.replace('[TOOL_CALLS]', '[TOOL_CALLS]x[ARGS]');
  formats.llama = formats.mistral.replace('[TOOL_CALLS]', '<|python_tag|>');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelium-tools-'));
    for (const [name, chatTemplate] of Object.entries(formats)) {
      const file = await writeTinyGguf(folder, { name, chatTemplate });
      servers.set(name, await startServer(['--model', file, '--alias', name, '--ctx-size', '4096', '--parallel', '2']));
    }
  });

  afterAll(async () => {
    for (const server of servers.values()) await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const messages = [{ role: 'user', content: 'memory' }];

  test.each(['hermes', 'mistral', 'named', 'llama'])(
    '%s: a demanded call comes, whole and streamed, with arguments by its schema',
    async (name) => {
      const server = servers.get(name)!;
      for (const seed of [1, 2, 3]) {
        const request = {
          messages,
          tools: TOOLS,
          tool_choice: 'required',
          temperature: 1.5,
          seed,
          max_tokens: 400,
          parallel_tool_calls: false,
        };
        const { status, body } = await server.json('/v1/chat/completions', request);
        expect(status, JSON.stringify(body)).toBe(200);
        const choice = body.choices[0]!;
        expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } });
        const [call, ...more] = choice.message.tool_calls!;
        expect(more).toEqual([]);
        expect(call).toMatchObject({ id: expect.stringMatching(/^call_/), type: 'function' });
        const given = JSON.parse(call!.function.arguments) as { city?: string; days?: number };
        if (call!.function.name === 'weather') {
          expect(['Ulm', 'Bern']).toContain(given.city);
          expect(given.days).toBeGreaterThanOrEqual(1);
        } else expect(given).toEqual({});
        const { events } = await readEvents(await server.request('/v1/chat/completions', { ...request, stream: true }));
        const deltas = events.flatMap((event) => event.choices[0]?.delta.tool_calls ?? []) as ToolCall[];
        expect(deltas[0]).toMatchObject({
          index: 0,
          id: expect.stringMatching(/^call_/),
          type: 'function',
          function: { name: call!.function.name },
        });
        expect(deltas.map((delta) => delta.function.arguments).join('')).toBe(call!.function.arguments);
        expect(events.at(-1)!.choices[0]!.finish_reason).toBe('tool_calls');
      }
    },
  );

  test('tools and choices in the words of OpenAI’s responses, Mistral and Anthropic', async () => {
    const server = servers.get('hermes')!;
    const parameters = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'], additionalProperties: false };
    const nested = { type: 'function', function: { name: 'lamp', parameters } };
    const flat = { type: 'function', name: 'lamp', parameters };
    const asked = async (more: object) => {
      const { body } = await server.json('/v1/chat/completions', {
        messages,
        seed: 1,
        max_tokens: 200,
        parallel_tool_calls: false,
        ...more,
      });
      return [body.usage?.prompt_tokens, body.choices?.[0]?.message.tool_calls?.map((call) => call.function.name)];
    };
    const wanted = await asked({ tools: [nested], tool_choice: 'required' });
    expect(wanted[1]).toEqual(['lamp']);
    for (const choice of ['any', { type: 'function', name: 'lamp' }])
      expect(await asked({ tools: [flat], tool_choice: choice })).toEqual(wanted);
    const { body } = await server.json('/v1/chat/completions', { messages, tools: [{ type: 'function', function: { name: 'mcp:a/b' } }] });
    expect(body.error).toMatchObject({ param: 'tools[0].function.name', message: expect.stringContaining('mcp:a/b') });
  });

  test('a named tool is the one that is called; "none" renders no tools and reads no calls', async () => {
    const server = servers.get('hermes')!;
    const named = { messages, tools: TOOLS, tool_choice: { type: 'function', function: { name: 'weather' } }, seed: 5, max_tokens: 400 };
    const { body } = await server.json('/v1/chat/completions', named);
    expect(body.choices[0]!.message.tool_calls![0]!.function.name).toBe('weather');
    const plain = await server.json('/v1/chat/completions', { messages, temperature: 0, max_tokens: 5 });
    const none = await server.json('/v1/chat/completions', { messages, tools: TOOLS, tool_choice: 'none', temperature: 0, max_tokens: 5 });
    expect(none.body.usage.prompt_tokens).toBe(plain.body.usage.prompt_tokens);
    const auto = await server.json('/v1/chat/completions', { messages, tools: TOOLS, temperature: 0, max_tokens: 5 });
    expect(auto.body.usage.prompt_tokens).toBeGreaterThan(plain.body.usage.prompt_tokens + 50);
  });

  test('calls of earlier turns and their results go through the template, arguments as an object', async () => {
    const turns = [
      ...messages,
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city": "Ulm"}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'rain' }] },
    ];
    const prompt =
      '<|im_start|>user\nmemory<|im_end|>\n<|im_start|>assistant\n<tool_call>weather Ulm</tool_call><|im_end|>\n<|im_start|>tool\nrain<|im_end|>\n<|im_start|>assistant\n';
    const server = servers.get('hermes')!;
    const { body } = await server.json('/v1/chat/completions', { messages: turns, temperature: 0, max_tokens: 8, cache_prompt: false });
    const raw = await server.json('/v1/completions', { prompt, temperature: 0, max_tokens: 8, cache_prompt: false });
    expect(body.usage.prompt_tokens).toBe(raw.body.usage.prompt_tokens);
    expect(body.choices[0]!.message.content).toBe(raw.body.choices[0]!.text);
  });

  test('a template that knows no tools, a named tool that is none, and parameters that no grammar holds are refused', async () => {
    const bare = await startServer(['--model', await writeTinyGguf(folder, { name: 'bare' }), '--alias', 'bare', '--ctx-size', '512']);
    try {
      const { body } = await bare.json('/v1/chat/completions', { messages, tools: TOOLS });
      expect(body.error).toMatchObject({ code: 'not-supported-by-model', param: 'tools' });
    } finally {
      await bare.stop();
    }
    const server = servers.get('hermes')!;
    const other = await server.json('/v1/chat/completions', {
      messages,
      tools: TOOLS,
      tool_choice: { type: 'function', function: { name: 'no' } },
    });
    expect(other.body.error).toMatchObject({ param: 'tool_choice', message: expect.stringMatching(/not among the tools/) });
    const parameters = { type: 'object', properties: { a: { not: { const: 'x' } } } };
    const strange = [{ type: 'function', function: { name: 'odd', parameters } }];
    const refused = await server.json('/v1/chat/completions', { messages, tools: strange, tool_choice: 'required' });
    expect(refused.body.error).toMatchObject({ param: 'tools', message: expect.stringMatching(/"not" at #\/odd\/a/) });
  });
});
