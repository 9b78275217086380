/**
 * A client of text streams that costs little and keeps the time of each token: it must not blur
 * what it measures.
 */
import { Agent, request } from 'node:http';

export interface Streamed {
  /** Milliseconds from the request to the first piece of text, and to the end. */
  readonly firstMs: number;
  readonly endMs: number;
}

/** llama-server closes connections that idle, which a client that keeps them meets as an error. */
const agent = new Agent({ keepAlive: false });
const EVENT = Buffer.from('data: {');

/** Streams one completion. @throws Error with the answer when it is none. */
export function streamCompletion(port: number, key: string, body: object): Promise<Streamed> {
  const bytes = Buffer.from(JSON.stringify({ ...body, stream: true }));
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': bytes.length };
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let firstMs: number | null = null;
    let words = '';
    const asked = request({ port, host: '127.0.0.1', path: '/v1/completions', method: 'POST', headers, agent }, (response) => {
      response.on('data', (chunk: Buffer) => {
        if (response.statusCode !== 200) words += chunk.toString();
        if (chunk.includes(EVENT)) firstMs ??= performance.now() - began;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve({ firstMs: firstMs ?? Number.NaN, endMs: performance.now() - began });
        else reject(new Error(`${response.statusCode}: ${words}`));
      });
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(bytes);
  });
}
