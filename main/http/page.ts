/**
 * The window as files: index.html for whoever asks for a page, and its assets. Sets the headers
 * that keep the page to itself; what is in the files is the renderer's business, where they lie the
 * engine's.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import type { PageFiles } from '../core/gateway.ts';
import type { Headers } from './respond.ts';

/**
 * Scripts, styles, fonts and requests from this address only: no remote image that would tell
 * others what is read here, no inline script, no frame around it. `data:` images are the page's own
 * icons.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SHIELD: Headers = {
  'content-security-policy': POLICY,
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
 * @returns whether there is a page: without a build there is none, and the routes as text are
 * better than an error.
 */
export async function sendPage(files: PageFiles, response: ServerResponse): Promise<boolean> {
  const page = await files.read('index.html');
  if (page === null) return false;
  // Another version of the engine has another page at the same address.
  send(response, page, 'no-cache');
  return true;
}

/** @throws ModeliumError route-not-found. */
export async function sendAsset(files: PageFiles, name: string, response: ServerResponse): Promise<void> {
  const asset = await files.read(`assets/${name}`);
  if (asset === null) throw new ModeliumError('route-not-found', `The window has no file ${name.slice(0, 100)}.`);
  send(response, asset, FOR_EVER);
}

function send(response: ServerResponse, file: { readonly contentType: string; readonly bytes: Uint8Array }, cacheControl: string): void {
  response.writeHead(200, {
    ...SHIELD,
    'cache-control': cacheControl,
    'content-type': file.contentType,
    'content-length': file.bytes.byteLength,
  });
  response.end(file.bytes);
}
