/**
 * Ray Serve as an adapter: an application for each model, on a cluster that the settings name or on
 * one of our own.
 */
import type { Exit } from '../../core/process-ports.ts';
import type { Adapter, Explanation } from '../adapter.ts';
import { killedSentence } from '../killed.ts';
import type { RuntimeWorld } from '../module.ts';
import { prefixOf } from './application.ts';
import type { RayFound } from './find.ts';
import { detach, load } from './load.ts';
import { estimate, lacks, plan, plannedIn, supports } from './plan.ts';
import { look, start } from './server.ts';
import { cleaned } from './state.ts';
import { linesOf } from './told.ts';

/**
 * Of a cluster of our own. Asked to end, Ray's own order takes 36 s; each of its processes by
 * itself ends within a few.
 */
const GRACE_SECONDS = 5;

export function rayAdapter(world: RuntimeWorld, found: RayFound): Adapter {
  const { cluster } = found;
  const { driver, settings } = world;
  const server = cluster === null ? 'server:ray' : `ray:${cluster.origin}`;
  const ray = { world, found };
  return {
    id: 'ray',
    found: {
      found: found.program !== null || (cluster !== null && cluster.problem === null),
      version: found.version,
      message: found.message,
      isWrong: found.isWrong,
      gpu:
        cluster === null
          ? { usable: driver.isPresent, why: driver.isPresent ? 'Ray Serve is given the GPUs that are chosen for a model' : driver.why }
          : { usable: false, why: 'Ray Serve runs elsewhere' },
    },
    ...{ portRange: settings.ray_serve.port_range, splits: false, groups: false, sharesThreads: false },
    stopping: { graceSeconds: GRACE_SECONDS, loadingGraceSeconds: GRACE_SECONDS, leaderFirst: false },
    speaks: 'openai',
    supports,
    ...(cluster === null ? {} : { elsewhere: () => cluster.where }),
    lacking: 'not-visible-on-cluster',
    lacks: (_form, launch, profile) => lacks(found, settings.ray_serve, launch, profile),
    plan(profile, form, placement, launch) {
      const made = plan({ found, settings: settings.ray_serve, server }, profile, form, placement, launch);
      const lines = linesOf(plannedIn(made), prefixOf(world), launch.path, settings.ray_serve.path_map);
      return { ...made, args: [...lines, ...made.args] };
    },
    estimate,
    servers: [
      cluster === null
        ? { name: server, isForeign: false, start: () => start(ray) }
        : { name: server, isForeign: true, where: cluster.where, about: JSON.stringify(cluster), check: () => look(world, cluster) },
    ],
    load: (target) => load(ray, target),
    detach: (modelId, at) => detach(ray, modelId, at),
    progress: () => null,
    explainExit,
  };
}

const PORT_TAKEN = /address already in use|EADDRINUSE|port \d+ is already (?:in use|used)/i;

function explainExit(exit: Exit, lines: readonly string[]): Explanation {
  const again = { permanent: false, retryWith: null };
  const said = lines.map(cleaned).filter((line) => line !== '');
  if (said.some((line) => PORT_TAKEN.test(line)))
    return {
      code: 'runtime-exited',
      message:
        'Another program took a port of our Ray cluster in the same moment. Trying again takes others; ray_serve.port_range sets which.',
      ...again,
    };
  if (exit.signal === 'SIGKILL' && said.length === 0) return { ...killedSentence('our Ray cluster', exit), ...again };
  const how = exit.signal === null ? `with code ${exit.code ?? 'unknown'}` : `by signal ${exit.signal}`;
  // Where one of its processes ended, it names that one last.
  const last = said.findLast((line) => /exited unexpectedly|exit code|Error/.test(line)) ?? said.at(-1);
  const words = last === undefined ? 'It said nothing.' : `Its last words: ${last.replace(/[.!?]$/, '')}.`;
  return { code: 'runtime-exited', message: `Our Ray cluster ended ${how}. ${words}`, ...again };
}
