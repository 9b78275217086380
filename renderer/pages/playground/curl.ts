/** A request as a command line that a person can paste into any POSIX shell. Pure. */
import type { Body } from './request.ts';

/** @param address of the engine: `http://127.0.0.1:8000`. */
export function curlCommand(address: string, path: string, body: Body): string {
  const url = `${address}${path}`;
  // Without -N, curl keeps a stream's words until it has a bufferful.
  return [
    `curl${body['stream'] === true ? ' -N' : ''} ${quoted(url)}`,
    `-H ${quoted('content-type: application/json')}`,
    `-d ${quoted(JSON.stringify(body, null, 2))}`,
  ].join(' \\\n  ');
}

/**
 * Within single quotes a shell reads everything as it stands, but for the quote itself: the string
 * is closed, the quote escaped, and opened again.
 */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
