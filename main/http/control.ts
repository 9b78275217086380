/**
 * All routes that are not performance-critical, through Fastify: /control, /status, /models,
 * /openapi.json and the list of routes. The only importer of Fastify. Each route comes from the
 * contract in shared/api.ts: its method, path, input checks and token.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { type Answer, API, type Body, type Contract, type Query } from '../../shared/api.ts';
import { checkInput } from '../../shared/api-input.ts';
import { openApiDocument } from '../../shared/api-openapi.ts';
import { ModeliumError, toModeliumError } from '../../shared/errors.ts';
import { ANSWER_PROOF_HEADER } from '../../shared/proofs.ts';
import type { ModelView } from '../../shared/snapshot.ts';
import { MIB } from '../../shared/units.ts';
import type { Control, Inference, PageFiles } from '../core/gateway.ts';
import type { Clock, Log } from '../core/ports.ts';
import { MAX_BODY } from './body.ts';
import type { BodyBudget } from './body-budget.ts';
import { admissionOf, FILE_TYPE, JSON_TYPE, letIn, readFileBody, readJsonBody } from './control-bodies.ts';
import { type OpenStreams, type StreamPorts, streamEvents, streamLogs } from './control-streams.ts';
import { inSlices } from './in-slices.ts';
import { leavingOf, unlessSent } from './leaving.ts';
import { streamLoadTest } from './load-test.ts';
import { listOf } from './model-list.ts';
import { sendAsset, sendPage, wantsPage } from './page.ts';
import { modelNotFound, sendError, sendText } from './respond.ts';
import { pathOf, routesAsText, unknownRoute } from './routes.ts';
import { withoutLaunch, withoutSecrets } from './secrets.ts';
import { SharedText } from './shared-text.ts';
import { type Gatekeeper, requireBody } from './token.ts';

export interface ControlRoutesPorts {
  readonly control: Control;
  readonly inference: Inference;
  readonly clock: Clock;
  readonly log: Log;
  readonly token: string;
  readonly gatekeeper: Gatekeeper;
  readonly version: string;
  readonly maxBodyMb: () => number;
  readonly budget: BodyBudget;
  readonly openStreams: OpenStreams;
  readonly page: PageFiles;
}

const NO_BODY = Buffer.alloc(0);
const PLAIN = 'text/plain; charset=utf-8';
const JSON_ANSWER = 'application/json; charset=utf-8';
/**
 * Of a name of 120 characters with its owner's, percent-encoded: the longest are twelve characters
 * for one.
 */
const MOST_PARAM_CHARACTERS = 4096;

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

interface Input<C extends Contract> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query<C>;
  readonly body: Body<C>;
}

/** Answered in the handler's own hands: an event stream, a file. */
const ANSWERED: unique symbol = Symbol('answered');
type Handled<C extends Contract> = DeepReadonly<Answer<C>> | typeof ANSWERED;
type Handler<C extends Contract> = (input: Input<C>) => Handled<C> | Promise<Handled<C>>;
/** The engine hands out readonly views; the schemas' types are not. */
type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/**
 * Fastify behind a listener of ours: it never listens itself.
 * @param server what Fastify takes for its server; the raw listener decides what reaches it.
 * @param onClientError what to do with bytes that are no HTTP.
 */
export async function createControlApp(
  ports: ControlRoutesPorts,
  server: Server,
  onClientError: (error: Error & { code?: string }, socket: Socket) => void,
): Promise<Listener> {
  const held: { listener: Listener | null } = { listener: null };
  const app = fastify({
    serverFactory: (handler) => {
      held.listener = handler as Listener;
      return server;
    },
    clientErrorHandler: onClientError,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    routerOptions: { maxParamLength: MOST_PARAM_CHARACTERS },
    frameworkErrors: (_error, request, reply) => {
      const path = pathOf(request.raw.url ?? '').slice(0, 200);
      sendError(reply.raw, new ModeliumError('route-not-found', `There is no route ${path}: its escapes are broken.`));
    },
  });
  readBodies(app, ports);
  app.setErrorHandler((thrown, request, reply) => {
    const error = toModeliumError(thrown);
    if (error.code === 'internal') ports.log.error(`${request.method} ${request.url} hit a bug.`, thrown);
    reply.hijack();
    sendError(reply.raw, error);
  });
  app.setNotFoundHandler(async (request) => {
    throw unknownRoute(request.method, request.url);
  });
  addOpenRoutes(app, ports);
  addModelRoutes(app, ports);
  addEngineRoutes(app, ports);
  await app.ready();
  if (held.listener === null) throw new Error('Fastify did not ask for its server.');
  return held.listener;
}

/**
 * Bodies are what their route takes: the raw listener has put that into their content type already.
 */
function readBodies(app: FastifyInstance, ports: ControlRoutesPorts): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, (request, _payload, done) => readJsonBody(request.raw, ports.maxBodyMb() * MIB, done));
  app.addContentTypeParser(FILE_TYPE, (request, _payload, done) =>
    readFileBody(request.raw, { limitBytes: ports.maxBodyMb() * MIB, limitName: MAX_BODY, budget: ports.budget }, done),
  );
}

function addRoute<C extends Contract>(app: FastifyInstance, ports: ControlRoutesPorts, contract: C, handler: Handler<C>): void {
  app.route({
    method: contract.method,
    url: contract.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    onRequest: async (request, reply) => {
      if (contract.access !== 'token') return;
      const admitted = ports.gatekeeper.admit(request.raw);
      letIn(request.raw, reply.raw, admitted);
      if (admitted.answerProof !== null) reply.raw.setHeader(ANSWER_PROOF_HEADER, admitted.answerProof);
    },
    preHandler: async (request) => {
      if (request.body === undefined) await inSlices(requireBody(NO_BODY, admissionOf(request.raw)), () => false);
    },
    handler: async (request, reply) => {
      const answer = await handler({
        request,
        reply,
        params: request.params as Record<string, string>,
        query: (contract.query === undefined ? undefined : checkInput(contract.query, { ...(request.query as object) })) as Query<C>,
        body: (contract.body === undefined ? undefined : checkInput(contract.body, request.body ?? {})) as Body<C>,
      });
      if (answer === ANSWERED || typeof answer !== 'object') return answer === ANSWERED ? reply : answer;
      reply.type(JSON_ANSWER);
      return JSON.stringify(answer, contract.access === 'open' ? withoutLaunch : withoutSecrets);
    },
  });
}

/** A route without input, which anybody may ask for. */
function addShared<C extends Contract>(
  app: FastifyInstance,
  ports: ControlRoutesPorts,
  contract: C,
  read: () => DeepReadonly<Answer<C>> | Promise<DeepReadonly<Answer<C>>>,
): void {
  const text = new SharedText(ports.clock, async () => JSON.stringify(await read(), withoutLaunch));
  addRoute(app, ports, contract, async ({ reply }): Promise<typeof ANSWERED> => {
    const written = await text.read();
    reply.hijack();
    sendText(reply.raw, 200, JSON_ANSWER, written);
    return ANSWERED;
  });
}

function addOpenRoutes(app: FastifyInstance, ports: ControlRoutesPorts): void {
  const { control } = ports;
  let document: string | null = null;
  addShared(app, ports, API.status, async () => ({ ...control.snapshot(), statistics: (await control.statistics?.()) ?? {} }));
  addShared(app, ports, API.models, () => ({ ...listOf(ports.inference.servable()), models: control.snapshot().models }));
  addRoute(app, ports, API.openapi, ({ reply }) => {
    // Written once: it is large, and anybody may ask for it.
    document ??= JSON.stringify(openApiDocument(ports.version));
    reply.hijack();
    sendText(reply.raw, 200, JSON_ANSWER, document);
    return ANSWERED;
  });
  addRoute(app, ports, API.root, async ({ request, reply }) => {
    if (wantsPage(request.raw)) {
      reply.hijack();
      if (await sendPage(ports.page, reply.raw)) return ANSWERED;
      sendText(reply.raw, 200, PLAIN, `The window is not built: npm run build\n\n${routesAsText(ports.version)}`);
      return ANSWERED;
    }
    reply.type(PLAIN);
    return routesAsText(ports.version);
  });
  addRoute(app, ports, API.asset, async ({ params, reply }): Promise<typeof ANSWERED> => {
    await sendAsset(ports.page, params['file'] ?? '', reply.raw);
    reply.hijack();
    return ANSWERED;
  });
  addRoute(app, ports, API.prove, ({ body, request }) => ports.gatekeeper.prove(body.nonce, request.headers.host));
}

function addModelRoutes(app: FastifyInstance, ports: ControlRoutesPorts): void {
  const { control } = ports;
  const answer = (id: string) => ({ model: requireModel(ports, id) });
  addRoute(app, ports, API.model, ({ params }) => answer(params['id'] ?? ''));
  addRoute(app, ports, API.load, ({ params, body }) => {
    const { id } = requireModel(ports, params['id'] ?? '');
    control.load(id, body);
    return answer(id);
  });
  addRoute(app, ports, API.unload, async ({ params, body }) => {
    const model = requireModel(ports, params['id'] ?? '');
    await control.unload(model.id, body);
    // Its files may have gone meanwhile, and the model with them.
    return { model: control.model(model.id) ?? model };
  });
  addRoute(app, ports, API.pin, ({ params, body }) => {
    const { id } = requireModel(ports, params['id'] ?? '');
    control.pin(id, body.pinned);
    return answer(id);
  });
  addRoute(app, ports, API.showTrust, ({ params, reply }) =>
    control.showTrust(requireModel(ports, params['id'] ?? '').id, leavingOf(reply.raw)),
  );
  addRoute(app, ports, API.trust, async ({ params, body, reply }) => {
    const { id } = requireModel(ports, params['id'] ?? '');
    await control.trust(id, body, leavingOf(reply.raw));
    return answer(id);
  });
  addRoute(app, ports, API.add, ({ body: { path, load } }) => control.add(path, { load }));
  addRoute(app, ports, API.upload, ({ request, reply, query: { name, key = randomUUID() } }) => {
    unlessSent(reply.raw, () => {
      control.takeBack(key).catch((error: unknown) => ports.log.warn(`${name}, whose upload ended early, was not removed: ${error}`));
    });
    return control.upload(name, request.body instanceof Uint8Array ? request.body : NO_BODY, key);
  });
  addRoute(app, ports, API.takeBack, async ({ body: { key } }) => {
    await control.takeBack(key);
    return { key };
  });
  addRoute(app, ports, API.found, () => control.found());
  addRoute(app, ports, API.sample, async ({ reply }) => ({ path: await control.sample(leavingOf(reply.raw)) }));
  addRoute(app, ports, API.forget, async ({ params }) => {
    const { id } = requireModel(ports, params['id'] ?? '');
    await control.forget(id);
    return { id };
  });
}

function addEngineRoutes(app: FastifyInstance, ports: ControlRoutesPorts): void {
  const { control } = ports;
  const streams: StreamPorts = { control, clock: ports.clock, open: ports.openStreams };
  addRoute(app, ports, API.snapshot, () => control.snapshot());
  addRoute(app, ports, API.events, ({ request, reply }) => {
    reply.hijack();
    streamEvents(streams, request.raw, reply.raw);
    return ANSWERED;
  });
  addRoute(app, ports, API.history, ({ query }) => control.history(query.span));
  addRoute(app, ports, API.activity, ({ query: { limit, model, outcome } }) =>
    control.activity({ limit, ...(model === undefined ? {} : { model }), ...(outcome === undefined ? {} : { outcome }) }),
  );
  addRoute(app, ports, API.plan, async ({ body }) => await control.plan(body.target, { wish: body.with, after: body.after }));
  addRoute(app, ports, API.decisions, ({ query }) => {
    const { model, before, limit } = query;
    const filter = { limit, ...(model === undefined ? {} : { model }), ...(before === undefined ? {} : { beforeId: before }) };
    return { decisions: control.decisions(filter) };
  });
  addRoute(app, ports, API.logs, ({ query, reply }) => {
    const id = query.model === undefined ? null : requireModel(ports, query.model).id;
    if (!query.follow) return { lines: control.logs(id).lines.map((line) => withoutToken(line, ports.token)) };
    reply.hijack();
    streamLogs(streams, id, reply.raw, (line) => withoutToken(line, ports.token));
    return ANSWERED;
  });
  addRoute(app, ports, API.loadTest, ({ request, reply, body }) => {
    requireModel(ports, body.model);
    reply.hijack();
    streamLoadTest(streams, request.raw, reply.raw, body);
    return ANSWERED;
  });
  addRoute(app, ports, API.settings, () => control.settings());
  addRoute(app, ports, API.editSettings, ({ body }) => control.editSettings(body));
  addRoute(app, ports, API.rescan, async () => {
    await control.rescanRuntimes();
    return { runtimes: control.snapshot().runtimes };
  });
}

/** A runtime may print anything; the window does not know the token that it would have to hide. */
function withoutToken(line: string, token: string): string {
  return line.replaceAll(token, '[redacted]');
}

function requireModel(ports: ControlRoutesPorts, name: string): ModelView {
  const model = ports.control.model(name);
  if (model === null) throw modelNotFound(name, ports.inference.nearest(name));
  return model;
}
