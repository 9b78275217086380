/** Reads the bodies of requests for embeddings and for a ranking of documents. Pure. */
import {
  type Body,
  checkParameters,
  flag,
  invalid,
  isAbsent,
  isObject,
  type Parameters,
  type Pieces,
  readTexts,
  wholeNumber,
} from './openai-fields.ts';

export interface EmbeddingRequest {
  readonly inputs: readonly Pieces[];
  readonly base64: boolean;
  /** Null: as many as the model gives. */
  readonly dimensions: number | null;
  /**
   * Tokens that a text is cut to, marks included; infinite: as many as the context holds; null:
   * what is longer is refused.
   */
  readonly cutAt: number | null;
}

export interface RerankRequest {
  readonly query: string;
  readonly documents: readonly string[];
  /** How many of the best are told. */
  readonly most: number;
  readonly returnDocuments: boolean;
  /** Answered in the shape of text-embeddings-inference, whose clients send `texts`. */
  readonly isTei: boolean;
}

/** As OpenAI's. A vector of each is held until all are there. */
const MOST_INPUTS = 2048;

const EMBEDDING: Parameters = {
  known: ['model', 'input', 'encoding_format', 'dimensions', 'truncate', 'truncate_prompt_tokens'],
  refused: {},
};
const RERANK: Parameters = {
  known: ['model', 'query', 'documents', 'texts', 'top_n', 'return_documents', 'return_text', 'raw_scores'],
  refused: {
    truncate: (value) => value === false,
    max_chunks_per_doc: () => false,
    max_tokens_per_doc: () => false,
    rank_fields: () => false,
  },
};

/** @throws ModeliumError invalid-body. */
export function readEmbedding(body: Body): EmbeddingRequest {
  checkParameters(body, EMBEDDING);
  const { isList, texts: inputs } = readTexts(body['input']);
  if (inputs.length === 0) throw invalid('input', '"input" must be a text or a list of texts: this list is empty.');
  if (inputs.length > MOST_INPUTS)
    throw invalid('input', `"input" holds ${inputs.length} texts, and one request may hold ${MOST_INPUTS}: send them in several requests.`);
  const wrong = inputs.indexOf(null);
  const at = isList ? `input[${wrong}]` : 'input';
  if (wrong >= 0) throw invalid(at, `"${at}" must be a text or a list of tokens.`);
  const format = body['encoding_format'] ?? 'float';
  if (format !== 'float' && format !== 'base64') throw invalid('encoding_format', '"encoding_format" must be "float" or "base64".');
  return {
    inputs: inputs.filter((item) => item !== null),
    base64: format === 'base64',
    dimensions: wholeNumber(body, 'dimensions', 1),
    cutAt: cutOf(body),
  };
}

/** text-embeddings-inference's and Ollama's flag, and vLLM's number, of which -1 is the most. */
function cutOf(body: Body): number | null {
  const most = wholeNumber(body, 'truncate_prompt_tokens', -1);
  if (most === 0)
    throw invalid('truncate_prompt_tokens', '"truncate_prompt_tokens" must be at least 1, or -1 for as many as the context holds.');
  if (most !== null && most > 0) return most;
  return most === -1 || flag(body, 'truncate') ? Number.POSITIVE_INFINITY : null;
}

/**
 * Documents are texts, or objects with a `text`, as Cohere's and Jina's clients send them. @throws
 * ModeliumError invalid-body.
 */
export function readRerank(body: Body): RerankRequest {
  checkParameters(body, RERANK);
  const query = body['query'];
  const isTei = isAbsent(body['documents']) && !isAbsent(body['texts']);
  const name = isTei ? 'texts' : 'documents';
  const documents = body[name];
  if (typeof query !== 'string' || query === '') throw invalid('query', '"query" must be a text.');
  if (!Array.isArray(documents) || documents.length === 0) throw invalid(name, `"${name}" must be a list with at least one text.`);
  if (flag(body, 'raw_scores')) throw invalid('raw_scores', 'Scores come as numbers from 0 to 1 only: leave "raw_scores" out.');
  if (documents.length > MOST_INPUTS)
    throw invalid(
      name,
      `"${name}" holds ${documents.length} texts, and one request may hold ${MOST_INPUTS}: send them in several requests.`,
    );
  const texts = documents.map((document: unknown, index) => {
    const text = isObject(document) ? document['text'] : document;
    if (typeof text === 'string' && text !== '') return text;
    throw invalid(`${name}[${index}]`, `"${name}[${index}]" must be a text, or an object with a "text".`);
  });
  const most = wholeNumber(body, 'top_n', 1);
  return {
    query,
    documents: texts,
    most: isAbsent(most) ? texts.length : Math.min(most, texts.length),
    returnDocuments: flag(body, isTei ? 'return_text' : 'return_documents'),
    isTei,
  };
}
