/**
 * Starts the embedded server as the engine does: a Node with a message channel, a key, a free port.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { nodeProgram } from '../../main/packaged.ts';
import { BUILT_SERVER } from '../helpers/built-app.ts';

/** Of this process alone: a port that another test's server took meanwhile is not ours. */
export const KEY = `test-key-${process.pid}-${randomUUID()}`;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return (address as { port: number }).port;
}

interface Likelihood {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
}

interface Usage {
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

export interface ToolCall {
  readonly index: number;
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name?: string; readonly arguments: string };
}

/** Every field that any answer here may have; a test reads those of the answer it asked for. */
export interface OpenAiBody {
  readonly object: string;
  readonly model: string;
  readonly choices: readonly {
    readonly text: string;
    readonly index: number;
    readonly message: { readonly role: string; readonly content: string; readonly tool_calls?: readonly ToolCall[] };
    readonly delta: { readonly role?: string; readonly content?: string; readonly tool_calls?: readonly Partial<ToolCall>[] };
    readonly logprobs: {
      readonly content: readonly (Likelihood & { readonly top_logprobs: readonly Likelihood[] })[];
      readonly tokens: readonly string[];
      readonly token_logprobs: readonly number[];
      readonly top_logprobs: readonly Readonly<Record<string, number>>[];
      readonly text_offset: readonly number[];
    };
    readonly finish_reason: string | null;
  }[];
  readonly usage: Usage;
  readonly results: readonly { readonly index: number; readonly relevance_score: number; readonly document?: { readonly text: string } }[];
  readonly prompt_progress?: { readonly total: number; readonly cache: number; readonly processed: number };
  readonly data: readonly { readonly index: number; readonly embedding: readonly number[] }[];
  readonly error: { readonly code: string; readonly param: string | null; readonly origin: string; readonly message: string };
}

export interface TestServer {
  readonly child: ChildProcess;
  readonly port: number;
  readonly lines: string[];
  readonly messages: Record<string, unknown>[];
  /** Resolves with the first message, past or to come, that fits. */
  message(fits: (message: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>;
  request(
    path: string,
    body?: unknown,
    options?: { key?: string; signal?: AbortSignal; headers?: Record<string, string> },
  ): Promise<Response>;
  json(path: string, body?: unknown): Promise<{ status: number; body: OpenAiBody }>;
  stop(): Promise<void>;
}

/** Starts without waiting for anything. */
export async function spawnServer(args: readonly string[], env: Record<string, string> = { LLAMA_API_KEY: KEY }): Promise<TestServer> {
  const port = await freePort();
  const child = spawn(process.execPath, [BUILT_SERVER, '--port', String(port), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Its compiled code is kept, as that of the servers that an engine starts.
    env: { ...nodeProgram().env, PATH: process.env['PATH'] ?? '', ...env },
  });
  const lines: string[] = [];
  let rest = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const messages: Record<string, unknown>[] = [];
  const listeners = new Set<() => void>();
  child.on('message', (message: Record<string, unknown>) => {
    messages.push(message);
    for (const listener of listeners) listener();
  });
  const request: TestServer['request'] = (path, body, options = {}) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${options.key ?? KEY}`, 'content-type': 'application/json', ...options.headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  return {
    child,
    port,
    lines,
    messages,
    message: (fits) =>
      new Promise((resolve) => {
        const look = () => {
          const found = messages.find(fits);
          if (found === undefined) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
      }),
    request,
    async json(path, body) {
      const response = await request(path, body);
      return { status: response.status, body: (await response.json()) as OpenAiBody };
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Waits until `/health` says ok. @throws Error with the child's words when it ends before. */
export async function startServer(args: readonly string[]): Promise<TestServer> {
  const server = await spawnServer(args);
  for (;;) {
    const status = await server.request('/health').then(
      (response) => response.status,
      () => null,
    );
    // Whoever answers there may be another one: only ours knows the key.
    if (status === 200 && (await server.request('/v1/models')).ok) return server;
    if (server.child.exitCode !== null || server.child.signalCode !== null) {
      const words = server.lines.join('\n');
      if (!words.includes('EADDRINUSE')) throw new Error(words);
      return await startServer(args);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The JSON events of an OpenAI stream, and whether it ended with [DONE]. */
export async function readEvents(response: Response): Promise<{ events: OpenAiBody[]; done: boolean }> {
  const events = (await response.text()).split('\n\n').filter((event) => event !== '');
  const done = events.at(-1) === 'data: [DONE]';
  return { events: events.filter((event) => event !== 'data: [DONE]').map((event) => JSON.parse(event.replace(/^data: /, ''))), done };
}
