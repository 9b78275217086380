/**
 * The least that a Node proxy on undici must do: read the body, parse it for the model, pass it on,
 * pass the answer back. Not a product: the floor that Modelium's own work is measured against.
 * --port P --upstream-port U
 */
import { createServer } from 'node:http';
import { Pool } from 'undici';

const args = process.argv.slice(2);
const number = (name: string): number => Number(args[args.indexOf(name) + 1]);

const pool = new Pool(`http://127.0.0.1:${number('--upstream-port')}`, {
  connections: 256,
  pipelining: 1,
  bodyTimeout: 0,
  headersTimeout: 0,
});
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade'];

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    if (request.method === 'GET') return response.end('ok');
    const body = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts);
    const { model } = JSON.parse(body.toString()) as { model?: unknown };
    if (typeof model !== 'string') return response.writeHead(404).end();
    const headers = { 'content-type': 'application/json' };
    pool.dispatch(
      { path: request.url ?? '/', method: 'POST', headers, body },
      {
        onRequestStart(controller) {
          response.on('close', () => {
            if (!response.writableFinished) controller.abort(new Error('client gone'));
          });
        },
        onResponseStart(controller, status, head) {
          for (const name of HOP_BY_HOP) delete head[name];
          response.writeHead(status, head);
          response.on('drain', () => controller.resume());
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause();
        },
        onResponseEnd() {
          response.end();
        },
        onResponseError(_controller, error) {
          if (response.headersSent) response.destroy();
          else response.writeHead(502).end(error.message);
        },
      },
    );
    return undefined;
  });
});
server.keepAliveTimeout = 60_000;
server.listen(number('--port'), '127.0.0.1');
