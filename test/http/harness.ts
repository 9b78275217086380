/**
 * A real server of ours on a free port, between a real client and a real upstream of node:http;
 * only the engine behind it is a recording fake.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Control, Inference, Lease, RequestReport, Served, WaitOptions } from '../../main/core/gateway.ts';
import type { Clock, Log } from '../../main/core/ports.ts';
import { Connections } from '../../main/http/connections.ts';
import { createHttpServer, type HttpServer } from '../../main/http/server.ts';
import type { Dispatch } from '../../main/http/upstream.ts';
import { createClock } from '../../main/io/clock.ts';
import { createUpstreams } from '../../main/io/http-client.ts';
import { createImages } from '../../main/io/images/images.ts';
import { createLargeAnswers } from '../../main/io/large-answers.ts';
import { createLargeJson, type LargeJson } from '../../main/io/large-json.ts';
import { collectGarbage } from '../../main/io/memory.ts';
import { createPageFiles } from '../../main/io/page-files.ts';
import { programs } from '../../main/programs.ts';
import type { SettingsView } from '../../shared/api-settings.ts';
import type { DecisionRow } from '../../shared/decision.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { type ModelProfile, NOTHING_KNOWN } from '../../shared/profile.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../shared/settings.ts';
import type { ImageInput } from '../../shared/settings-images.ts';
import type { EngineEvent, ModelView, Snapshot } from '../../shared/snapshot.ts';

export const TOKEN = 'token-of-the-test';

export const CHAT_PROFILE: ModelProfile = {
  ...NOTHING_KNOWN,
  kind: 'chat',
  architecture: 'llama',
  name: 'Tiny',
  parameters: 1_000,
  weightBytes: 2_000,
  weightBytesByType: { F16: 2_000 },
  quantization: 'F16',
  contextLength: 2_048,
  layers: 1,
  embeddingLength: 8,
  feedForwardLength: 16,
  heads: 1,
  kvHeads: 1,
  vocabularySize: 32,
  kv: { bytesPerToken: 32, bytesPerSequence: 0, exact: true, groups: [] },
  tokenizer: 'gpt2',
  hasChatTemplate: true,
  forms: [{ kind: 'gguf', files: ['tiny.gguf'], codeFiles: [] }],
  notes: [],
  layerBytes: [1_000],
  inputBytes: 500,
  outputBytes: 500,
};

export function modelView(id: string, changes: Partial<ModelView> = {}): ModelView {
  return {
    id,
    aliases: [],
    path: `/models/${id}.gguf`,
    state: 'ready',
    message: 'It answers.',
    headline: 'It answers',
    help: null,
    blockedReason: null,
    copy: null,
    phase: null,
    progress: null,
    runtime: 'llama',
    devices: ['cpu'],
    plan: {
      runtime: 'llama',
      form: 'gguf',
      file: 'm.gguf',
      placement: { kind: 'cpu', gpus: [], gpuLayers: null },
      contextTokens: 2_048,
      parallelSequences: 1,
      args: [],
      env: {},
    },
    predictedBytes: { cpu: 3_000 },
    measuredBytes: { cpu: 2_900 },
    pids: [1],
    inFlight: 0,
    waiting: 0,
    longestWaitMs: 0,
    queriesPerSecond: 0,
    idleMs: 5,
    idleLeftMs: null,
    loadSeconds: 1,
    retryInMs: null,
    pinned: false,
    canForget: false,
    pace: null,
    profile: CHAT_PROFILE,
    ...changes,
  };
}

export const DECISION: DecisionRow = {
  id: 7,
  at: '2026-01-01T00:00:00.000Z',
  modelId: 'tiny',
  action: 'load',
  reason: 'fits',
  sentence: 'It fits.',
  inputs: { any: 1 },
  candidates: [],
  outcome: null,
};

const SETTINGS_VIEW: SettingsView = {
  file: null,
  target: '/home/me/.config/modelium/modelium.yaml',
  problem: null,
  given: {},
  revision: 'none',
  settings: DEFAULT_SETTINGS,
  schema: {},
};

export interface RecordedLease extends Lease {
  released: number;
  readonly cutter: AbortController;
  /** Signs of life that the runtime gave. */
  timesHeard: number;
}

/**
 * The engine as the HTTP layer sees it: `tiny` (alias `owner/tiny`) is ready; `ensureReady` may be
 * replaced.
 */
export interface FakeEngine {
  readonly inference: Inference;
  readonly control: Control;
  readonly reports: RequestReport[];
  readonly leases: RecordedLease[];
  readonly keptAlive: [string, number][];
  /** What `/control` asked for: verb and arguments. */
  readonly asked: unknown[][];
  readonly listeners: Set<(event: EngineEvent) => void>;
  readonly logListeners: Set<(line: string) => void>;
  profile: ModelProfile;
  snapshot: Snapshot;
  ensureReady: (id: string, options: WaitOptions) => Lease | Promise<Lease>;
  served: Served;
  imageInputs: Readonly<Record<string, ImageInput>>;
  /** Models of which a request said that they may be broken. */
  readonly doubted: string[];
  waitingFor: string;
  isWaitedFor: boolean;
  /** Until the folders were looked at; null: they were. */
  begun: Promise<void> | null;
  healthy: boolean;
  lease(): RecordedLease;
}

export interface Upstream {
  readonly port: number;
  /** Requests as the runtime saw them. */
  readonly seen: { url: string; headers: IncomingMessage['headers']; body: Record<string, unknown>; raw: string }[];
  answer: (response: ServerResponse, body: Record<string, unknown>, request: IncomingMessage) => void;
  close(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const seen: Upstream['seen'] = [];
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const raw = Buffer.concat(parts).toString();
      const isMultipart = request.headers['content-type']?.startsWith('multipart/') === true;
      const body = isMultipart ? {} : (JSON.parse(raw) as Record<string, unknown>);
      seen.push({ url: request.url ?? '', headers: request.headers, body, raw });
      upstream.answer(response, body, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const upstream: Upstream = {
    port: (server.address() as AddressInfo).port,
    seen,
    answer: answerAsOpenAi,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return upstream;
}

/**
 * `Hello world.` in chat, completion and embedding form, streamed or not, as a real runtime
 * answers.
 */
export function answerAsOpenAi(response: ServerResponse, body: Record<string, unknown>, request: IncomingMessage): void {
  const model = body['model'];
  const usage = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };
  if (request.url === '/classify') {
    const texts = [body['input']].flat();
    // The second has no names for its classes.
    const data = texts.map((_, index) => ({ index, label: index === 0 ? 'good' : null, probs: [0.25, 0.75], num_classes: 2 }));
    return sendAsJson(response, { object: 'list', data, usage: { prompt_tokens: 4, total_tokens: 4 } });
  }
  if (request.url === '/v1/embeddings') {
    const texts = Array.isArray(body['input']) ? (body['input'] as string[]) : [String(body['input'])];
    const data = texts.map((text, index) => ({ object: 'embedding', index, embedding: [text.length, 0.5] })).reverse();
    sendAsJson(response, { object: 'list', model, data, usage: { prompt_tokens: 4, total_tokens: 4 } });
    return;
  }
  const isChat = request.url === '/v1/chat/completions';
  if (body['stream'] !== true) {
    const choice = isChat ? { message: { role: 'assistant', content: 'Hello world.' } } : { text: 'Hello world.' };
    sendAsJson(response, { id: 'x', object: 'chat.completion', model, choices: [{ index: 0, ...choice, finish_reason: 'stop' }], usage });
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'access-control-allow-origin': '*', 'set-cookie': 'a=b' });
  const common = { id: 'chunk-1', object: isChat ? 'chat.completion.chunk' : 'text_completion', created: 1_790_000_000, model };
  // llama.cpp's word for thoughts, then the newer one of vLLM.
  const thoughts = JSON.stringify(body['messages'] ?? '').includes('Think!') ? [{ reasoning_content: 'I ' }, { reasoning: 'think.' }] : [];
  for (const delta of thoughts) response.write(event({ ...common, choices: [{ index: 0, delta, finish_reason: null }] }));
  for (const text of ['Hello', ' wörld', '.']) {
    const choice = isChat ? { delta: { content: text } } : { text };
    response.write(event({ ...common, choices: [{ index: 0, ...choice, finish_reason: null }] }));
  }
  const last = isChat ? { delta: {} } : { text: '' };
  response.write(event({ ...common, choices: [{ index: 0, ...last, finish_reason: 'stop' }] }));
  const options = body['stream_options'] as { include_usage?: boolean } | undefined;
  if (options?.include_usage === true) response.write(event({ ...common, choices: [], usage }));
  response.end('data: [DONE]\n\n');
}

export function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

function sendAsJson(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

export interface Setup {
  readonly address: string;
  readonly port: number;
  readonly server: HttpServer;
  readonly engine: FakeEngine;
  readonly upstream: Upstream;
  readonly largeJson: LargeJson;
  readonly logged: string[];
  settings: Settings;
  close(): Promise<void>;
}

export async function startSetup(
  options: {
    clock?: Clock;
    api?: Partial<Settings['api']> /** Stands between the server and the real client. */;
    through?: (real: Dispatch) => Dispatch;
    /** Folder of a built window; without it there is none. */
    page?: string;
    /** How many the process may have open. */
    descriptors?: number;
  } = {},
): Promise<Setup> {
  const upstream = await startUpstream();
  const engine = createFakeEngine(upstream.port);
  const client = createUpstreams();
  const logged: string[] = [];
  const log: Log = { say: () => {}, warn: (line) => void logged.push(line), error: (line) => void logged.push(line), debug: () => {} };
  const clock = options.clock ?? createClock();
  const largeJson = createLargeJson(programs.largeJson, clock);
  const images = createImages(programs.images, programs.imageDecoders, clock);
  const largeAnswers = createLargeAnswers(programs.answers, clock);
  const server = createHttpServer({
    largeJson,
    images,
    largeAnswers,
    collectGarbage,
    connections: new Connections({ descriptors: options.descriptors ?? 20_000, now: clock.now }),
    settings: () => setup.settings,
    inference: engine.inference,
    control: engine.control,
    clock,
    log,
    token: TOKEN,
    version: '0.1.0',
    dispatch: options.through?.(client.dispatch) ?? client.dispatch,
    metricsText: async () => '# HELP modelium_up up\nmodelium_up 1\n',
    page: createPageFiles(options.page ?? '/nonexistent'),
  });
  const setup: Setup = {
    settings: { ...DEFAULT_SETTINGS, api: { ...DEFAULT_SETTINGS.api, port: 0, ...options.api } },
    address: '',
    port: 0,
    server,
    engine,
    upstream,
    largeJson,
    logged,
    async close() {
      await server.close(0);
      await client.close();
      await largeJson.close();
      await images.close();
      await largeAnswers.close();
      await upstream.close();
    },
  };
  const { address } = await server.listen();
  return Object.assign(setup, { address, port: Number(new URL(address).port) });
}

function createFakeEngine(upstreamPort: number): FakeEngine {
  const asked: unknown[][] = [];
  const known = new Map([
    ['tiny', 'tiny'],
    ['owner/tiny', 'tiny'],
  ]);
  const viewOf = (name: string): ModelView | null => engine.snapshot.models.find(({ id }) => id === known.get(name)) ?? null;
  const inference: Inference = {
    resolve: (name) => known.get(name) ?? null,
    begun: () => engine.begun,
    nearest: () => ['tiny'],
    servable: (only) =>
      engine.snapshot.models
        .filter(({ id }) => only === undefined || id === only)
        .map(({ id, aliases }) => ({ id, aliases, kind: 'chat', contextTokens: 2_048, createdSeconds: 1_700_000_000 })),
    ensureReady: (id, options) => engine.ensureReady(id, options),
    served: () => engine.served,
    imageInputs: () => engine.imageInputs,
    waitingFor: () => engine.waitingFor,
    isWaitedFor: () => engine.isWaitedFor,
    doubt: (id) => void engine.doubted.push(id),
    keepAlive: (id, seconds) => void engine.keptAlive.push([id, seconds]),
    report: (report) => void engine.reports.push(report),
  };
  const takenBack = Promise.withResolvers<void>();
  const control: Control = {
    snapshot: () => engine.snapshot,
    model: viewOf,
    history: () => ({ stepMs: 1_000, nowMs: 0, atMs: [], devices: {} }),
    activity: () => ({ nowMs: 0, requests: [], matching: 0, total: 0 }),
    health: () => (engine.healthy ? { ok: true, reason: null } : { ok: false, reason: 'The ledger cannot be written.' }),
    load: (...args) => void asked.push(['load', ...args]),
    unload: async (...args) => void asked.push(['unload', ...args]),
    pin: (...args) => void asked.push(['pin', ...args]),
    sample: async () => '/cache/sample.gguf',
    upload: async (name, bytes, key) => {
      asked.push(['upload', name, bytes.length, key]);
      if (name === 'slow.gguf') await takenBack.promise;
      return { path: `/incoming/${name}`, id: 'sent' };
    },
    takeBack: async (key) => {
      asked.push(['takeBack', key]);
      takenBack.resolve();
    },
    async found() {
      const found = { store: 'ollama', name: 'a:1b', path: '/o/manifests/h/library/a/1b', realPath: '/o/blobs/b', bytes: 5 } as const;
      const facts = { kind: 'chat', quantization: 'Q4_0', whole: true, problem: null, registered: null } as const;
      return { models: [{ ...found, ...facts }], problems: [], isCut: false };
    },
    async showTrust(name) {
      asked.push(['showTrust', name]);
      const file = { path: 'modeling.py', bytes: 12, why: 'Python', preview: 'import torch', isCut: false };
      return { id: name, forms: [{ form: 'transformers', hash: 'ab'.repeat(32), trusted: false, trustedAt: null, files: [file] }] };
    },
    trust: async (name, wish) => void asked.push(['trust', name, wish]),
    async add(path) {
      if (!path.startsWith('/')) throw new ModeliumError('path-invalid', `${path} is not an absolute path.`);
      asked.push(['add', path]);
      return { id: 'added', message: 'Registered.', isKnown: false };
    },
    forget: async (...args) => void asked.push(['forget', ...args]),
    async plan(target) {
      asked.push(['plan', target]);
      return { profile: CHAT_PROFILE, decision: null, message: 'It would fit.', own: null };
    },
    decisions(filter) {
      asked.push(['decisions', filter]);
      return [DECISION];
    },
    logs: () => ({
      lines: ['one', 'two'],
      follow(listener) {
        engine.logListeners.add(listener);
        return () => void engine.logListeners.delete(listener);
      },
    }),
    rescanRuntimes: async () => void asked.push(['rescan']),
    subscribe(afterId, listener) {
      asked.push(['subscribe', afterId]);
      engine.listeners.add(listener);
      listener({ type: 'snapshot', id: 1, ageMs: 0, snapshot: engine.snapshot });
      return () => void engine.listeners.delete(listener);
    },
    settings: async () => SETTINGS_VIEW,
    async editSettings(edit) {
      asked.push(['editSettings', edit]);
      return { ...SETTINGS_VIEW, notes: [] };
    },
  };
  const engine: FakeEngine = {
    inference,
    control,
    reports: [],
    leases: [],
    keptAlive: [],
    asked,
    listeners: new Set(),
    logListeners: new Set(),
    begun: null,
    profile: CHAT_PROFILE,
    snapshot: {
      version: '0.1.0',
      address: '',
      startedAt: '2026-01-01T00:00:00.000Z',
      settingsFile: null,
      settingsProblem: null,
      devices: [],
      tokensPerSecond: 0,
      models: [modelView('tiny', { aliases: ['owner/tiny'] })],
      runtimes: [{ id: 'llama', enabled: true, found: true, version: '1', message: 'Here.' }],
      watchFolders: [],
      lastDecisionId: 7,
    },
    ensureReady: () => engine.lease(),
    served: { isReady: true, runtime: 'llama', tensors: null },
    imageInputs: {},
    doubted: [],
    waitingFor: 'loading: reading weights, 40 %',
    isWaitedFor: false,
    healthy: true,
    lease() {
      const cutter = new AbortController();
      const lease: RecordedLease = {
        modelId: 'tiny',
        runtime: 'llama',
        endpoint: { at: { port: upstreamPort }, key: 'runtime-key', protocol: 'openai', model: 'tiny', prefix: '/v1' },
        profile: engine.profile,
        queueMs: 12.4,
        loadMs: 7,
        queueCause: 'loading',
        cut: cutter.signal,
        cutter,
        released: 0,
        timesHeard: 0,
        countChunk() {
          lease.timesHeard += 1;
        },
        release() {
          lease.released += 1;
        },
      };
      engine.leases.push(lease);
      return lease;
    },
  };
  return engine;
}

export interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  readonly json: any;
}

/** fetch, with the answer read whole; a string body goes as it is, anything else as JSON. */
export async function ask(
  setup: Setup,
  path: string,
  options: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Got> {
  const { body, headers = {} } = options;
  const method = options.method ?? (body === undefined ? 'GET' : 'POST');
  const answer = await fetch(`${setup.address}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  return { status: answer.status, headers: answer.headers, text, json: isJson ? JSON.parse(text) : null };
}

export const WITH_TOKEN = { authorization: `Bearer ${TOKEN}` };

/**
 * Turns of the event loop until something holds; no clock is read, and the test's own time limit is
 * the bound.
 */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
