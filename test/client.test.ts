import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connect, createClient } from '../main/client.ts';
import { Gatekeeper } from '../main/http/token.ts';
import { openStateFolder, type StateFolder } from '../main/io/state-folder.ts';
import { ModeliumError } from '../shared/errors.ts';

let root: string;
let state: StateFolder;
let server: Server;
let address: string;
let seen: { path: string | undefined; authorization: string | undefined }[];
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'modelium-client-'));
  state = openStateFolder(join(root, 'state'));
  seen = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push({ path: request.url, authorization: request.headers.authorization });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  announce();
});

afterEach(async () => {
  state.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true });
});

function announce(): void {
  state.announce({ pid: process.pid, startTime: 0, bootId: '', run: 'run', address, version: '0', startedAt: '' });
}

/** A server that proves itself as the engine does, and then answers. */
function proving(token: string, otherwise: typeof answer, run = 'run', at?: string): typeof answer {
  const gatekeeper = new Gatekeeper({ token, run, wallTime: () => Date.now() - 3_600_000, listens: () => new URL(at ?? address).host });
  return (request, response, body) => {
    try {
      if (request.url === '/control/prove') {
        const { nonce } = JSON.parse(body) as { nonce: string };
        return response.end(JSON.stringify(gatekeeper.prove(nonce, request.headers.host)));
      }
      const { answerProof } = gatekeeper.admit(request);
      if (answerProof !== null) response.setHeader('x-modelium-proof', answerProof);
    } catch (thrown) {
      const refused = thrown as ModeliumError;
      return response.writeHead(refused.status).end(JSON.stringify(refused.envelope()));
    }
    return otherwise(request, response, body);
  };
}

describe('the token', () => {
  test('never travels; each request is signed anew', async () => {
    answer = proving(state.token, (_, response) => response.end('{"models":[]}'));
    const engine = await connect(state.path);
    expect(await engine.get<'models'>('/control/snapshot')).toEqual({ models: [] });
    await engine.post<'load'>("/control/models/it's/load?x='", { force: true });
    const [first, second, third] = seen.map(({ authorization }) => authorization);
    expect(first).toBeUndefined();
    expect(second).toMatch(/^Modelium /);
    expect(third).toMatch(/^Modelium /);
    expect(JSON.stringify(seen)).not.toContain(state.token);
  });

  test('an engine that was started anew is asked to prove itself again, and then takes the request', async () => {
    answer = proving(state.token, (_, response) => response.end('{}'));
    const engine = await connect(state.path);
    answer = proving(state.token, (_, response) => response.end('{"again":true}'), 'another run');
    expect(await engine.get('/control/snapshot')).toEqual({ again: true });
    expect(seen.map(({ path }) => path)).toEqual(['/control/prove', '/control/snapshot', '/control/prove', '/control/snapshot']);
  });

  test('an answer that does not prove itself is not believed', async () => {
    answer = proving(state.token, (_, response) => {
      response.removeHeader('x-modelium-proof');
      response.end('{"forged":true}');
    });
    const engine = await connect(state.path);
    await expect(engine.get('/control/snapshot')).rejects.toMatchObject({ code: 'not-running' });
  });

  test('a proof of another run than engine.json tells is none', async () => {
    answer = proving(state.token, (_, response) => response.end('{}'), 'an older run');
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running' });
  });

  test('who passes the question on to the engine elsewhere gets no proof for its own address', async () => {
    const engine = proving(state.token, (_, response) => response.end('{}'), 'run', 'http://127.0.0.1:1');
    // As it came, and with the address that the engine knows as its own.
    for (const host of [new URL(address).host, '127.0.0.1:1']) {
      answer = (request, response, body) => {
        request.headers.host = host;
        engine(request, response, body);
      };
      await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running' });
    }
    expect(seen.map(({ path }) => path)).toEqual(['/control/prove', '/control/prove']);
  });

  test('who passes the question on cannot write another address into the answer', async () => {
    const gatekeeper = new Gatekeeper({ token: state.token, run: 'run', wallTime: () => Date.now(), listens: () => '127.0.0.1:1' });
    const { host } = new URL(address);
    answer = (_request, response, body) => {
      const { nonce } = JSON.parse(body) as { nonce: string };
      response.end(JSON.stringify({ ...gatekeeper.prove(nonce, host), listens: host }));
    };
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running' });
    // Asked by its own address, the engine says that it listens there: the address asked is signed, too.
    const own = new Gatekeeper({ token: state.token, run: 'run', wallTime: () => Date.now(), listens: () => host });
    answer = (_request, response, body) => {
      const { nonce } = JSON.parse(body) as { nonce: string };
      response.end(JSON.stringify(own.prove(nonce, '127.0.0.1:1')));
    };
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running' });
  });

  test('a stranger that only drips bytes is left', { timeout: 10_000 }, async () => {
    answer = (_, response) => {
      const timer = setInterval(() => response.write(' '), 50);
      response.once('close', () => clearInterval(timer));
    };
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running' });
  });

  test.each<[string, typeof answer]>([
    ['a wrong proof', (_, response) => response.end('{"hmac":"00"}')],
    ['no JSON', (_, response) => response.end('<html>')],
    ['JSON that is no object', (_, response) => response.end('null')],
    ['an answer without end', (_, response) => response.end(`{"hmac":"${'0'.repeat(100_000)}"}`)],
    ['404', (_, response) => response.writeHead(404).end('{}')],
    ['a proof by another token', proving('other', (_, response) => response.end('{}'))],
  ])('is not shown to a stranger on the port: %s', async (_, stranger) => {
    answer = stranger;
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running' });
    expect(seen).toEqual([{ path: '/control/prove', authorization: undefined }]);
  });
});

describe('not running', () => {
  test('no engine file', async () => {
    state.close();
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running', message: expect.stringContaining(state.path) });
    state = openStateFolder(state.path);
  });

  test('nobody on the port', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'not-running', message: expect.stringContaining(address) });
    server = createServer().listen(0);
  });

  test('a token that this user may not read is said, not hidden', async () => {
    if (process.getuid?.() === 0) return; // root reads everything
    chmodSync(join(state.path, 'control-token'), 0o000);
    await expect(connect(state.path)).rejects.toMatchObject({ code: 'state-unusable' });
  });
});

describe('errors', () => {
  test("are the engine's own", async () => {
    const sent = new ModeliumError('model-failed', 'It ran out of memory.', { lastOutput: ['boom'] });
    answer = proving(state.token, (_, response) => response.writeHead(sent.status).end(JSON.stringify(sent.envelope())));
    await expect(createClient(address, state.token).post('/control/models/x/load', {})).rejects.toMatchObject({
      code: 'model-failed',
      message: 'It ran out of memory.',
      details: { lastOutput: ['boom'] },
    });
  });

  test('of an unknown code, or without an envelope, still have their words', async () => {
    answer = proving(state.token, (_, response) => response.writeHead(418).end('{"error":{"code":"toString","message":"odd"}}'));
    await expect(createClient(address, state.token).get('/x')).rejects.toMatchObject({ code: 'internal', message: 'odd' });
    answer = proving(state.token, (_, response) => response.writeHead(502).end(''));
    await expect(createClient(address, state.token).get('/x')).rejects.toThrow(/502/);
    answer = proving(state.token, (_, response) => response.writeHead(500).end('null'));
    await expect(createClient(address, state.token).get('/x')).rejects.toThrow(/500/);
  });

  test('an answer larger than any of ours is cut off', async () => {
    answer = proving(state.token, (_, response) => response.end(Buffer.alloc(65 * 1024 * 1024, 32)));
    await expect(createClient(address, state.token).get('/x')).rejects.toMatchObject({ code: 'not-running' });
  });
});

describe('events', () => {
  const stream: typeof answer = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\nid: 1\nevent: snapshot\ndata: {"n":');
    setImmediate(() => response.write('1}\n\ndata: {"n":2}\n\n'));
  };

  test('are read until the listener has enough, and the connection is given back', async () => {
    answer = proving(state.token, stream);
    const gone = new Promise((resolve) => server.once('connection', (socket) => socket.once('close', resolve)));
    const got: unknown[] = [];
    await createClient(address, state.token).follow('/control/events', (data) => got.push(data) < 2);
    expect(got).toEqual([{ n: 1 }, { n: 2 }]);
    await gone;
  });

  test('end with the signal', async () => {
    answer = proving(state.token, stream);
    const leave = new AbortController();
    const leaveAtOnce = (): boolean => {
      leave.abort();
      return true;
    };
    await createClient(address, state.token).follow('/control/events', leaveAtOnce, leave.signal);
    await createClient(address, state.token).follow('/control/events', () => true, leave.signal);
  });

  test('an engine that dies in the middle is said', async () => {
    answer = proving(state.token, (request, response) => {
      stream(request, response, '');
      setImmediate(() => setImmediate(() => request.socket.destroy()));
    });
    await expect(createClient(address, state.token).follow('/x', () => true)).rejects.toMatchObject({ code: 'not-running' });
  });
});
