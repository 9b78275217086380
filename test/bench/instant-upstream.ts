/**
 * A model server that costs next to nothing, so that what is measured is the proxy before it:
 * OpenAI's shape over bare sockets, no logging. Takes llama-server's flags and ignores what it does
 * not know.
 *
 *   --start-ms MS   answers /health with 503 for so long
 *   --log FILE   one JSON line for start, ready, term and exit, in wall-clock ms
 *
 * A body with `"stream":true` gets `max_tokens` events; `metadata` {chunk_ms, chunk_bytes} paces
 * and pads them. Each says its number and the nanosecond it was written: `i=0;t=123;`.
 */
import { appendFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const args = process.argv.slice(2);

function flag(name: string, otherwise: string): string {
  const at = args.lastIndexOf(name);
  return at === -1 ? otherwise : (args[at + 1] ?? otherwise);
}

const model = flag('--alias', 'fast');
const log = flag('--log', '');
const startMs = Number(flag('--start-ms', '0'));
const wallMs = (): number => performance.timeOrigin + performance.now();

function tell(event: string, at = wallMs()): void {
  if (log !== '') appendFileSync(log, `${JSON.stringify({ event, model, pid: process.pid, at })}\n`);
}

function answer(status: string, body: string): Buffer {
  return Buffer.from(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const REPLY = answer(
  '200 OK',
  JSON.stringify({
    id: 'bench-1',
    object: 'chat.completion',
    created: 0,
    model,
    choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(40) }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 5, completion_tokens: 8, total_tokens: 13 },
  }),
);
const HEALTHY = answer('200 OK', '{"status":"ok"}');
const LOADING = answer('503 Service Unavailable', '{"error":{"message":"Loading model"}}');
const HEAD_END = Buffer.from('\r\n\r\n');
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';

interface StreamBody {
  readonly max_tokens?: number;
  readonly metadata?: { readonly chunk_ms?: string; readonly chunk_bytes?: string };
}

let ready = false;

function framed(data: string): string {
  const event = `data: ${data}\n\n`;
  return `${Buffer.byteLength(event).toString(16)}\r\n${event}\r\n`;
}

async function stream(socket: Socket, body: StreamBody): Promise<void> {
  const count = body.max_tokens ?? 100;
  const pauseMs = Number(body.metadata?.chunk_ms ?? 0);
  const padding = 'x'.repeat(Number(body.metadata?.chunk_bytes ?? 0));
  const chunk = (delta: object, more: object): string =>
    framed(JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 0, model, choices: [{ index: 0, delta }], ...more }));
  socket.write(STREAM_HEAD);
  for (let index = 0; index < count && !socket.destroyed; index += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    const flowing = socket.write(chunk({ content: `i=${index};t=${process.hrtime.bigint()};${padding}` }, {}));
    if (!flowing)
      await new Promise<void>((resolve) => {
        const go = () => {
          socket.off('drain', go).off('close', go);
          resolve();
        };
        socket.on('drain', go).on('close', go);
      });
    // Full speed, but each event its own write as a model's tokens are.
    else if (pauseMs === 0 && index % 16 === 15) await new Promise((resolve) => setImmediate(resolve));
  }
  const usage = { prompt_tokens: 5, completion_tokens: count, total_tokens: count + 5 };
  socket.write(`${chunk({}, { usage })}${framed('[DONE]')}0\r\n\r\n`);
}

function reply(socket: Socket, head: string, body: Buffer): void {
  if (head.startsWith('GET')) socket.write(ready ? HEALTHY : LOADING);
  else if (!ready) socket.write(LOADING);
  else if (body.includes('"stream":true')) void stream(socket, JSON.parse(body.toString()) as StreamBody);
  else socket.write(REPLY);
}

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (part: Buffer) => {
    pending = pending.length === 0 ? part : Buffer.concat([pending, part]);
    const end = pending.indexOf(HEAD_END);
    if (end === -1) return;
    const head = pending.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (pending.length < end + 4 + length) return;
    const body = pending.subarray(end + 4, end + 4 + length);
    pending = pending.subarray(end + 4 + length);
    reply(socket, head, body);
  });
});

tell('start', performance.timeOrigin);
process.on('SIGTERM', () => {
  tell('term');
  tell('exit');
  process.exit(0);
});
server.listen(Number(flag('--port', '8080')), '127.0.0.1', async () => {
  if (startMs > 0) await sleep(startMs);
  ready = true;
  tell('ready');
});
