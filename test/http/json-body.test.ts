/** On which thread bodies are parsed, and how often. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { exactMember, JsonReader } from '../../main/http/json-body.ts';

afterEach(() => vi.restoreAllMocks());

const nobody = () => ({ signal: new AbortController().signal, caller: '' });
const reader = new JsonReader({ read: () => Promise.reject(new Error('elsewhere')) });

function messagesOf(count: number): Buffer {
  return Buffer.from(`{"messages":[${Array(count).fill('{"role":"user","content":"a","weight":12345678901234567890}').join()}]}`);
}

test('a small body keeps the numbers of its messages as they were written', async () => {
  const body = await reader.read(messagesOf(2), true, nobody);
  expect(JSON.stringify(exactMember(body, 'messages'))).toContain('12345678901234567890');
});

test('a large body is not parsed again on this thread for its numbers, and one of many values not at all', async () => {
  const large = messagesOf(2_000);
  expect(large.length).toBeGreaterThan(64 * 1024);
  const parse = vi.spyOn(JSON, 'parse');
  await expect(reader.read(large, true, nobody)).rejects.toThrow('elsewhere');
  expect(exactMember({ bytes: large, value: {}, isWhole: true }, 'messages')).toBeUndefined();
  expect(parse).not.toHaveBeenCalled();
});

test('an object of many keys is not built on this thread, however few brackets it has; a text with colons is', async () => {
  const keys = Buffer.from(`{"prompt":"x",${Array.from({ length: 20_000 }, (_, index) => `"k${index}":0`).join()}}`);
  expect(keys.length).toBeGreaterThan(64 * 1024);
  await expect(reader.read(keys, true, nobody)).rejects.toThrow('elsewhere');
  const text = Buffer.from(JSON.stringify({ prompt: 'a: b, '.repeat(4_000).padEnd(100_000) }));
  expect(await reader.read(text, true, nobody)).toMatchObject({ isWhole: true });
});

test('of bodies that arrive together, each of more than 16 KiB is parsed in a turn of its own, and a small one waits for none', async () => {
  const parse = vi.spyOn(JSON, 'parse');
  const large = Array.from({ length: 8 }, () => reader.read(Buffer.from(`{"a":"${'x'.repeat(60 * 1024)}"}`), true, nobody));
  expect(parse).not.toHaveBeenCalled();
  expect(reader.read(Buffer.from(`{"a":"${'x'.repeat(15 * 1024)}"}`), true, nobody)).not.toBeInstanceOf(Promise);
  const done = Promise.all(large);
  for (let turn = 1; turn <= 8; turn += 1) {
    const before = parse.mock.calls.length;
    await nextTurn();
    expect(parse.mock.calls.length - before).toBeLessThanOrEqual(1);
  }
  await done;
  expect(parse).toHaveBeenCalledTimes(9);
});

test('a body whose client left before its turn is not parsed', async () => {
  const parse = vi.spyOn(JSON, 'parse');
  const left = AbortSignal.abort();
  const read = reader.read(Buffer.from(`{"a":"${'x'.repeat(60 * 1024)}"}`), true, () => ({ signal: left, caller: '' }));
  await expect(read).rejects.toThrow('left');
  expect(parse).not.toHaveBeenCalled();
});
