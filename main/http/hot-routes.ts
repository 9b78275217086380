/**
 * The raw listener: guard, CORS, and the routes on which every microsecond counts; the rest goes on
 * to the control app.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { API } from '../../shared/api.ts';
import { AS_IT_IS } from '../../shared/api-openapi.ts';
import { toModeliumError } from '../../shared/errors.ts';
import type { Settings } from '../../shared/settings.ts';
import { MIB } from '../../shared/units.ts';
import type { Control } from '../core/gateway.ts';
import { absoluteTarget, meantPath } from './addresses.ts';
import { asItIsTarget, passAsItIs } from './as-it-is.ts';
import { MAX_BODY, readBody, refuseLength } from './body.ts';
import type { BodyBudget } from './body-budget.ts';
import { decodedBody, refuseEncoding } from './body-encoding.ts';
import { type Connections, tooManyConnections } from './connections.ts';
import type { ProxyWorld } from './exchange.ts';
import { type GuardRules, guard, guardRules } from './guard.ts';
import { type InferenceTarget, inferenceTarget, isInference, passInference, tellOfInference } from './inference-protocol.ts';
import { type JsonBody, type LargeJson, readJson } from './json-body.ts';
import { asOpenAi } from './model-list.ts';
import { FORMS_PASSED_ON, PASSED_ON, passFormOn, passOn } from './openai.ts';
import { predict } from './predict.ts';
import { modelNotFound, sendError, sendJson, sendText } from './respond.ts';
import { methodsOf, pathOf, unknownRoute } from './routes.ts';
import type { SharedText } from './shared-text.ts';
import { isUnread, UnreadBodies } from './unread.ts';

export interface HotWorld extends ProxyWorld {
  readonly control: Control;
  readonly settings: () => Settings;
  readonly metricsText: () => Promise<string | Buffer>;
  readonly version: string;
  readonly budget: BodyBudget;
  readonly largeJson: LargeJson;
  readonly connections: Connections;
  /** `/v1/models`. */
  readonly list: SharedText;
  /** Everything that is not hot. */
  readonly controlApp: (request: IncomingMessage, response: ServerResponse) => void;
}

export type Listener = (request: IncomingMessage, response: ServerResponse) => void;

const PREDICT = '/predict/';
const ONE_MODEL = '/v1/models/';
const PREFLIGHT_SECONDS = 600;
const EXPOSED_HEADERS = 'x-modelium-model, x-modelium-runtime, x-modelium-queue-ms, x-modelium-load-ms, x-modelium-ignored, retry-after';

/** @returns the listeners for `request` and for `checkContinue`. */
export function createListeners(world: HotWorld): { readonly request: Listener; readonly checkContinue: Listener } {
  const unread = new UnreadBodies(world.clock);
  let rulesOf: Settings['api'] | null = null;
  let rules: GuardRules = { hosts: new Set(), origins: new Set() };

  function mayPass(request: IncomingMessage, response: ServerResponse): boolean {
    if (request.url?.startsWith('/') !== true) takeApart(request);
    const { api } = world.settings();
    if (api !== rulesOf) {
      rulesOf = api;
      rules = guardRules(api);
    }
    const verdict = guard(request.headers, rules);
    const { 'content-length': length, 'content-encoding': encoding } = request.headers;
    const refused = verdict.refused ?? refuseLength(length, api.max_body_mb) ?? refuseEncoding(encoding);
    if (verdict.refused === null && verdict.corsOrigin !== null) allowOrigin(response, verdict.corsOrigin);
    if (refused !== null) sendError(response, refused);
    return refused === null;
  }

  function listener(request: IncomingMessage, response: ServerResponse): void {
    unread.follow(response);
    world.connections.asked(response, () => {
      if (mayPass(request, response)) route(world, request, response);
    });
  }
  // A client that asks before it sends a large body hears the refusal without sending it: who reads
  // the body asks for it.
  return { request: listener, checkContinue: listener };
}

/**
 * Who asks through a proxy sends a whole URL; before the guard looks, its host takes the header's
 * place.
 */
function takeApart(request: IncomingMessage): void {
  const absolute = absoluteTarget(request.url ?? '');
  if (absolute === null) return;
  request.url = absolute.target;
  request.headers.host = absolute.host;
}

function route(world: HotWorld, request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request.url ?? '/');
  if (request.method === 'POST') {
    if (PASSED_ON.has(path)) {
      withJson(world, request, response, false, (body, startedMs) => passOn(world, response, path, body, startedMs));
      return;
    }
    if (FORMS_PASSED_ON.has(path)) {
      const contentType = request.headers['content-type'];
      withBody(world, request, response, (body, startedMs) => passFormOn(world, response, path, { body, contentType }, startedMs));
      return;
    }
    if (path.startsWith(PREDICT) && path.length > PREDICT.length) {
      const name = nameAfter(PREDICT, path);
      // Nothing is read for a model that there is not; what there is, is known once the folders
      // were looked at.
      if (world.inference.begun() === null && world.inference.resolve(name) === null)
        return sendError(response, modelNotFound(name, world.inference.nearest(name)));
      withJson(world, request, response, true, (body, startedMs) => predict(world, response, name, body, startedMs));
      return;
    }
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    if (answerGet(world, path, response)) return;
  } else if (request.method === 'OPTIONS' && response.hasHeader('access-control-allow-origin')) {
    answerPreflight(request, response);
    return;
  }
  const inference = path.startsWith('/v2') ? inferenceTarget(path) : null;
  if (inference !== null) return routeInference(world, request, response, inference);
  const target = path.startsWith(AS_IT_IS) ? asItIsTarget(request.url ?? '') : null;
  if (target !== null) {
    const { name } = target;
    if (world.inference.begun() === null && world.inference.resolve(name) === null)
      return sendError(response, modelNotFound(name, world.inference.nearest(name)));
    withBody(world, request, response, (body, startedMs) => passAsItIs(world, request, response, target, body, startedMs));
    return;
  }
  toControlApp(world, request, response, path);
}

function routeInference(world: HotWorld, request: IncomingMessage, response: ServerResponse, target: InferenceTarget): void {
  const { name } = target;
  if (!isInference(target)) {
    try {
      tellOfInference(world, request, response, target);
    } catch (thrown) {
      sendError(response, toModeliumError(thrown));
    }
  } else if (world.inference.begun() === null && world.inference.resolve(name) === null) {
    sendError(response, modelNotFound(name, world.inference.nearest(name)));
  } else withBody(world, request, response, (body, startedMs) => passInference(world, request, response, target, body, startedMs));
}

/**
 * Reads the body and acts on it; what `act` throws is the answer. The time counts from before the
 * body.
 */
function withBody(
  world: HotWorld,
  request: IncomingMessage,
  response: ServerResponse,
  act: (body: Buffer, startedMs: number) => void,
): void {
  if (world.connections.isSpare(request.socket)) return sendError(response, tooManyConnections(), { connection: 'close' });
  const startedMs = world.clock.now();
  const bounds = { limitBytes: world.settings().api.max_body_mb * MIB, limitName: MAX_BODY, budget: world.budget };
  if (request.headers.expect !== undefined) response.writeContinue();
  readBody(decodedBody(request), response, bounds, (result) => {
    const answer = (): void => {
      try {
        if ('error' in result) throw result.error;
        act(result.body, startedMs);
      } catch (thrown) {
        failed(world, response, thrown);
      }
    };
    const begun = world.inference.begun();
    if (begun === null) answer();
    else void begun.then(answer);
  });
}

/**
 * Parses the body, elsewhere when it is large, and acts on it. @param whole everything in it is
 * read, not only the top.
 */
function withJson(
  world: HotWorld,
  request: IncomingMessage,
  response: ServerResponse,
  whole: boolean,
  act: (body: JsonBody, startedMs: number) => void,
): void {
  withBody(world, request, response, (bytes, startedMs) => {
    const body = readJson(bytes, world.largeJson, whole);
    if (!(body instanceof Promise)) return act(body, startedMs);
    body
      .then((read) => {
        if (!response.destroyed) act(read, startedMs);
      })
      .catch((thrown: unknown) => failed(world, response, thrown));
  });
}

function answerGet(world: HotWorld, path: string, response: ServerResponse): boolean {
  if (path === API.health.path) {
    const { ok, reason } = world.control.health();
    sendJson(response, ok ? 200 : 503, { status: ok ? 'ok' : 'unavailable', reason, version: world.version });
  } else if (path === API.metrics.path) {
    world.metricsText().then(
      (text) => sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', text),
      (thrown: unknown) => failed(world, response, thrown),
    );
  } else if (path === API.listModels.path) {
    world.list.read().then(
      (text) => sendText(response, 200, 'application/json; charset=utf-8', text),
      (thrown: unknown) => failed(world, response, thrown),
    );
  } else if (path.startsWith(ONE_MODEL) && path.length > ONE_MODEL.length) {
    const name = nameAfter(ONE_MODEL, path);
    const id = world.inference.resolve(name);
    // As in the list: a model that is being copied, or blocked, cannot be asked.
    const model = id === null ? undefined : world.inference.servable(id)[0];
    if (model !== undefined) sendJson(response, 200, asOpenAi(model));
    else sendError(response, modelNotFound(name, world.inference.nearest(name)));
  } else {
    return false;
  }
  return true;
}

function toControlApp(world: HotWorld, request: IncomingMessage, response: ServerResponse, path: string): void {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  const methods = methodsOf(path);
  if (!methods.includes(method)) {
    const meant = methods.length === 0 ? meantPath(path) : null;
    if (meant === null) {
      sendError(response, unknownRoute(method, path), methods.length === 0 ? {} : { allow: methods.join(', ') });
      return;
    }
    request.url = `${meant}${(request.url ?? '').slice(path.length)}`;
    route(world, request, response);
    return;
  }
  // Bodies are JSON whatever they say: Fastify would answer 415 to a plain `curl -d`.
  request.headers['content-type'] = 'application/json';
  // Nobody reads the body of a GET.
  if (method === 'GET' && isUnread(request)) response.setHeader('connection', 'close');
  if (request.headers.expect !== undefined) response.writeContinue();
  world.controlApp(request, response);
}

function allowOrigin(response: ServerResponse, origin: string): void {
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
  response.setHeader('vary', 'origin');
}

/**
 * The origin is one that the settings let in; what it may send is decided by the routes, not here.
 */
function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': request.headers['access-control-request-headers'] ?? 'content-type, authorization',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  });
  response.end();
}

/** A model's name at the end of a path, where a slash behind it means nothing. */
function nameAfter(prefix: string, path: string): string {
  const part = path.slice(prefix.length, path.endsWith('/') ? -1 : undefined);
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function failed(world: HotWorld, response: ServerResponse, thrown: unknown): void {
  const error = toModeliumError(thrown);
  if (error.code === 'internal') world.log.error('A request met a bug.', thrown);
  sendError(response, error);
}
