/**
 * The engine's HTTP server: builds the listener and the control app, opens the port on loopback,
 * and closes without cutting requests.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { hostRules } from '../../shared/origins.ts';
import type { Settings } from '../../shared/settings.ts';
import { MIB } from '../../shared/units.ts';
import type { Control, Inference, PageFiles } from '../core/gateway.ts';
import type { Clock, Log } from '../core/ports.ts';
import { AnswerBudget } from './answer-budget.ts';
import { BodyBudget, type BudgetPorts } from './body-budget.ts';
import type { Connections } from './connections.ts';
import { createControlApp } from './control.ts';
import type { OpenStreams } from './control-streams.ts';
import { createListeners, type Listener } from './hot-routes.ts';
import { JsonReader, type LargeJson } from './json-body.ts';
import { listenOnLoopback } from './listen.ts';
import { answerMalformed } from './malformed.ts';
import { listOf } from './model-list.ts';
import { isOwnAddress, type Listening } from './own-address.ts';
import type { ImageReader } from './predict-images.ts';
import { SharedText } from './shared-text.ts';
import { Gatekeeper } from './token.ts';
import type { Dispatch } from './upstream.ts';
import type { AnswerReader } from './whole-answer.ts';

export interface HttpServerOptions {
  /** The settings in force; read again for each request, so that a reload takes effect at once. */
  readonly settings: () => Settings;
  readonly inference: Inference;
  readonly control: Control;
  readonly clock: Clock;
  readonly log: Log;
  /** The control token. */
  readonly token: string;
  readonly version: string;
  readonly dispatch: Dispatch;
  readonly metricsText: () => Promise<string | Buffer>;
  readonly page: PageFiles;
  /** Looks into large bodies elsewhere than on this thread. */
  readonly largeJson: LargeJson;
  /** Makes tensors of images, on a thread of its own. */
  readonly images: ImageReader;
  /** Makes JSON of large tensors, on a thread of its own. */
  readonly largeAnswers: AnswerReader;
  /** Those of all our ports. */
  readonly connections: Connections;
  readonly collectGarbage: BudgetPorts['collect'];
}

export interface HttpServer {
  /** Tells this run from every other one; it stands in the engine's proofs. */
  readonly run: string;
  /** @throws ModeliumError port-taken, host-needs-key. */
  listen(): Promise<{ readonly address: string }>;
  /**
   * Takes nothing new, ends the event streams of the window, and waits for the answers under way,
   * for at most `graceMs` (5 s); to be called when the models are drained.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Time for a client to send its head and its body: slow ones must not hold connections for ever.
 * Answers have no limit.
 */
const HEAD_MS = 20_000;
const REQUEST_MS = 300_000;
/** Longer than clients keep idle connections, so that it is they who close them. */
const KEEP_ALIVE_MS = 65_000;
/**
 * A few large bodies are read in turns that are so far apart: 256 MB a second, all of them
 * together.
 */
const BODY_TURN_MS = 1;
/** By then nobody holds what was given back: buffers of closed connections, answers of threads. */
const GIVEN_BACK_MS = 250;
const CLOSE_GRACE_MS = 5_000;
const CLOSE_POLL_MS = 20;

export function createHttpServer(options: HttpServerOptions): HttpServer {
  let isClosing = false;
  let stopLook = () => {};
  const budget = new BodyBudget({
    limitBytes: () => options.settings().api.max_buffered_mb * MIB,
    now: () => options.clock.now(),
    nextTurn: (moments, act) => void setTimeout(act, moments * BODY_TURN_MS),
    after(ms, act) {
      if (!isClosing) stopLook = options.clock.after(ms, act);
    },
    collect: options.collectGarbage,
  });
  const list = new SharedText(options.clock, () => JSON.stringify(listOf(options.inference.servable())));
  const openStreams: OpenStreams = new Set();
  // Set before the port opens.
  let controlApp: Listener = () => {};
  const listeners = createListeners({
    ...options,
    json: new JsonReader(options.largeJson),
    budget,
    isMemoryShort: () => budget.isShort,
    answerBudget: new AnswerBudget(() => void setTimeout(() => options.collectGarbage('gradually'), GIVEN_BACK_MS)),
    list,
    controlApp: (request, response) => controlApp(request, response),
  });
  const servers = [newServer(listeners), newServer(listeners)] as const;
  const [first, second] = servers;
  second.on('clientError', answerMalformed);
  for (const server of servers) options.connections.follow(server);
  const run = randomBytes(16).toString('hex');
  let listening: Listening | null = null;
  const gatekeeper = new Gatekeeper({
    token: options.token,
    run,
    wallTime: () => options.clock.wallTime(),
    listens: (asked) => {
      const allowed = hostRules(options.settings().api.allowed_hosts).has;
      return listening === null || isOwnAddress(asked, listening, allowed) ? asked : `${listening.names[0]}:${listening.port}`;
    },
  });

  return {
    run,
    async listen() {
      const { api } = options.settings();
      const maxBodyMb = () => options.settings().api.max_body_mb;
      controlApp = await createControlApp({ ...options, gatekeeper, maxBodyMb, budget, openStreams }, first, answerMalformed);
      const opened = await listenOnLoopback(first, second, api.host, api.port, options.log);
      listening = opened;
      return { address: opened.address };
    },
    async close(graceMs = CLOSE_GRACE_MS) {
      // Memory that goes with the process anyway holds nobody up.
      isClosing = true;
      stopLook();
      const closed = Promise.all(servers.map(closeServer));
      for (const response of openStreams) response.end();
      const stop = closeConnections(servers, options.clock, graceMs);
      await closed;
      stop();
    },
  };
}

function newServer(listeners: { readonly request: Listener; readonly checkContinue: Listener }): Server {
  const server = createServer({ headersTimeout: HEAD_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: KEEP_ALIVE_MS }, listeners.request);
  server.on('checkContinue', listeners.checkContinue);
  return server;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/**
 * Connections become idle as their answers end, and nobody tells: looks again until all are closed
 * or the grace is over.
 */
function closeConnections(servers: readonly Server[], clock: Clock, graceMs: number): () => void {
  const endMs = clock.now() + graceMs;
  let stop = () => {};
  function closeIdle(): void {
    const isOver = clock.now() >= endMs;
    for (const server of servers) {
      if (isOver) server.closeAllConnections();
      else server.closeIdleConnections();
    }
    if (!isOver) stop = clock.after(CLOSE_POLL_MS, closeIdle);
  }
  closeIdle();
  return () => stop();
}
