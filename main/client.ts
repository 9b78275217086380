/**
 * Speaks to the running engine: finds it by engine.json, lets it prove itself, and only then shows it the control token.
 * `node:http` and nothing more: it is loaded by every verb, and undici belongs to main/io.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Answer, API } from '../shared/api.ts';
import { errorFromAnswer, ModeliumError } from '../shared/errors.ts';
import { EventsReader } from './http/events-reader.ts';
import { prove } from './http/token.ts';
import { readEngineFile, readToken } from './io/engine-file.ts';

export type RouteName = keyof typeof API;
export type AnswerOf<Name extends RouteName> = Answer<(typeof API)[Name]>;

/** A proof takes a hash; who has not answered by then is not our engine, or hangs. */
const PROOF_TIMEOUT_MS = 5_000;
const HEALTH_TIMEOUT_MS = 1_000;
/** Of who has not proven itself: a proof and a health answer are a line each. */
const STRANGER_BYTES = 64 * 1024;
/** Thousands of models, or a page of decisions with all their candidates, stay far below it. */
const ANSWER_BYTES = 64 * 1024 * 1024;

export interface EngineClient {
  readonly address: string;
  readonly token: string;
  /** @throws ModeliumError: the engine's own, or `not-running` when it went away. */
  get<Name extends RouteName>(path: string): Promise<AnswerOf<Name>>;
  post<Name extends RouteName>(path: string, body: unknown): Promise<AnswerOf<Name>>;
  /** Calls back with the data of each event until the stream ends, the listener answers false, or the signal aborts. */
  follow(path: string, listener: (data: unknown) => boolean, signal?: AbortSignal): Promise<void>;
}

/** @throws ModeliumError `not-running` when no engine that knows our token answers for this state folder. */
export async function connect(stateFolder: string): Promise<EngineClient> {
  const engine = readEngineFile(stateFolder);
  const token = readToken(stateFolder);
  if (engine === null || token === null) throw notRunning(`No engine runs for the state folder ${stateFolder}.`);
  await proveItself(engine.address, token);
  return createClient(engine.address, token);
}

/** A client of an engine that is known to be ours. */
export function createClient(address: string, token: string): EngineClient {
  const headers = { authorization: `Bearer ${token}` };
  return {
    address,
    token,
    get: async (path) => (await ask(address, 'GET', path, headers)) as never,
    post: async (path, body) => (await ask(address, 'POST', path, headers, body)) as never,
    follow: (path, listener, signal) => follow(address, path, headers, listener, signal),
  };
}

/** The token must not go to whoever took the port after our engine was killed. */
async function proveItself(address: string, token: string): Promise<void> {
  const nonce = randomBytes(32).toString('hex');
  const response = await send(address, 'POST', '/control/prove', {}, { nonce }, PROOF_TIMEOUT_MS);
  const answer = (await jsonOf(response, STRANGER_BYTES).catch(() => ({}))) as { readonly hmac?: unknown };
  const expected = Buffer.from(prove(token, nonce));
  const given = Buffer.from(typeof answer.hmac === 'string' ? answer.hmac : '');
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw notRunning(`What answers at ${address} is not the engine of this state folder; that one seems to have ended without a word.`);
}

/** The version of whatever Modelium answers there, ours or another user's; null when it is none. Sends no token. */
export async function versionAt(address: string): Promise<string | null> {
  try {
    const response = await send(address, 'GET', '/health', {}, undefined, 0, AbortSignal.timeout(HEALTH_TIMEOUT_MS));
    const { status, version } = (await jsonOf(response, STRANGER_BYTES)) as { readonly status?: unknown; readonly version?: unknown };
    return (status === 'ok' || status === 'unavailable') && typeof version === 'string' ? version.slice(0, 40) : null;
  } catch {
    return null;
  }
}

function notRunning(message: string, cause?: unknown): ModeliumError {
  return new ModeliumError('not-running', message, cause === undefined ? {} : { cause });
}

type Headers = Readonly<Record<string, string>>;

/** One JSON exchange. An engine may take long to answer (an unload waits for its memory), so only the proof has a time-out. */
async function ask(address: string, method: string, path: string, headers: Headers, body?: unknown, timeoutMs = 0): Promise<unknown> {
  const response = await send(address, method, path, headers, body, timeoutMs);
  const answer = await jsonOf(response);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return answer;
  throw errorFromAnswer(status, answer);
}

function send(
  address: string,
  method: string,
  path: string,
  headers: Headers,
  body: unknown,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<IncomingMessage> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const sent = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)), ...headers };
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, address), {
      method,
      headers: body === undefined ? headers : sent,
      timeout: timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    request.once('response', resolve);
    request.once('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.once('error', (error) => reject(notRunning(`The engine at ${address} does not answer: ${error.message}.`, error)));
    request.end(text);
  });
}

async function follow(
  address: string,
  path: string,
  headers: Headers,
  listener: (data: unknown) => boolean,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const reader = new EventsReader();
  try {
    const response = await send(address, 'GET', path, { accept: 'text/event-stream', ...headers }, undefined, 0, signal);
    if (response.statusCode !== 200) throw errorFromAnswer(response.statusCode ?? 0, await jsonOf(response));
    // Leaving the loop ends the connection.
    for await (const chunk of response) {
      for (const data of reader.push(chunk as Buffer)) if (!listener(parse(data))) return;
    }
  } catch (thrown) {
    if (signal.aborted) return;
    throw thrown instanceof ModeliumError ? thrown : notRunning(`The engine at ${address} ended.`, thrown);
  }
}

/** The body as an object; an empty one for whatever is none. @throws ModeliumError `not-running` beyond the limit: our engine says no such thing. */
export async function jsonOf(response: IncomingMessage, limitBytes = ANSWER_BYTES): Promise<object> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    // Leaving the loop ends the connection.
    if (bytes > limitBytes) throw notRunning(`What answers there sends more than ${limitBytes} bytes, which no engine of ours does.`);
    chunks.push(chunk as Buffer);
  }
  return parse(Buffer.concat(chunks).toString('utf8'));
}

function parse(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
