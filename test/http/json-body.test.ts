/** On which thread bodies are parsed, and how often. */
import { afterEach, expect, test, vi } from 'vitest';
import { exactMember, readJson } from '../../main/http/json-body.ts';

afterEach(() => vi.restoreAllMocks());

const nobody = () => ({ signal: new AbortController().signal, caller: '' });
const never = { read: () => Promise.reject(new Error('elsewhere')) };

function messagesOf(count: number): Buffer {
  return Buffer.from(`{"messages":[${Array(count).fill('{"role":"user","content":"a","weight":12345678901234567890}').join()}]}`);
}

test('a small body keeps the numbers of its messages as they were written', async () => {
  const body = await readJson(messagesOf(2), never, true, nobody);
  expect(JSON.stringify(exactMember(body, 'messages'))).toContain('12345678901234567890');
});

test('a large body is not parsed again on this thread for its numbers, and one of many values not at all', async () => {
  const large = messagesOf(2_000);
  expect(large.length).toBeGreaterThan(64 * 1024);
  const parse = vi.spyOn(JSON, 'parse');
  await expect(readJson(large, never, true, nobody)).rejects.toThrow('elsewhere');
  expect(exactMember({ bytes: large, value: {}, isWhole: true }, 'messages')).toBeUndefined();
  expect(parse).not.toHaveBeenCalled();
});
