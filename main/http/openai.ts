/**
 * OpenAI's routes: the runtime's own answer, passed on byte for byte. The request's bytes go out as they came, but for a model name that is an alias.
 * Only routes of the fixed list below reach a runtime: none that changes it (adapters, sleep, reload).
 */
import type { ServerResponse } from 'node:http';
import { API } from '../../shared/api.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { parseObject, toJson } from './body.ts';
import { Exchange, type Job, type ProxyWorld } from './exchange.ts';
import { modelField, withModel } from './form-model.ts';
import { modelNotFound } from './respond.ts';
import type { UpstreamHeaders, UpstreamRequest } from './upstream.ts';
import { Tail, type TokenUsage } from './usage.ts';

/** The routes that are passed on, and that runtimes have under the same path. */
export const PASSED_ON: ReadonlySet<string> = new Set(
  (['chatCompletions', 'completions', 'embeddings', 'rerank', 'score', 'classify', 'tokenize', 'responses'] as const).map(
    (name) => API[name].path,
  ),
);

/** All that a client may see of a runtime's head. A list of what passes, because runtimes send CORS headers, cookies and hop-by-hop ones too. */
const PASSED_HEADERS = ['content-type', 'content-length', 'content-encoding', 'cache-control', 'x-request-id'] as const;

/** The same for those that take a form. */
export const FORMS_PASSED_ON: ReadonlySet<string> = new Set([API.transcriptions.path, API.translations.path]);

const JSON_HEADERS: Readonly<Record<string, string>> = { 'content-type': 'application/json' };
const DONE = 'data: [DONE]';

/**
 * @param path one of PASSED_ON.
 * @throws ModeliumError invalid-json, model-required, model-not-found.
 */
export function passOn(world: ProxyWorld, response: ServerResponse, path: string, body: Buffer, startedMs: number): void {
  const parsed = parseObject(body);
  const { model } = parsed;
  if (typeof model !== 'string' || model === '') {
    throw new ModeliumError('model-required', 'The field "model" must name a model.', { param: 'model' });
  }
  const modelId = world.inference.resolve(model);
  if (modelId === null) throw modelNotFound(model, world.inference.nearest(model));
  const bytes = model === modelId ? body : toJson({ ...parsed, model: modelId });
  const request: UpstreamRequest = { path, method: 'POST', headers: JSON_HEADERS, body: bytes };
  new Exchange(world, response, new PassOn(modelId, parsed['stream'] === true, request), startedMs).start();
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
  readonly #request: UpstreamRequest;
  readonly #tail = new Tail();
  #timesAreOut = false;

  constructor(modelId: string, streams: boolean, request: UpstreamRequest) {
    this.modelId = modelId;
    this.streams = streams;
    this.#request = request;
  }

  prepare(): UpstreamRequest {
    return this.#request;
  }

  begin(exchange: Exchange, status: number, headers: UpstreamHeaders): void {
    if (exchange.headIsGone) return;
    const head: Record<string, string> = { ...exchange.headers() };
    for (const name of PASSED_HEADERS) {
      const value = headers[name];
      if (typeof value === 'string') head[name] = value;
    }
    exchange.response.writeHead(status, head);
  }

  data(exchange: Exchange, chunk: Buffer): void {
    if (this.streams) exchange.markFirstToken();
    this.#tail.push(chunk);
    if (exchange.headIsGone && !this.#timesAreOut) {
      // Clients stop reading at [DONE], so the times go before it.
      const at = chunk.lastIndexOf(DONE);
      if (at !== -1) {
        exchange.write(chunk.subarray(0, at));
        this.#writeTimes(exchange);
        exchange.write(chunk.subarray(at));
        return;
      }
    }
    exchange.write(chunk);
  }

  end(exchange: Exchange): TokenUsage {
    if (exchange.headIsGone && !this.#timesAreOut) this.#writeTimes(exchange);
    exchange.response.end();
    return this.#tail.usage();
  }

  /** A chunk without choices, as OpenAI's own usage chunk is: what the head could not tell because comments went before it. */
  #writeTimes(exchange: Exchange): void {
    this.#timesAreOut = true;
    const timings = exchange.timings(this.#tail.usage().completionTokens);
    const event = { object: 'chat.completion.chunk', model: this.modelId, choices: [], runtime: exchange.runtime, timings };
    exchange.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}
