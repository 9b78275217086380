/**
 * The client of the running engine: finds it by engine.json, checks the engine's proof, and signs
 * each request. It never sends the control token. It uses only `node:http`, because every verb
 * loads this file and undici belongs to main/io.
 */
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Answer, API } from '../shared/api.ts';
import { errorFromAnswer, ModeliumError } from '../shared/errors.ts';
import { ANSWER_PROOF_HEADER, answerMessage, engineMessage, proofHeader, requestMessage, sessionMessage } from '../shared/proofs.ts';
import { EventsReader } from './http/events-reader.ts';
import { type EngineProof, hmac, isSame } from './http/token.ts';
import { readEngineFile, readToken } from './io/engine-file.ts';

export type RouteName = keyof typeof API;
export type AnswerOf<Name extends RouteName> = Answer<(typeof API)[Name]>;

/**
 * A proof takes a hash; who has not answered by then, to the last byte, is not our engine, or
 * hangs.
 */
const PROOF_TIMEOUT_MS = 5_000;
const HEALTH_TIMEOUT_MS = 1_000;
/**
 * An engine may take long to begin an answer (an unload waits for its memory), but it sends it in
 * one piece.
 */
const ANSWER_TIMEOUT_MS = 60_000;
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
  /** DELETE. */
  remove<Name extends RouteName>(path: string): Promise<AnswerOf<Name>>;
  /**
   * Calls back with the data of each event until the stream ends, the listener answers false, or
   * the signal aborts.
   */
  follow(path: string, listener: (data: unknown) => boolean, signal?: AbortSignal): Promise<void>;
}

/**
 * @throws ModeliumError `not-running` when no engine that knows our token answers for this state
 * folder.
 */
export async function connect(stateFolder: string): Promise<EngineClient> {
  const engine = readEngineFile(stateFolder);
  const token = readToken(stateFolder);
  if (engine === null || token === null) throw notRunning(`No engine runs for the state folder ${stateFolder}.`);
  const { address } = engine;
  const session = await openSession(address, token);
  if (engine.run !== undefined && session.run !== engine.run) throw notTheEngine(address);
  return clientOf(address, token, session);
}

/**
 * A client of an engine that is known to be ours; the engine proves itself before the first
 * request.
 */
export function createClient(address: string, token: string): EngineClient {
  return clientOf(address, token, null);
}

function clientOf(address: string, token: string, opened: Session | null): EngineClient {
  let session = opened;
  /**
   * Signed. An engine that was restarted knows nothing of the session before; one question more
   * tells.
   */
  const signed: Signed = async (method, path, body, headers, signal) => {
    for (let attempt = 0; ; attempt += 1) {
      session ??= await openSession(address, token);
      const response = await sendSigned(session, { address, method, path, body, headers, signal });
      if (response !== null) return response;
      session = null;
      if (attempt > 0) throw notTheEngine(address);
    }
  };
  return {
    address,
    token,
    get: async (path) => (await ask(signed, 'GET', path)) as never,
    post: async (path, body) => (await ask(signed, 'POST', path, body)) as never,
    remove: async (path) => (await ask(signed, 'DELETE', path)) as never,
    follow: (path, listener, signal) => follow(address, signed, path, listener, signal),
  };
}

/** What this run of the engine and we sign with. */
interface Session {
  readonly run: string;
  readonly key: string;
  /** The engine's clock, less ours. */
  readonly aheadMs: number;
}

/**
 * Lets the engine at this address prove that it knows the token: whoever took the port after our
 * engine was killed cannot. Nor can it pass the question on to an engine elsewhere, because the
 * proof is for this address.
 */
async function openSession(address: string, token: string): Promise<Session> {
  const nonce = randomBytes(32).toString('hex');
  const signal = AbortSignal.timeout(PROOF_TIMEOUT_MS);
  const response = await send({ address, method: 'POST', path: '/control/prove', body: JSON.stringify({ nonce }), signal });
  const answer = await jsonOf(response, STRANGER_BYTES).catch(() => ({}));
  const { run, timeMs, listens, hmac: given } = answer as Partial<Record<keyof EngineProof, unknown>>;
  // Where it listens elsewhere, somebody passed the question on.
  const { host } = new URL(address);
  if (typeof run !== 'string' || typeof timeMs !== 'number' || listens !== host || typeof given !== 'string') throw notTheEngine(address);
  const key = hmac(token, sessionMessage(run));
  const expected = hmac(key, engineMessage({ nonce, address: host }, { run, timeMs, listens }));
  if (!isSame(given, expected)) throw notTheEngine(address);
  return { run, key, aheadMs: timeMs - Date.now() };
}

function notTheEngine(address: string): ModeliumError {
  return notRunning(`What answers at ${address} is not the engine of this state folder. That engine seems to have crashed.`);
}

interface Sent {
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string | undefined;
  readonly headers?: Headers | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Null: what answered did not prove that it is the engine. */
async function sendSigned({ key, aheadMs }: Session, sent: Sent): Promise<IncomingMessage | null> {
  const { address, method, path, body = '', headers } = sent;
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const nonce = randomBytes(16).toString('hex');
  // As it is written to the connection.
  const { host, pathname, search } = new URL(path, address);
  const request = { method, address: host, path: pathname + search, timeMs: Date.now() + aheadMs, nonce, bodyHash };
  const proof = hmac(key, requestMessage(request));
  const response = await send({ ...sent, headers: { ...headers, authorization: proofHeader(request, proof) } });
  const given = response.headers[ANSWER_PROOF_HEADER];
  if (typeof given === 'string' && isSame(given, hmac(key, answerMessage(proof)))) return response;
  response.destroy();
  return null;
}

/**
 * The version of whatever Modelium answers there, ours or another user's; null when it is none.
 * Sends no token.
 */
export async function versionAt(address: string): Promise<string | null> {
  try {
    const response = await send({ address, method: 'GET', path: '/health', signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
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
type Signed = (method: string, path: string, body?: string, headers?: Headers, signal?: AbortSignal) => Promise<IncomingMessage>;

/** One JSON exchange. */
async function ask(signed: Signed, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await signed(method, path, body === undefined ? undefined : JSON.stringify(body));
  const timer = setTimeout(() => response.destroy(new Error(`its answer did not end within ${ANSWER_TIMEOUT_MS} ms`)), ANSWER_TIMEOUT_MS);
  try {
    const answer = await jsonOf(response);
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw errorFromAnswer(status, answer);
  } finally {
    clearTimeout(timer);
  }
}

/** @param sent.signal ends the answer too, whenever it comes. */
function send({ address, method, path, body, headers, signal }: Sent): Promise<IncomingMessage> {
  const ofBody = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, address), {
      method,
      headers: { ...ofBody, ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    request.once('response', resolve);
    request.once('error', (error) => reject(notRunning(`The engine at ${address} does not answer: ${error.message}.`, error)));
    request.end(body);
  });
}

async function follow(
  address: string,
  signed: Signed,
  path: string,
  listener: (data: unknown) => boolean,
  signal: AbortSignal = new AbortController().signal,
): Promise<void> {
  const reader = new EventsReader();
  try {
    const response = await signed('GET', path, undefined, { accept: 'text/event-stream' }, signal);
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

/**
 * The body as an object; an empty one for whatever is none. @throws ModeliumError `not-running`
 * beyond the limit: our engine says no such thing.
 */
export async function jsonOf(response: IncomingMessage, limitBytes = ANSWER_BYTES): Promise<object> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    // Leaving the loop ends the connection.
    if (bytes > limitBytes) throw notRunning(`The program there sent more than ${limitBytes} bytes, so it is not a Modelium engine.`);
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
