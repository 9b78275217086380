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
import { type TinyModelOptions, writeTinyGguf } from '../helpers/tiny-gguf.ts';
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

const text = (value: string) => ({ type: 'string', value }) as const;
const GENERATES = ['--ctx-size', '8192'];
const RANKS = ['--ctx-size', '1024', '--ubatch-size', '1024', '--reranking'];
/** One that ranks, with a vocabulary as those of text models. */
const RANKER: TinyModelOptions = {
  kind: 'bert',
  ranks: true,
  contextTokens: 1024,
  metadata: {
    'tokenizer.ggml.model': text('gpt2'),
    'tokenizer.ggml.merges': { type: 'strings', value: ['t h'] },
    'tokenizer.ggml.eos_token_id': { type: 'u32', value: 3 },
  },
};

async function withVocabulary(
  pre: string,
  act: (server: TestServer) => Promise<void>,
  flags: readonly string[] = GENERATES,
  options: TinyModelOptions = {},
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'modelium-vocabulary-'));
  const model = await writeTinyGguf(folder, { ...options, metadata: { ...options.metadata, 'tokenizer.ggml.pre': text(pre) } });
  const server = await startServer(['--model', model, '--alias', 'tiny', ...flags]);
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

const rank = (server: TestServer, query: string, documents: readonly string[]) =>
  server.json('/v1/rerank', { query, documents }).then(({ status, body }) => [status, body.results.map((each) => each.relevance_score)]);

test('blanks that only part words end no model that ranks, and change no score', { timeout: 60_000 }, () =>
  withVocabulary(
    'whitespace',
    async (server) => {
      const [status, scores] = await rank(server, 'the model', ['the answer']);
      expect(status).toBe(200);
      for (const blanks of ['  ', '\n\n', ' \n'])
        expect(await rank(server, `the${blanks}model`, [`the${blanks}answer`]), JSON.stringify(blanks)).toEqual([200, scores]);
      for (const begin of [' ', '  ', '\n', '\n\n', ' \n']) expect((await rank(server, `${begin}the model`, [`${begin}a`]))[0]).toBe(200);
    },
    RANKS,
    RANKER,
  ),
);
