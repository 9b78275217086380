/**
 * Custom servers (`runtimes.NAME` in the settings): any program that serves one model at a port,
 * one process for each model. The settings describe the program; this code knows no particular
 * program.
 */
import type { OwnRuntime, Settings } from '../../../shared/settings.ts';
import { MOST_IN_FLIGHT } from '../../core/admission.ts';
import type { RuntimeFinding } from '../../core/decide/planner.ts';
import type { Adapter } from '../adapter.ts';
import type { MachineFacts, RuntimeModule } from '../module.ts';
import type { Steps } from '../step.ts';
import { type Found, findOwn, NOT_FOUND } from './find.ts';
import { loadOwn } from './load.ts';
import { holds } from './placeholders.ts';
import { estimateOwn, namesForm, namesKind, planOwn, supportsOwn } from './plan.ts';
import { explainExit, progressOf } from './words.ts';

/** Somebody set it up for just these models: before all that comes along. */
const FIRST_PLACE = -1_000_000;
/** Many lose the signal while they load. */
const MOST_LOADING_GRACE_SECONDS = 5;

/** In the order of the settings, in which the first one that takes a model serves it. */
export function ownRuntimes({ runtimes }: Settings): readonly RuntimeModule<Found>[] {
  return Object.entries(runtimes).map(([id, own], index) => moduleOf(id, own, FIRST_PLACE + index));
}

function moduleOf(id: string, own: OwnRuntime, place: number): RuntimeModule<Found> {
  const at = `runtimes.${id}`;
  return {
    id,
    name: id,
    unit: 'process',
    isEnabled: () => true,
    notFound: NOT_FOUND,
    find: (machine, before) => findOwn(at, own, machine, before),
    adapter: (machine, found) => adapterOf(id, own, machine, found),
    preference: (kind, form) => (namesForm(own, form) && namesKind(own, kind) ? place : null),
    check: (machine) => check(at, own, machine),
    words: { metrics: null },
  };
}

function* check(at: string, own: OwnRuntime, machine: MachineFacts): Steps<readonly RuntimeFinding[]> {
  const { program, problems } = yield* findOwn(at, own, machine, NOT_FOUND);
  if (problems.length === 0) return [{ what: at, verdict: 'ok', message: program ?? own.command }];
  return problems.map((problem) => ({ what: at, verdict: 'wrong', message: problem.replace(/\.$/, '') }));
}

function adapterOf(id: string, own: OwnRuntime, { driver, cpuCores }: MachineFacts, searched: Found): Adapter {
  const { program, problems } = searched;
  const launch = { id, own, program: program ?? own.command, cpuCores };
  const isFound = program !== null && problems.length === 0;
  const message = isFound ? `${id}: ${program}.` : problems.join(' ');
  const gpus = driver.isPresent ? `${id} gets the GPUs that Modelium chooses for a model` : driver.why;
  return {
    id,
    found: {
      found: isFound,
      version: null,
      message,
      isWrong: !isFound && searched !== NOT_FOUND,
      gpu: { usable: driver.isPresent, why: gpus },
    },
    portRange: own.port_range,
    stopping: {
      signal: own.stop.signal,
      graceSeconds: own.stop.grace_seconds,
      loadingGraceSeconds: Math.min(own.stop.grace_seconds, MOST_LOADING_GRACE_SECONDS),
      leaderFirst: true,
    },
    ...(own.protocol === 'openai' ? { speaks: 'openai' } : {}),
    onlyWhenChosen: own.formats.length === 0,
    splits: false,
    // A server that is told of several GPUs spreads a model over them.
    groups: holds([...own.args, ...Object.values(own.env)], 'gpus'),
    supports: (profile, form) => supportsOwn(id, own, profile, form),
    plan: (profile, form, placement, settings) => planOwn(launch, profile, form, placement, settings),
    estimate: (profile, plan) => estimateOwn(id, own, profile, plan),
    // How many it works on at once is its own matter: what is too much waits inside of it.
    capacity: () => MOST_IN_FLIGHT,
    // Small servers do one thing at a time.
    isSilentAtWork: true,
    load: (target) => loadOwn(id, own, target),
    progress: progressOf,
    explainExit: (exit, lines) => explainExit(id, exit, lines),
  };
}
