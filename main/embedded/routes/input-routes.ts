/** The routes for embeddings and rankings, which generate no text. Owns no model and no socket. */
import type { ServerResponse } from 'node:http';
import { invalid } from '../requests/openai-fields.ts';
import type { PreparedEmbedding, PreparedRanking } from '../requests/prepared.ts';
import { embeddingAnswer, encodedVector, type Ranked, rerankAnswer, sendJson, sendJsonText, teiRerankAnswer } from './openai-answer.ts';
import { notSupported, tooLong, untilClosed } from './replies.ts';
import type { Serving } from './serving.ts';

/** Answers `/v1/embeddings`. */
export async function embed(body: Buffer, response: ServerResponse, serving: Serving): Promise<void> {
  const { model, alias, purpose, slots } = serving;
  if (purpose !== 'embedding') throw notSupported(`"${alias}" was loaded for ${purpose}: it makes no embeddings.`);
  const signal = untilClosed(response);
  const { texts, base64, dimensions } = (await serving.prepare('embedding', body, signal)) as PreparedEmbedding;
  if (dimensions !== null && dimensions !== model.embeddingLength) {
    const message = `"${alias}" makes embeddings of ${model.embeddingLength} numbers. A GGUF does not say whether shorter embeddings are valid: leave "dimensions" out.`;
    throw invalid('dimensions', message);
  }
  const vectors: string[] = [];
  for (const tokens of texts) {
    // A slot for each text: others come between.
    const vector = await slots.use(signal, async () => await model.embed(tokens));
    vectors.push(encodedVector(vector, base64, vectors.length));
  }
  const promptTokens = texts.reduce((sum, { length }) => sum + length, 0);
  if (!signal.aborted) sendJsonText(response, 200, embeddingAnswer(alias, vectors, promptTokens));
}

/** Answers `/v1/rerank`: the documents by how well they answer the question, best first. */
export async function rerank(body: Buffer, response: ServerResponse, serving: Serving): Promise<void> {
  const { model, alias, purpose, slots } = serving;
  if (purpose !== 'ranking') throw notSupported(`"${alias}" was loaded for ${purpose}: it ranks no documents.`);
  const signal = untilClosed(response);
  const prepared = await serving.prepare('ranking', body, signal);
  const { queryTokens, documents, documentTokens, most, returnDocuments, isTei } = prepared as PreparedRanking;
  let promptTokens = 0;
  for (const [index, tokens] of documentTokens.entries()) {
    // Others' tokens come between.
    await new Promise(setImmediate);
    if (signal.aborted) return;
    const length = model.rankedLength(queryTokens, tokens);
    if (length > model.contextTokens) throw tooLong(`${isTei ? 'texts' : 'documents'}[${index}]`, length, model.contextTokens);
    promptTokens += length;
  }
  const scores: Ranked[] = [];
  for (const [index, tokens] of documentTokens.entries()) {
    scores.push({ index, score: await slots.use(signal, async () => await model.rank(queryTokens, tokens)) });
  }
  const ranked = scores.toSorted((left, right) => right.score - left.score);
  if (signal.aborted) return;
  const best = ranked.slice(0, most);
  const shown = returnDocuments ? documents : null;
  sendJson(response, 200, isTei ? teiRerankAnswer(best, shown) : rerankAnswer(alias, best, shown, promptTokens));
}
