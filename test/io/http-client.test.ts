/** The client against a real server on loopback and on a Unix socket. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { UpstreamHandler } from '../../main/http/upstream.ts';
import { packedFolder } from '../../main/io/files/packed-folder.ts';
import { createUpstreams } from '../../main/io/http-client.ts';
import { eventually } from '../helpers/eventually.ts';

const upstreams = createUpstreams();
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void, socket: string | null = null) {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => (socket === null ? server.listen(0, '127.0.0.1', resolve) : server.listen(socket, resolve)));
  const at = socket === null ? { port: (server.address() as AddressInfo).port } : { socket };
  return { at, key: 'secret', prefix: '/v1' };
}

const get = { method: 'GET', path: '/health', body: undefined, timeoutMs: 10_000, signal: new AbortController().signal } as const;

describe('request', () => {
  it('sends JSON with the key, and answers status and body', async () => {
    const target = await serve((request, response) => {
      const { method, url, headers } = request;
      void text(request).then((body) =>
        response.writeHead(201).end(`${method} ${url} ${headers.authorization} ${headers['content-type']} ${body}`),
      );
    });
    const answer = await upstreams.request(target, { ...get, method: 'POST', path: '/v1/x', body: { a: 1 } });
    expect(answer).toEqual({ status: 201, body: 'POST /v1/x Bearer secret application/json {"a":1}' });
  });

  it('reaches a Unix socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelium-socket-'));
    const target = await serve((_request, response) => response.end('here'), join(folder, 's'));
    expect(await upstreams.request(target, get)).toEqual({ status: 200, body: 'here' });
    rmSync(folder, { recursive: true });
  });

  it('uploads a folder with any method, and tells a file that is not there from a server that is not', async () => {
    const target = await serve((request, response) => {
      const { method, url, headers } = request;
      void text(request).then((body) =>
        response.end(
          `${method} ${url} ${headers.authorization} ${headers['content-type']} ${headers['content-length']} ${body.slice(0, 2)}`,
        ),
      );
    });
    const folder = mkdtempSync(join(tmpdir(), 'modelium-upload-'));
    writeFileSync(join(folder, 'app.py'), 'bytes'.repeat(100_000));
    const { body: _none, ...small } = get;
    const packing = { below: '', mostBytes: 1_000_000, without: [] };
    const upload = { ...small, method: 'PUT', path: '/api/packages/a.zip', contentType: 'application/zip', packing } as const;
    const { bytes } = await packedFolder(folder, packing);
    const { body } = await upstreams.upload(target, { ...upload, folder });
    expect(body).toBe(`PUT /api/packages/a.zip Bearer secret application/zip ${bytes} PK`);
    const gone = { ...small, method: 'POST', texts: {}, files: { file: join(folder, 'gone') } } as const;
    await expect(upstreams.upload(target, gone)).rejects.toMatchObject({ syscall: 'stat' });
    rmSync(folder, { recursive: true });
  });

  it('rejects when nobody answers, when it takes too long, and when it is called off', async () => {
    const silent = await serve(() => {});
    await expect(upstreams.request(silent, { ...get, timeoutMs: 50 })).rejects.toThrow();
    await expect(upstreams.request(silent, { ...get, signal: AbortSignal.abort() })).rejects.toThrow();
    const gone = { ...silent };
    const server = servers.pop();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    await expect(upstreams.request(gone, get)).rejects.toThrow();
  });

  it('asks over connections of its own: any number of requests that are being answered holds up no health check', async () => {
    let held = 0;
    const target = await serve((incoming, response) => {
      if (incoming.url === '/health') return void response.end('ok');
      held += 1;
      response.writeHead(200).write('a first word');
    });
    const quiet: UpstreamHandler = {
      onRequestStart: () => {},
      onResponseStart: () => {},
      onResponseData: () => {},
      onResponseEnd: () => {},
      onResponseError: () => {},
    };
    const request = { path: '/v1/completions', method: 'POST', headers: {}, body: '{}' } as const;
    for (let count = 0; count < 1_100; count += 1) upstreams.dispatch(target, request, quiet);
    await eventually('all that are let through are held', () => held >= 1_024);
    expect(await upstreams.request(target, { ...get, timeoutMs: 5_000 })).toEqual({ status: 200, body: 'ok' });
  });

  it('closes a connection that nobody uses before uvicorn would, which does so after five seconds', async () => {
    const closed = Promise.withResolvers<void>();
    const target = await serve((request, response) => {
      request.socket.on('close', () => closed.resolve());
      response.end('there');
    });
    for (const server of servers) server.keepAliveTimeout = 0;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const mine = createUpstreams();
      await mine.request(target, get);
      await vi.advanceTimersByTimeAsync(4_900);
      // The client has closed it by now, or never does: the server keeps it.
      await closed.promise;
    } finally {
      vi.useRealTimers();
    }
  });

  it('refuses an answer without end', async () => {
    const target = await serve((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on('drain', more);
      more();
    });
    await expect(upstreams.request(target, get)).rejects.toThrow('longer than');
  });
});

describe('dispatch', () => {
  function collect(): { handler: UpstreamHandler; heard: string[]; done: Promise<void> } {
    const heard: string[] = [];
    let finish = (): void => {};
    const done = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const handler: UpstreamHandler = {
      onRequestStart: () => void heard.push('start'),
      onResponseStart: (_controller, status, headers) => void heard.push(`${status} ${headers['content-type']}`),
      onResponseData: (_controller, chunk) => void heard.push(chunk.toString()),
      onResponseEnd: () => {
        heard.push('end');
        finish();
      },
      onResponseError: (_controller, error) => {
        heard.push(`error ${(error as { code?: string }).code}`);
        finish();
      },
    };
    return { handler, heard, done };
  }

  const request = { path: '/v1/completions', method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' } as const;

  it('hands the answer on as it comes, with the key as Authorization', async () => {
    const target = await serve((incoming, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`data: ${incoming.headers.authorization}\n\n`);
      setImmediate(() => response.end('data: [DONE]\n\n'));
    });
    const { handler, heard, done } = collect();
    upstreams.dispatch(target, request, handler);
    await done;
    expect(heard[0]).toBe('start');
    expect(heard[1]).toBe('200 text/event-stream');
    expect(heard.slice(2, -1).join('')).toBe('data: Bearer secret\n\ndata: [DONE]\n\n');
    expect(heard.at(-1)).toBe('end');
  });

  it('is busy from the request to the end of its answer, and never for our own calls', async () => {
    const mine = createUpstreams();
    const held: ServerResponse[] = [];
    const target = await serve((_request, response) => void held.push(response));
    const own = mine.request(target, get);
    await eventually('our own call is held', () => held.length === 1);
    expect(mine.isBusy()).toBe(false);
    const { handler, done } = collect();
    mine.dispatch(target, request, handler);
    expect(mine.isBusy()).toBe(true);
    await eventually('the request is held', () => held.length === 2);
    held[1]?.write('a part');
    expect(mine.isBusy()).toBe(true);
    for (const response of held) response.end();
    await Promise.all([own, done]);
    await eventually('it is over', () => !mine.isBusy());
    await mine.close();
  });

  it('sends large bodies and bodies in parts whole, in order and with their length, several at once', async () => {
    const target = await serve((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const body = Buffer.concat(chunks);
        response.end(`${incoming.headers['content-length']} ${body.length} ${createHash('sha256').update(body).digest('hex')}`);
      });
    });
    const parts = [randomBytes(700_000), Buffer.from('in the middle'), randomBytes(300_001)];
    const bodies = [parts, randomBytes(1_000_000), [Buffer.from('{"a":1'), Buffer.from(',"b":2}')], Buffer.from('{}')];
    const answers = await Promise.all(
      bodies.map(async (body) => {
        const { handler, heard, done } = collect();
        upstreams.dispatch(target, { ...request, body }, handler);
        await done;
        return heard.slice(2, -1).join('');
      }),
    );
    const wholes = bodies.map((body) => (Buffer.isBuffer(body) ? body : Buffer.concat(body)));
    expect(answers).toEqual(wholes.map((body) => `${body.length} ${body.length} ${createHash('sha256').update(body).digest('hex')}`));
  });

  it.each([
    ['/v1', '/v1/completions', '/v1/completions'],
    ['/lab/v1', '/v1/completions', '/lab/v1/completions'],
    ['/lab/v1', '/classify', '/lab/classify'],
    ['/api/v3', '/v1/completions', '/api/v3/completions'],
    ['', '/v1/completions', '/completions'],
  ])('a server with the prefix %j is asked for %s at %s', async (prefix, path, expected) => {
    const target = await serve((incoming, response) => response.end(incoming.url));
    const { handler, heard, done } = collect();
    const url = `http://127.0.0.1:${(target.at as { port: number }).port}`;
    upstreams.dispatch({ at: { url }, key: null, prefix }, { ...request, path }, handler);
    await done;
    expect(heard.slice(2, -1).join('')).toBe(expected);
  });

  it('tells a refused connection, without a start, and a death in mid-stream', async () => {
    const target = await serve((_incoming, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
    });
    const broken = collect();
    upstreams.dispatch(target, request, broken.handler);
    await broken.done;
    expect(broken.heard[0]).toBe('start');
    expect(broken.heard.at(-1)).toMatch(/^error/);
    servers.pop()?.close();
    const refused = collect();
    upstreams.dispatch(target, request, refused.handler);
    await refused.done;
    expect(refused.heard).toEqual(['error ECONNREFUSED']);
  });

  it('serves more runtimes, one after another, than it keeps pools for', async () => {
    const ports: number[] = [];
    for (let at = 0; at < 70; at += 1) {
      const target = await serve((_incoming, response) => response.writeHead(200, { connection: 'close' }).end('x'));
      ports.push('port' in target.at ? (target.at.port ?? 0) : 0);
      expect((await upstreams.request(target, get)).body).toBe('x');
    }
    expect(new Set(ports).size).toBeGreaterThan(64);
  });
});
