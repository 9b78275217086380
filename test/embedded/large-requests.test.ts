/**
 * Requests that are too much: each is refused or answered by itself, and those beside it notice
 * nothing.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { readEvents, startServer, type TestServer } from './start-server.ts';

// Each large request may start a process of its own, which takes its time beside other tests.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let folder: string;
let chat: TestServer;
let embedder: TestServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-large-'));
  const [text, bert] = await Promise.all([
    writeTinyGguf(folder),
    writeTinyGguf(folder, { name: 'bert', kind: 'bert', contextTokens: 128 }),
  ]);
  [chat, embedder] = await Promise.all([
    startServer(['--model', text, '--alias', 'tiny', '--ctx-size', '2048', '--parallel', '2']),
    startServer(['--model', bert, '--alias', 'bert', '--ctx-size', '128', '--embeddings', '--ubatch-size', '128']),
  ]);
});

afterAll(async () => {
  await chat?.stop();
  await embedder?.stop();
  await rm(folder, { recursive: true, force: true });
});

const user = (content: string) => [{ role: 'user', content }];
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const schema = (value: unknown) => ({ type: 'json_schema', json_schema: { name: 'x', schema: value } });
const DOUBLING = 'root ::= "a" root "b" | "a" root "c"';
/** Behind so many characters that nobody looks at them before the answer begins. */
const LATER = `root ::= "${'the '.repeat(20)}" again\nagain ::= "a" again "b" | "a" again "c"`;
const pattern = { type: 'string', pattern: '^(a|b)*a(a|b){14}(c|d)*c(c|d){14}$' };

/** Each definition may be the next one in two ways, thirty times. */
const doubled = {
  $ref: '#/$defs/d0',
  $defs: Object.fromEntries(
    Array.from({ length: 31 }, (_, at) => {
      const next = { $ref: `#/$defs/d${at + 1}` };
      return [`d${at}`, at === 30 ? { type: 'string' } : { anyOf: [next, { anyOf: [next, { type: 'null' }] }] }];
    }),
  ),
};
const rules = (rule: (next: string) => string, last: string) =>
  ['root ::= a0', ...Array.from({ length: 30 }, (_, at) => `a${at} ::= ${rule(`a${at + 1}`)}`), `a30 ::= ${last}`].join('\n');

/** Refused by its bytes: its tokens are not counted, which takes a minute of some texts. */
const BYTES = expect.stringMatching(/^The input has \d+ bytes, and the context of \d+ tokens holds \d+ at most\.$/);

const REFUSED: readonly [string, () => unknown, object][] = [
  [
    'a chat of 10 MB',
    () => ({ messages: user('word '.repeat(2_000_000)) }),
    { code: 'context_length_exceeded', param: 'messages', message: BYTES },
  ],
  [
    '100,000 messages',
    () => ({ messages: Array.from({ length: 100_000 }, () => user('a')[0]) }),
    { code: 'context_length_exceeded', message: expect.stringMatching(/^100000 messages do not fit/) },
  ],
  [
    'an enumeration of 100,000',
    () => ({ messages: user('a'), response_format: schema({ enum: [...Array(100_000).keys()] }) }),
    { param: 'response_format' },
  ],
  ['a pattern of states without end', () => ({ messages: user('a'), response_format: schema(pattern) }), { param: 'response_format' }],
  [
    'a schema whose choices double thirty times',
    () => ({ messages: user('a'), response_format: schema(doubled) }),
    { param: 'response_format' },
  ],
  [
    'a grammar whose rules may be empty in 2^30 ways',
    () => ({ messages: user('a'), grammar: rules((next) => `${next} ${next}`, '"a"?') }),
    { param: 'grammar' },
  ],
  [
    'a grammar with 2^30 ways to the first character',
    () => ({ messages: user('a'), grammar: rules((next) => `${next} | ${next} "b"`, '"a"') }),
    { param: 'grammar' },
  ],
  ['a grammar that doubles with each character', () => ({ messages: user('a'), grammar: DOUBLING }), { param: 'grammar' }],
  ['a grammar that does so later', () => ({ messages: user('a'), grammar: LATER, max_tokens: 200 }), { code: 'invalid-body' }],
  [
    'a text of 20 MB that is not to come',
    () => ({ messages: user('a'), logit_bias: [['word '.repeat(4_000_000), -1]] }),
    { param: 'logit_bias', message: BYTES },
  ],
  ['a stop string of 1 MB', () => ({ messages: user('a'), stop: ['a'.repeat(1_000_000)] }), { param: 'stop' }],
  ['a suffix nested 200,000 deep', () => `{"messages":[{"role":"user","content":"a"}],"suffix":${nested(200_000)}}`, { param: 'suffix' }],
  [
    'a schema nested 200,000 deep',
    () => `{"messages":[{"role":"user","content":"a"}],"json_schema":{"items":${nested(200_000)}}}`,
    { param: 'json_schema' },
  ],
  [
    'a reference that is no address',
    () => ({ messages: user('a'), response_format: schema({ $ref: '#/%zz' }) }),
    { param: 'response_format' },
  ],
  ['half a body of 1 MB', () => `{"messages":"${'a'.repeat(1_000_000)}`, { code: 'invalid-json' }],
];

describe('beside an answer that is streamed', () => {
  test.each(REFUSED)('%s is refused', async (_, body, wanted) => {
    const beside = chat.request('/v1/completions', { prompt: 'the', temperature: 0, max_tokens: 40, stream: true }).then(readEvents);
    const made = body();
    const { status, body: refused } = await chat.json('/v1/chat/completions', made);
    expect(status, JSON.stringify(refused).slice(0, 300)).toBe(400);
    expect(refused.error).toMatchObject({ origin: 'llama', ...wanted });
    const { events, done } = await beside;
    expect(done).toBe(true);
    expect(events.at(-1)!.choices[0]!.finish_reason).toBe('length');
  });
});

test('a million texts to embed, and one of 10 MB, are refused; blank and NUL texts are read', async () => {
  const { body: many } = await embedder.json('/v1/embeddings', `{"input":[${'"a",'.repeat(999_999)}"a"]}`);
  expect(many.error).toMatchObject({ code: 'invalid-body', param: 'input' });
  const { body: long } = await embedder.json('/v1/embeddings', { input: ['a', 'word '.repeat(2_000_000)] });
  expect(long.error).toMatchObject({ code: 'context_length_exceeded', param: 'input[1]', message: BYTES });
  const { body: prompt } = await chat.json('/v1/completions', { prompt: 'word '.repeat(2_000_000) });
  expect(prompt.error).toMatchObject({ code: 'context_length_exceeded', param: 'prompt', message: BYTES });
  expect((await chat.json('/v1/completions', { prompt: '\u0000\u0000 \n', max_tokens: 2 })).status).toBe(200);
});

test('more tokens than any context holds are not read back', async () => {
  const { status, body } = await chat.json('/detokenize', { tokens: Array(131_073).fill(5) });
  expect([status, body.error?.param]).toEqual([400, 'tokens']);
  expect((await chat.json('/detokenize', { tokens: Array(131_072).fill(5) })).status).toBe(200);
});

test('a large body that asks for little is answered as a small one', async () => {
  const request = { messages: user('What is a GPU?'), temperature: 0, max_tokens: 8 };
  const { body: small } = await chat.json('/v1/chat/completions', request);
  const { status, body: large } = await chat.json('/v1/chat/completions', { ...request, metadata: { notes: 'x'.repeat(300_000) } });
  expect(status).toBe(200);
  expect(large.choices[0]!.message.content).toBe(small.choices[0]!.message.content);
  const { body: texts } = await embedder.json('/v1/embeddings', { input: Array.from({ length: 2000 }, (_, at) => `text ${at}`) });
  const { body: one } = await embedder.json('/v1/embeddings', { input: 'text 1999' });
  expect(texts.data[1999]!.embedding).toEqual(one.data[0]!.embedding);
});

async function childrenOf(pid: number): Promise<readonly number[]> {
  const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(all.map(async (each) => [each, await readFile(`/proc/${each}/stat`, 'utf8').catch(() => '')] as const));
  return stats.flatMap(([each, stat]) => (stat.split(') ')[1]?.split(' ')[1] === String(pid) ? [each] : []));
}

test.runIf(process.platform === 'linux')(
  'what ends the process that reads texts, or a client that leaves it, is one request’s',
  async () => {
    const large = { messages: user('What is a GPU?'), max_tokens: 1, metadata: { notes: 'x'.repeat(300_000) } };
    expect((await chat.json('/v1/chat/completions', large)).status).toBe(200);
    const [reader] = await childrenOf(chat.child.pid!);
    process.kill(reader!, 'SIGSTOP');
    const held = chat.json('/v1/chat/completions', large);
    const leaver = new AbortController();
    const left = chat.request('/v1/chat/completions', large, { signal: leaver.signal });
    leaver.abort();
    await expect(left).rejects.toThrow();
    expect((await chat.json('/v1/completions', { prompt: 'the', max_tokens: 1 })).status).toBe(200);
    process.kill(reader!, 'SIGKILL');
    const { status, body } = await held;
    expect([status, body.error?.code]).toEqual([400, 'invalid-body']);
    expect((await chat.json('/v1/chat/completions', large)).status).toBe(200);
  },
);

test.runIf(process.platform === 'linux')('an enumeration of 9,000 texts in 128 choices does not fill the memory', async () => {
  // Texts that share nothing: what they share is said once in a grammar.
  const values = Array.from({ length: 9_000 }, (_, at) => createHash('sha512').update(`${at}`).digest('hex').slice(0, 112));
  const mostBytes = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${chat.child.pid}/status`, 'utf8'))?.[1]) * 1024;
  const beforeBytes = mostBytes();
  const request = { prompt: 'the', n: 128, max_tokens: 1, response_format: schema({ enum: values }) };
  const { status, body } = await chat.json('/v1/completions', request);
  expect([status, body.choices?.length]).toEqual([200, 128]);
  // A state for each choice: 450 MiB and more if V8 is to find them by itself.
  expect(mostBytes() - beforeBytes).toBeLessThan(250 * 1024 * 1024);
});
