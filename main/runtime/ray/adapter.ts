/**
 * Ray Serve as an adapter: one application for each model, on a cluster named in the settings or on
 * a cluster that Modelium starts.
 */
import type { Exit } from '../../core/process-ports.ts';
import type { Adapter, Explanation } from '../adapter.ts';
import { killedSentence } from '../killed.ts';
import type { MachineFacts } from '../module.ts';
import { prefixOf } from './application.ts';
import { estimate } from './estimate.ts';
import type { RayFound } from './find.ts';
import { detach, load } from './load.ts';
import { lacks, plan, plannedIn, supports } from './plan.ts';
import { linesOf } from './plan-lines.ts';
import { OPENS, start, statusOfCluster } from './server.ts';
import { cleaned } from './state.ts';

/**
 * Of a cluster of our own. Asked to end, Ray's own order takes 36 s; each of its processes by
 * itself ends within a few.
 */
const GRACE_SECONDS = 5;

export function rayAdapter(machine: MachineFacts, found: RayFound): Adapter {
  const { cluster } = found;
  const { driver, settings } = machine;
  const server = cluster === null ? 'server:ray' : `ray:${cluster.origin}`;
  const ray = { machine, found };
  return {
    id: 'ray',
    found: {
      found: found.program !== null || (cluster !== null && cluster.problem === null),
      version: found.version,
      message: found.message,
      isWrong: found.isWrong,
      gpu:
        cluster === null
          ? { usable: driver.isPresent, why: driver.isPresent ? 'Ray Serve gets the GPUs that Modelium chooses for a model' : driver.why }
          : { usable: false, why: 'Ray Serve runs elsewhere' },
    },
    portRange: settings.ray_serve.port_range,
    splits: false,
    groups: false,
    stopping: { graceSeconds: GRACE_SECONDS, loadingGraceSeconds: GRACE_SECONDS, leaderFirst: false },
    speaks: 'openai',
    supports,
    elsewhere: cluster === null ? undefined : () => cluster.where,
    lacking: 'not-visible-on-cluster',
    lacks: (_form, launch, profile) => lacks(found, settings.ray_serve, launch, profile),
    plan(profile, form, placement, launch) {
      const made = plan({ found, settings: settings.ray_serve, server }, profile, form, placement, launch);
      const lines = linesOf(plannedIn(made), prefixOf(machine), launch.path, settings.ray_serve.path_map);
      return { ...made, args: [...lines, ...made.args] };
    },
    estimate,
    servers: [
      cluster === null
        ? { name: server, isForeign: false, opens: OPENS, start: () => start(ray) }
        : {
            name: server,
            isForeign: true,
            where: cluster.where,
            about: JSON.stringify(cluster),
            check: () => statusOfCluster(machine, cluster),
          },
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
  const cleanLines = lines.map(cleaned).filter((line) => line !== '');
  if (cleanLines.some((line) => PORT_TAKEN.test(line)))
    return {
      code: 'runtime-exited',
      message:
        'Another program took a port of our Ray cluster at the same moment. The next attempt uses other ports of ray_serve.port_range.',
      ...again,
    };
  if (exit.signal === 'SIGKILL' && cleanLines.length === 0) return { ...killedSentence('our Ray cluster', exit), ...again };
  const how = exit.signal === null ? `with code ${exit.code ?? 'unknown'}` : `by signal ${exit.signal}`;
  // Where one of its processes ended, it names that one last.
  const last = cleanLines.findLast((line) => /exited unexpectedly|exit code|Error/.test(line)) ?? cleanLines.at(-1);
  const words = last === undefined ? 'It printed nothing.' : `Its last output: ${last.replace(/[.!?]$/, '')}.`;
  return { code: 'runtime-exited', message: `Our Ray cluster ended ${how}. ${words}`, ...again };
}
