/**
 * Vocabularies that cut texts in other ways: no text ends the process of a model, and none that
 * takes long is tokenized beside those who generate.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childrenOf } from '../../main/io/processes/proc.ts';
import { KNOWN_PRE_TOKENIZERS } from '../../main/runtime/llama/known.ts';
import { FULL } from '../helpers/full.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { startServer, type TestServer } from './start-server.ts';

const UNITS = [
  'a',
  'A',
  '1',
  ' ',
  '\n',
  '\t',
  ' \n',
  '\u00a0 ',
  '\u0085 ',
  "'",
  '"1',
  '!',
  'é',
  '漢',
  '😀',
  'e\u0301',
  '_',
  "'s",
  '\r\n',
  'a1 ',
];

async function withVocabulary(pre: string, act: (server: TestServer) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'modelium-vocabulary-'));
  const model = await writeTinyGguf(folder, { metadata: { 'tokenizer.ggml.pre': { type: 'string', value: pre } } });
  const server = await startServer(['--model', model, '--alias', 'tiny', '--ctx-size', '8192']);
  try {
    await act(server);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

const tokensOf = async (server: TestServer, prompt: string) =>
  ((await (await server.request('/tokenize', { prompt })).json()) as { readonly tokens: readonly number[] }).tokens;

test.each(FULL ? [...KNOWN_PRE_TOKENIZERS] : ['whitespace', 'llama-bpe'])('%s: each text has its tokens', { timeout: 120_000 }, (pre) =>
  withVocabulary(pre, async (server) => {
    for (const unit of UNITS) expect(await tokensOf(server, unit.repeat(200)), JSON.stringify(unit)).toBeInstanceOf(Array);
  }),
);

test('blanks that only part words mean the same, however many they are', () =>
  withVocabulary('whitespace', async (server) => {
    const once = await tokensOf(server, 'the model answers');
    expect(once.length).toBeGreaterThan(2);
    for (const blanks of ['  ', '\n\n', ' \t\r\n ', '\u00a0\u0085 '])
      expect(await tokensOf(server, `the${blanks}model${blanks}answers`)).toEqual(once);
  }));

test.each([
  ['superbpe', 1],
  ['gpt-2', 0],
])('%s: a text of 1,000 digits is tokenized by %i process of its own', (pre, processes) =>
  withVocabulary(pre, async (server) => {
    expect(await tokensOf(server, '1'.repeat(1_000))).toHaveLength(1_000);
    expect(childrenOf(server.child.pid!)).toHaveLength(processes);
  }),
);
