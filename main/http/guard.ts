/**
 * Decides which clients may talk to the engine. Runs before every route, including the hot path,
 * and knows no route. A web page that a user visits must not reach the engine: neither through a
 * foreign name that resolves here (DNS rebinding: Host), nor from a foreign origin (Origin,
 * Sec-Fetch-Site).
 */
import { ModeliumError } from '../../shared/errors.ts';
import { hostRules, type NameRules, originRules } from '../../shared/origins.ts';

/**
 * This machine's names for itself. Addresses are as good as names: a page cannot rebind an address.
 * That includes the two that mean "any address" and lead to loopback when somebody connects to
 * them, as people do who copied the address of a server that listens on all.
 */
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]', '0.0.0.0', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]'];
const LOOPBACK_ADDRESS = /^127(\.\d{1,3}){3}$/;
/**
 * What Docker and Podman call the machine inside a container; their proxies ask us from loopback.
 * Whoever controls a network's DNS may call any machine so, hence these names are for programs
 * alone: a page's request to read or to ask for an answer carries an Origin.
 */
const NAMES_IN_CONTAINERS: ReadonlySet<string> = new Set(['host.docker.internal', 'gateway.docker.internal', 'host.containers.internal']);

export interface GuardRules {
  /** Lower-case host names without port. */
  readonly hosts: NameRules;
  /** Origins as browsers send them. */
  readonly origins: NameRules;
}

/** The headers that the guard looks at, in Node's lower-case form. */
export interface GuardedHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly 'sec-fetch-site'?: string | string[] | undefined;
}

/**
 * `corsOrigin`: the foreign origin that the settings let in, which needs CORS headers; null for
 * everybody else.
 */
export type Verdict = { readonly refused: ModeliumError } | { readonly refused: null; readonly corsOrigin: string | null };

const WELCOME: Verdict = { refused: null, corsOrigin: null };

/** Rules from the settings `api.host`, `api.allowed_hosts` and `api.cors_origins`. */
export function guardRules(api: {
  readonly host: string;
  readonly allowed_hosts: readonly string[];
  readonly cors_origins: readonly string[];
}): GuardRules {
  return { hosts: hostRules([...LOOPBACK_NAMES, api.host, ...api.allowed_hosts]), origins: originRules(api.cors_origins) };
}

export function guard(headers: GuardedHeaders, rules: GuardRules): Verdict {
  const { host, origin } = headers;
  if (host === undefined || !isAnsweredTo(nameOf(host), origin, rules)) return refuse('host-not-allowed', notOurName(host ?? ''));
  if (origin !== undefined && !isOwn(origin, host)) {
    if (rules.origins.has(origin)) return { refused: null, corsOrigin: origin };
    return refuse('origin-not-allowed', `Pages of the origin "${short(origin)}" may not use this engine.`);
  }
  if (origin === undefined && headers['sec-fetch-site'] === 'cross-site') {
    return refuse('origin-not-allowed', 'Other web sites may not use this engine.');
  }
  return WELCOME;
}

function refuse(code: 'host-not-allowed' | 'origin-not-allowed', message: string): Verdict {
  return { refused: new ModeliumError(code, message) };
}

function isAnsweredTo(name: string, origin: string | undefined, { hosts }: GuardRules): boolean {
  return hosts.has(name) || isLoopbackName(name) || (origin === undefined && NAMES_IN_CONTAINERS.has(name));
}

function notOurName(host: string): string {
  const name = nameOf(host);
  const refused = `This engine does not answer to the name "${short(host)}"`;
  return NAMES_IN_CONTAINERS.has(name)
    ? `${refused} when a web page asks: for that, add "${name}" to api.allowed_hosts, and the page's origin to api.cors_origins.`
    : `${refused}: use localhost, or add "${short(name)}" to api.allowed_hosts.`;
}

/** @param name lower-case, without port. */
export function isLoopbackName(name: string): boolean {
  return LOOPBACK_NAMES.includes(name) || LOOPBACK_ADDRESS.test(name);
}

/**
 * The name before the port: `localhost:8000` -> `localhost`, `[::1]:8000` -> `[::1]`. A dot at the
 * end only says that it is a whole name.
 */
function nameOf(host: string): string {
  const colon = host.lastIndexOf(':');
  const name = colon > host.lastIndexOf(']') ? host.slice(0, colon) : host;
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase();
}

/**
 * The Host was let in already, so a page under that very host and port is ours, be it behind a TLS
 * proxy.
 */
function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}

function short(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
