/**
 * Serves the window's files: index.html for browsers, and its assets. Sets the security headers of
 * the page. The renderer provides the files; the engine knows their folder.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import type { PageFiles } from '../core/gateway.ts';
import type { Headers } from './respond.ts';

/**
 * Scripts, styles, fonts and requests from this address only: no remote image that would tell
 * others what is read here, no frame around it. `data:` images are the page's own icons. The one
 * inline script is the import map of the build, which holds the hashes of all scripts; workers have
 * no hashes, and there are none.
 */
const policyOf = (scripts: string): string =>
  [
    "default-src 'none'",
    `script-src ${scripts}`,
    "worker-src 'none'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

const IMPORT_MAP = /<script type="importmap">([^<]*)<\/script>/;

const NOTHING = Buffer.alloc(0);
/** A script that the import map forgot does not run (Chromium 138 and newer). */
const HASHED_SCRIPTS = 'blocked-destinations=(script)';

const SHIELD: Headers = {
  'content-security-policy': policyOf("'self'"),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

/** The page's build names its assets by their content, so that they never change. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Browsers ask for HTML by name; curl and scripts do not, and get the routes as text. */
export function wantsPage({ headers }: IncomingMessage): boolean {
  return headers.accept?.includes('text/html') === true;
}

/**
 * @returns whether there is a page: without a build there is none, nor with one that has no hashes,
 * and the routes as text are better than an error.
 */
export async function sendPage(files: PageFiles, response: ServerResponse): Promise<boolean> {
  const page = await files.read('index.html');
  const [, map] = IMPORT_MAP.exec(Buffer.from(page?.bytes ?? NOTHING).toString('utf8')) ?? [];
  if (page === null || map === undefined) return false;
  send(response, page, {
    // Another version of the engine has another page at the same address.
    'cache-control': 'no-cache',
    'content-security-policy': policyOf(`'self' 'sha256-${createHash('sha256').update(map).digest('base64')}'`),
    'integrity-policy': HASHED_SCRIPTS,
  });
  return true;
}

/** @throws ModeliumError route-not-found. */
export async function sendAsset(files: PageFiles, name: string, response: ServerResponse): Promise<void> {
  const asset = await files.read(`assets/${name}`);
  if (asset === null) throw new ModeliumError('route-not-found', `The window has no file ${name.slice(0, 100)}.`);
  send(response, asset, { 'cache-control': FOR_EVER });
}

function send(response: ServerResponse, file: { readonly contentType: string; readonly bytes: Uint8Array }, headers: Headers): void {
  response.writeHead(200, {
    ...SHIELD,
    ...headers,
    'content-type': file.contentType,
    'content-length': file.bytes.byteLength,
  });
  response.end(file.bytes);
}
