/**
 * Who may speak to us at all. Runs before every route, the hot path included, and knows nothing of routes.
 * A web page that a person visits must not reach an engine on their machine: neither by a foreign name that resolves here (DNS rebinding: Host),
 * nor as a foreign origin (Origin, Sec-Fetch-Site).
 */
import { ModeliumError } from '../../shared/errors.ts';

const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]'];

export interface GuardRules {
  /** Lower-case host names without port. */
  readonly hosts: ReadonlySet<string>;
  /** Origins as browsers send them; `*` lets every one in. */
  readonly origins: ReadonlySet<string>;
}

/** The headers that the guard looks at, in Node's lower-case form. */
export interface GuardedHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/** `corsOrigin`: the foreign origin that the settings let in, which needs CORS headers; null for everybody else. */
export type Verdict = { readonly refused: ModeliumError } | { readonly refused: null; readonly corsOrigin: string | null };

const WELCOME: Verdict = { refused: null, corsOrigin: null };

/** Rules from the settings `api.host`, `api.allowed_hosts` and `api.cors_origins`. */
export function guardRules(api: {
  readonly host: string;
  readonly allowed_hosts: readonly string[];
  readonly cors_origins: readonly string[];
}): GuardRules {
  return {
    hosts: new Set([...LOOPBACK_NAMES, api.host, ...api.allowed_hosts].map((name) => name.toLowerCase())),
    origins: new Set(api.cors_origins.map((origin) => (origin.endsWith('/') ? origin.slice(0, -1) : origin))),
  };
}

export function guard(headers: GuardedHeaders, rules: GuardRules): Verdict {
  const { host, origin } = headers;
  if (host === undefined || !rules.hosts.has(nameOf(host))) {
    return refuse('host-not-allowed', `This engine does not answer to the name "${short(host ?? '')}".`);
  }
  if (origin !== undefined && !isOwn(origin, host)) {
    if (rules.origins.has(origin) || rules.origins.has('*')) return { refused: null, corsOrigin: origin };
    return refuse('origin-not-allowed', `Pages of the origin "${short(origin)}" may not ask this engine.`);
  }
  if (origin === undefined && headers['sec-fetch-site'] === 'cross-site') {
    return refuse('origin-not-allowed', 'Another web site may not ask this engine.');
  }
  return WELCOME;
}

function refuse(code: 'host-not-allowed' | 'origin-not-allowed', message: string): Verdict {
  return { refused: new ModeliumError(code, message) };
}

/** The name before the port: `localhost:8000` -> `localhost`, `[::1]:8000` -> `[::1]`. */
function nameOf(host: string): string {
  const colon = host.lastIndexOf(':');
  const name = colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
  return name.toLowerCase();
}

/** The Host was let in already, so a page under that very host and port is ours, be it behind a TLS proxy. */
function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function short(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
