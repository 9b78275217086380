/**
 * The patterns in `api.cors_origins` and `api.allowed_hosts`, and what they match. Pure. A pattern
 * is refused if its `*` could match more than intended (`http://localhost*` would allow
 * http://localhost.evil.example); the error shows a form that works.
 */

/** A scheme; a host that is a name, an address, `*` or begins with `*.`; perhaps a port or `:*`. */
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/(\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::(\d{1,5}|\*))?$/;
const HOST = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$|^\[?[0-9a-f:.]*:[0-9a-f:.]*\]?$/;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Is this origin, or this host name, one of them? */
export interface NameRules {
  has(name: string): boolean;
}

/**
 * Is it an origin as browsers send it, `null`, `*`, or a pattern of one? A slash at the end is
 * forgiven.
 */
export function isOriginPattern(text: string): boolean {
  const plain = withoutSlash(text);
  return plain === '*' || plain === 'null' || ORIGIN.test(plain);
}

/** Is it a host name without scheme, port or path, perhaps beginning with `*.`? */
export function isHostPattern(text: string): boolean {
  return HOST.test(text.toLowerCase());
}

/** @param patterns each one that `isOriginPattern` takes; others match nothing. */
export function originRules(patterns: readonly string[]): NameRules {
  const plain = patterns.map(withoutSlash);
  const exact = new Set(plain.map(withoutDefaultPort));
  if (exact.has('*')) return { has: () => true };
  const open = plain.filter((pattern) => pattern.includes('*') && ORIGIN.test(pattern)).map(toExpression);
  return { has: (origin) => exact.has(origin) || open.some((expression) => expression.test(origin)) };
}

/**
 * @param patterns each one that `isHostPattern` takes. Names to look up are lower-case, without
 * port; IPv6 stands in brackets.
 */
export function hostRules(patterns: readonly string[]): NameRules {
  const plain = patterns.map((pattern) => pattern.toLowerCase());
  const exact = new Set(plain.map((name) => (name.includes(':') && !name.startsWith('[') ? `[${name}]` : name)));
  const endings = plain.filter((name) => name.startsWith('*.')).map((name) => name.slice(1));
  return { has: (name) => exact.has(name) || endings.some((ending) => name.length > ending.length && name.endsWith(ending)) };
}

function toExpression(pattern: string): RegExp {
  const [, scheme = '', host = '', port] = ORIGIN.exec(pattern) ?? [];
  const hosts = host === '*' ? '[^/:]+|\\[[^/]+\\]' : escaped(host).replace(/^\\\*\\\./, '[^/:]+\\.');
  // Whoever lets every host in does not mean those at the default port alone.
  const ports = port === '*' || (host === '*' && port === undefined) ? '(?::\\d+)?' : port === undefined ? '' : `:${port}`;
  return new RegExp(`^${escaped(scheme)}://(?:${hosts})${ports}$`);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function withoutSlash(text: string): string {
  const lower = text.toLowerCase();
  return lower.endsWith('/') && !lower.endsWith('//') ? lower.slice(0, -1) : lower;
}

/** Browsers leave the usual port out. */
function withoutDefaultPort(origin: string): string {
  const [, scheme = '', , port] = ORIGIN.exec(origin) ?? [];
  return port !== undefined && DEFAULT_PORTS[scheme] === port ? origin.slice(0, -port.length - 1) : origin;
}
