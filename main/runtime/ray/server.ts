/**
 * A cluster of our own: how it is started, and how one of others is looked at. Ours asks for a
 * token at every route that can start something, keeps its files in a folder of its own, and is
 * ended as a tree of processes: `ray stop` would end every cluster of this machine.
 */
import { dirname } from 'node:path';
import type { Endpoint } from '../../../shared/model.ts';
import type { NodeView } from '../../../shared/snapshot.ts';
import { MIB } from '../../../shared/units.ts';
import type { ForeignStatus } from '../adapter.ts';
import type { RuntimeWorld } from '../module.ts';
import { http, key, pause, phase, port, type Steps, scratch, spawn } from '../step.ts';
import { nameOf } from './application.ts';
import { detailsOf, failed, refusedBy } from './cluster.ts';
import type { Cluster, RayFound } from './find.ts';

/**
 * A socket's path has 107 bytes at most, and below the folder Ray takes 64 of them where process ids
 * have seven digits.
 */
const LONGEST_FOLDER = 43;
const READY_PAUSE_MS = 250;
const CALL_MS = 5_000;
const LOOK_MS = 15_000;
const PREFIX = '/v1';

export function* start({ world, found }: { readonly world: RuntimeWorld; readonly found: RayFound }): Steps<Endpoint> {
  const token = yield* key();
  const folder = yield* scratch();
  if (folder.length > LONGEST_FOLDER)
    throw failed(`Ray's sockets would lie too deep in ${folder}: set TMPDIR to a folder with a shorter path.`);
  const { object_store_mb, env } = world.settings.ray_serve;
  const ports: number[] = [];
  while (ports.length < 5) ports.push(yield* port());
  const [serve = 0, dashboard = 0, gcs = 0, client = 0, agent = 0] = ports;
  yield* phase('starting a cluster of our own', null, true);
  const program = found.program ?? 'ray';
  const places = [
    ['--port', gcs],
    ['--dashboard-port', dashboard],
    ['--ray-client-server-port', client],
    ['--dashboard-agent-listen-port', agent],
  ];
  yield* spawn(
    program,
    [
      ...['start', '--head', '--block', '--disable-usage-stats', '--include-dashboard', 'true', '--dashboard-host', '127.0.0.1'],
      ...places.flat().map(String),
      ...['--num-cpus', String(world.cpuCores), '--object-store-memory', String(object_store_mb * MIB), '--temp-dir', folder],
    ],
    {
      PATH: [dirname(program), world.env['PATH'] ?? ''].join(':'),
      ...{ RAY_USAGE_STATS_ENABLED: '0', RAY_AUTH_MODE: 'token', RAY_AUTH_TOKEN: token },
      // Ray's workers would else give way to every other program of this machine.
      ...{ RAY_worker_niceness: '0', ...env },
    },
    false,
  );
  const control = { at: { port: dashboard }, key: token };
  const ask = () => http({ ...control, method: 'GET', path: '/api/serve/applications/', body: null, timeoutMs: CALL_MS });
  while ((yield* ask())?.status !== 200) yield* pause(READY_PAUSE_MS);
  // Serve starts here and now, so that its port is the one that was free.
  const body = { proxy_location: 'HeadOnly', http_options: { host: '127.0.0.1', port: serve }, applications: [] };
  while ((yield* http({ ...control, method: 'PUT', path: '/api/serve/applications/', body, timeoutMs: CALL_MS * 12 }))?.status !== 200)
    yield* pause(READY_PAUSE_MS);
  return { at: { port: serve }, key: token, protocol: 'openai', model: '', prefix: PREFIX, control };
}

export function* look(world: RuntimeWorld, cluster: Cluster): Steps<ForeignStatus> {
  const away = (why: string, help: string): ForeignStatus => ({ isThere: false, why, help, offers: [] });
  if (cluster.problem !== null) return away(cluster.problem, 'Mend the settings of ray_serve.');
  const control = { at: { url: cluster.origin }, key: cluster.token };
  const version = yield* http({ ...control, method: 'GET', path: '/api/version', body: null, timeoutMs: LOOK_MS, tellsWhy: true });
  if (version?.status !== 200)
    return away(refusedBy(cluster.where, 'to tell its version', version).message, 'It is asked again by itself.');
  if (!version.body.includes('ray_version')) return away(`${cluster.where} is no Ray dashboard.`, 'Is ray_serve.url right?');
  const details = yield* detailsOf(control, cluster.where);
  // While its controller is started anew nobody knows what there is: nothing is called lost then.
  const loaded = Object.values(details?.applications ?? {}).flatMap((application) => {
    const { name, args } = application.deployed_app_config ?? {};
    const model = args?.['model'];
    const isOurs = typeof model === 'string' && name === nameOf(world, model);
    // One that is unhealthy, as while a replica that was killed is replaced, is healed by Ray
    // itself.
    return isOurs && !LOST.has(application.status ?? '') ? [model] : [];
  });
  return {
    ...{ isThere: true, offers: [], nodes: yield* nodesOf(control) },
    ...(details === null ? {} : { loaded }),
    endpoint: { ...control, protocol: 'openai', model: '', prefix: PREFIX, control },
  };
}

interface NodeSaid {
  readonly node_id?: string;
  readonly node_ip?: string;
  readonly node_name?: string;
  readonly state?: string;
  readonly resources_total?: Readonly<Record<string, number>>;
}
type Usage = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

function* nodesOf(control: { readonly at: { readonly url: string }; readonly key: string | null }): Steps<readonly NodeView[]> {
  const asked = { ...control, method: 'GET', body: null, timeoutMs: LOOK_MS } as const;
  const nodes = yield* http({ ...asked, path: '/api/v0/nodes' });
  const status = yield* http({ ...asked, path: '/api/cluster_status' });
  const all = jsonIn<{ data?: { result?: { result?: readonly NodeSaid[] } } }>(nodes?.body)?.data?.result?.result ?? [];
  const report = jsonIn<{ data?: { clusterStatus?: { loadMetricsReport?: { usageByNode?: Usage } } } }>(status?.body)?.data?.clusterStatus;
  return all.slice(0, MOST_NODES).map((node) => toView(node, report?.loadMetricsReport?.usageByNode?.[node.node_id ?? ''] ?? {}));
}

const MOST_NODES = 256;
const LOST: ReadonlySet<string> = new Set(['DEPLOY_FAILED', 'DELETING']);

function toView({ node_ip = '', state, resources_total: total = {} }: NodeSaid, used: Usage[string]): NodeView {
  const accelerator = Object.keys(total).find((name) => name.startsWith('accelerator_type:'));
  return {
    ...{ name: node_ip, isAlive: state === 'ALIVE', cpus: total['CPU'] ?? 0, memoryBytes: total['memory'] ?? 0, gpus: total['GPU'] ?? 0 },
    gpuName: accelerator?.slice('accelerator_type:'.length) ?? null,
    ...{ usedGpus: used['GPU']?.[0] ?? 0, usedCpus: used['CPU']?.[0] ?? 0 },
  };
}

function jsonIn<Value>(body: string | undefined): Value | null {
  try {
    return JSON.parse(body ?? '') as Value;
  } catch {
    return null;
  }
}
