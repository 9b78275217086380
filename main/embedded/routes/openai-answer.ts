/**
 * Writes answers in OpenAI's shapes, whole or as server-sent events. Owns the shapes; knows nothing
 * of llama.cpp.
 */
import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import type { FinishReason } from '../llama/generation.ts';
import { chatLogprobs, completionLogprobs, type TokenLikelihood } from '../llama/likelihoods.ts';
import { invalid } from '../requests/openai-fields.ts';
import type { Route } from '../requests/openai-request.ts';
import type { Part } from '../tools/tool-reader.ts';

export interface Usage {
  readonly promptTokens: number;
  /** Of these, what was not read again. */
  readonly cachedTokens: number;
  readonly completionTokens: number;
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendJsonText(response, status, JSON.stringify(body));
}

export function sendJsonText(response: ServerResponse, status: number, json: string): void {
  const bytes = Buffer.from(json);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}

/** Never a stack trace: the envelope with origin `llama`. */
export function sendError(response: ServerResponse, thrown: unknown): void {
  const error = asLlamaError(thrown);
  sendJson(response, error.status, error.envelope());
}

export function asLlamaError(thrown: unknown): ModeliumError {
  const error = toModeliumError(thrown);
  return error.details.origin === 'llama' ? error : new ModeliumError(error.code, error.message, { ...error.details, origin: 'llama' });
}

export function openAiUsage({ promptTokens, cachedTokens, completionTokens }: Usage): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

export function newCallId(): string {
  return `call_${randomBytes(12).toString('hex')}`;
}

export interface AnswerHead {
  readonly route: Route;
  readonly id: string;
  readonly model: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** Which build of llama.cpp computes: another one may answer otherwise to the same seed. */
  readonly fingerprint: string;
}

/** Log-probabilities in the shape of the route. */
export function logprobsOf(route: Route, tokens: readonly TokenLikelihood[]): object {
  return route === 'chat' ? chatLogprobs(tokens) : completionLogprobs(tokens);
}

/** Held of one whole answer, all its choices together: hundreds of full contexts. */
const MOST_WHOLE_BYTES = 256 * 1024 * 1024;
/** The text of a token, its bytes and its number, in memory. */
const LIKELIHOOD_BYTES = 256;

/**
 * What a whole answer may still hold: 16,384 choices with log-probabilities would fill any memory.
 */
export class WholeBudget {
  #left: number;

  constructor(bytes = MOST_WHOLE_BYTES) {
    this.#left = bytes;
  }

  /** @throws ModeliumError invalid-body. */
  take(characters: number, likelihoods: readonly TokenLikelihood[]): void {
    const tokens = likelihoods.reduce((sum, { rivals }) => sum + 1 + rivals.length, 0);
    this.#left -= characters + tokens * LIKELIHOOD_BYTES;
    if (this.#left < 0)
      throw invalid(null, 'The answer is too large to be sent as a whole: ask for fewer choices, or with "stream": true.');
  }
}

/** One choice of a whole answer, as its parts come. */
export class WholeChoice {
  readonly #route: Route;
  readonly #budget: WholeBudget;
  readonly #index: number;
  readonly #reportsLogprobs: boolean;
  readonly #calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  readonly #likelihoods: TokenLikelihood[] = [];
  #text = '';
  #reasoning = '';

  /** @param echo what goes in front of the answer. */
  constructor(route: Route, index: number, echo: string, reportsLogprobs: boolean, budget: WholeBudget) {
    this.#route = route;
    this.#budget = budget;
    this.#index = index;
    this.#reportsLogprobs = reportsLogprobs;
    this.#text = echo;
    budget.take(echo.length, []);
  }

  /** @throws ModeliumError invalid-body where the answer becomes too large. */
  add(part: Part, likelihoods: readonly TokenLikelihood[]): void {
    this.#budget.take(part.kind === 'call' ? part.arguments.length : part.text.length, likelihoods);
    this.#likelihoods.push(...likelihoods);
    if (part.kind === 'reasoning') {
      this.#reasoning += part.text;
      return;
    }
    if (part.kind === 'text') {
      this.#text += part.text;
      return;
    }
    if (part.name !== null) this.#calls.push({ id: newCallId(), type: 'function', function: { name: part.name, arguments: '' } });
    const call = this.#calls[part.index];
    if (call !== undefined) call.function.arguments += part.arguments;
  }

  choice(finish: FinishReason): object {
    const calls = this.#calls.length === 0 ? {} : { tool_calls: this.#calls };
    const reasoning = this.#reasoning === '' ? {} : { reasoning_content: this.#reasoning };
    const logprobs = this.#reportsLogprobs ? logprobsOf(this.#route, this.#likelihoods) : null;
    const content = this.#calls.length > 0 && this.#text.trim() === '' ? null : this.#text;
    const answer =
      this.#route === 'chat' ? { message: { role: 'assistant', content, refusal: null, ...reasoning, ...calls } } : { text: this.#text };
    return { index: this.#index, ...answer, logprobs, finish_reason: finish };
  }
}

/** The whole answer at once. */
export function wholeAnswer(head: AnswerHead, choices: readonly object[], usage: Usage): object {
  const { route, id, model, created, fingerprint } = head;
  const object = route === 'chat' ? 'chat.completion' : 'text_completion';
  return { id, object, created, model, system_fingerprint: fingerprint, choices, usage: openAiUsage(usage) };
}

/**
 * One vector of an answer, as JSON. `base64` is little-endian 32-bit floats, as OpenAI's clients
 * ask for by themselves.
 */
export function encodedVector(vector: readonly number[], base64: boolean, index: number): string {
  const embedding = base64 ? Buffer.from(new Float32Array(vector).buffer).toString('base64') : vector;
  return JSON.stringify({ object: 'embedding', index, embedding });
}

/**
 * An embeddings answer, as JSON. @param vectors each written when it was computed: all of a batch
 * at once would hold up others.
 */
export function embeddingAnswer(model: string, vectors: readonly string[], promptTokens: number): string {
  const rest = JSON.stringify({ model, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } });
  return `{"object":"list","data":[${vectors.join(',')}],${rest.slice(1)}`;
}

export interface Ranked {
  readonly index: number;
  /** 0..1. */
  readonly score: number;
}

/** A ranking in the shape of text-embeddings-inference. */
export function teiRerankAnswer(ranked: readonly Ranked[], documents: readonly string[] | null): object {
  return ranked.map(({ index, score }) => ({ index, score, ...(documents === null ? {} : { text: documents[index] }) }));
}

/**
 * A ranking in the shape that Jina's and Cohere's clients read. @param documents null: the answer
 * names them by index only.
 */
export function rerankAnswer(model: string, ranked: readonly Ranked[], documents: readonly string[] | null, promptTokens: number): object {
  return {
    object: 'list',
    model,
    results: ranked.map(({ index, score }) => ({
      index,
      relevance_score: score,
      ...(documents === null ? {} : { document: { text: documents[index] } }),
    })),
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}
