/**
 * Thoughts apart from answers: how each family marks them, in any pieces; and through a real
 * llama.cpp, streamed and whole.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { unknownToTemplate } from '../../main/embedded/requests/template-values.ts';
import { isThoughtOpen, ThinkingReader, thinkingMarksOf, withoutThoughts } from '../../main/embedded/tools/thinking.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { readEvents, startServer, type TestServer } from './start-server.ts';

const THINK = { open: '<think>', close: '</think>' };

function readIn(text: string, isOpen: boolean, cuts: readonly number[], marks = THINK): { reasoning: string; text: string } {
  const reader = new ThinkingReader(marks, isOpen);
  const places = [...new Set([0, ...cuts.map((cut) => cut % (text.length + 1)), text.length])].sort((left, right) => left - right);
  const made = { reasoning: '', text: '' };
  const parts = places.slice(1).flatMap((end, at) => [...reader.push(text.slice(places[at], end))]);
  for (const part of [...parts, ...reader.end()]) made[part.kind] += part.text;
  return made;
}

describe('thoughts are told from answers, however they are cut', () => {
  test.each<[string, string, boolean, { reasoning: string; text: string }]>([
    ['begun by the prompt', '\nI add.\n</think>\n\nFour.', true, { reasoning: 'I add.', text: 'Four.' }],
    ['begun by the model', '<think>\nI add.\n\n</think>\n\n 4 </think>', false, { reasoning: 'I add.', text: '4 </think>' }],
    ['white space in front of the mark', '\n <think>a</think>b', false, { reasoning: 'a', text: 'b' }],
    ['no thoughts at all', '<think>\n\n</think>\n\nFour.', false, { reasoning: '', text: 'Four.' }],
    ['none begun', ' Four <think>', false, { reasoning: '', text: ' Four <think>' }],
    ['cut off in mid-thought', 'I add. </thin', true, { reasoning: 'I add. </thin', text: '' }],
    ['what looks like a mark', 'a < b </ c </think ></think>d', true, { reasoning: 'a < b </ c </think >', text: 'd' }],
    ['first letters of a mark alone', '<thin', false, { reasoning: '', text: '<thin' }],
    ['spaces within', 'a  b\n\nc </think>d', true, { reasoning: 'a  b\n\nc', text: 'd' }],
  ])('%s', (_, text, isOpen, wanted) => {
    expect(readIn(text, isOpen, [])).toEqual(wanted);
    expect(
      readIn(
        text,
        isOpen,
        Array.from({ length: text.length }, (_unused, at) => at),
      ),
    ).toEqual(wanted);
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        expect(readIn(text, isOpen, cuts)).toEqual(wanted);
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ['Qwen, DeepSeek', "{{ '<think>' }}{{ '</think>' }}", '<think>', '</think>'],
    ['Magistral', '[THINK]{{ x }}[/THINK]', '[THINK]', '[/THINK]'],
    ['Seed-OSS', '<seed:think></seed:think>', '<seed:think>', '</seed:think>'],
    ['Command A', '<|START_THINKING|><|END_THINKING|>', '<|START_THINKING|>', '<|END_THINKING|>'],
    ['gpt-oss', '<|channel|>analysis<|message|>', '<|channel|>analysis<|message|>', '<|end|><|start|>assistant<|channel|>final<|message|>'],
  ])('%s: the marks are the template’s', (_, template, open, close) => {
    const marks = thinkingMarksOf(template);
    expect(marks).toEqual({ open, close });
    expect(readIn(`${open}why${close}that`, false, [3, 7, 11], marks!)).toEqual({ reasoning: 'why', text: 'that' });
  });

  test('whether the prompt left them open', () => {
    expect(thinkingMarksOf('{{ messages }}')).toBeNull();
    expect(isThoughtOpen('assistant\n<think>\n', THINK)).toBe(true);
    expect(isThoughtOpen('assistant\n<think>\n\n</think>\n\n', THINK)).toBe(false);
    expect(isThoughtOpen('user\nwhat is <think>?\nassistant\n', THINK)).toBe(false);
    expect(isThoughtOpen('<think>\na</think>b\nassistant\n<think>', THINK)).toBe(true);
  });

  // llama.cpp's own test of its server, unit/test_template.py: the templates of DeepSeek R1 and
  // Command R7B, which know no such wish.
  test('thoughts that nobody wants are closed, whether the prompt opened them or not', () => {
    expect(withoutThoughts('<|Assistant|><think>\n', THINK)).toBe('<|Assistant|><think>\n</think>');
    const command = thinkingMarksOf('<|START_THINKING|>{{ x }}<|END_THINKING|>')!;
    expect(withoutThoughts('<|CHATBOT_TOKEN|>', command)).toBe('<|CHATBOT_TOKEN|><|START_THINKING|><|END_THINKING|>');
    const reader = new ThinkingReader(THINK, false, true);
    expect([...reader.push('\n\nFour'), ...reader.end()]).toEqual([{ kind: 'text', text: 'Four' }]);
  });
});

/** Says "<think>" where the request lets it think, and shows what else it was given. */
const TEMPLATE = [
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' }}{% if m.reasoning_content %}{{ '<think>' ~ m.reasoning_content ~ '</think>' }}{% endif %}{{ m.content + '<|im_end|>\\n' }}{% endfor %}",
  "{{ reasoning_effort }}{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is not defined or enable_thinking %}{{ '<think>\\n' }}{% endif %}{% endif %}",
].join('');

describe('through llama.cpp', () => {
  let folder: string;
  let server: TestServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'modelium-thinking-'));
    const file = await writeTinyGguf(folder, { name: 'thinker', chatTemplate: TEMPLATE });
    server = await startServer(['--model', file, '--alias', 'thinker', '--ctx-size', '512']);
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const chat = (more: object) => ({ messages: [{ role: 'user', content: 'Hi' }], max_tokens: 8, seed: 1, ...more });
  interface Message {
    readonly content: string | null;
    readonly reasoning_content?: string;
  }

  test('whole, streamed, and left where they are', async () => {
    const whole = await server.json('/v1/chat/completions', chat({}));
    const message = whole.body.choices[0]!.message as unknown as Message;
    expect(message.reasoning_content).not.toBe('');
    expect(message.content).toBe('');
    const { events } = await readEvents(await server.request('/v1/chat/completions', chat({ stream: true })));
    const deltas = events.map(({ choices }) => choices[0]?.delta as Message | undefined);
    expect(deltas.map((delta) => delta?.reasoning_content ?? '').join('')).toBe(message.reasoning_content);
    expect(deltas.map((delta) => delta?.content ?? '').join('')).toBe('');
    const raw = await server.json('/v1/chat/completions', chat({ reasoning_format: 'none' }));
    expect(raw.body.choices[0]!.message.content).toContain(message.reasoning_content!.trim());
    expect((await server.json('/v1/chat/completions', chat({ reasoning_format: 'x' }))).status).toBe(400);
  });

  test('the template’s own variables reach it', async () => {
    const tokens = async (more: object) => (await server.json('/v1/chat/completions', chat(more))).body.usage.prompt_tokens;
    const thinking = await tokens({});
    const not = await tokens({ chat_template_kwargs: { enable_thinking: false } });
    expect(not).toBeLessThan(thinking);
    expect(await tokens({ reasoning_effort: 'high' })).toBeGreaterThan(thinking);
    for (const wish of [
      { think: false },
      { thinking: { type: 'disabled' } },
      { reasoning: { enabled: false } },
      { enable_thinking: false },
    ])
      expect(await tokens(wish)).toBe(not);
    expect(await tokens({ reasoning: { effort: 'high' } })).toBe(await tokens({ reasoning_effort: 'high' }));
    expect((await server.json('/v1/chat/completions', chat({ reasoning_effort: 3 }))).status).toBe(400);
    const off = await server.json('/v1/chat/completions', chat({ chat_template_kwargs: { enable_thinking: false } }));
    expect((off.body.choices[0]!.message as unknown as Message).reasoning_content).toBeUndefined();
    expect(off.body.choices[0]!.message.content).not.toBe('');
  });

  test('what the template does not know is named in a header', async () => {
    const ignored = async (more: object) => (await server.request('/v1/chat/completions', chat(more))).headers.get('x-modelium-ignored');
    expect(await ignored({ think: true, reasoning_effort: 'low' })).toBeNull();
    expect(await ignored({ verbosity: 'low' })).toBe('verbosity');
    expect(unknownToTemplate({ think: true, reasoning_effort: 'low', user: 'x' }, '{{ messages }}')).toEqual(['think', 'reasoning_effort']);
    // Carried out without the template: thoughts are closed behind the prompt.
    expect(unknownToTemplate({ think: false, reasoning_effort: 'none', verbosity: 'low' }, '{{ messages }}', true)).toEqual(['verbosity']);
  });

  test('what a grammar holds is the answer, not a thought', async () => {
    const schema = { type: 'object', properties: { on: { type: 'boolean' } }, required: ['on'], additionalProperties: false };
    const { body } = await server.json(
      '/v1/chat/completions',
      chat({ max_tokens: 64, response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } }),
    );
    expect(Object.keys(JSON.parse(body.choices[0]!.message.content) as object)).toEqual(['on']);
  });
});
