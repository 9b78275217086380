/**
 * OpenAI's routes: the runtime's own answer, passed on byte for byte. The request's bytes go out as
 * they came, but for a model name that is an alias. Only routes of the fixed list below reach a
 * runtime: none that changes it (adapters, sleep, reload).
 */
import type { ServerResponse } from 'node:http';
import { API } from '../../shared/api.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { IGNORED_HEADER, ignoredIn, withReported } from '../../shared/ignored-fields.ts';
import type { Lease } from '../core/gateway.ts';
import { requireProtocol } from './as-it-is.ts';
import { commentHeaders } from './comments.ts';
import { Exchange, type Job, type ProxyWorld } from './exchange.ts';
import { modelField, withModel } from './form-model.ts';
import { type JsonBody, withLater, withMembers } from './json-body.ts';
import { brokeOff } from './refusal.ts';
import { isEventStream, modelNotFound } from './respond.ts';
import { StreamEvents } from './stream-events.ts';
import type { UpstreamHeaders, UpstreamRequest } from './upstream.ts';
import { Tail, type TokenUsage } from './usage.ts';

/** The routes that are passed on, and that runtimes have under the same path. */
export const PASSED_ON: ReadonlySet<string> = new Set(
  (['chatCompletions', 'completions', 'embeddings', 'rerank', 'score', 'classify', 'tokenize', 'detokenize', 'responses'] as const).map(
    (name) => API[name].path,
  ),
);

/**
 * All that a client may see of a runtime's head. A list of what passes, because runtimes send CORS
 * headers, cookies and hop-by-hop ones too.
 */
const PASSED_HEADERS = ['content-type', 'content-length', 'content-encoding', 'cache-control', 'x-request-id'] as const;

/** The same for those that take a form. */
export const FORMS_PASSED_ON: ReadonlySet<string> = new Set([API.transcriptions.path, API.translations.path]);

/**
 * Of a stream the head is ours: how long it is is not known, and nothing on the way may collect it.
 */
const STREAM_HEADERS = ['content-type', 'x-request-id'] as const;
/** The routes that answer with OpenAI's chunks. */
const CHUNKED: ReadonlySet<string> = new Set([API.chatCompletions.path, API.completions.path]);
const STREAMED: ReadonlySet<string> = new Set([...CHUNKED, API.responses.path]);

const JSON_HEADERS: Readonly<Record<string, string>> = { 'content-type': 'application/json' };
/** Our own server leaves `usage: null` out of the other chunks then. */
const USAGE_HEADERS: Readonly<Record<string, string>> = { ...JSON_HEADERS, 'x-modelium-usage': 'last' };
const ASKING_FOR_USAGE = Buffer.from(',"stream_options":{"include_usage":true}}');

/**
 * @param path one of PASSED_ON.
 * @throws ModeliumError invalid-json, model-required, model-not-found.
 */
export function passOn(world: ProxyWorld, response: ServerResponse, path: string, body: JsonBody, startedMs: number): void {
  const { value: parsed } = body;
  const { model } = parsed;
  if (typeof model !== 'string' || model === '') {
    throw new ModeliumError('model-required', 'The field "model" must name a model.', { param: 'model' });
  }
  const modelId = world.inference.resolve(model);
  if (modelId === null) throw modelNotFound(model, world.inference.nearest(model));
  const bytes = model === modelId ? body.bytes : withMembers(body, { model: modelId });
  const streams = parsed['stream'] === true && STREAMED.has(path);
  // Tokens are counted whoever asks; whoever did not ask does not see them.
  const keepsUsage = streams && CHUNKED.has(path) && !asksForUsage(parsed);
  const request: UpstreamRequest = keepsUsage
    ? {
        path,
        method: 'POST',
        headers: USAGE_HEADERS,
        body: withUsage({ ...body, bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes }, modelId),
      }
    : { path, method: 'POST', headers: JSON_HEADERS, body: bytes };
  new Exchange(world, response, new PassOn(modelId, streams, request, keepsUsage, ignoredIn(parsed)), startedMs).start();
}

/**
 * @param path one of FORMS_PASSED_ON.
 * @throws ModeliumError invalid-body, model-required, model-not-found.
 */
export function passFormOn(
  world: ProxyWorld,
  response: ServerResponse,
  path: string,
  form: { readonly body: Buffer; readonly contentType: string | undefined },
  startedMs: number,
): void {
  const field = modelField(form.body, form.contentType);
  const modelId = world.inference.resolve(field.value);
  if (modelId === null) throw modelNotFound(field.value, world.inference.nearest(field.value));
  const body = field.value === modelId ? form.body : withModel(form.body, field, modelId);
  const request: UpstreamRequest = { path, method: 'POST', headers: { 'content-type': form.contentType ?? '' }, body };
  new Exchange(world, response, new PassOn(modelId, false, request), startedMs).start();
}

class PassOn implements Job {
  readonly modelId: string;
  readonly streams: boolean;
  ignoredFields: readonly string[];
  readonly #request: UpstreamRequest;
  readonly #tail = new Tail();
  readonly #keepsUsage: boolean;
  #events: StreamEvents | null = null;

  /** @param keepsUsage the usage of a stream was asked for by us alone. */
  constructor(modelId: string, streams: boolean, request: UpstreamRequest, keepsUsage = false, ignoredFields: readonly string[] = []) {
    this.modelId = modelId;
    this.streams = streams;
    this.ignoredFields = ignoredFields;
    this.#request = request;
    this.#keepsUsage = keepsUsage;
  }

  prepare(lease: Lease): UpstreamRequest {
    requireProtocol(this.modelId, lease);
    const { endpoint } = lease;
    return endpoint.model === this.modelId ? this.#request : named(this.#request, endpoint.model);
  }

  begin(exchange: Exchange, status: number, headers: UpstreamHeaders): void {
    const reported = headers[IGNORED_HEADER];
    if (typeof reported === 'string') this.ignoredFields = withReported(this.ignoredFields, reported);
    if (this.streams && isEventStream(headers)) {
      this.#events = new StreamEvents(this.#keepsUsage, (bytes) => exchange.write(bytes));
      if (exchange.headersSent) commentHeaders(exchange.response, exchange.headers());
      else exchange.beginEvents(passed(headers, STREAM_HEADERS));
      return;
    }
    if (exchange.headersSent) throw brokeOff(exchange.runtime, this.modelId, 'it was asked for a stream, and answered with none');
    exchange.response.writeHead(status, { ...exchange.headers(), ...passed(headers, PASSED_HEADERS) });
  }

  data(exchange: Exchange, chunk: Buffer): void {
    if (this.#events !== null) {
      exchange.markFirstToken();
      this.#events.push(chunk);
      return;
    }
    this.#tail.push(chunk);
    exchange.write(chunk);
  }

  end(exchange: Exchange): TokenUsage {
    const usage = this.#events === null ? this.#tail.usage() : this.#events.end();
    exchange.response.end();
    return usage;
  }
}

function passed(headers: UpstreamHeaders, names: readonly string[]): Record<string, string> {
  const some: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string') some[name] = value;
  }
  return some;
}

/**
 * The body of a stream that does not ask for its usage, asking for it. The bytes stay as they are
 * where they can.
 */
function withUsage(body: JsonBody, model: string): Buffer | string {
  const { bytes, value } = body;
  const { stream_options: options } = value;
  if (options !== undefined && options !== null) {
    return withMembers(body, { model, stream_options: { ...(typeof options === 'object' ? options : {}), include_usage: true } });
  }
  // The last of two fields of the same name counts, and it has a field before it: the model.
  return Buffer.concat([bytes.subarray(0, bytes.lastIndexOf('}')), ASKING_FOR_USAGE]);
}

function asksForUsage({ stream_options: options }: Readonly<Record<string, unknown>>): boolean {
  return typeof options === 'object' && options !== null && (options as { include_usage?: unknown }).include_usage === true;
}

/** The same request for a server that calls the model otherwise. */
function named(request: UpstreamRequest, model: string): UpstreamRequest {
  const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body;
  if (request.headers['content-type'] === JSON_HEADERS['content-type']) return { ...request, body: withLater(body, { model }) };
  return { ...request, body: withModel(body, modelField(body, request.headers['content-type']), model) };
}
