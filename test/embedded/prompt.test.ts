/** What cannot fit is refused before anything is tokenized. */
import { expect, test } from 'vitest';
import type { LoadedModel } from '../../main/embedded/llama/llama.ts';
import { chatTokens, checkMessages, checkPieces, checkTokens } from '../../main/embedded/requests/prompt.ts';

const tokenized: string[] = [];
/** A context of 1,000 tokens of at most eight bytes each. */
const model = {
  contextTokens: 1_000,
  vocabularySize: 100,
  mostBytes: (tokens: number) => tokens * 8,
  tokenize: (text: string) => tokenized.push(text),
  tokenizePieces: (text: string) => tokenized.push(text),
} as unknown as LoadedModel;

const long = 'x'.repeat(8_001);
const user = (content: string, count = 1) => Array.from({ length: count }, () => ({ role: 'user', content }));

test.each<[string, () => unknown, string]>([
  ['a prompt', () => checkTokens(model, 'm', long), '8001 bytes'],
  ['a prompt in pieces', () => checkPieces(model, 'm', [long, 3], 'input'), '8001 bytes'],
  ['what a template made', () => chatTokens(model, long), '8001 bytes'],
  ['messages of text', () => checkMessages(model, user('x'.repeat(801), 10)), '8010 bytes'],
  ['too many messages', () => checkMessages(model, user('', 1_001)), '1001 messages'],
])('%s', (_, act, words) => {
  expect(act).toThrow(expect.objectContaining({ code: 'context_length_exceeded', message: expect.stringContaining(words) }));
  expect(tokenized).toEqual([]);
});
