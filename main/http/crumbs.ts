/**
 * Bodies that come in crumbs: Node calls for each chunk that a client made, so that 64 KiB of the network are ten thousand calls where each holds a byte.
 * Such bodies are read one after the other, a few of their chunks in each turn, and everybody else is served in between (I12). Knows no route.
 */
import type { Readable } from 'node:stream';

const CHUNKS_AT_ONCE = 1_024;
/** Chunks that are larger on average cost next to nothing. */
const CRUMB_BYTES = 256;

/** Of all connections: one of them is read in each turn. */
const waiting: Readable[] = [];

/** Pauses the body for some turns as often as many small chunks of it came. To be called before it is read. */
export function inTurns(body: Readable): void {
  let chunks = 0;
  let bytes = 0;
  body.on('data', (part: Buffer) => {
    chunks += 1;
    bytes += part.length;
    if (chunks % CHUNKS_AT_ONCE !== 0 || bytes > chunks * CRUMB_BYTES) return;
    body.pause();
    // A request that is paused goes on collecting some; its connection does not.
    if ('socket' in body) (body.socket as Readable).pause();
    waiting.push(body);
    if (waiting.length === 1) setImmediate(next);
  });
}

function next(): void {
  const body = waiting.shift();
  if (waiting.length > 0) setImmediate(next);
  body?.resume();
}
