/**
 * The real Ray as a cluster of Modelium's own, on processors, by `modelium serve` as it was built:
 * how it starts, what it opens, every task of our application against transformers' own pipelines,
 * and how it ends, with another cluster beside it that nobody may touch. `ray.test.ts` has a
 * cluster of somebody else.
 */
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProcesses } from '../../main/io/processes/processes.ts';
import { freePort } from '../embedded/start-server.ts';
import { eventually } from '../helpers/eventually.ts';
import { answered } from '../helpers/live-engine.ts';
import { type Home, makeHome, type Seen, type Served, startServe } from '../helpers/serve.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';
import { here, python } from './children.ts';

const run = promisify(execFile);
const processes = createProcesses();
const made = mkdtempSync('/tmp/mro-');
/** Ray's sockets lie in them. */
const shortTmp = process.env['TMPDIR'];

interface Class {
  readonly label: string;
  readonly scores: Readonly<Record<string, number>>;
}
interface Task {
  readonly name: string;
  readonly error?: string;
  readonly input: readonly string[];
  readonly labels: readonly string[];
  readonly query: string;
  readonly documents: readonly string[];
  /** Base64. */
  readonly wav: string;
  readonly expected: unknown;
}

let tasks: ReadonlyMap<string, Task>;
let ray = '';
let others: number;
let home: Home;
let served: Served;

/**
 * The whole session of a process that leads one: whatever Ray calls itself, none of it leaves it.
 */
async function session(leader: number): Promise<readonly Seen[]> {
  const { stdout } = await run('ps', ['-s', String(leader), '-o', 'pid=']).catch(() => ({ stdout: '' }));
  return stdout
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => processes.identify(Number(line)) ?? [])
    .map(({ pid, startTime }) => ({ pid, startTime, command: '' }));
}

/** The first process of our cluster; undefined: there is none. */
const ours = (): Seen | undefined => home.processes().find(({ command }) => /\bray start --head --block\b/.test(command));
const flag = (name: string): number => Number(new RegExp(`--${name} (\\d+)`).exec(ours()?.command ?? '')?.[1]);

const ask = async (method: string, path: string, body: object | FormData) => {
  const form = body instanceof FormData;
  const init = { method, body: form ? body : JSON.stringify(body) };
  return answered(await fetch(served.address + path, init));
};
const predict = (model: string, body: object) => ask('POST', `/predict/${model}`, body);
/**
 * On a busy machine Ray gives up a start of its own after 30 s, and the next request starts it
 * again.
 */
const tinyAnswers = () =>
  eventually('tiny answers', async () => (await predict('tiny', { prompt: 'Hello', max_tokens: 1 })).status === 200, 240_000);
const unload = (model: string) => served.control('POST', `/control/models/${model}/unload`, {});
const task = (name: string): Task => {
  const found = tasks.get(name);
  if (found === undefined || found.error !== undefined) throw new Error(`${name} was not made: ${found?.error}`);
  return found;
};

beforeAll(async () => {
  delete process.env['TMPDIR'];
  await run(here('setup-ray'), [], { timeout: 280_000 });
  ray = (await run(here('setup-ray'), ['--where'])).stdout.trim();
  tasks = await python<Task>('tiny_tasks.py', made);
  const ofOthers = [
    'start',
    '--head',
    '--block',
    '--disable-usage-stats',
    '--include-dashboard',
    'false',
    '--object-store-memory',
    '80000000',
  ];
  const ports = ['--port', String(await freePort()), '--ray-client-server-port', String(await freePort())];
  const env = { ...process.env, RAY_USAGE_STATS_ENABLED: '0' };
  const options = { stdio: 'ignore', detached: true, env } as const;
  others = spawn(ray, [...ofOthers, ...ports, '--num-cpus', '1', '--temp-dir', join(made, 'o')], options).pid ?? 0;
  const ofRay = Object.fromEntries([...tasks.keys(), 'tiny'].map((name) => [name, { runtime: 'ray' }]));
  home = makeHome({
    ray_serve: { command: ray },
    orchestration: { policies: { load: 'on_request', evict_after_idle_seconds: 3600 } },
    models: ofRay,
  });
  served = await startServe(home);
  for (const name of tasks.keys()) cpSync(join(made, name), join(home.watch, name), { recursive: true });
  const tiny = await writeTinyFolder(join(made, 'tiny'), { type: 'F32', config: { max_position_embeddings: 512 } });
  cpSync(tiny, join(home.watch, 'tiny'), { recursive: true });
  for (const name of [...tasks.keys(), 'tiny'])
    await eventually(`${name} is known`, async () => (await served.model(name))?.profile != null, 60_000);
}, 400_000);
afterAll(async () => {
  await served?.end('SIGTERM').catch(() => {});
  for (const leader of [ours()?.pid, others])
    if (leader !== undefined)
      processes.signal(
        (await session(leader)).flatMap(({ pid }) => processes.identify(pid) ?? []),
        'SIGKILL',
        null,
      );
  await home?.remove();
  rmSync(made, { recursive: true, force: true });
  if (shortTmp !== undefined) process.env['TMPDIR'] = shortTmp;
}, 120_000);

test('is started for the first model; its dashboard asks for a token, and both listen on loopback alone', async () => {
  expect(ours()).toBeUndefined();
  const { status, json, text } = await predict('tiny', { prompt: 'Hello', max_tokens: 3 });
  expect([status, json?.runtime, status === 200 ? '' : text]).toEqual([200, 'ray', '']);
  const dashboard = flag('dashboard-port');
  const routes = ['/api/serve/applications/', '/api/version', '/api/jobs/'];
  const statuses = routes.map(async (path) => (await fetch(`http://127.0.0.1:${dashboard}${path}`)).status);
  expect(await Promise.all(statuses)).toEqual([401, 401, 401]);
  expect(await listensTo(dashboard)).toEqual({ loopback: true, outside: false });
  const at = served.address.replace(/:\d+$/, '');
  expect(at).toBe('http://127.0.0.1');
});

async function listensTo(port: number): Promise<{ loopback: boolean; outside: boolean }> {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  const connects = (host: string) =>
    new Promise<boolean>((resolve) => {
      const socket = connect({ port, host }, () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
  return { loopback: await connects('127.0.0.1'), outside: outside !== undefined && (await connects(outside)) };
}

function expectClasses(
  reported: readonly { readonly label: string; readonly scores: Readonly<Record<string, number>> }[],
  expected: unknown,
): void {
  const classes = expected as readonly Class[];
  expect(reported.map(({ label }) => label)).toEqual(classes.map(({ label }) => label));
  for (const [at, { scores }] of classes.entries())
    for (const [label, score] of Object.entries(scores)) expect(reported[at]?.scores[label]).toBeCloseTo(score, 4);
}
const likeliest = (expected: unknown) =>
  (expected as readonly Class[]).map(({ label, scores }) => ({ label, probability: expect.closeTo(scores[label] ?? Number.NaN, 4) }));

test('classes of texts are those of the pipeline', async () => {
  const { input, expected } = task('classes');
  const { status, json, text } = await predict('classes', { input });
  expect([status, text.slice(0, status === 200 ? 0 : 400)]).toEqual([200, '']);
  expect(json.labels).toEqual(likeliest(expected));
  expectClasses((await ask('POST', '/classify', { model: 'classes', input })).json.data, expected);
  const wished = await predict('classes', { input, labels: ['a', 'b'] });
  expect([wished.status, wished.json.error.message]).toEqual([400, expect.stringContaining('has its own classes')]);
  await unload('classes');
});

test('classes that the request names, of texts', async () => {
  const { input, labels, expected } = task('zero-shot');
  const { status, json, text } = await predict('zero-shot', { input, labels });
  expect([status, text.slice(0, status === 200 ? 0 : 400)]).toEqual([200, '']);
  expect(json.labels).toEqual(likeliest(expected));
  expectClasses((await ask('POST', '/classify', { model: 'zero-shot', input, labels })).json.data, expected);
  await unload('zero-shot');
});

test('documents are ranked as the pipeline scores them', async () => {
  const { query, documents, expected } = task('ranks');
  const { status, json, text } = await ask('POST', '/v1/rerank', { model: 'ranks', query, documents });
  expect([status, text.slice(0, status === 200 ? 0 : 400)]).toEqual([200, '']);
  const scores = expected as readonly number[];
  const order = [...scores.keys()].sort((one, other) => (scores[other] ?? 0) - (scores[one] ?? 0));
  expect(json.results.map(({ index }: { index: number }) => index)).toEqual(order);
  for (const { index, relevance_score } of json.results) expect(relevance_score).toBeCloseTo(scores[index] ?? Number.NaN, 4);
  await unload('ranks');
});

test('a folder of sentence-transformers is pooled as its own files say', async () => {
  const { input, expected } = task('sentences');
  const { status, json, text } = await ask('POST', '/v1/embeddings', { model: 'sentences', input });
  expect([status, text.slice(0, status === 200 ? 0 : 400)]).toEqual([200, '']);
  for (const [at, vector] of (expected as readonly number[][]).entries())
    for (const [index, value] of vector.entries()) expect(json.data[at].embedding[index]).toBeCloseTo(value, 3);
  await unload('sentences');
});

test('classes of images, of the model’s own and of the request’s', async () => {
  const own = task('images');
  const { status, json, text } = await predict('images', { input: own.input });
  expect([status, text.slice(0, status === 200 ? 0 : 400)]).toEqual([200, '']);
  expect(json.labels).toEqual(likeliest(own.expected));
  expectClasses((await ask('POST', '/classify', { model: 'images', input: own.input })).json.data, own.expected);
  const refused = await predict('images', { input: 'http://127.0.0.1:9/cat.png' });
  expect([refused.status, refused.json.error.message]).toEqual([400, expect.stringContaining('expected an image as base64')]);
  await unload('images');
  const named = task('named-images');
  const answer = await predict('named-images', { input: named.input, labels: named.labels });
  expect([answer.status, answer.text.slice(0, answer.status === 200 ? 0 : 400)]).toEqual([200, '']);
  expect(answer.json.labels).toEqual(likeliest(named.expected));
  await unload('named-images');
});

test('a sound is written down as the pipeline does it', async () => {
  const { wav, expected } = task('speech');
  const form = new FormData();
  form.set('model', 'speech');
  form.set('file', new Blob([Buffer.from(wav, 'base64')], { type: 'audio/wav' }), 'sound.wav');
  const { status, json, text } = await ask('POST', '/v1/audio/transcriptions', form);
  expect([status, text.slice(0, status === 200 ? 0 : 400)]).toEqual([200, '']);
  expect(json.text).toBe(expected);
  await unload('speech');
});

test('one of its processes ends: it is told, and the next request has all of it started anew', async () => {
  const before = ours() as Seen;
  const all = await session(before.pid);
  const gcs = home.processes().find(({ command }) => /\/gcs_server /.test(command));
  process.kill(gcs?.pid ?? 0, 'SIGKILL');
  await served.says(/server:ray broke off: Our Ray cluster ended .*gcs_server/);
  await eventually('all of it has ended', () => !all.some((one) => processes.isAlive({ ...one, bootId: bootId() })), 30_000);
  await tinyAnswers();
  expect(ours()?.pid).not.toBe(before.pid);
});

const bootId = (): string => processes.identify(process.pid)?.bootId ?? '';

test('an engine that a second signal ends while it drains leaves a cluster, which the next one finds and ends', async () => {
  const leader = ours() as Seen;
  const left = await session(leader.pid);
  const cut = served.predict('tiny', { prompt: 'Hello', max_tokens: 400 }).catch(() => null);
  await eventually('it is in flight', async () => (await served.model('tiny'))?.inFlight === 1);
  served.child.kill('SIGTERM');
  await served.says(/Press Ctrl-C again to end at once/);
  expect(await served.end('SIGTERM')).toEqual({ code: 143, signal: null });
  await cut;
  expect(left.length).toBeGreaterThan(10);
  expect((await session(leader.pid)).length).toBe(left.length);
  served = await startServe(home);
  await served.says(/Ending \d+ processes of server:ray that an earlier run left behind/);
  expect((await session(leader.pid)).length).toBe(0);
  expect(left.filter((one) => processes.isAlive({ ...one, bootId: bootId() }))).toEqual([]);
  expect(() => readdirSync(folderOf(leader))).toThrow(/ENOENT/);
});

const folderOf = ({ command }: Seen): string => /--temp-dir (\S+)/.exec(command)?.[1] ?? '';

test('ends with the last of its models, and nothing of it is left; the other cluster has not heard of it', async () => {
  await tinyAnswers();
  const leader = ours() as Seen;
  const folder = folderOf(leader);
  expect(readdirSync(folder)).toContain('session_latest');
  await unload('tiny');
  await eventually('it has ended', () => ours() === undefined, 30_000);
  await eventually('none of it is left', async () => (await session(leader.pid)).length === 0, 5_000);
  expect(() => readdirSync(folder)).toThrow(/ENOENT/);
  expect((await served.model('tiny'))?.state).toBe('unloaded');
  const theirs = await session(others);
  expect(theirs.length).toBeGreaterThan(4);
  const said = (await run('ps', ['-s', String(others), '-o', 'args='])).stdout;
  expect([/\bray start --head/.test(said), /gcs_server/.test(said), /raylet/.test(said)]).toEqual([true, true, true]);
});
