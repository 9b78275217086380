/** The routes of the embedded server: from a request's bytes to the model and back. Owns no model and no socket. */
import { randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import { complete, type Generation } from './generation.ts';
import type { LoadedModel, Sequence } from './llama.ts';
import { AnswerStream, embeddingAnswer, type Route, sendError, sendJson, wholeAnswer } from './openai-answer.ts';
import { invalid, readEmbedding, readGeneration, readMessages, readPrompt, readTemplateValues } from './openai-request.ts';
import { chatPrompt, checkTokens } from './prompt.ts';
import type { Slots } from './slots.ts';

export interface Serving {
  readonly alias: string;
  readonly model: LoadedModel;
  readonly embeddings: boolean;
  /** Sequences; for an embedding model one slot without a sequence. */
  readonly slots: Slots<Sequence | null>;
}

/** Far above what a prompt of a million tokens takes. */
const MOST_BODY_BYTES = 64 * 1024 * 1024;
const SEEDS = 2 ** 32;

/** llama-server's words for it, which its users' probes look for. */
const LOADING = { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } };

export function isAuthorized(request: IncomingMessage, key: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '');
  const wanted = Buffer.from(`Bearer ${key}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function sendUnauthorized(response: ServerResponse): void {
  const message = 'The key is missing or wrong: send "Authorization: Bearer KEY".';
  sendJson(response, 401, { error: { message, type: 'authentication_error', code: 'invalid-key', param: null, origin: 'llama' } });
}

/** Answers one request. @param serving null while the model is loading. */
export async function answer(request: IncomingMessage, response: ServerResponse, key: string, serving: Serving | null): Promise<void> {
  const path = (request.url ?? '/').split('?')[0];
  if (path === '/health') return sendJson(response, serving === null ? 503 : 200, serving === null ? LOADING : { status: 'ok' });
  if (!isAuthorized(request, key)) return sendUnauthorized(response);
  if (serving === null) return sendJson(response, 503, LOADING);
  try {
    await dispatch(`${request.method} ${path}`, request, response, serving);
  } catch (error) {
    if (!response.headersSent) sendError(response, error);
    else response.destroy();
  }
}

async function dispatch(route: string, request: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  switch (route) {
    case 'GET /v1/models':
      return sendJson(response, 200, modelList(serving));
    case 'POST /v1/chat/completions':
      return generate('chat', await readBody(request), response, serving);
    case 'POST /v1/completions':
      return generate('completion', await readBody(request), response, serving);
    case 'POST /v1/embeddings':
      return embed(await readBody(request), response, serving);
    default:
      throw new ModeliumError('route-not-found', `The embedded server has no ${route.slice(0, 200)}.`, { origin: 'llama' });
  }
}

function modelList({ alias, model }: Serving): object {
  const meta = { n_ctx: model.contextTokens, n_ctx_train: model.trainedContextTokens, n_vocab: model.vocabularySize };
  return { object: 'list', data: [{ id: alias, object: 'model', created: 0, owned_by: 'modelium', meta }] };
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) {
      throw new ModeliumError('body-too-large', `The body is larger than ${MOST_BODY_BYTES / 1024 / 1024} MiB.`, { origin: 'llama' });
    }
    chunks.push(chunk);
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new ModeliumError('invalid-json', 'The body is not JSON.', { origin: 'llama' });
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid(null, 'The body must be a JSON object.');
  return body as Record<string, unknown>;
}

function notSupported(message: string): ModeliumError {
  return new ModeliumError('not-supported-by-model', message, { origin: 'llama' });
}

/** Aborts when the client leaves before its answer is complete. */
function untilClosed(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

async function generate(route: Route, body: Record<string, unknown>, response: ServerResponse, serving: Serving): Promise<void> {
  const { model, alias, slots } = serving;
  if (serving.embeddings) throw notSupported(`"${alias}" is an embedding model: it generates no text.`);
  const request = readGeneration(body, route, randomInt(SEEDS));
  const tokens =
    route === 'chat' ? chatPrompt(model, alias, readMessages(body), readTemplateValues(body)) : checkTokens(model, alias, readPrompt(body));
  const generation: Generation = { tokens, request, signal: untilClosed(response) };
  const id = `${route === 'chat' ? 'chatcmpl' : 'cmpl'}-${randomBytes(12).toString('hex')}`;
  const head = { route, id, model: alias, created: Math.floor(Date.now() / 1000) };
  const stream = request.stream ? new AnswerStream(response, head, request.includeUsage) : null;
  let whole = '';
  const onText = (text: string) => {
    if (stream === null) whole += text;
    else if (!stream.text(text)) return stream.drained();
    return undefined;
  };
  try {
    const end = await slots.use(generation.signal, (sequence) => complete(model, sequence, generation, onText));
    if (end === null) return;
    if (stream === null) sendJson(response, 200, wholeAnswer(head, whole, end.finish, end.usage));
    else stream.end(end.finish, end.usage);
  } catch (error) {
    if (stream === null) throw error;
    stream.fail(error);
  }
}

async function embed(body: Record<string, unknown>, response: ServerResponse, serving: Serving): Promise<void> {
  const { model, alias, slots } = serving;
  if (!serving.embeddings) throw notSupported(`"${alias}" was loaded to generate text: it makes no embeddings.`);
  const { inputs, base64 } = readEmbedding(body);
  const most = model.contextTokens - 1;
  let promptTokens = 0;
  for (const [index, input] of inputs.entries()) {
    if (typeof input !== 'string') checkTokens(model, alias, input);
    const length = model.embeddingLength(input);
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

function tooLong(param: string, length: number, most: number): ModeliumError {
  return new ModeliumError('prompt-too-long', `The input has ${length} tokens, and the context holds ${most}.`, { param, origin: 'llama' });
}
