/**
 * Everything that is not hot, through Fastify: /control, /status, /models, /openapi.json and the
 * routes as text. The only importer of Fastify. Each route is one of the contract in shared/api.ts:
 * its method, path, input checks and token come from there.
 */
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
import { MAX_BODY, parseObject, readBody } from './body.ts';
import { decodedBody } from './body-encoding.ts';
import { type OpenStreams, type StreamWorld, streamEvents, streamLogs } from './control-streams.ts';
import { streamLoadTest } from './load-test.ts';
import { listOf } from './model-list.ts';
import { sendAsset, sendPage, wantsPage } from './page.ts';
import { modelNotFound, sendError, sendText } from './respond.ts';
import { pathOf, routesAsText, unknownRoute } from './routes.ts';
import { withoutLaunch, withoutSecrets } from './secrets.ts';
import { SharedText } from './shared-text.ts';
import { type Admitted, type Gatekeeper, requireBody } from './token.ts';

export interface ControlWorld {
  readonly control: Control;
  readonly inference: Inference;
  readonly clock: Clock;
  readonly log: Log;
  readonly token: string;
  readonly gatekeeper: Gatekeeper;
  readonly version: string;
  readonly maxBodyMb: () => number;
  readonly openStreams: OpenStreams;
  readonly page: PageFiles;
}

const NO_BODY = Buffer.alloc(0);
/** Names, paths and settings are far shorter (I10). */
const CONTROL_BYTES = 64 * 1024;
const PLAIN = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';
/**
 * Of a name of 120 characters with its owner's, percent-encoded: the longest are twelve characters
 * for one.
 */
const MOST_PARAM_CHARACTERS = 4096;

/** Who was let in; what they proved is compared with their body once that is there. */
const admissions = new WeakMap<IncomingMessage, Admitted>();

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
  world: ControlWorld,
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
  readJsonBodies(app, world);
  app.setErrorHandler((thrown, request, reply) => {
    const error = toModeliumError(thrown);
    if (error.code === 'internal') world.log.error(`${request.method} ${request.url} met a bug.`, thrown);
    reply.hijack();
    sendError(reply.raw, error);
  });
  app.setNotFoundHandler(async (request) => {
    throw unknownRoute(request.method, request.url);
  });
  addOpenRoutes(app, world);
  addModelRoutes(app, world);
  addEngineRoutes(app, world);
  await app.ready();
  if (held.listener === null) throw new Error('Fastify did not ask for its server.');
  return held.listener;
}

/**
 * Bodies are JSON whatever they say: the raw listener has put that into their content type already.
 * No body counts as an empty object.
 */
function readJsonBodies(app: FastifyInstance, world: ControlWorld): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', (request, _payload, done) => {
    const limitBytes = Math.min(CONTROL_BYTES, world.maxBodyMb() * MIB);
    const bounds = { limitBytes, limitName: limitBytes === CONTROL_BYTES ? 'this route' : MAX_BODY, budget: null };
    readBody(decodedBody(request.raw), request.raw.socket, bounds, (result) => {
      if ('error' in result) return done(result.error);
      try {
        requireBody(result.body, admissions.get(request.raw));
        done(null, result.body.length === 0 ? {} : parseObject(result.body));
      } catch (thrown) {
        done(toModeliumError(thrown));
      }
    });
  });
}

function addRoute<C extends Contract>(app: FastifyInstance, world: ControlWorld, contract: C, handler: Handler<C>): void {
  app.route({
    method: contract.method,
    url: contract.path.replaceAll(/\{(\w+)\}/g, ':$1'),
    onRequest: async (request, reply) => {
      if (contract.access !== 'token') return;
      const admitted = world.gatekeeper.admit(request.raw);
      admissions.set(request.raw, admitted);
      if (admitted.answerProof !== null) reply.raw.setHeader(ANSWER_PROOF_HEADER, admitted.answerProof);
    },
    preHandler: async (request) => {
      if (request.body === undefined) requireBody(NO_BODY, admissions.get(request.raw));
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
      reply.type(JSON_TYPE);
      return JSON.stringify(answer, contract.access === 'open' ? withoutLaunch : withoutSecrets);
    },
  });
}

/** A route without input, which anybody may ask for. */
function addShared<C extends Contract>(app: FastifyInstance, world: ControlWorld, contract: C, read: () => DeepReadonly<Answer<C>>): void {
  const text = new SharedText(world.clock, () => JSON.stringify(read(), withoutLaunch));
  addRoute(app, world, contract, async ({ reply }): Promise<typeof ANSWERED> => {
    const written = await text.read();
    reply.hijack();
    sendText(reply.raw, 200, JSON_TYPE, written);
    return ANSWERED;
  });
}

function addOpenRoutes(app: FastifyInstance, world: ControlWorld): void {
  const { control } = world;
  let document: string | null = null;
  addShared(app, world, API.status, () => control.snapshot());
  addShared(app, world, API.models, () => ({ ...listOf(world.inference.servable()), models: control.snapshot().models }));
  addRoute(app, world, API.openapi, ({ reply }) => {
    // Written once: it is large, and anybody may ask for it.
    document ??= JSON.stringify(openApiDocument(world.version));
    reply.hijack();
    sendText(reply.raw, 200, JSON_TYPE, document);
    return ANSWERED;
  });
  addRoute(app, world, API.root, async ({ request, reply }) => {
    if (wantsPage(request.raw)) {
      reply.hijack();
      if (await sendPage(world.page, reply.raw)) return ANSWERED;
      sendText(reply.raw, 200, PLAIN, `The window is not built: npm run build\n\n${routesAsText(world.version)}`);
      return ANSWERED;
    }
    reply.type(PLAIN);
    return routesAsText(world.version);
  });
  addRoute(app, world, API.asset, async ({ params, reply }): Promise<typeof ANSWERED> => {
    await sendAsset(world.page, params['file'] ?? '', reply.raw);
    reply.hijack();
    return ANSWERED;
  });
  addRoute(app, world, API.prove, ({ body, request }) => world.gatekeeper.prove(body.nonce, request.headers.host));
}

function addModelRoutes(app: FastifyInstance, world: ControlWorld): void {
  const { control } = world;
  const answer = (id: string) => ({ model: requireModel(world, id) });
  addRoute(app, world, API.model, ({ params }) => answer(params['id'] ?? ''));
  addRoute(app, world, API.load, ({ params, body }) => {
    const { id } = requireModel(world, params['id'] ?? '');
    control.load(id, body);
    return answer(id);
  });
  addRoute(app, world, API.unload, async ({ params, body }) => {
    const model = requireModel(world, params['id'] ?? '');
    await control.unload(model.id, body);
    // Its files may have gone meanwhile, and the model with them.
    return { model: control.model(model.id) ?? model };
  });
  addRoute(app, world, API.pin, ({ params, body }) => {
    const { id } = requireModel(world, params['id'] ?? '');
    control.pin(id, body.pinned);
    return answer(id);
  });
  addRoute(app, world, API.showTrust, ({ params, reply }) => control.showTrust(requireModel(world, params['id'] ?? '').id, leaving(reply)));
  addRoute(app, world, API.trust, async ({ params, body, reply }) => {
    const { id } = requireModel(world, params['id'] ?? '');
    await control.trust(id, body, leaving(reply));
    return answer(id);
  });
  addRoute(app, world, API.add, ({ body: { path, load } }) => control.add(path, { load }));
  addRoute(app, world, API.found, () => control.found());
  addRoute(app, world, API.sample, async ({ reply }) => ({ path: await control.sample(leaving(reply)) }));
  addRoute(app, world, API.forget, async ({ params }) => {
    const { id } = requireModel(world, params['id'] ?? '');
    await control.forget(id);
    return { id };
  });
}

function addEngineRoutes(app: FastifyInstance, world: ControlWorld): void {
  const { control } = world;
  const streams: StreamWorld = { control, clock: world.clock, open: world.openStreams };
  addRoute(app, world, API.snapshot, () => control.snapshot());
  addRoute(app, world, API.events, ({ request, reply }) => {
    reply.hijack();
    streamEvents(streams, request.raw, reply.raw);
    return ANSWERED;
  });
  addRoute(app, world, API.history, ({ query }) => control.history(query.span));
  addRoute(app, world, API.activity, ({ query: { limit, model } }) =>
    control.activity({ limit, ...(model === undefined ? {} : { model }) }),
  );
  addRoute(app, world, API.plan, async ({ body }) => await control.plan(body.target, body.with));
  addRoute(app, world, API.decisions, ({ query }) => {
    const { model, before, limit } = query;
    const filter = { limit, ...(model === undefined ? {} : { model }), ...(before === undefined ? {} : { beforeId: before }) };
    return { decisions: control.decisions(filter) };
  });
  addRoute(app, world, API.logs, ({ query, reply }) => {
    const id = query.model === undefined ? null : requireModel(world, query.model).id;
    if (!query.follow) return { lines: control.logs(id).lines.map((line) => withoutToken(line, world.token)) };
    reply.hijack();
    streamLogs(streams, id, reply.raw, (line) => withoutToken(line, world.token));
    return ANSWERED;
  });
  addRoute(app, world, API.loadTest, ({ request, reply, body }) => {
    requireModel(world, body.model);
    reply.hijack();
    streamLoadTest(streams, request.raw, reply.raw, body);
    return ANSWERED;
  });
  addRoute(app, world, API.settings, () => control.settings());
  addRoute(app, world, API.editSettings, ({ body }) => control.editSettings(body));
  addRoute(app, world, API.rescan, async () => {
    await control.rescanRuntimes();
    return { runtimes: control.snapshot().runtimes };
  });
}

/** A runtime may print anything; the window does not know the token that it would have to hide. */
function withoutToken(line: string, token: string): string {
  return line.replaceAll(token, '[redacted]');
}

/** Aborts when the client leaves before its answer: nothing is read on for nobody. */
function leaving(reply: FastifyReply): AbortSignal {
  const abort = new AbortController();
  reply.raw.once('close', () => abort.abort());
  return abort.signal;
}

function requireModel(world: ControlWorld, name: string): ModelView {
  const model = world.control.model(name);
  if (model === null) throw modelNotFound(name, world.inference.nearest(name));
  return model;
}
