/**
 * The routes of the embedded server: from a request's bytes to the model and back. Owns no model
 * and no socket.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ModeliumError } from '../../../shared/errors.ts';
import { invalid } from '../requests/openai-fields.ts';
import { generate } from './generate-route.ts';
import { embed, rerank } from './input-routes.ts';
import { sendError, sendJson } from './openai-answer.ts';
import { untilClosed } from './replies.ts';
import type { Serving } from './serving.ts';

/** Far above what a prompt of a million tokens takes. */
const MOST_BODY_BYTES = 64 * 1024 * 1024;

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
  if (path === '/health') {
    if (serving === null) return sendJson(response, 503, LOADING);
    return sendJson(response, 200, {
      status: 'ok',
      bounds: { contextTokens: serving.model.contextTokens, schemaValues: MOST_SCHEMA_VALUES },
    });
  }
  if (!isAuthorized(request, key)) return sendUnauthorized(response);
  if (serving === null) return sendJson(response, 503, LOADING);
  try {
    await dispatch(`${request.method} ${path}`, request, response, serving);
  } catch (error) {
    if (response.destroyed) return;
    if (!response.headersSent) sendError(response, asNested(error));
    else response.destroy();
  }
}

/**
 * The engine refuses larger ones before they come here, because to parse one takes many
 * milliseconds; an enumeration has 10,000 values at most.
 */
const MOST_SCHEMA_VALUES = 100_000;

const ROUTES = 'POST /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/rerank, /tokenize and /detokenize';

/** What recurses over a body ends where the body is nested without end: an error of the request. */
function asNested(error: unknown): unknown {
  return error instanceof RangeError ? invalid(null, 'The body is nested too deep.') : error;
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
    case 'POST /tokenize':
      return sendJson(response, 200, await serving.prepare('tokens', await readBody(request), untilClosed(response)));
    case 'POST /detokenize':
      return sendJson(response, 200, await serving.prepare('text', await readBody(request), untilClosed(response)));
    case 'POST /v1/rerank':
      return rerank(await readBody(request), response, serving);
    default:
      throw new ModeliumError('route-not-found', `The embedded llama.cpp has no ${route.slice(0, 200)}. It answers ${ROUTES}.`, {
        origin: 'llama',
      });
  }
}

function modelList({ alias, model }: Serving): object {
  const meta = { n_ctx: model.contextTokens, n_ctx_train: model.trainedContextTokens, n_vocab: model.vocabularySize };
  return { object: 'list', data: [{ id: alias, object: 'model', created: 0, owned_by: 'modelium', meta }] };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) {
      throw new ModeliumError('body-too-large', `The body is larger than ${MOST_BODY_BYTES / 1024 / 1024} MiB.`, { origin: 'llama' });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
