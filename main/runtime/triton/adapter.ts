/**
 * Triton as an adapter: one server of ours for all of its models, which get into it and out of it
 * by calls.
 */
import { MOST_IN_FLIGHT } from '../../core/admission.ts';
import type { Adapter } from '../adapter.ts';
import type { RuntimeWorld } from '../module.ts';
import { elsewhereAdapter } from './elsewhere-adapter.ts';
import type { TritonFound } from './find.ts';
import { ailment, detach, load } from './load.ts';
import { estimate, lacks, obstacle, plan, SERVER, supports } from './plan.ts';
import { start } from './server.ts';
import { explainExit } from './words.ts';

/** Its own exit timeout, and what its processes of Python need beside it. */
const GRACE_SECONDS = 10;

export function tritonAdapter(world: RuntimeWorld, found: TritonFound): Adapter {
  return found.elsewhere === null ? ownAdapter(world, found) : elsewhereAdapter(world, found, found.elsewhere);
}

function ownAdapter(world: RuntimeWorld, found: TritonFound): Adapter {
  const { driver, settings } = world;
  const hasGpus = driver.isPresent && settings.gpus.use !== 'none';
  return {
    id: 'triton',
    found: {
      found: found.program !== null,
      version: found.version,
      message: found.message,
      isWrong: found.isWrong,
      gpu: { usable: driver.isPresent, why: driver.isPresent ? 'Triton is given the GPUs that are chosen for a model' : driver.why },
    },
    // It listens at sockets.
    ...{ portRange: [1, 1], splits: false, groups: false, sharesThreads: false },
    stopping: { graceSeconds: GRACE_SECONDS, loadingGraceSeconds: GRACE_SECONDS, leaderFirst: true },
    supports: (profile, form) => supports(found.program === null ? null : found.backends, profile, form),
    lacks,
    plan: (profile, form, placement, launch) => plan(world, profile, form, placement, launch),
    obstacle,
    estimate,
    // How many it works on at once is its own matter: what is too much waits inside of it.
    capacity: () => MOST_IN_FLIGHT,
    servers: [{ name: SERVER, isForeign: false, start: () => start({ found, settings: settings.triton, hasGpus }) }],
    load: (target) => load(target),
    detach,
    ailment,
    progress: () => null,
    explainExit,
  };
}
