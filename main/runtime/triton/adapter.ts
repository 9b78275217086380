/**
 * Triton as an adapter: one server of ours for all of its models, which are loaded and unloaded by
 * HTTP calls.
 */
import { MOST_IN_FLIGHT } from '../../core/admission.ts';
import type { Adapter } from '../adapter.ts';
import type { MachineFacts } from '../module.ts';
import { hiddenFrom } from './container.ts';
import { elsewhereAdapter } from './elsewhere-adapter.ts';
import type { TritonFound } from './find.ts';
import { detach, load } from './load.ts';
import { estimate, lacks, obstacle, plan, SERVER, supports } from './plan.ts';
import { checkModel } from './proof.ts';
import { OPENS, start } from './server.ts';
import { explainExit } from './words.ts';

/** Its own exit timeout, and what its processes of Python need beside it. */
const GRACE_SECONDS = 10;

export function tritonAdapter(machine: MachineFacts, found: TritonFound): Adapter {
  return found.elsewhere === null ? ownAdapter(machine, found) : elsewhereAdapter(machine, found, found.elsewhere);
}

function ownAdapter(machine: MachineFacts, found: TritonFound): Adapter {
  const { driver, settings } = machine;
  const hasGpus = driver.isPresent && settings.gpus.use !== 'none';
  return {
    id: 'triton',
    found: {
      found: found.program !== null,
      version: found.version,
      message: found.message,
      isWrong: found.isWrong,
      gpu: { usable: driver.isPresent, why: driver.isPresent ? 'Triton gets the GPUs that Modelium chooses for a model' : driver.why },
    },
    // It listens at sockets.
    portRange: [1, 1],
    splits: false,
    groups: false,
    // docker and podman pass the signal on.
    stopping: { graceSeconds: GRACE_SECONDS, loadingGraceSeconds: GRACE_SECONDS, leaderFirst: true },
    // What an image has, nobody knows before.
    supports: (profile, form) => supports(found.program === null || found.container !== null ? null : found.backends, profile, form),
    lacks: (form, launch) => (found.container === null ? null : hiddenFrom(found.container, launch.path)) ?? lacks(form, launch),
    plan: (profile, form, placement, launch) => plan(machine, profile, form, placement, launch),
    obstacle,
    estimate,
    // How many it works on at once is its own matter: what is too much waits inside of it.
    capacity: () => MOST_IN_FLIGHT,
    servers: [
      {
        name: SERVER,
        isForeign: false,
        opens: OPENS,
        start: () => start({ found, settings: settings.triton, maxBodyMb: settings.api.max_body_mb, hasGpus }),
      },
    ],
    load: (target) => load(target),
    detach,
    checkModel,
    progress: () => null,
    explainExit,
  };
}
