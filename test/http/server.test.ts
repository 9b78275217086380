import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connections } from '../../main/http/connections.ts';
import { createMetricsServer } from '../../main/http/metrics-server.ts';
import { hmac } from '../../main/http/token.ts';
import { API, type Contract } from '../../shared/api.ts';
import { DEFAULT_SETTINGS } from '../../shared/settings.ts';
import { createVirtualClock } from '../helpers/virtual-clock.ts';
import { ask, type FakeEngine, type Setup, startSetup, TOKEN, until, WITH_TOKEN } from './harness.ts';

/** More than lies in the buffers on the way. */
const SENT_BYTES = 32 * 1024 ** 2;
/** Kept for control, beyond the bound. */
const SPARE = 32;

let setup: Setup;
beforeEach(async () => {
  setup = await startSetup();
});
afterEach(async () => {
  await setup.close();
});

/** Bytes out, everything that comes back until the end. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(setup.port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const part of socket) text += String(part);
  return text;
}

/** A request with headers that fetch would not send. */
function plain(
  path: string,
  method: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: Record<string, unknown> }> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: setup.port, host: '127.0.0.1', path, method, headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

const MULTIPART = '--x\r\nContent-Disposition: form-data; name="model"\r\n\r\ntiny\r\n--x--\r\n';
const MULTIPART_HEADERS = { 'content-type': 'multipart/form-data; boundary=x' };
const BODIES: Record<string, unknown> = {
  predict: { prompt: 'a' },
  chatCompletions: { model: 'tiny', messages: [] },
  completions: { model: 'tiny', prompt: 'a' },
  embeddings: { model: 'tiny', input: 'a' },
  rerank: { model: 'tiny', query: 'a', documents: ['b'] },
  score: { model: 'tiny', text_1: 'a', text_2: ['b'] },
  classify: { model: 'tiny', input: 'a' },
  infer: { inputs: [] },
  generate: { text_input: 'a' },
  generateStream: { text_input: 'a', stream: true },
  tokenize: { model: 'tiny', prompt: 'a' },
  detokenize: { model: 'tiny', tokens: [1] },
  responses: { model: 'tiny', input: 'a' },
  transcriptions: MULTIPART,
  translations: MULTIPART,
  prove: { nonce: '0123456789abcdef' },
  plan: { target: 'tiny' },
  loadTest: { model: 'tiny', parallel: 1, requests: 1, promptWords: 1, maxTokens: 1 },
  add: { path: '/models/x.gguf' },
  takeBack: { key: '0123456789abcdef' },
  editSettings: { changes: [{ path: ['api', 'port'], value: 1 }], revision: 'none' },
  trust: { form: 'transformers', hash: 'ab'.repeat(32), trusted: true },
};
const ROUTES = Object.entries<Contract>(API).map(([name, contract]) => ({
  name,
  contract,
  path: contract.path.replace(/\{\w+\}/, 'tiny'),
}));

/** Its model is one of tensors. */
function serveTensors(engine: FakeEngine): void {
  const { lease } = engine;
  engine.served = { isReady: true, runtime: 'its', tensors: { inputs: [], outputs: [] } };
  engine.ensureReady = () => {
    const given = lease();
    return Object.assign(given, { endpoint: { ...given.endpoint, protocol: 'v2' } });
  };
}

describe('every route of the contract', () => {
  // Events never end; assets are what the build made, and are tested in page.test.ts.
  it.each(ROUTES.filter(({ name }) => name !== 'events' && name !== 'asset'))(
    '$contract.method $contract.path answers as it says',
    async ({ name, contract, path }) => {
      const headers = { ...(contract.access === 'token' ? WITH_TOKEN : {}), ...(BODIES[name] === MULTIPART ? MULTIPART_HEADERS : {}) };
      if (path.startsWith('/v2/')) serveTensors(setup.engine);
      const query = name === 'upload' ? '?name=a.gguf' : '';
      const got = await ask(setup, `${path}${query}`, { method: contract.method, headers, body: BODIES[name] });
      expect(got.status).toBe(200);
      if (typeof contract.answer === 'string') expect(got.headers.get('content-type')).toContain(contract.answer);
      else expect(() => (contract.answer as { parse(value: unknown): unknown }).parse(got.json)).not.toThrow();
    },
  );

  it.each(ROUTES)('$contract.method $contract.path is guarded', async ({ contract, path }) => {
    const headers = { host: `localhost:${setup.port}`, ...WITH_TOKEN };
    expect((await plain(path, contract.method, { ...headers, host: 'evil.example' })).status).toBe(403);
    expect((await plain(path, contract.method, { ...headers, origin: 'https://evil.example' })).status).toBe(403);
    expect((await plain(path, contract.method, { ...headers, origin: 'null' })).status).toBe(403);
    expect((await plain(path, contract.method, { ...headers, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect(setup.engine.asked).toEqual([]);
    expect(setup.engine.leases).toEqual([]);
  });

  it.each(ROUTES.filter(({ contract }) => contract.access === 'token'))(
    '$contract.method $contract.path needs the token',
    async ({ name, contract, path }) => {
      for (const authorization of [undefined, 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, 'Bearer ']) {
        const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
        const got = await ask(setup, path, { method: contract.method, headers, body: BODIES[name] });
        expect(got.status).toBe(401);
        expect(got.json.error.code).toBe('token-required');
      }
      expect(setup.engine.asked).toEqual([]);
    },
  );

  // The longest names that there are, percent-encoded: the route is found, and only the model is
  // not.
  it.each(
    ROUTES.flatMap(({ name, contract, path }) =>
      contract.path.includes('{') && name !== 'asset'
        ? ['x'.repeat(120), `${'模'.repeat(120)}/${'🦙'.repeat(120)}`].map((long) => ({ name, contract, path, long }))
        : [],
    ),
  )('$contract.method $contract.path takes a name of 120 characters', async ({ name, contract, path, long }) => {
    const at = path.replace(/owner%2Ftiny|tiny/, encodeURIComponent(long));
    const got = await ask(setup, at, { method: contract.method, headers: WITH_TOKEN, body: BODIES[name] });
    expect(got.json.error).toMatchObject({ code: 'model-not-found' });
  });

  it('is described, and listed as text', async () => {
    const { json } = await ask(setup, '/openapi.json');
    const text = (await ask(setup, '/')).text;
    for (const { contract } of ROUTES) {
      expect(json.paths[contract.path][contract.method.toLowerCase()].summary).toBe(contract.summary);
      expect(text).toContain(contract.path);
    }
    const upstream = json.paths['/upstream/{model}/{path}'];
    expect(Object.keys(upstream)).toEqual(['get', 'head', 'post', 'put', 'patch', 'delete']);
    expect(upstream.post.parameters.map((parameter: { name: string }) => parameter.name)).toEqual(['model', 'path']);
  });
});

describe('the first second', () => {
  it('holds requests until the folders were looked at, and then asks who is meant', async () => {
    const begun = Promise.withResolvers<void>();
    setup.engine.begun = begun.promise;
    const asked = [
      ask(setup, '/predict/tiny', { method: 'POST', body: { prompt: 'a' } }),
      ask(setup, '/v1/completions', { method: 'POST', body: { model: 'tiny', prompt: 'a' } }),
      ask(setup, '/predict/nobody', { method: 'POST', body: { prompt: 'a' } }),
      ask(setup, '/v1/models/tiny'),
      ask(setup, '/v1/models'),
    ];
    let answered = 0;
    for (const each of asked) void each.then(() => (answered += 1));
    // Time enough for them to be read, and to be passed on if nobody held them.
    for (let times = 0; times < 10; times += 1) await ask(setup, '/health');
    expect([setup.upstream.seen, answered]).toEqual([[], 0]);
    setup.engine.begun = null;
    begun.resolve();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 404, 200, 200]);
  });
});

describe('control', () => {
  it('hands what it is asked to the engine', async () => {
    const post = (path: string, body?: unknown) => ask(setup, path, { method: 'POST', headers: WITH_TOKEN, body });
    expect((await post('/control/models/owner%2Ftiny/load', { force: true })).json.model.id).toBe('tiny');
    await post('/control/models/tiny/load');
    await post('/control/models/tiny/unload', { force: true });
    await post('/control/models/tiny/pin', { pinned: false });
    await post('/control/library', { path: '/m.gguf' });
    await ask(setup, '/control/library/tiny', { method: 'DELETE', headers: WITH_TOKEN });
    await ask(setup, '/control/decisions?model=tiny&before=9&limit=3', { headers: WITH_TOKEN });
    await post('/control/runtimes/rescan');
    expect(setup.engine.asked).toEqual([
      ['load', 'tiny', { force: true }],
      ['load', 'tiny', { force: false }],
      ['unload', 'tiny', { force: true }],
      ['pin', 'tiny', false],
      ['add', '/m.gguf'],
      ['forget', 'tiny'],
      ['decisions', { model: 'tiny', beforeId: 9, limit: 3 }],
      ['rescan'],
    ]);
  });

  it.each([
    ['an unknown model', 'POST', '/control/models/nothing/load', undefined, 404, 'model-not-found'],
    ['an unknown field', 'POST', '/control/models/tiny/load', { fore: true }, 400, 'invalid-body'],
    ['no JSON', 'POST', '/control/plan', 'target=x', 400, 'invalid-json'],
    ['a body that is missing', 'POST', '/control/plan', undefined, 400, 'invalid-body'],
    ['a wrong limit', 'GET', '/control/decisions?limit=many', undefined, 400, 'invalid-body'],
    ['a relative path', 'POST', '/control/library', { path: 'm.gguf' }, 400, 'path-invalid'],
    ['an unknown route', 'GET', '/control/nothing', undefined, 404, 'route-not-found'],
    ['an unknown route with a body', 'POST', '/nothing', 'x', 404, 'route-not-found'],
    ['a wrong method', 'GET', '/control/plan', undefined, 405, 'method-not-allowed'],
    ['a wrong method on a hot route', 'GET', '/predict/tiny', undefined, 405, 'method-not-allowed'],
    ['a GET that would change something', 'GET', '/control/models/tiny/load', undefined, 405, 'method-not-allowed'],
    ['a broken escape', 'GET', '/control/models/%zz', undefined, 404, 'route-not-found'],
  ])('refuses %s', async (_name, method, path, body, status, code) => {
    const got = await ask(setup, path, { method, headers: WITH_TOKEN, body });
    expect(got.status).toBe(status);
    expect(got.json.error.code).toBe(code);
    if (status === 405) expect(got.headers.get('allow')).toBe('GET' === method ? 'POST' : 'GET');
  });

  it('proves that it knows the token, and says where it listens', async () => {
    const nonce = '0123456789abcdef';
    const { json } = await ask(setup, '/control/prove', { body: { nonce } });
    const { host } = new URL(setup.address);
    const key = hmac(TOKEN, JSON.stringify(['modelium session', json.run]));
    const message = JSON.stringify(['modelium engine', host, nonce, json.run, json.timeMs, host]);
    expect(json.hmac).toBe(hmac(key, message));
    expect(JSON.stringify(json)).not.toContain(TOKEN);
    const asked = async (named: string) => {
      const head = `POST /control/prove HTTP/1.1\r\nhost: ${named}\r\nconnection: close\r\ncontent-length: 28\r\n\r\n`;
      return JSON.parse((await raw(head + JSON.stringify({ nonce }))).split('\r\n\r\n')[1] ?? '') as object;
    };
    expect(await asked(`localhost:${setup.port}`)).toMatchObject({ listens: `localhost:${setup.port}` });
    expect(await asked('localhost:1')).toMatchObject({ listens: host });
  });

  it('streams a snapshot and numbered changes, resumes, and forgets who leaves', async () => {
    const leaving = new AbortController();
    const headers = { ...WITH_TOKEN, 'last-event-id': '41' };
    const answer = await fetch(`${setup.address}/control/events`, { headers, signal: leaving.signal });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    expect(setup.engine.asked).toEqual([['subscribe', 41]]);
    for (const listener of setup.engine.listeners)
      listener({ type: 'change', id: 42, ageMs: 0, changed: { lastDecisionId: 8 }, removedModels: [] });
    let text = '';
    const reader = answer.body!.getReader();
    while (!text.includes('id: 42\nevent: change\ndata: {')) text += Buffer.from((await reader.read()).value!).toString();
    expect(text.startsWith('id: 1\nevent: snapshot\ndata: {')).toBe(true);
    leaving.abort();
    await until(() => setup.engine.listeners.size === 0);
  });

  it('follows a log', async () => {
    const answer = await fetch(`${setup.address}/control/logs?model=tiny&follow=true`, { headers: WITH_TOKEN });
    for (const listener of setup.engine.logListeners) listener('three\ndata: forged');
    const reader = answer.body!.getReader();
    let text = '';
    while (!text.includes('three')) text += Buffer.from((await reader.read()).value!).toString();
    expect(text).toBe('data: {"line":"one"}\n\ndata: {"line":"two"}\n\ndata: {"line":"three\\ndata: forged"}\n\n');
    await reader.cancel();
    await until(() => setup.engine.logListeners.size === 0);
  });

  it('beats through silence, and drops who does not read', async () => {
    const clock = createVirtualClock();
    const other = await startSetup({ clock });
    const answer = await fetch(`${other.address}/control/events`, { headers: WITH_TOKEN });
    await clock.advance(15_000);
    const reader = answer.body!.getReader();
    let text = '';
    while (!text.includes(': still here\n\n')) text += Buffer.from((await reader.read()).value!).toString();
    const snapshot = { ...other.engine.snapshot, address: 'x'.repeat(1024 * 1024) };
    let id = 1;
    const listeners = other.engine.listeners;
    for (; listeners.size > 0 && id < 500; id += 1) {
      for (const listener of listeners) listener({ type: 'snapshot', id, ageMs: 0, snapshot });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(listeners.size).toBe(0);
    await reader.cancel().catch(() => {});
    await other.close();
  });
});

describe('the listener', () => {
  it('tells its health', async () => {
    expect((await ask(setup, '/health')).json).toEqual({ status: 'ok', reason: null, version: '0.1.0' });
    expect((await ask(setup, '/health', { method: 'HEAD' })).text).toBe('');
    setup.engine.healthy = false;
    const got = await ask(setup, '/health');
    expect(got.status).toBe(503);
    expect(got.json.reason).toBe('The ledger cannot be written.');
  });

  it('refuses what is larger than api.max_body_mb, by its length or as it comes; the setting counts at once', async () => {
    setup.settings = { ...setup.settings, api: { ...setup.settings.api, max_body_mb: 1 } };
    for (const path of ['/predict/tiny', '/v1/chat/completions', '/control/plan']) {
      const got = await ask(setup, path, { headers: WITH_TOKEN, body: JSON.stringify({ prompt: 'x'.repeat(1_100_000) }) });
      expect(got.status).toBe(413);
      expect(got.json.error).toMatchObject({ code: 'body-too-large', message: expect.stringContaining('1 MiB') });
      const size = 2 * 1024 * 1024;
      const chunked = await raw(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer ${TOKEN}\r\ntransfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n${'x'.repeat(size)}\r\n0\r\n\r\n`,
      );
      expect(chunked).toContain('HTTP/1.1 413');
    }
    setup.settings = { ...setup.settings, api: { ...setup.settings.api, max_body_mb: 2 } };
    expect((await ask(setup, '/predict/tiny', { body: JSON.stringify({ prompt: 'x'.repeat(1_100_000) }) })).status).toBe(200);
  });

  it('answers Expect: 100-continue, and refuses before the body is sent', async () => {
    const body = '{"prompt":"a"}';
    const head = `POST /predict/tiny HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nexpect: 100-continue\r\n`;
    const good = await raw(`${head}content-length: ${body.length}\r\n\r\n${body}`);
    expect(good.startsWith('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK')).toBe(true);
    expect(await raw(`${head}content-length: 99999999999\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413/);
    expect(await raw(`${head.replace('localhost', 'evil.example')}content-length: 3\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403/);
  });

  it.each(['\x16\x03\x01\x02 TLS', 'GET\r\n\r\n', 'GET / HTTP/1.1\r\nbad header\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n'])(
    'answers 400 to %j and closes',
    async (bytes) => {
      expect(await raw(bytes)).toMatch(/^HTTP\/1\.1 400/);
    },
  );

  it.each(['gzip, chunked', 'gzip', 'identity, chunked', 'deflate'])(
    'does not wait for a body in the transfer-encoding %j',
    async (coding) => {
      const head = `POST /predict/tiny HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: ${coding}\r\n\r\n`;
      expect(await raw(head)).toMatch(/^HTTP\/1\.1 400 .*connection: close.*"code":"malformed-http"/is);
    },
  );

  it.each(['Host: localhost', 'hOsT: evil.example'])('refuses two Host headers, the second one "%s"', async (second) => {
    expect(await raw(`GET /health HTTP/1.1\r\nhost: localhost\r\n${second}\r\nconnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400/);
  });

  it('closes a connection after garbage, though its other side stays open', async () => {
    const socket = connect({ port: setup.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write('no HTTP\r\n\r\n');
    let text = '';
    for await (const part of socket.iterator({ destroyOnReturn: false })) text += String(part);
    expect(text).toMatch(/^HTTP\/1\.1 400/);
    // Only a closed connection answers further bytes with a reset.
    const broken = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve));
    while (!socket.destroyed) {
      socket.write('more');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(['ECONNRESET', 'EPIPE']).toContain((await broken).code);
  });

  it('answers 431 to a head that is too long, and names the cause', async () => {
    const text = await raw(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\ncookie: a=${'x'.repeat(20_000)}\r\n\r\n`);
    expect(text).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large/);
    expect(text).toContain('"code":"head-too-large"');
    expect(text).toContain('cookies');
  });

  it('serves whole URLs as targets; their host counts, not the header', async () => {
    const head = 'connection: close\r\n\r\n';
    expect(await raw(`GET http://127.0.0.1:${setup.port}/v1/models HTTP/1.1\r\nhost: proxy.example\r\n${head}`)).toMatch(/^HTTP\/1\.1 200/);
    expect(await raw(`GET HTTP://localhost/health?x=1 HTTP/1.1\r\nhost: localhost\r\n${head}`)).toMatch(/^HTTP\/1\.1 200/);
    expect(await raw(`GET http://evil.example/health HTTP/1.1\r\nhost: localhost\r\n${head}`)).toMatch(/^HTTP\/1\.1 403/);
    expect(await raw(`GET http://localhost@evil.example/health HTTP/1.1\r\nhost: localhost\r\n${head}`)).toMatch(/^HTTP\/1\.1 403/);
  });

  it.each([
    ['POST', '/v1/chat/completions/'],
    ['POST', '//v1/chat/completions'],
    ['POST', '/chat/completions'],
    ['POST', '/v1/v1/chat/completions?x=1'],
    ['POST', '/V1/Chat/Completions'],
    ['POST', '/api/v1/embeddings'],
    ['POST', '/predict/tiny/'],
    ['POST', '//predict/tiny'],
    ['GET', '/v1/models/tiny/'],
    ['GET', '/models/owner/tiny'],
    ['GET', '/v1/health'],
    ['GET', '/status/?x=1'],
  ])('reaches what %s %s means', async (method, path) => {
    const body = method === 'GET' ? undefined : path.includes('predict') ? { prompt: 'a' } : { model: 'tiny', messages: [], input: 'a' };
    const got = await ask(setup, path, { method, body });
    expect(got.status, got.text).toBe(200);
  });

  it('says in a 404 which routes there are, and hides those of the control', async () => {
    const { json } = await ask(setup, '/v1/messages', { body: { model: 'tiny' } });
    expect(json.error.code).toBe('route-not-found');
    for (const route of [
      'POST /v1/chat/completions',
      'POST /v1/completions',
      'POST /v1/embeddings',
      'GET /v1/models',
      'POST /predict/{model}',
    ])
      expect(json.error.message).toContain(route);
    expect(json.error.message).not.toContain('control');
  });

  it('lets a configured origin in, with a preflight, and no other', async () => {
    setup.settings = { ...setup.settings, api: { ...setup.settings.api, cors_origins: ['https://page.example'] } };
    const host = `localhost:${setup.port}`;
    const origin = 'https://page.example';
    const preflight = await plain('/v1/chat/completions', 'OPTIONS', {
      host,
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({ 'access-control-allow-origin': origin, 'access-control-allow-headers': 'content-type' });
    for (const path of ['/v1/models', '/status']) {
      const got = await plain(path, 'GET', { host, origin });
      expect(got.status).toBe(200);
      expect(got.headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' });
    }
    expect((await plain('/v1/models', 'OPTIONS', { host, origin: 'https://evil.example' })).status).toBe(403);
    expect((await plain('/v1/models', 'OPTIONS', { host })).status).toBe(405);
    expect((await plain('/v1/models', 'GET', { host })).headers['access-control-allow-origin']).toBeUndefined();
  });

  it('obeys api.allowed_hosts', async () => {
    setup.settings = { ...setup.settings, api: { ...setup.settings.api, allowed_hosts: ['box'] } };
    expect((await plain('/health', 'GET', { host: 'box:1' })).status).toBe(200);
  });

  it('refuses an address beyond this machine', async () => {
    await expect(startSetup({ api: { host: '0.0.0.0' } })).rejects.toMatchObject({ code: 'host-needs-key' });
  });

  it('says which port is free when its own is taken', async () => {
    const error = await startSetup({ api: { port: setup.port } }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'port-taken',
      message: expect.stringMatching(/Port \d+ on 127\.0\.0\.1 is taken.*Port \d+ is free/),
    });
  });

  it('ends event streams on close, and lets an answer under way end', async () => {
    const events = await fetch(`${setup.address}/control/events`, { headers: WITH_TOKEN });
    let finish = () => {};
    setup.upstream.answer = (response) => {
      finish = () => response.end('{}');
    };
    const asking = ask(setup, '/v1/completions', { body: { model: 'tiny' } });
    await until(() => setup.upstream.seen.length === 1);
    const closed = setup.server.close(60_000);
    await events.text();
    finish();
    expect((await asking).status).toBe(200);
    await closed;
    await expect(fetch(`${setup.address}/health`)).rejects.toThrow();
  });
});

describe("Prometheus' own port", () => {
  it('has /metrics, behind the guard', async () => {
    const warned: string[] = [];
    const log = { say: () => {}, warn: (line: string) => void warned.push(line), error: () => {}, debug: () => {} };
    const settings = (port: number) => () => ({ ...DEFAULT_SETTINGS, metrics: { ...DEFAULT_SETTINGS.metrics, port } });
    const connections = new Connections({ descriptors: 1_024, now: () => 0 });
    const clock = createVirtualClock();
    const server = createMetricsServer({ settings: settings(0), metricsText: async () => 'modelium_up 1\n', clock, log, connections });
    const { address } = (await server.listen())!;
    expect(await (await fetch(`${address}/metrics`)).text()).toBe('modelium_up 1\n');
    expect((await fetch(`${address}/other`)).status).toBe(404);
    expect((await fetch(`${address}/metrics`, { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const second = createMetricsServer({
      settings: settings((holder.address() as AddressInfo).port),
      metricsText: async () => '',
      clock,
      log,
      connections,
    });
    expect(await second.listen()).toBeNull();
    expect(warned).toHaveLength(1);
    await Promise.all([server.close(), second.close(), new Promise((resolve) => holder.close(resolve))]);
  });

  it('does not read a body to its end, and leaves the connection', async () => {
    let taken: Socket | undefined;
    const onRequest = (message: unknown): void => {
      taken = (message as { socket: Socket }).socket;
    };
    const clock = createVirtualClock();
    const settings = () => ({ ...DEFAULT_SETTINGS, metrics: { ...DEFAULT_SETTINGS.metrics, port: 0 } });
    const log = { say: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
    const connections = new Connections({ descriptors: 300, now: () => 0 });
    const server = createMetricsServer({ settings, metricsText: async () => 'up 1', clock, log, connections });
    const { address } = (await server.listen())!;
    subscribe('http.server.request.start', onRequest);
    const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    const ended = new Promise((resolve) => socket.once('end', resolve));
    socket.write(`GET /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${SENT_BYTES}\r\n\r\n`);
    for (let bytes = 0; bytes < SENT_BYTES; bytes += 65_536) socket.write(Buffer.alloc(65_536, 'x'));
    await ended;
    unsubscribe('http.server.request.start', onRequest);
    expect(answer).toMatch(/^HTTP\/1.1 200 .*\r\nconnection: close\r\n/is);
    for (let before = -1; before !== taken!.bytesRead; ) {
      before = taken!.bytesRead;
      for (let times = 0; times < 5; times += 1) await ask(setup, '/health');
    }
    expect(taken!.bytesRead).toBeLessThan(SENT_BYTES - 8 * 1024 ** 2);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.end();
    await clock.advance(1_000);
    await closed;
    await server.close();
  });

  it('shares the bound of connections', async () => {
    const connections = new Connections({ descriptors: 300, now: () => 0 });
    const settings = () => ({ ...DEFAULT_SETTINGS, metrics: { ...DEFAULT_SETTINGS.metrics, port: 0 } });
    const log = { say: () => {}, warn: () => {}, error: () => {}, debug: () => {} };
    const server = createMetricsServer({ settings, metricsText: async () => '', clock: createVirtualClock(), log, connections });
    const { address } = (await server.listen())!;
    const idle = Array.from({ length: connections.most + SPARE }, () =>
      connect(Number(new URL(address).port), '127.0.0.1').on('error', () => {}),
    );
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    expect((await fetch(`${address}/metrics`)).status).toBe(503);
    for (const socket of idle) socket.destroy();
    await server.close();
  });
});
