/** The list of all routes as text, and the error for a request that matches none of them. Pure. */
import { API, type Contract } from '../../shared/api.ts';
import { ModeliumError } from '../../shared/errors.ts';

const CONTRACTS: readonly Contract[] = Object.values<Contract>(API);

const PATTERNS = CONTRACTS.map((contract) => ({
  method: contract.method,
  pattern: new RegExp(`^${contract.path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
}));

/**
 * For a client that has met none: what it may ask without the token, and that is no part of the
 * window.
 */
const OPEN_ROUTES = CONTRACTS.filter(({ access, path }) => access === 'open' && !/^\/(?:$|assets\/|control\/)/.test(path))
  .map(({ method, path }) => `${method} ${path}`)
  .join(', ');

/** `/` in plain text. */
export function routesAsText(version: string): string {
  const width = Math.max(...CONTRACTS.map(({ path }) => path.length));
  const lines = CONTRACTS.map(
    ({ method, path, summary, access }) =>
      `${method.padEnd(6)} ${path.padEnd(width)}  ${summary}${access === 'token' ? ' (control token)' : ''}`,
  );
  return [`Modelium ${version}`, '', ...lines, ''].join('\n');
}

/** The methods of a path, empty for a path that there is not. */
export function methodsOf(url: string): readonly string[] {
  const path = pathOf(url);
  return [...new Set(PATTERNS.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method))];
}

/** Is the body a file, whatever it calls itself? */
export function takesFile(path: string): boolean {
  return CONTRACTS.some((contract) => contract.takesFile === true && contract.path === path);
}

/** route-not-found, or method-not-allowed with the methods that are. */
export function unknownRoute(method: string, url: string): ModeliumError {
  const methods = methodsOf(url);
  const path = pathOf(url).slice(0, 200);
  return methods.length === 0
    ? new ModeliumError('route-not-found', `There is no route ${path}. These answer: ${OPEN_ROUTES}.`)
    : new ModeliumError('method-not-allowed', `${path} takes ${methods.join(' or ')}, not ${method}.`);
}

/** A URL's path without its query. */
export function pathOf(url: string): string {
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}
