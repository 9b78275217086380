/**
 * The raw HTTP listener: guard, CORS and the performance-critical routes; all other requests go to
 * the Fastify app in `control.ts`.
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
import { announcedBytes, decodedBody, refuseEncoding } from './body-encoding.ts';
import { type Connections, tooManyConnections } from './connections.ts';
import { FILE_TYPE, JSON_TYPE } from './control-bodies.ts';
import { type GuardRules, guard, guardRules } from './guard.ts';
import { inSlices } from './in-slices.ts';
import { describeInference, type InferenceTarget, inferenceTarget, isInference, passInference } from './inference-protocol.ts';
import type { JsonBody, JsonReader } from './json-body.ts';
import { askingOf } from './leaving.ts';
import { refuseHead } from './malformed.ts';
import { asOpenAi } from './model-list.ts';
import { modelField } from './multipart-model.ts';
import { MULTIPART_PASSED_ON, PASSED_ON, passMultipartOn, passOn } from './openai.ts';
import { type PredictPorts, predict } from './predict.ts';
import { modelNotFound, sendError, sendJson, sendText } from './respond.ts';
import { methodsOf, pathOf, takesFile, unknownRoute } from './routes.ts';
import type { SharedText } from './shared-text.ts';
import { isUnread, UnreadBodies } from './unread.ts';

export interface HotPorts extends PredictPorts {
  readonly control: Control;
  readonly settings: () => Settings;
  readonly metricsText: () => Promise<string | Buffer>;
  readonly version: string;
  readonly budget: BodyBudget;
  readonly json: JsonReader;
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
export function createListeners(ports: HotPorts): { readonly request: Listener; readonly checkContinue: Listener } {
  const unread = new UnreadBodies(ports.clock);
  let rulesOf: Settings['api'] | null = null;
  let rules: GuardRules = { hosts: new Set(), origins: new Set() };

  function mayPass(request: IncomingMessage, response: ServerResponse): boolean {
    const unclear = refuseHead(request);
    if (request.url?.startsWith('/') !== true) takeApart(request);
    const { api } = ports.settings();
    if (api !== rulesOf) {
      rulesOf = api;
      rules = guardRules(api);
    }
    const verdict = guard(request.headers, rules);
    const { 'content-length': length, 'content-encoding': encoding } = request.headers;
    const refused = unclear ?? verdict.refused ?? refuseLength(length, api.max_body_mb) ?? refuseEncoding(encoding);
    if (verdict.refused === null && verdict.corsOrigin !== null) allowOrigin(response, verdict.corsOrigin);
    if (refused !== null) sendError(response, refused);
    return refused === null;
  }

  function listener(request: IncomingMessage, response: ServerResponse): void {
    unread.follow(response);
    ports.connections.asked(response, () => {
      if (mayPass(request, response)) route(ports, request, response);
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

function route(ports: HotPorts, request: IncomingMessage, response: ServerResponse): void {
  const path = pathOf(request.url ?? '/');
  if (request.method === 'POST') {
    if (PASSED_ON.has(path)) {
      withJson(ports, request, response, false, (body, startedMs) => passOn(ports, response, path, body, startedMs));
      return;
    }
    if (MULTIPART_PASSED_ON.has(path)) {
      const contentType = request.headers['content-type'];
      withBody(ports, request, response, (body, startedMs) => {
        const found = inSlices(modelField(body, contentType), () => response.destroyed);
        whenRead(ports, response, found, (field) => passMultipartOn(ports, response, path, { body, contentType, field }, startedMs));
      });
      return;
    }
    if (path.startsWith(PREDICT) && path.length > PREDICT.length) {
      const name = nameAfter(PREDICT, path);
      // Nothing is read for a model that there is not; what there is, is known once the folders
      // were looked at.
      if (ports.inference.begun() === null && ports.inference.resolve(name) === null)
        return sendError(response, modelNotFound(name, ports.inference.nearest(name)));
      withJson(ports, request, response, true, (body, startedMs) => predict(ports, response, name, body, startedMs));
      return;
    }
  } else if (request.method === 'GET' || request.method === 'HEAD') {
    if (answerGet(ports, path, response)) return;
  } else if (request.method === 'OPTIONS' && response.hasHeader('access-control-allow-origin')) {
    answerPreflight(request, response);
    return;
  }
  const inference = path.startsWith('/v2') ? inferenceTarget(path) : null;
  if (inference !== null) return routeInference(ports, request, response, inference);
  const target = path.startsWith(AS_IT_IS) ? asItIsTarget(request.url ?? '') : null;
  if (target !== null) {
    const { name } = target;
    if (ports.inference.begun() === null && ports.inference.resolve(name) === null)
      return sendError(response, modelNotFound(name, ports.inference.nearest(name)));
    withBody(ports, request, response, (body, startedMs) => passAsItIs(ports, request, response, target, body, startedMs));
    return;
  }
  toControlApp(ports, request, response, path);
}

function routeInference(ports: HotPorts, request: IncomingMessage, response: ServerResponse, target: InferenceTarget): void {
  const { name } = target;
  if (!isInference(target)) {
    const describe = (): void => {
      try {
        describeInference(ports, request, response, target);
      } catch (thrown) {
        sendError(response, toModeliumError(thrown));
      }
    };
    if (name === '') describe();
    else whenBegun(ports, response, describe);
  } else if (ports.inference.begun() === null && ports.inference.resolve(name) === null) {
    sendError(response, modelNotFound(name, ports.inference.nearest(name)));
  } else withBody(ports, request, response, (body, startedMs) => passInference(ports, request, response, target, body, startedMs));
}

/**
 * Reads the body and acts on it; what `act` throws is the answer. The time counts from before the
 * body.
 */
function withBody(
  ports: HotPorts,
  request: IncomingMessage,
  response: ServerResponse,
  act: (body: Buffer, startedMs: number) => void,
): void {
  if (ports.connections.isSpare(request.socket)) return sendError(response, tooManyConnections(), { connection: 'close' });
  const startedMs = ports.clock.now();
  const limitBytes = ports.settings().api.max_body_mb * MIB;
  const bounds = { limitBytes, limitName: MAX_BODY, budget: ports.budget, announcedBytes: announcedBytes(request) };
  if (request.headers.expect !== undefined) response.writeContinue();
  readBody(decodedBody(request), response, bounds, (result) => {
    const answer = (): void => {
      try {
        if ('error' in result) throw result.error;
        act(result.body, startedMs);
      } catch (thrown) {
        failed(ports, response, thrown);
      }
    };
    whenBegun(ports, response, answer);
  });
}

/** Until the folders were looked at, nobody knows which models there are. */
function whenBegun(ports: HotPorts, response: ServerResponse, act: () => void): void {
  const begun = ports.inference.begun();
  if (begun === null) act();
  else void begun.then(act).catch((thrown: unknown) => failed(ports, response, thrown));
}

/**
 * Parses the body, elsewhere when it is large, and acts on it. @param whole everything in it is
 * read, not only the top.
 */
function withJson(
  ports: HotPorts,
  request: IncomingMessage,
  response: ServerResponse,
  whole: boolean,
  act: (body: JsonBody, startedMs: number) => void,
): void {
  withBody(ports, request, response, (bytes, startedMs) => {
    const body = ports.json.read(bytes, whole, () => askingOf(response));
    whenRead(ports, response, body, (read) => act(read, startedMs));
  });
}

/** Acts now or later; not for who has left meanwhile. */
function whenRead<Read>(ports: HotPorts, response: ServerResponse, read: Read | Promise<Read>, act: (read: Read) => void): void {
  if (!(read instanceof Promise)) return act(read);
  read
    .then((later) => {
      if (!response.destroyed) act(later);
    })
    .catch((thrown: unknown) => failed(ports, response, thrown));
}

function answerGet(ports: HotPorts, path: string, response: ServerResponse): boolean {
  if (path === API.health.path) {
    const { ok, reason } = ports.control.health();
    sendJson(response, ok ? 200 : 503, { status: ok ? 'ok' : 'unavailable', reason, version: ports.version });
  } else if (path === API.metrics.path) {
    ports.metricsText().then(
      (text) => sendText(response, 200, 'text/plain; version=0.0.4; charset=utf-8', text),
      (thrown: unknown) => failed(ports, response, thrown),
    );
  } else if (path === API.listModels.path) {
    whenBegun(ports, response, () => listModels(ports, response));
  } else if (path.startsWith(ONE_MODEL) && path.length > ONE_MODEL.length) {
    whenBegun(ports, response, () => oneModel(ports, response, nameAfter(ONE_MODEL, path)));
  } else {
    return false;
  }
  return true;
}

function listModels(ports: HotPorts, response: ServerResponse): void {
  ports.list.read().then(
    (text) => sendText(response, 200, 'application/json; charset=utf-8', text),
    (thrown: unknown) => failed(ports, response, thrown),
  );
}

/** As in the list: a model that is being copied, or blocked, cannot be asked. */
function oneModel({ inference }: HotPorts, response: ServerResponse, name: string): void {
  const id = inference.resolve(name);
  const model = id === null ? undefined : inference.servable(id)[0];
  if (model !== undefined) sendJson(response, 200, asOpenAi(model));
  else sendError(response, modelNotFound(name, inference.nearest(name)));
}

function toControlApp(ports: HotPorts, request: IncomingMessage, response: ServerResponse, path: string): void {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  const methods = methodsOf(path);
  if (!methods.includes(method)) {
    const meant = methods.length === 0 ? meantPath(path) : null;
    if (meant === null) {
      sendError(response, unknownRoute(method, path), methods.length === 0 ? {} : { allow: methods.join(', ') });
      return;
    }
    request.url = `${meant}${(request.url ?? '').slice(path.length)}`;
    route(ports, request, response);
    return;
  }
  // Bodies are what their route takes, whatever they say: Fastify would answer 415 to a plain
  // `curl -d`.
  request.headers['content-type'] = takesFile(path) ? FILE_TYPE : JSON_TYPE;
  // Nobody reads the body of a GET.
  if (method === 'GET' && isUnread(request)) response.setHeader('connection', 'close');
  if (request.headers.expect !== undefined) response.writeContinue();
  ports.controlApp(request, response);
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

function failed(ports: HotPorts, response: ServerResponse, thrown: unknown): void {
  const error = toModeliumError(thrown);
  if (error.code === 'internal') ports.log.error('A request hit a bug.', thrown);
  sendError(response, error);
}
