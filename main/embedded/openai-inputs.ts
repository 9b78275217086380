/** Reads the bodies of requests for embeddings and for a ranking of documents. Pure. */
import { type Body, checkParameters, flag, invalid, isAbsent, isObject, isTokens, type Parameters, wholeNumber } from './openai-fields.ts';

export interface EmbeddingRequest {
  readonly inputs: readonly (string | readonly number[])[];
  readonly base64: boolean;
  /** Null: as many as the model gives. */
  readonly dimensions: number | null;
}

export interface RerankRequest {
  readonly query: string;
  readonly documents: readonly string[];
  /** How many of the best are told. */
  readonly most: number;
  readonly returnDocuments: boolean;
}

/** As OpenAI's. A vector of each is held until all are there. */
const MOST_INPUTS = 2048;

const EMBEDDING: Parameters = { known: ['model', 'input', 'encoding_format', 'dimensions'], refused: {} };
const RERANK: Parameters = {
  known: ['model', 'query', 'documents', 'top_n', 'return_documents'],
  refused: { max_chunks_per_doc: () => false, max_tokens_per_doc: () => false, rank_fields: () => false },
};

/** @throws ModeliumError invalid-body. */
export function readEmbedding(body: Body): EmbeddingRequest {
  checkParameters(body, EMBEDDING);
  const input = body['input'];
  const isList = Array.isArray(input) && !isTokens(input);
  const inputs: readonly unknown[] = isList ? input : [input];
  if (inputs.length === 0) throw invalid('input', '"input" must be a text or a list of texts: this list is empty.');
  if (inputs.length > MOST_INPUTS)
    throw invalid('input', `"input" holds ${inputs.length} texts, and one request may hold ${MOST_INPUTS}: send them in several requests.`);
  const wrong = inputs.findIndex((item) => typeof item !== 'string' && !isTokens(item));
  const at = isList ? `input[${wrong}]` : 'input';
  if (wrong >= 0) throw invalid(at, `"${at}" must be a text or a list of tokens.`);
  const format = body['encoding_format'] ?? 'float';
  if (format !== 'float' && format !== 'base64') throw invalid('encoding_format', '"encoding_format" must be "float" or "base64".');
  return {
    inputs: inputs as readonly (string | readonly number[])[],
    base64: format === 'base64',
    dimensions: wholeNumber(body, 'dimensions', 1),
  };
}

/** Documents are texts, or objects with a `text`, as Cohere's and Jina's clients send them. @throws ModeliumError invalid-body. */
export function readRerank(body: Body): RerankRequest {
  checkParameters(body, RERANK);
  const { query, documents } = body;
  if (typeof query !== 'string' || query === '') throw invalid('query', '"query" must be a text.');
  if (!Array.isArray(documents) || documents.length === 0) throw invalid('documents', '"documents" must be a list with at least one text.');
  const texts = documents.map((document: unknown, index) => {
    const text = isObject(document) ? document['text'] : document;
    if (typeof text === 'string' && text !== '') return text;
    throw invalid(`documents[${index}]`, `"documents[${index}]" must be a text, or an object with a "text".`);
  });
  const most = wholeNumber(body, 'top_n', 1);
  return {
    query,
    documents: texts,
    most: isAbsent(most) ? texts.length : Math.min(most, texts.length),
    returnDocuments: flag(body, 'return_documents'),
  };
}
