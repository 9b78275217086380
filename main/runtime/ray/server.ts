/**
 * Starts Modelium's own cluster, and checks clusters that others run. Our cluster requires a token
 * at every route that can start something, keeps its files in its own folder, and is ended as a
 * process tree, because `ray stop` would end every cluster of this machine.
 */
import { dirname } from 'node:path';
import type { Endpoint } from '../../../shared/model.ts';
import { MIB } from '../../../shared/units.ts';
import type { ForeignStatus } from '../adapter.ts';
import type { MachineFacts } from '../module.ts';
import { http, key, pause, phase, port, type Steps, scratch, spawn } from '../step.ts';
import { nameOf } from './application.ts';
import { detailsOf, failed, refusedBy } from './cluster.ts';
import type { Cluster, RayFound } from './find.ts';
import { ANSWER_MS, nodesOf } from './nodes.ts';

/**
 * A socket's path has 107 bytes at most, and below the folder Ray takes 64 of them where process
 * ids have seven digits.
 */
const LONGEST_FOLDER = 43;
const READY_PAUSE_MS = 250;
const CALL_MS = 5_000;
const PREFIX = '/v1';
const LOST: ReadonlySet<string> = new Set(['DEPLOY_FAILED', 'DELETING']);

/** As a sentence without its full stop. */
export const OPENS =
  'while the cluster runs, its processes listen on all addresses of this machine and require a token; the routes of models listen on loopback';

export function* start({ machine, found }: { readonly machine: MachineFacts; readonly found: RayFound }): Steps<Endpoint> {
  const token = yield* key();
  const folder = yield* scratch();
  if (folder.length > LONGEST_FOLDER)
    throw failed(`The paths of Ray's sockets in ${folder} would be too long: set TMPDIR to a folder with a shorter path.`);
  const { object_store_mb, env } = machine.settings.ray_serve;
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
      'start',
      '--head',
      '--block',
      '--disable-usage-stats',
      '--include-dashboard',
      'true',
      '--dashboard-host',
      '127.0.0.1',
      ...places.flat().map(String),
      '--num-cpus',
      String(machine.cpuCores),
      '--object-store-memory',
      String(object_store_mb * MIB),
      '--temp-dir',
      folder,
    ],
    {
      PATH: [dirname(program), machine.env['PATH'] ?? ''].join(':'),
      RAY_USAGE_STATS_ENABLED: '0',
      RAY_AUTH_MODE: 'token',
      RAY_AUTH_TOKEN: token,
      // Ray's workers would else give way to every other program of this machine.
      RAY_worker_niceness: '0',
      ...env,
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

export function* statusOfCluster(machine: MachineFacts, cluster: Cluster): Steps<ForeignStatus> {
  const away = (why: string, help: string): ForeignStatus => ({ isThere: false, why, help, offers: [] });
  if (cluster.problem !== null) return away(cluster.problem, 'Correct the settings of ray_serve.');
  const control = { at: { url: cluster.origin }, key: cluster.token };
  const version = yield* http({ ...control, method: 'GET', path: '/api/version', body: null, timeoutMs: ANSWER_MS, reportsWhy: true });
  if (version?.status !== 200)
    return away(refusedBy(cluster.where, 'to tell its version', version).message, 'Modelium tries again automatically.');
  if (!version.body.includes('ray_version')) return away(`${cluster.where} is not a Ray dashboard.`, 'Is ray_serve.url right?');
  const details = yield* detailsOf(control, cluster.where);
  // While its controller is restarted nobody knows what there is: nothing is called lost then.
  const loaded = Object.values(details?.applications ?? {}).flatMap((application) => {
    const { name, args } = application.deployed_app_config ?? {};
    const model = args?.['model'];
    const isOurs = typeof model === 'string' && name === nameOf(machine, model);
    // One that is unhealthy, as while a replica that was killed is replaced, is healed by Ray
    // itself.
    return isOurs && !LOST.has(application.status ?? '') ? [model] : [];
  });
  return {
    isThere: true,
    offers: [],
    nodes: yield* nodesOf(control),
    loaded: details === null ? undefined : loaded,
    endpoint: { ...control, protocol: 'openai', model: '', prefix: PREFIX, control },
  };
}
