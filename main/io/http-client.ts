/**
 * Sends HTTP to the runtimes over loopback ports and Unix sockets. The only importer of undici.
 * Keeps two connection pools for each runtime: one for client requests, one for our own short calls
 * (health, proofs, sleep), which must never wait behind client requests. Knows no models, leases or
 * retries.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Dispatcher, Pool } from 'undici';
import { type Endpoint, OPENAI_PREFIX, type Server } from '../../shared/model.ts';
import { MOST_IN_FLIGHT } from '../core/admission.ts';
import type { HttpAnswer, HttpClient, HttpMethod, SmallRequest } from '../core/process-ports.ts';
import { inPieces } from './body-pieces.ts';
import { jsonWithFiles } from './files/json-with-files.ts';
import { packedFolder } from './files/packed-folder.ts';

/**
 * Below uvicorn's 5 s: a connection that the runtime closes just as we write to it would cost a
 * request.
 */
const KEEP_ALIVE_MS = 4_000;
/**
 * What is in flight is bounded for each model (`MOST_IN_FLIGHT` of core/admission.ts), so that
 * requests to a process of ours never wait here, where nobody would count it. Models of one remote
 * server share its pool.
 */
const CONNECTIONS = MOST_IN_FLIGHT;
const CONTROL_CONNECTIONS = 16;
/**
 * Runtimes come and go, each with a port or socket of its own: beyond so many, pools that nobody
 * uses are closed (I10).
 */
const POOLS_KEPT = 64;
/** 256 MB a second. */
const TURN_BYTES = 256 * 1024;
const TURN_MS = 1;
/** Longest answer to a small request, in bytes. */
const LONGEST_ANSWER = 16 * 1024 * 1024;

export interface DispatchRequest {
  readonly path: string;
  readonly method: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  /** Parts are sent one behind the other. */
  readonly body: Buffer | string | readonly Buffer[] | null;
}

export interface Upstreams extends HttpClient {
  /**
   * The hot path: sends one request with the endpoint's key in its header, and no time limit
   * on the answer (a model may think for minutes before its first byte). The handler hears of
   * everything, a refused connection included.
   */
  dispatch(
    endpoint: Pick<Endpoint, 'at' | 'key' | 'keyHeader' | 'prefix'>,
    request: DispatchRequest,
    handler: Dispatcher.DispatchHandler,
  ): void;
  /** Is a client's request under way? */
  readonly isBusy: () => boolean;
  /** Cuts what is still under way. */
  close(): Promise<void>;
}

export function createUpstreams(): Upstreams {
  const turns = new Turns();
  const requests = new Map<string | number, Pool>();
  const controls = new Map<string | number, Pool>();

  function poolOf(pools: Map<string | number, Pool>, connections: number, { at }: Server): Pool {
    const key = 'port' in at ? at.port : 'url' in at ? at.url : at.socket;
    let pool = pools.get(key);
    if (pool === undefined) {
      dropUnused(pools);
      pool = new Pool('url' in at ? at.url : `http://127.0.0.1${'port' in at ? `:${at.port}` : ''}`, {
        headersTimeout: 0,
        bodyTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        keepAliveMaxTimeout: KEEP_ALIVE_MS,
        connections,
        pipelining: 1,
        ...('socket' in at ? { socketPath: at.socket } : {}),
      });
      pools.set(key, pool);
    }
    return pool;
  }

  async function ask(
    target: Server,
    { method, path, timeoutMs, signal }: SmallRequest,
    headers: Readonly<Record<string, string>>,
    body: string | Readable | null,
  ): Promise<HttpAnswer> {
    const limit = AbortSignal.any([signal as globalThis.AbortSignal, AbortSignal.timeout(timeoutMs)]);
    const authorized = { ...headers, ...keyOf(target) };
    const answer = await poolOf(controls, CONTROL_CONNECTIONS, target).request({ method, path, signal: limit, headers: authorized, body });
    return { status: answer.statusCode, body: await readBounded(answer.body) };
  }

  return {
    dispatch(endpoint, request, handler) {
      const headers = endpoint.key === null ? request.headers : { ...request.headers, ...keyOf(endpoint) };
      const path = pathAt(endpoint.prefix, request.path);
      poolOf(requests, CONNECTIONS, endpoint).dispatch({ ...turns.taken({ ...request, headers }), path }, handler);
    },
    request: (target, { body, ...request }) => {
      const isEmpty = body === null || body === undefined;
      const headers: Record<string, string> = isEmpty ? {} : { 'content-type': 'application/json' };
      return ask(target, request, headers, isEmpty ? null : JSON.stringify(body));
    },
    async upload(target, uploaded) {
      if ('files' in uploaded) {
        const json = await jsonWithFiles(uploaded);
        const headers = { 'content-type': 'application/json', 'content-length': String(json.bytes) };
        return ask(target, uploaded, headers, Readable.from(json.stream()));
      }
      const { folder, packing, contentType, ...request } = uploaded;
      const zip = await packedFolder(folder, packing);
      const headers = { 'content-type': contentType, 'content-length': String(zip.bytes) };
      return ask(target, request, headers, Readable.from(zip.stream()));
    },
    isBusy() {
      for (const { stats } of requests.values()) if (stats.size > 0) return true;
      return false;
    },
    async close() {
      const all = [...requests.values(), ...controls.values()];
      requests.clear();
      controls.clear();
      await Promise.all(all.map((pool) => pool.destroy()));
    },
  };
}

/**
 * Large bodies are sent by turns, so much at a time of all of them together: writing tens of
 * megabytes at once holds up every small request (I12).
 */
class Turns {
  #turn: Promise<void> = Promise.resolve();

  /** The same request, with a body that takes its turns where it is large. */
  taken({ body, ...request }: DispatchRequest): Omit<DispatchRequest, 'body'> & { readonly body: Buffer | string | Readable | null } {
    if (body === null || typeof body === 'string') return { ...request, body };
    const parts = Buffer.isBuffer(body) ? [body] : body;
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    if (bytes <= TURN_BYTES) return { ...request, body: Buffer.isBuffer(body) ? body : Buffer.concat(parts) };
    return { ...request, headers: { ...request.headers, 'content-length': String(bytes) }, body: Readable.from(this.#send(parts)) };
  }

  async *#send(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
    for (const piece of inPieces(parts, TURN_BYTES)) {
      const turn = this.#turn.then(() => sleep(TURN_MS));
      this.#turn = turn;
      await turn;
      yield piece;
    }
  }
}

/**
 * Our path as the server has it: OpenAI's routes below its own prefix, and what stands beside `/v1`
 * beside that.
 */
function pathAt(prefix: string, path: string): string {
  if (prefix === OPENAI_PREFIX) return path;
  if (path.startsWith(`${OPENAI_PREFIX}/`)) return prefix + path.slice(OPENAI_PREFIX.length);
  return (prefix.endsWith(OPENAI_PREFIX) ? prefix.slice(0, -OPENAI_PREFIX.length) : prefix) + path;
}

function keyOf({ key, keyHeader }: Pick<Server, 'key' | 'keyHeader'>): Readonly<Record<string, string>> {
  if (key === null) return {};
  return keyHeader === undefined ? { authorization: `Bearer ${key}` } : { [keyHeader]: key };
}

function dropUnused(pools: Map<string | number, Pool>): void {
  if (pools.size < POOLS_KEPT) return;
  for (const [key, pool] of pools) {
    if (pool.stats.connected > 0 || pool.stats.size > 0) continue;
    pools.delete(key);
    void pool.close();
  }
}

async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    // Leaving the loop destroys the stream, and with it the connection.
    if (bytes > LONGEST_ANSWER) throw new Error(`The runtime's answer is longer than ${LONGEST_ANSWER} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
