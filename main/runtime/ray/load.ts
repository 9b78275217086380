/**
 * The steps by which a model gets onto a cluster and off it, and by which it shows that it works.
 */
import type { Endpoint, Server } from '../../../shared/model.ts';
import type { LoadTarget } from '../adapter.ts';
import type { RuntimeWorld } from '../module.ts';
import { enterServer, http, key, pause, phase, type Steps } from '../step.ts';
import { applicationOf, isLeftover, nameOf, packagesOf } from './application.ts';
import { type Change, change, detailsOf, failed, livingReplicas, of } from './cluster.ts';
import type { RayFound } from './find.ts';
import { plannedIn } from './plan.ts';
import { prove } from './proof.ts';
import { type Details, standingOf } from './state.ts';

const PAUSE_MS = 500;
/**
 * Once more as long as Ray itself waits before it says what is missing: a node may be on its way.
 */
const PAUSES_WITHOUT_RESOURCES = 120;
/** A controller that was killed is back within seconds. */
const PAUSES_WITHOUT_WORD = 240;
/** A load that says the same for long lives as long as Ray answers. */
const PAUSES_BETWEEN_WORDS = 40;
/**
 * Others put their list over ours at most so often: whoever does it again and again does not want
 * us there.
 */
const MOST_CONFLICTS = 5;
const UNLOAD_PAUSES = 180;

export interface RayWorld {
  readonly world: RuntimeWorld;
  readonly found: RayFound;
}

const whereOf = ({ found }: RayWorld): string => found.cluster?.where ?? 'our own Ray cluster';

export function* load(ray: RayWorld, target: LoadTarget): Steps<Endpoint> {
  const server = yield* enterServer();
  const control = server.control ?? of(server);
  const secret = yield* key();
  const planned = plannedIn(target.plan);
  const name = nameOf(ray.world, target.modelId);
  yield* phase('packing its files', null, true);
  const packages = yield* packagesOf(ray.world, target, planned);
  const gpus = planned.gpus ?? Math.min(1, yield* gpusOf(control));
  const wanted: Change = {
    ...{ where: whereOf(ray), name, packages: Object.values(packages), listen: listenAt(ray) },
    application: applicationOf(ray.world, target, { name, secret, packages, planned, gpus }),
    isLeftover: (config) => isLeftover(ray.world, config),
  };
  yield* phase('handing it to the cluster', null, true);
  yield* change(control, wanted);
  const details = yield* untilItRuns(ray, control, wanted);
  const at = ray.found.cluster === null ? server.at : { url: proxyOf(ray.found.cluster.origin, details) };
  const endpoint: Endpoint = { at, key: secret, protocol: 'openai', model: target.modelId, prefix: `/${name}/v1`, control };
  yield* prove(target.modelId, endpoint, planned.task);
  return endpoint;
}

/** @throws ModeliumError with Ray's own words where it comes to nothing. */
function* untilItRuns(ray: RayWorld, control: Server, wanted: Change): Steps<Details> {
  const where = whereOf(ray);
  let told = '';
  let quiet = 0;
  let without = 0;
  let silent = 0;
  let conflicts = 0;
  for (;;) {
    yield* pause(PAUSE_MS);
    const details = yield* detailsOf(control, where);
    silent = details === null ? silent + 1 : 0;
    if (silent > PAUSES_WITHOUT_WORD) throw failed(`The Serve controller of ${where} does not answer.`);
    if (details === null) continue;
    const standing = standingOf(details.applications[wanted.name]);
    if (standing.is === 'running') return details;
    if (standing.is === 'failed') throw failed(explained(where, standing.why));
    if (standing.is === 'absent') {
      // Somebody else has put a list without it.
      conflicts += 1;
      if (conflicts > MOST_CONFLICTS)
        throw failed(
          `Somebody else takes it off ${where} again and again: two who put whole lists of applications there exclude each other.`,
        );
      yield* change(control, wanted);
      continue;
    }
    without = standing.lacksResources === null ? 0 : without + 1;
    if (without > PAUSES_WITHOUT_RESOURCES)
      throw failed(`${where} has no node for it: ${standing.lacksResources ?? ''} Ask for less (models.<id>.ray), or add a node.`);
    quiet += 1;
    if (standing.what === told && quiet < PAUSES_BETWEEN_WORDS) continue;
    [told, quiet] = [standing.what, 0];
    yield* phase(standing.lacksResources === null ? standing.what : `waiting for a node that has room`, null, true);
  }
}

function explained(where: string, why: string): string {
  const unseen = /not-visible-on-cluster: (.*)/.exec(why);
  if (unseen !== null)
    return `The cluster cannot see its files: ${unseen[1]} Name the folder as its nodes see it (ray_serve.path_map), or an address (models.<id>.ray.source).`;
  return `It failed on ${where}: ${why}`;
}

/** Serve listens on the head, at whatever port it was started with. */
function proxyOf(origin: string, { http_options }: Details): string {
  const url = new URL(origin);
  return `http://${url.hostname}:${http_options?.port ?? 8000}`;
}

function listenAt({ world, found }: RayWorld): Change['listen'] {
  return { host: found.cluster === null || found.cluster.isLocal ? '127.0.0.1' : '0.0.0.0', port: world.settings.ray_serve.http_port };
}

/** Of the whole cluster. */
function* gpusOf(control: Server): Steps<number> {
  const answer = yield* http({ ...of(control), method: 'GET', path: '/api/v0/nodes', body: null, timeoutMs: 10_000 });
  return /"GPU": ?[1-9]/.test(answer?.body ?? '') ? 1 : 0;
}

/** Ends when the processes of its replicas are gone. @throws ModeliumError where they stay. */
export function* detach(ray: RayWorld, modelId: string, server: Endpoint): Steps<void> {
  const control = server.control ?? of(server);
  const where = whereOf(ray);
  const name = nameOf(ray.world, modelId);
  yield* change(control, {
    where,
    name,
    application: null,
    packages: [],
    isLeftover: (config) => isLeftover(ray.world, config),
    listen: listenAt(ray),
  });
  for (let pauses = 0; pauses < UNLOAD_PAUSES; pauses += 1) {
    const details = yield* detailsOf(control, where);
    const isListed = details === null || details.applications[name] !== undefined;
    if (!isListed && (yield* livingReplicas(control, name)) === 0) return;
    yield* pause(PAUSE_MS);
  }
  throw failed(`${where} did not end the replicas of ${name}.`);
}
