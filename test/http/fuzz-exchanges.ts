/**
 * Whole requests to an engine made from a seed: the bodies of fuzz-bodies.ts on each of its routes,
 * with other methods, headers, encodings, queries and names, and clients that leave. Pure.
 */
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { API, type Contract } from '../../shared/api.ts';
import { broken, fuzzRequest, pick, type Random, random, special, TEXTS, times, value } from '../embedded/fuzz-bodies.ts';

export interface FuzzExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty: none is sent. */
  readonly body: Buffer;
  readonly withToken: boolean;
  /** A client that leaves: after so many bytes of its body, or so many milliseconds after it. */
  readonly leaves: { readonly afterBytes: number } | { readonly afterMs: number } | null;
}

export interface FuzzedModels {
  /** Those that write; the first one is asked most. */
  readonly writing: readonly [string, ...string[]];
  readonly embedding: string;
}

type Wish = Pick<FuzzExchange, 'path'> & { readonly method?: string; readonly body?: string; readonly withToken?: boolean };

/** Routes that only tell, and end. */
const TOLD = Object.values<Contract>(API).flatMap(({ method, path }) => (method === 'GET' && path !== API.events.path ? [path] : []));
/**
 * Of the others only these: what commands (load, forget, settings, add) may rightly make another
 * request wait or fail.
 */
const ASKED = [API.prove, API.plan].map(({ path }) => path);
const QUERIES = ['span', 'limit', 'model', 'outcome', 'before', 'follow', ''];
const METHODS = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PROPFIND'];

function nameOf(next: Random, { writing, embedding }: FuzzedModels): string {
  if (next() < 0.1) return pick(next, [...TEXTS.filter((text) => text !== ''), 'none', 'tiny:latest', 'TINY', '__proto__']);
  return next() < 0.25 ? embedding : next() < 0.7 ? writing[0] : pick(next, writing);
}

/** Escaped, or as it is as far as a request line can hold it. */
function inPath(next: Random, text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed());
  return next() < 0.9 ? escaped : text.replaceAll(/[^!-~]/g, '');
}

function predict(next: Random, models: FuzzedModels): Wish {
  const name = nameOf(next, models);
  const embeds = name === models.embedding ? next() < 0.8 : next() < 0.1;
  const body: Record<string, unknown> = embeds
    ? { input: next() < 0.5 ? pick(next, TEXTS) : times(next, 4, () => pick(next, TEXTS)) }
    : next() < 0.5
      ? { prompt: pick(next, TEXTS), max_tokens: 3 }
      : { messages: special(next, 'messages'), max_tokens: 3 };
  if (next() < 0.05) body['inputs'] = value(next, 3);
  if (next() < 0.3) body['stream'] = true;
  if (next() < 0.3) {
    const field = pick(next, ['temperature', 'top_p', 'stop', 'seed', 'stream', 'labels', 'input', 'prompt', 'messages', 'x']);
    body[field] = special(next, field);
  }
  // It leaves its memory at once: who asks meanwhile is answered all the same.
  if (next() < 0.01) body['keep_alive_seconds'] = pick(next, [0, -1, 5]);
  return { path: `/predict/${inPath(next, name)}`, body: JSON.stringify(body) };
}

function infer(next: Random, models: FuzzedModels): Wish {
  const name = inPath(next, nameOf(next, models));
  const tensor = () => ({
    name: pick(next, TEXTS),
    shape: value(next, 1),
    datatype: pick(next, ['FP32', 'BYTES', 'x']),
    data: value(next, 2),
  });
  const path = pick(next, [
    `/v2/models/${name}/infer`,
    `/v2/models/${name}/generate`,
    `/v2/models/${name}/versions/1/infer`,
    `/v2/models/${name}`,
    `/upstream/${name}/v1/completions`,
    `/upstream/${name}/../../control/snapshot`,
  ]);
  return { path, body: JSON.stringify({ id: pick(next, TEXTS), inputs: times(next, 3, tensor) }) };
}

function told(next: Random, models: FuzzedModels): Wish {
  const isAsked = next() < 0.2;
  const path = pick(next, isAsked ? ASKED : TOLD).replaceAll(/\{\w+\}/g, () => inPath(next, nameOf(next, models)));
  const query = times(next, 2, () => `${pick(next, QUERIES)}=${inPath(next, String(pick(next, [nameOf(next, models), value(next, 0)])))}`);
  // A log that is followed never ends.
  const isEndless = path === API.logs.path && query.some((part) => part.startsWith('follow='));
  const body = { target: nameOf(next, models), with: value(next, 2), nonce: 'x'.repeat(Math.floor(next() * 40)) };
  const given = Object.fromEntries(Object.entries(body).filter(() => next() < 0.7));
  return {
    method: isAsked ? 'POST' : 'GET',
    path: query.length === 0 || isEndless ? path : `${path}?${query.join('&')}`,
    ...(isAsked ? { body: JSON.stringify(given) } : {}),
    withToken: next() < 0.7,
  };
}

/** A body of OpenAI's routes, for a model. */
function openAi(seed: number, index: number, next: Random, models: FuzzedModels): Wish {
  const { path, body } = fuzzRequest(seed, index);
  const isEmbedding = path === '/v1/embeddings' || (path === '/v1/rerank' && next() < 0.5);
  const name = next() < 0.95 && isEmbedding ? models.embedding : nameOf(next, models);
  return { path, body: body.replace(/^\{(?="| *\})/, (start) => `${start}"model":${JSON.stringify(name)}${body === '{}' ? '' : ','}`) };
}

const ENCODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync };

/** @param seed the whole run's. @param index of the case in it. */
export function fuzzExchange(seed: number, index: number, models: FuzzedModels): FuzzExchange {
  const next = random(seed ^ Math.imul(index + 1, 0x85ebca6b));
  const kind = next();
  const wish: Wish =
    kind < 0.6
      ? openAi(seed, index, next, models)
      : kind < 0.85
        ? predict(next, models)
        : kind < 0.9
          ? infer(next, models)
          : told(next, models);
  const headers: Record<string, string> = {};
  let body = Buffer.from(kind >= 0.6 && next() < 0.05 ? broken(next, wish.body ?? '') : (wish.body ?? ''));
  if (next() < 0.05)
    headers['content-type'] = pick(next, ['text/plain', 'multipart/form-data; boundary=x', 'application/json; charset=x', '']);
  if (body.length > 0 && next() < 0.04) {
    const encoding = pick(next, Object.keys(ENCODERS)) as keyof typeof ENCODERS;
    headers['content-encoding'] = pick(next, [encoding, encoding, encoding, 'gzip, gzip', 'x']);
    // Now and then it says so, and is not.
    if (next() < 0.8) body = ENCODERS[encoding](body);
  }
  if (next() < 0.03) headers['expect'] = '100-continue';
  if (next() < 0.03) headers['accept'] = pick(next, ['text/event-stream', 'text/html', 'x']);
  if (next() < 0.02) headers['authorization'] = pick(next, ['Bearer x', 'Modelium x', 'Basic eDp4', '']);
  const leaving = next();
  return {
    method: next() < 0.02 ? pick(next, METHODS) : (wish.method ?? 'POST'),
    path: next() < 0.02 ? `${wish.path}${pick(next, ['/', '?%zz', '//', '/..', '%00', '#x'])}` : wish.path,
    headers,
    body,
    withToken: wish.withToken ?? false,
    leaves:
      leaving < 0.01 ? { afterBytes: Math.floor(next() * body.length) } : leaving < 0.03 ? { afterMs: Math.floor(next() * 30) } : null,
  };
}
