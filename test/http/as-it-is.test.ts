/**
 * `/upstream/{model}/...`: to a server of which nothing is known, and back, as it is; and what of
 * us never goes there.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { asItIsTarget } from '../../main/http/as-it-is.ts';
import { ask, type Setup, startSetup, TOKEN } from './harness.ts';

interface Seen {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

let setup: Setup;
let seen: Seen[];
let answer: (response: ServerResponse) => void;
const server = createServer(async (request, response) => {
  let body = '';
  for await (const part of request.setEncoding('latin1')) body += part;
  seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body });
  answer(response);
});

beforeEach(async () => {
  setup = await startSetup();
  seen = [];
  answer = (response) => response.end('fine');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const lease = setup.engine.ensureReady;
  setup.engine.ensureReady = async (id, options) =>
    Object.assign(await lease(id, options), { endpoint: { at: { port }, key: 'its-key', protocol: 'none', model: 'x', prefix: '/v1' } });
});
afterEach(async () => {
  await setup.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

const asked = (path: string, init: RequestInit = {}) => fetch(`${setup.address}${path}`, { redirect: 'manual', ...init });

it.each([
  ['GET', '/upstream/tiny/sdapi/v1/models?a=1&b=%2F', undefined, 'GET /sdapi/v1/models?a=1&b=%2F'],
  ['GET', '/upstream/tiny', undefined, 'GET /'],
  ['POST', '/upstream/owner%2Ftiny/inference', 'ÿ\u0000bytes', 'POST /inference'],
  ['DELETE', '/upstream/tiny/a/../b', undefined, 'DELETE /b'],
  ['PUT', '/upstream/tiny/x', '{', 'PUT /x'],
])('%s %s', async (method, path, body, line) => {
  const bytes = body === undefined ? {} : { body: Buffer.from(body, 'latin1') };
  const got = await asked(path, { method, ...bytes, headers: { 'content-type': 'audio/wav', 'x-of-mine': 'kept' } });
  expect([got.status, await got.text()]).toEqual([200, 'fine']);
  expect(seen).toMatchObject([{ line, body: body ?? '', headers: { 'content-type': 'audio/wav', 'x-of-mine': 'kept' } }]);
  expect(setup.engine.reports).toMatchObject([{ modelId: 'tiny', status: 200 }]);
  expect(setup.engine.leases.map(({ released }) => released)).toEqual([1]);
});

it('refusals and redirects come back as they are, without what could act as ours', async () => {
  answer = (response) =>
    response
      .writeHead(302, {
        location: '/elsewhere',
        'content-type': 'text/html',
        'set-cookie': 'a=b',
        'clear-site-data': '"*"',
        'service-worker-allowed': '/',
        'access-control-allow-origin': '*',
      })
      .end('<script>steal()</script>');
  const got = await asked('/upstream/tiny/page');
  expect([got.status, await got.text(), got.headers.get('location')]).toEqual([302, '<script>steal()</script>', '/elsewhere']);
  expect(got.headers.get('content-security-policy')).toBe('sandbox');
  for (const name of ['set-cookie', 'access-control-allow-origin', 'clear-site-data', 'service-worker-allowed'])
    expect(got.headers.get(name), name).toBeNull();
  expect(got.headers.get('x-modelium-model')).toBe('tiny');
});

it('our token and cookies never reach it; its own key does', async () => {
  await asked('/upstream/tiny/x', { headers: { authorization: `Bearer ${TOKEN}`, cookie: 'a=b', 'proxy-authorization': TOKEN } });
  expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer its-key' });
  expect(JSON.stringify(seen)).not.toContain(TOKEN);
  expect(seen[0]?.headers.cookie).toBeUndefined();
});

it('a stream comes as it is made', async () => {
  let finish = (): void => {};
  answer = (response) => {
    response.write('first');
    finish = () => response.end('last');
  };
  const reader = (await asked('/upstream/tiny/x')).body!.getReader();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('first');
  finish();
  expect(Buffer.from((await reader.read()).value!).toString()).toBe('last');
});

it('a model that is not there, a foreign page and a server with a protocol are refused before anything is sent', async () => {
  expect((await ask(setup, '/upstream/nobody/x')).json.error.code).toBe('model-not-found');
  expect((await asked('/upstream/tiny/x', { headers: { origin: 'https://elsewhere.example' } })).status).toBe(403);
  const back = setup.engine.ensureReady;
  setup.engine.ensureReady = async (id, options) =>
    Object.assign(await back(id, options), { endpoint: { at: { port: 1 }, key: null, protocol: 'openai', model: 'x', prefix: '/v1' } });
  const refused = await ask(setup, '/upstream/tiny/sleep');
  expect([refused.status, refused.json.error.code]).toEqual([400, 'not-supported-by-model']);
  // Where others live too, its routes load and unload what is theirs.
  setup.engine.ensureReady = async (id, options) =>
    Object.assign(await back(id, options), {
      endpoint: { at: { port: 1 }, key: 'its-key', protocol: 'v2', model: 'x', prefix: '', isShared: true },
    });
  const shared = await ask(setup, '/upstream/tiny/v2/repository/models/x/load', { method: 'POST', body: {} });
  expect([shared.status, shared.json.error.code]).toEqual([400, 'not-supported-by-model']);
  expect(shared.json.error.message).toContain('/v2/models/tiny/infer');
  expect(seen).toEqual([]);
});

it.each(['/predict/tiny', '/v1/chat/completions'])('%s says where a server without its routes is asked', async (path) => {
  const body = { model: 'tiny', messages: [{ role: 'user', content: 'Hi' }] };
  const { status, json } = await ask(setup, path, { body: path === '/predict/tiny' ? { prompt: 'Hi' } : body });
  expect([status, json.error.code]).toEqual([400, 'not-supported-by-model']);
  expect(json.error.message).toContain('/upstream/tiny/');
  expect(seen).toEqual([]);
});

it.each([['/upstream/'], ['/upstream//x'], ['/upstream/%ff/x']])('%s names no model', (url) => {
  expect(asItIsTarget(url)).toBeNull();
});
