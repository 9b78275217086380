/**
 * OpenAI's routes: the runtime's own answer, passed on byte for byte. The body of a request is
 * unchanged too, except that an alias is replaced by the model's name. Only routes of the fixed
 * list below reach a runtime; none of these routes changes the runtime (LoRAs, sleep, reload).
 */
import type { ServerResponse } from 'node:http';
import { API } from '../../shared/api.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { IGNORED_HEADER, ignoredIn, withReported } from '../../shared/ignored-fields.ts';
import type { Lease } from '../core/gateway.ts';
import type { MemberSize } from '../core/json-outline.ts';
import { requireFit } from '../core/request-fit.ts';
import { requireProtocol } from './as-it-is.ts';
import { commentHeaders } from './comments.ts';
import { Exchange, type Job } from './exchange.ts';
import { type JsonBody, withLater, withMembers } from './json-body.ts';
import { type MultipartField, withModel } from './multipart-model.ts';
import type { ProxyPorts } from './proxy-ports.ts';
import { eventsWithoutKey } from './quoted-key.ts';
import { brokeOff } from './refusal.ts';
import { isEventStream, modelNotFound } from './respond.ts';
import { StreamEvents } from './stream-events.ts';
import type { UpstreamBody, UpstreamHeaders, UpstreamRequest } from './upstream.ts';
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

/** The same for the routes that take multipart. */
export const MULTIPART_PASSED_ON: ReadonlySet<string> = new Set([API.transcriptions.path, API.translations.path]);

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

/**
 * @param path one of PASSED_ON.
 * @throws ModeliumError invalid-json, model-required, model-not-found.
 */
export function passOn(ports: ProxyPorts, response: ServerResponse, path: string, body: JsonBody, startedMs: number): void {
  const { value: parsed } = body;
  const { model } = parsed;
  if (typeof model !== 'string' || model === '') {
    throw new ModeliumError('model-required', 'The field "model" must name a model.', { param: 'model' });
  }
  const modelId = ports.inference.resolve(model);
  if (modelId === null) throw modelNotFound(model, ports.inference.nearest(model));
  const bytes = model === modelId ? body.bytes : withMembers(body, { model: modelId });
  const streams = parsed['stream'] === true && STREAMED.has(path);
  // Tokens are counted whoever asks; whoever did not ask does not see them.
  const keepsUsage = streams && CHUNKED.has(path) && !asksForUsage(parsed);
  const request: UpstreamRequest = keepsUsage
    ? { path, method: 'POST', headers: USAGE_HEADERS, body: withUsage(bytes, body, modelId) }
    : { path, method: 'POST', headers: JSON_HEADERS, body: bytes };
  const named = (name: string) => (name === modelId ? request : { ...request, body: withLater(request.body, { model: name }) });
  const job = new PassOn(modelId, { streams, keepsUsage, sizes: body.sizes, ignoredFields: ignoredIn(parsed) }, named);
  new Exchange(ports, response, job, startedMs).start();
}

/**
 * @param path one of MULTIPART_PASSED_ON.
 * @throws ModeliumError model-not-found.
 */
export function passMultipartOn(
  ports: ProxyPorts,
  response: ServerResponse,
  path: string,
  { body, contentType, field }: { readonly body: Buffer; readonly contentType: string | undefined; readonly field: MultipartField },
  startedMs: number,
): void {
  const modelId = ports.inference.resolve(field.value);
  if (modelId === null) throw modelNotFound(field.value, ports.inference.nearest(field.value));
  const headers = { 'content-type': contentType ?? '' };
  const named = (name: string): UpstreamRequest => ({
    path,
    method: 'POST',
    headers,
    body: name === field.value ? body : withModel(body, field, name),
  });
  new Exchange(ports, response, new PassOn(modelId, {}, named), startedMs).start();
}

/** What is known of the request. */
interface PassOnFacts {
  readonly streams: boolean;
  /** The usage of a stream was asked for by us alone. */
  readonly keepsUsage: boolean;
  /** Of the large members of a large body, by name. */
  readonly sizes: Readonly<Record<string, MemberSize>> | undefined;
  readonly ignoredFields: readonly string[];
}

class PassOn implements Job {
  readonly modelId: string;
  readonly streams: boolean;
  ignoredFields: readonly string[];
  readonly #named: (model: string) => UpstreamRequest;
  readonly #tail = new Tail();
  readonly #keepsUsage: boolean;
  readonly #sizes: Readonly<Record<string, MemberSize>>;
  #events: StreamEvents | null = null;
  #key: string | null = null;

  /** @param named the request for a server that calls the model so. */
  constructor(
    modelId: string,
    { streams = false, keepsUsage = false, sizes = {}, ignoredFields = [] }: Partial<PassOnFacts>,
    named: (model: string) => UpstreamRequest,
  ) {
    this.modelId = modelId;
    this.streams = streams;
    this.ignoredFields = ignoredFields;
    this.#named = named;
    this.#keepsUsage = keepsUsage;
    this.#sizes = sizes;
  }

  prepare(lease: Lease): UpstreamRequest {
    requireProtocol(this.modelId, lease);
    const { endpoint, runtime } = lease;
    this.#key = endpoint.key;
    if (endpoint.bounds !== undefined) requireFit(this.#sizes, endpoint.bounds, runtime);
    return this.#named(endpoint.model);
  }

  begin(exchange: Exchange, status: number, headers: UpstreamHeaders): void {
    const reported = headers[IGNORED_HEADER];
    if (typeof reported === 'string') this.ignoredFields = withReported(this.ignoredFields, reported);
    if (this.streams && isEventStream(headers)) {
      this.#events = new StreamEvents(this.#keepsUsage, (bytes) => exchange.write(eventsWithoutKey(bytes, this.#key)));
      if (exchange.headersSent) commentHeaders(exchange.response, exchange.headers());
      else exchange.beginEvents(passed(headers, STREAM_HEADERS));
      return;
    }
    if (exchange.headersSent) throw brokeOff(exchange.runtime, this.modelId, 'it did not answer with the requested stream');
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
function withUsage(bytes: UpstreamBody, body: JsonBody, model: string): UpstreamBody {
  const { stream_options: options } = body.value;
  if (options !== undefined && options !== null) {
    return withMembers(body, { model, stream_options: { ...(typeof options === 'object' ? options : {}), include_usage: true } });
  }
  // The last of two fields of the same name counts, and it has a field before it: the model.
  return withLater(bytes, { stream_options: { include_usage: true } });
}

function asksForUsage({ stream_options: options }: Readonly<Record<string, unknown>>): boolean {
  return typeof options === 'object' && options !== null && (options as { include_usage?: unknown }).include_usage === true;
}
