/** Embeddings and rankings: requests whose inputs are only read. Owns no model and no socket. */
import type { ServerResponse } from 'node:http';
import { embeddingAnswer, type Ranked, rerankAnswer, sendJson } from './openai-answer.ts';
import { type Body, invalid } from './openai-fields.ts';
import { readEmbedding, readRerank } from './openai-inputs.ts';
import { checkTokens } from './prompt.ts';
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
  const most = model.contextTokens - 1;
  let promptTokens = 0;
  for (const [index, input] of inputs.entries()) {
    if (typeof input !== 'string') checkTokens(model, alias, input);
    const length = model.embeddedTokens(input);
    if (length > most) throw tooLong(`input[${index}]`, length, most);
    promptTokens += length;
  }
  const signal = untilClosed(response);
  const vectors = await slots.use(signal, async () => {
    const made: (readonly number[])[] = [];
    for (const input of inputs) if (!signal.aborted) made.push(await model.embed(input));
    return made;
  });
  if (!signal.aborted) sendJson(response, 200, embeddingAnswer(alias, vectors, base64, promptTokens));
}

/** Answers `/v1/rerank`: the documents by how well they answer the question, best first. */
export async function rerank(body: Body, response: ServerResponse, { model, alias, purpose, slots }: Serving): Promise<void> {
  if (purpose !== 'ranking') throw notSupported(`"${alias}" was loaded for ${purpose}: it ranks no documents.`);
  const { query, documents, most, returnDocuments } = readRerank(body);
  const room = model.contextTokens - 1;
  let promptTokens = 0;
  for (const [index, document] of documents.entries()) {
    const length = model.rankedTokens(query, document);
    if (length > room) throw tooLong(`documents[${index}]`, length, room);
    promptTokens += length;
  }
  const signal = untilClosed(response);
  const ranked = await slots.use(signal, async () => {
    const scores: Ranked[] = [];
    for (const [index, document] of documents.entries())
      if (!signal.aborted) scores.push({ index, score: await model.rank(query, document) });
    return scores.toSorted((left, right) => right.score - left.score);
  });
  if (!signal.aborted)
    sendJson(response, 200, rerankAnswer(alias, ranked.slice(0, most), returnDocuments ? documents : null, promptTokens));
}
