/** Rankings, and embeddings of fewer numbers, on a real llama.cpp. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pairBetweenMarks } from '../../main/embedded/llama/input-tokens.ts';
import { writeTinyGguf } from '../helpers/tiny-gguf.ts';
import { startServer, type TestServer } from './start-server.ts';

let folder: string;
let ranker: TestServer;
let embedder: TestServer;
const documents = ['the model answers', 'nobody waits', 'graphics and memory', 'the model answers'];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'modelium-rerank-'));
  const [ranks, embeds] = await Promise.all([
    writeTinyGguf(folder, { name: 'ranker', kind: 'bert', ranks: true, contextTokens: 128 }),
    writeTinyGguf(folder, { name: 'bert', kind: 'bert', contextTokens: 128 }),
  ]);
  ranker = await startServer(['--model', ranks, '--alias', 'ranker', '--ctx-size', '128', '--reranking', '--ubatch-size', '128']);
  embedder = await startServer(['--model', embeds, '--alias', 'bert', '--ctx-size', '128', '--embeddings', '--ubatch-size', '128']);
});

afterAll(async () => {
  await ranker?.stop();
  await embedder?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('a ranking of hundreds of documents lets a short one in between', async () => {
  const ended: string[] = [];
  const many = Array.from({ length: 400 }, (_, at) => `text ${at} ${'the '.repeat(60)}`);
  const rank = (name: string, list: readonly string[]) =>
    ranker.json('/v1/rerank', { query: 'memory', documents: list }).then(({ status }) => ended.push(`${name} ${status}`));
  await Promise.all([rank('long', many), rank('short', ['nobody waits'])]);
  expect(ended).toEqual(['short 200', 'long 200']);
});

test('documents come best first, each with its place and its score, equal ones with equal scores', async () => {
  const { status, body } = await ranker.json('/v1/rerank', { query: 'memory', documents, return_documents: true });
  expect(status, JSON.stringify(body)).toBe(200);
  const scores = body.results.map(({ relevance_score }) => relevance_score);
  expect(scores).toEqual(scores.toSorted((left, right) => right - left));
  expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
  expect(new Set(scores).size).toBe(3);
  expect(body.results.map(({ index }) => index).toSorted()).toEqual([0, 1, 2, 3]);
  for (const { index, document } of body.results) expect(document!.text).toBe(documents[index]);
  expect(body.usage.prompt_tokens).toBeGreaterThan(12);
  const top = await ranker.json('/v1/rerank', { query: 'memory', documents: documents.map((text) => ({ text })), top_n: 2 });
  expect(top.body.results).toEqual(body.results.slice(0, 2).map(({ index, relevance_score }) => ({ index, relevance_score })));
});

test('the order of the documents changes no score, another query does', async () => {
  const score = async (query: string, texts: readonly string[]) => {
    const { body } = await ranker.json('/v1/rerank', { query, documents: texts });
    return body.results.find(({ index }) => texts[index] === 'nobody waits')!.relevance_score;
  };
  const first = await score('memory', documents);
  expect(await score('memory', documents.toReversed())).toBe(first);
  expect(await score('nobody waits there', documents)).not.toBe(first);
});

// transformers' BertTokenizer: [CLS] memory [SEP] nobody waits [SEP].
test('a question and a document are read between all of their marks', async () => {
  expect((await ranker.json('/v1/rerank', { query: 'memory', documents: ['nobody waits'] })).body.usage.prompt_tokens).toBe(6);
  expect(pairBetweenMarks([7], [8, 9], { bos: 2, sep: 3 })).toEqual([2, 7, 3, 8, 9, 3]);
});

test('text-embeddings-inference’s clients: their words, their shape', async () => {
  const { body } = await ranker.json('/v1/rerank', { query: 'memory', documents });
  const { body: tei } = await ranker.json('/v1/rerank', { query: 'memory', texts: documents, return_text: true, raw_scores: false });
  const wanted = body.results.map(({ index, relevance_score }) => ({ index, score: relevance_score, text: documents[index] }));
  expect(tei).toEqual(wanted);
});

test('what is wrong or not supported is refused by name', async () => {
  const refused = async (server: TestServer, path: string, body: object) => (await server.json(path, body)).body.error;
  expect(await refused(ranker, '/v1/rerank', { documents })).toMatchObject({ param: 'query' });
  expect(await refused(ranker, '/v1/rerank', { query: 'x', documents: [] })).toMatchObject({ param: 'documents' });
  expect(await refused(ranker, '/v1/rerank', { query: 'x', documents: ['a', 3] })).toMatchObject({ param: 'documents[1]' });
  expect(await refused(ranker, '/v1/rerank', { query: 'x', documents, max_chunks_per_doc: 2 })).toMatchObject({
    param: 'max_chunks_per_doc',
  });
  // Its own tokens alone are counted: it never came to the thread that reads pairs.
  const long = 'the '.repeat(300).trim();
  for (const [asked, param] of [
    [{ query: 'x', documents: ['ok', long] }, 'documents[1]'],
    [{ query: long, texts: ['ok'] }, 'query'],
  ] as const) {
    const message = expect.stringContaining('it has 300 tokens');
    expect(await refused(ranker, '/v1/rerank', asked)).toMatchObject({ code: 'context_length_exceeded', param, message });
  }
  // Each fits by itself, and both do not.
  expect(await refused(ranker, '/v1/rerank', { query: 'the '.repeat(70), documents: ['the '.repeat(70)] })).toMatchObject({
    code: 'context_length_exceeded',
    param: 'documents[0]',
  });
  expect(await refused(ranker, '/v1/embeddings', { input: 'x' })).toMatchObject({ code: 'not-supported-by-model' });
  expect(await refused(embedder, '/v1/rerank', { query: 'x', documents })).toMatchObject({ code: 'not-supported-by-model' });
});

test('dimensions: the model’s own number is no other question, fewer are refused', async () => {
  const whole = await embedder.json('/v1/embeddings', { input: 'memory', dimensions: 64 });
  expect(whole.body.data[0]!.embedding).toHaveLength(64);
  const { body } = await embedder.json('/v1/embeddings', { input: 'memory', dimensions: 32 });
  expect(body.error).toMatchObject({ param: 'dimensions', message: expect.stringMatching(/embeddings of 64 numbers/) });
});
