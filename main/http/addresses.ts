/**
 * Corrects misspelt request paths to the contract's routes: extra slashes, a missing or doubled
 * `/v1`, another case, a full URL instead of a path. It runs only for paths that match no route, so
 * ordinary requests pay nothing. Pure.
 */
import { API, type Contract } from '../../shared/api.ts';

/** What base URLs of other servers have in front: `/v1`, `/api/v1`, `/openai/v1`. */
const BEFORE_THE_ROUTE: ReadonlySet<string> = new Set(['v1', 'api', 'openai']);

/** Not those of the window and of who has the token: nobody types them. */
const TYPED = Object.values<Contract>(API).filter(({ access, path }) => access === 'open' && !/^\/(?:$|assets\/|control\/)/.test(path));
const WHOLE: ReadonlyMap<string, string> = new Map(TYPED.filter(({ path }) => !path.includes('{')).map(({ path }) => [path, path]));
/** `/predict/` and `/v1/models/`: what follows is a model's name. */
const BEFORE_A_NAME: readonly string[] = TYPED.filter(({ path }) => path.endsWith('/{model}')).map(({ path }) => path.slice(0, -7));

/**
 * The path of the contract that this one means.
 * @param path without its query.
 * @returns null when it means none, or is one already.
 */
export function meantPath(path: string): string | null {
  const parts = path.split('/').filter((part) => part !== '');
  let first = 0;
  while (first < parts.length - 1 && BEFORE_THE_ROUTE.has((parts[first] ?? '').toLowerCase())) first += 1;
  const rest = `/${parts.slice(first).join('/')}`;
  // `/models` alone is Modelium's own; after a `/v1` OpenAI's is meant.
  const candidates = first > 0 ? [`/v1${rest}`, rest] : [rest, `/v1${rest}`];
  for (const candidate of candidates) {
    const found = inContract(candidate);
    if (found !== null) return found === path ? null : found;
  }
  return null;
}

function inContract(path: string): string | null {
  const lower = path.toLowerCase();
  const whole = WHOLE.get(lower);
  if (whole !== undefined) return whole;
  const before = BEFORE_A_NAME.find((prefix) => lower.startsWith(prefix) && lower.length > prefix.length);
  return before === undefined ? null : `${before}${path.slice(before.length)}`;
}

/**
 * Takes a target apart that is a whole URL, as clients send it through a proxy (RFC 9112, 3.2.2:
 * its host then counts, not the header's).
 * @returns null for what is no http URL.
 */
export function absoluteTarget(target: string): { readonly host: string; readonly target: string } | null {
  const [, host, rest = ''] = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(target) ?? [];
  return host === undefined ? null : { host, target: rest.startsWith('/') ? rest : `/${rest}` };
}
