/**
 * Chat templates in the server: rendered as jinja2 does, in a thread of their own, and never the
 * end of a load.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Template } from '../../main/core/jinja/template.ts';
import { ChatTemplate } from '../../main/embedded/requests/chat-template.ts';
import { renderInWays } from '../../main/embedded/requests/template-variations.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { startServer, type TestServer } from './start-server.ts';

const PROGRAM = new URL('../../main/embedded/requests/template-worker.ts', import.meta.url);
const never = new AbortController().signal;
const TOKENS = { bos_token: '<s>', eos_token: '</s>' };
const user = { role: 'user', content: 'Hi' };

describe('templates are tried in the ways in which they are called elsewhere', () => {
  const call = {
    role: 'assistant',
    content: '',
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: { x: new Number(1), n: null } } }],
  };

  test.each<[string, string, object, string]>([
    ['tools are None where there are none', '{{ tools is none }}', { messages: [user] }, 'True'],
    ['or not there at all, where None is refused', '{% for t in tools %}{% endfor %}ok', { messages: [user] }, 'ok'],
    [
      'the system text in front of the first message',
      "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}{{ messages[0].content }}",
      { messages: [{ role: 'system', content: 'S' }, user] },
      'S\n\nHi',
    ],
    ['arguments as they are', '{{ messages[0].tool_calls[0].function.arguments | tojson }}', { messages: [call] }, '{"x": 1.0, "n": null}'],
    [
      'arguments as a text where they are put together',
      "{{ '' + messages[0].tool_calls[0].function.arguments }}",
      { messages: [call] },
      '{"x":1,"n":null}',
    ],
    ['lists that are changed in place', '{% set l = [] %}{% set _ = l.append(1) %}{{ l }}', { messages: [user] }, '[1]'],
    ['what the model’s tokens are', '{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}', { messages: [user] }, '<s></s>True'],
  ])('%s', (_, template, values, wanted) => {
    expect(renderInWays(new Template(template), { ...TOKENS, add_generation_prompt: true, ...values })).toBe(wanted);
  });
});

describe('a thread of their own', () => {
  test('a template of its own for chats with tools', async () => {
    const template = new ChatTemplate({ default: 'plain', tool_use: '{{ tools | length }} tools' }, PROGRAM, {});
    expect(await template.render({ messages: [user] }, never)).toBe('plain');
    expect(await template.render({ messages: [user], tools: [1, 2] }, never)).toBe('2 tools');
  });

  test('one that takes all memory is refused, and followed by others', async () => {
    const hungry = new ChatTemplate(
      {
        default:
          '{% if messages[0].content == "eat" %}{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l + [range(99) | list] %}{% endfor %}{% endif %}ok',
      },
      PROGRAM,
      {},
    );
    const eats = hungry.render({ messages: [{ role: 'user', content: 'eat' }] }, never);
    const waits = hungry.render({ messages: [user] }, never);
    await expect(eats).rejects.toThrow(/does not end|memory/);
    expect(await waits).toBe('ok');
  });

  test('a thread that does not end is replaced, after its time or when its client leaves', async () => {
    const program = `import { parentPort } from 'node:worker_threads';
      parentPort.on('message', ({ id, values }) => {
        while (values.messages === 'endless');
        parentPort.postMessage({ id, text: values.messages, refusal: '' });
      });`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
    const template = new ChatTemplate({ default: 'any' }, url, {}, 2_000);
    const endless = template.render({ messages: 'endless' }, never);
    const waits = template.render({ messages: 'next' }, never);
    await expect(endless).rejects.toThrow('it does not end: more than 2000 ms');
    expect(await waits).toBe('next');
    const patient = new ChatTemplate({ default: 'any' }, url, {});
    const client = new AbortController();
    const left = patient.render({ messages: 'endless' }, client.signal);
    const after = patient.render({ messages: 'after' }, never);
    client.abort();
    await expect(left).rejects.toThrow('the client left');
    expect(await after).toBe('after');
  });

  test('who left is not rendered for', async () => {
    const template = new ChatTemplate({ default: '{{ messages[0].content }}' }, PROGRAM, {});
    const first = template.render({ messages: [user] }, never);
    await expect(template.render({ messages: [user] }, AbortSignal.abort())).rejects.toThrow('the client left');
    expect(await first).toBe('Hi');
  });
});

describe('through the server', () => {
  let folder: string;
  const servers: TestServer[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelium-template-'));
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  });

  async function serve(name: string, chatTemplate: string): Promise<TestServer> {
    const file = await writeTinyGguf(folder, { name, chatTemplate });
    const server = await startServer(['--model', file, '--alias', name, '--ctx-size', '512', '--parallel', '2']);
    servers.push(server);
    return server;
  }

  test('a template that never ends neither ends nor holds up a load: completions work, during a chat too, and the chat is told why', async () => {
    const server = await serve(
      'endless',
      '{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}',
    );
    const chat = server.json('/v1/chat/completions', { messages: [user], max_tokens: 1 });
    const completion = await server.json('/v1/completions', { prompt: 'Hello', max_tokens: 4 });
    expect(completion.status).toBe(200);
    const { status, body } = await chat;
    expect(status).toBe(400);
    expect(body.error.message).toMatch(/^The chat template of "endless" refuses these messages: line 1: it does not end/);
  });

  test('earlier answers keep their indentation, and numbers what they are', { timeout: 90_000 }, async () => {
    const server = await serve(
      'exact',
      "{% for m in messages %}{{ m.content.lstrip('\\n') }}{% for c in m.tool_calls or [] %}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}",
    );
    const tokens = async (message: string) =>
      (await server.json('/v1/chat/completions', `{"max_tokens": 1, "messages": [${message}]}`)).body.usage.prompt_tokens;
    const said = (content: string) => tokens(JSON.stringify({ role: 'user', content }));
    expect((await said('\n    x')) - (await said('x'))).toBe(4);
    const called = (args: string) =>
      tokens(
        `{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": ${args}}}]}, {"role": "tool", "content": ""}`,
      );
    expect((await called('{"limit": 1.0, "n": null}')) - (await called('{"limit": 1, "n": null}'))).toBe(2);
    expect(await called(JSON.stringify('{"limit": 1.0, "n": null}'))).toBe(await called('{"limit": 1.0, "n": null}'));
  });

  test('a template that cannot be read at all', { timeout: 90_000 }, async () => {
    const server = await serve('broken', 'a\n{% for %}');
    expect((await server.json('/v1/completions', { prompt: 'Hello', max_tokens: 1 })).status).toBe(200);
    const { status, body } = await server.json('/v1/chat/completions', { messages: [user] });
    expect([status, body.error.message]).toEqual([400, expect.stringContaining('line 2: ')]);
  });
});
