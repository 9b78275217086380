/** Embeddings and rankings: requests whose inputs are only read. Owns no model and no socket. */
import type { ServerResponse } from 'node:http';
import { embeddingAnswer, encodedVector, type Ranked, rerankAnswer, sendJson, sendJsonText, teiRerankAnswer } from './openai-answer.ts';
import { type Body, invalid } from './openai-fields.ts';
import { readEmbedding, readRerank } from './openai-inputs.ts';
import { checkForeign } from './prompt.ts';
import { notSupported, tooLong, untilClosed } from './replies.ts';
import type { Serving } from './serving.ts';

/** Answers `/v1/embeddings`. */
export async function embed(body: Body, response: ServerResponse, { model, alias, purpose, slots }: Serving): Promise<void> {
  if (purpose !== 'embedding') throw notSupported(`"${alias}" was loaded for ${purpose}: it makes no embeddings.`);
  const { inputs, base64, dimensions } = readEmbedding(body);
  if (dimensions !== null && dimensions !== model.embeddingLength) {
    const message = `"${alias}" makes embeddings of ${model.embeddingLength} numbers. Nothing in a GGUF says that fewer would mean the same: leave "dimensions" out.`;
    throw invalid('dimensions', message);
  }
  const texts = inputs.map((input, index) => {
    const param = Array.isArray(body['input']) && inputs.length > 1 ? `input[${index}]` : 'input';
    if (typeof input !== 'string') checkForeign(model, alias, input, param);
    const tokens = model.embeddingTokens(input);
    if (tokens.length === 0) throw invalid(param, `"${param}" has nothing that "${alias}" could read: its tokenizer makes no token of it.`);
    if (tokens.length > model.contextTokens) throw tooLong(param, tokens.length, model.contextTokens);
    return tokens;
  });
  const signal = untilClosed(response);
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
export async function rerank(body: Body, response: ServerResponse, { model, alias, purpose, slots }: Serving): Promise<void> {
  if (purpose !== 'ranking') throw notSupported(`"${alias}" was loaded for ${purpose}: it ranks no documents.`);
  const { query, documents, most, returnDocuments, isTei } = readRerank(body);
  const room = model.contextTokens;
  let promptTokens = 0;
  for (const [index, document] of documents.entries()) {
    const length = model.rankedTokens(query, document);
    if (length > room) throw tooLong(`${isTei ? 'texts' : 'documents'}[${index}]`, length, room);
    promptTokens += length;
  }
  const signal = untilClosed(response);
  const scores: Ranked[] = [];
  for (const [index, document] of documents.entries()) {
    scores.push({ index, score: await slots.use(signal, async () => await model.rank(query, document)) });
  }
  const ranked = scores.toSorted((left, right) => right.score - left.score);
  if (signal.aborted) return;
  const best = ranked.slice(0, most);
  const shown = returnDocuments ? documents : null;
  sendJson(response, 200, isTei ? teiRerankAnswer(best, shown) : rerankAnswer(alias, best, shown, promptTokens));
}
