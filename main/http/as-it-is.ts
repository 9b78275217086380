/**
 * `/upstream/{model}/...`: passes the rest of the path to the model's own server, and the answer
 * back, unchanged. Only for servers that speak no protocol of our routes (`none`, `v2`). Clients
 * reach all other servers through our routes only, because some routes of those servers change the
 * server. No page of such a server may act as a page of ours.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AS_IT_IS, AS_IT_IS_METHODS } from '../../shared/api-openapi.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { isTextModel } from '../../shared/tensors.ts';
import type { Lease } from '../core/gateway.ts';
import { Exchange, type Job } from './exchange.ts';
import type { ProxyPorts } from './proxy-ports.ts';
import { modelNotFound } from './respond.ts';
import type { UpstreamHeaders, UpstreamRequest } from './upstream.ts';
import { NO_USAGE, type TokenUsage } from './usage.ts';

/** Between two neighbours only, or about us: our token and our cookies are nobody else's. */
const NOT_PASSED = new Set(
  `connection keep-alive transfer-encoding te trailer upgrade expect host content-length authorization proxy-authorization
  proxy-authenticate proxy-connection cookie set-cookie set-cookie2 origin referer content-security-policy clear-site-data
  service-worker-allowed strict-transport-security alt-svc nel report-to reporting-endpoints refresh link`.split(/\s+/),
);
/** A page of the server would else be one of ours, and could read what the window keeps. */
const FENCES = { 'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff' };

/**
 * @returns the model's name and the rest of the URL, its query included; null: it names no model.
 */
export function asItIsTarget(url: string): { readonly name: string; readonly path: string } | null {
  const [, encoded = '', path = ''] = /^\/upstream\/([^/?]+)(.*)$/s.exec(url) ?? [];
  try {
    return encoded === '' ? null : { name: decodeURIComponent(encoded), path: path.startsWith('/') ? path : `/${path}` };
  } catch {
    return null;
  }
}

/** @throws ModeliumError model-not-found, method-not-allowed. */
export function passAsItIs(
  ports: ProxyPorts,
  { method = 'GET', headers }: IncomingMessage,
  response: ServerResponse,
  { name, path }: { readonly name: string; readonly path: string },
  body: Buffer,
  startedMs: number,
): void {
  const modelId = ports.inference.resolve(name);
  if (modelId === null) throw modelNotFound(name, ports.inference.nearest(name));
  const known = AS_IT_IS_METHODS.find((each) => each === method);
  if (known === undefined)
    throw new ModeliumError('method-not-allowed', `${AS_IT_IS} takes ${AS_IT_IS_METHODS.join(', ')}, not ${method}.`);
  const request = { method: known, path, headers: passed(headers), body };
  const job = new AsItIs(modelId, false, ({ endpoint, runtime }) => {
    if (endpoint.isShared === true && endpoint.protocol !== 'openai') throw sharedServer(modelId, runtime);
    if (endpoint.protocol !== 'openai') return request;
    const sentence = `${modelId} runs on ${runtime}, so send requests to /predict/${modelId} and /v1/...; ${AS_IT_IS} is only for servers with routes of their own.`;
    throw new ModeliumError('not-supported-by-model', sentence, { param: 'model' });
  });
  new Exchange(ports, response, job, startedMs).start();
}

/** Its routes load and unload everybody's models, with a key that is not the client's. */
function sharedServer(modelId: string, runtime: string): ModeliumError {
  const sentence = `${modelId} shares its server (${runtime}) with other models, so ${AS_IT_IS} does not lead there: use /predict/${modelId} or /v2/models/${modelId}/infer.`;
  return new ModeliumError('not-supported-by-model', sentence, { param: 'model' });
}

/**
 * For OpenAI's routes and ours on top of them: a server of another protocol has none. @throws
 * ModeliumError not-supported-by-model.
 */
export function requireProtocol(modelId: string, { endpoint, runtime }: Pick<Lease, 'endpoint' | 'runtime'>): void {
  if (endpoint.protocol === 'openai') return;
  const sentence = `${modelId} runs on ${runtime}, which has no routes of OpenAI's (protocol: ${endpoint.protocol}): use ${routesOf(modelId, endpoint)}.`;
  throw new ModeliumError('not-supported-by-model', sentence, { param: 'model' });
}

function routesOf(modelId: string, { protocol, tensors }: Lease['endpoint']): string {
  if (protocol !== 'v2' || tensors === undefined) return `${AS_IT_IS}${modelId}/ and what follows`;
  return `/predict/${modelId} with ${isTextModel(tensors) ? 'a prompt' : 'inputs'}, or /v2/models/${modelId}/infer`;
}

/** What a server answers, refusals included, goes to the client as it is. */
export class AsItIs implements Job {
  readonly modelId: string;
  readonly streams: boolean;
  readonly passesRefusals = true;
  readonly prepare: (lease: Lease) => UpstreamRequest;

  constructor(modelId: string, streams: boolean, prepare: (lease: Lease) => UpstreamRequest) {
    this.modelId = modelId;
    this.streams = streams;
    this.prepare = prepare;
  }

  begin(exchange: Exchange, status: number, headers: UpstreamHeaders): void {
    if (status >= 400) exchange.doubt();
    exchange.response.writeHead(status, { ...passed(headers), ...FENCES, ...exchange.headers() });
  }

  data(exchange: Exchange, chunk: Buffer): void {
    exchange.markFirstToken();
    exchange.write(chunk);
  }

  end(exchange: Exchange): TokenUsage {
    exchange.response.end();
    return NO_USAGE;
  }
}

export function passed(headers: UpstreamHeaders): Record<string, string> {
  // What a header `connection` names is between neighbours, too.
  const named = new Set(
    String(headers['connection'] ?? '')
      .toLowerCase()
      .split(/\s*,\s*/),
  );
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const isOurs =
        name.startsWith('sec-') || name.startsWith('access-control-') || name.startsWith('x-modelium-') || name.startsWith('x-forwarded-');
      return value === undefined || isOurs || NOT_PASSED.has(name) || named.has(name) ? [] : [[name, String(value)]];
    }),
  );
}
