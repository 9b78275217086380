/** The steps that deploy a model to a cluster, test it with one real answer, and remove it. */
import type { Endpoint, Server } from '../../../shared/model.ts';
import type { LoadTarget } from '../adapter.ts';
import type { MachineFacts } from '../module.ts';
import { enterServer, http, key, pause, phase, type Steps } from '../step.ts';
import { applicationOf, isLeftover, nameOf, packagesOf } from './application.ts';
import { type Change, change, detailsOf, failed, livingReplicas, of } from './cluster.ts';
import type { RayFound } from './find.ts';
import { plannedIn } from './plan.ts';
import { prove } from './proof.ts';
import { type Details, explained, othersPids, standingOf, waitingFor } from './state.ts';

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

export interface RayFacts {
  readonly machine: MachineFacts;
  readonly found: RayFound;
}

const whereOf = ({ found }: RayFacts): string => found.cluster?.where ?? 'our own Ray cluster';

export function* load(ray: RayFacts, target: LoadTarget): Steps<Endpoint> {
  const server = yield* enterServer();
  const control = server.control ?? of(server);
  const secret = yield* key();
  const planned = plannedIn(target.plan);
  const name = nameOf(ray.machine, target.modelId);
  yield* phase('packing its files', null, true);
  const packages = yield* packagesOf(ray.machine, target, planned);
  const gpus = planned.gpus ?? Math.min(1, yield* gpusOf(control));
  const wanted: Change = {
    where: whereOf(ray),
    name,
    packages: Object.values(packages),
    listen: listenAt(ray),
    application: applicationOf(ray.machine, target, { name, secret, packages, planned, gpus }),
    isLeftover: (config) => isLeftover(ray.machine, config),
  };
  yield* phase('deploying it on the cluster', null, true);
  yield* change(control, wanted);
  const details = yield* untilItRuns(ray, control, wanted);
  const at = ray.found.cluster === null ? server.at : { url: proxyOf(ray.found.cluster.origin, details) };
  const others = ray.found.cluster === null ? { othersPids: othersPids(details, name) } : {};
  const endpoint: Endpoint = { ...others, at, key: secret, protocol: 'openai', model: target.modelId, prefix: `/${name}/v1`, control };
  yield* prove(target.modelId, endpoint, planned.task);
  return endpoint;
}

/** @throws ModeliumError with Ray's own words where it comes to nothing. */
function* untilItRuns(ray: RayFacts, control: Server, wanted: Change): Steps<Details> {
  const where = whereOf(ray);
  let reported = '';
  let pauses = 0;
  let quiet = 0;
  let without = 0;
  let silent = 0;
  let conflicts = 0;
  for (;;) {
    yield* pause(PAUSE_MS);
    pauses += 1;
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
          `Another program removes it from ${where} repeatedly. Only one program can deploy the complete list of applications there.`,
        );
      yield* change(control, wanted);
      continue;
    }
    without = standing.lacksResources === null ? 0 : without + 1;
    if (without > PAUSES_WITHOUT_RESOURCES)
      throw failed(`${where} has no node for it: ${standing.lacksResources ?? ''} Ask for less (models.NAME.ray), or add a node.`);
    quiet += 1;
    if (standing.what === reported && quiet < PAUSES_BETWEEN_WORDS) continue;
    [reported, quiet] = [standing.what, 0];
    yield* phase(
      standing.lacksResources === null ? waitingFor(standing.what, pauses * PAUSE_MS) : 'waiting for a node that has room',
      null,
      true,
    );
  }
}

/** Serve listens on the head, at whatever port it was started with. */
function proxyOf(origin: string, { http_options }: Details): string {
  const url = new URL(origin);
  return `http://${url.hostname}:${http_options?.port ?? 8000}`;
}

function listenAt({ machine, found }: RayFacts): Change['listen'] {
  return { host: found.cluster === null || found.cluster.isLocal ? '127.0.0.1' : '0.0.0.0', port: machine.settings.ray_serve.http_port };
}

/** Of the whole cluster. */
function* gpusOf(control: Server): Steps<number> {
  const answer = yield* http({ ...of(control), method: 'GET', path: '/api/v0/nodes', body: null, timeoutMs: 10_000 });
  return /"GPU": ?[1-9]/.test(answer?.body ?? '') ? 1 : 0;
}

/** Ends when the processes of its replicas are gone. @throws ModeliumError where they stay. */
export function* detach(ray: RayFacts, modelId: string, server: Endpoint): Steps<void> {
  const control = server.control ?? of(server);
  const where = whereOf(ray);
  const name = nameOf(ray.machine, modelId);
  yield* change(control, {
    where,
    name,
    application: null,
    packages: [],
    isLeftover: (config) => isLeftover(ray.machine, config),
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
