/**
 * Where Triton is installed, which version, and which backends lie beside it: read from files. Runs
 * nothing.
 */

import { basename, dirname, join } from 'node:path';
import type { RuntimeWorld } from '../module.ts';
import { onPath, placeOf, programsOf } from '../places.ts';
import { names, readStart, real, type Steps, stats } from '../step.ts';
import { capital, findElsewhere, type TritonElsewhere } from './elsewhere.ts';

export interface TritonFound {
  /** One that the settings name, in place of a program here. */
  readonly elsewhere: TritonElsewhere | null;
  /** Absolute path of `tritonserver`; null: it is not here. */
  readonly program: string | null;
  readonly backendsFolder: string;
  readonly backends: readonly string[];
  readonly version: string | null;
  /** A sentence. */
  readonly message: string;
  /** The settings name a program that there is not. */
  readonly isWrong: boolean;
  /** What it rests on: an equal one is the same. */
  readonly about: string;
}

export const NOT_FOUND: TritonFound = {
  ...{ elsewhere: null, program: null, backendsFolder: '', backends: [], version: null, isWrong: false, about: '' },
  message: 'Triton was not looked for yet.',
};

const HOW =
  'it comes in the container nvcr.io/nvidia/tritonserver (/opt/tritonserver): run Modelium in it, or copy that folder, and set triton.command';
/** Where its container has it. */
const USUAL = 'opt/tritonserver/bin/tritonserver';
const VERSION_BYTES = 64;

export function* findTriton(world: RuntimeWorld, before: TritonFound): Steps<TritonFound> {
  const found = world.settings.triton.url === null ? yield* search(world) : yield* named(world, before);
  const about = JSON.stringify(found);
  return about === before.about ? before : { ...found, about };
}

function* named(world: RuntimeWorld, before: TritonFound): Steps<Omit<TritonFound, 'about'>> {
  const { url } = world.settings.triton;
  if (!URL.canParse(url ?? '')) return { ...NOT_FOUND, message: `triton.url is no address: ${url}.`, isWrong: true };
  const elsewhere = yield* findElsewhere(world, before.elsewhere);
  const { where, version, loadProblem } = elsewhere;
  const message = `${capital(where)}${version === null ? '' : ` (${version})`}.${loadProblem === null ? '' : ` ${loadProblem}`}`;
  return { ...NOT_FOUND, elsewhere, version, message, isWrong: elsewhere.problem !== null };
}

function* search(world: RuntimeWorld): Steps<Omit<TritonFound, 'about'>> {
  const { command, backends: folder } = world.settings.triton;
  const paths = pathsOf(world);
  const facts = yield* stats(paths);
  const program = paths.find((_, index) => facts[index]?.isFile === true && facts[index].isExecutable);
  if (program === undefined) {
    const message =
      command === null
        ? `Triton is not installed here: ${HOW}.`
        : `triton.command is ${command}, and there is no such program: mend it, or take it out.`;
    return { ...NOT_FOUND, message, isWrong: command !== null };
  }
  const root = dirname(dirname((yield* real(program)) ?? program));
  const backendsFolder = folder === null ? join(root, 'backends') : placeOf(folder, world);
  const backends = (yield* names(backendsFolder)).map((path) => basename(path));
  const version = ((yield* readStart(join(root, 'TRITON_VERSION'), VERSION_BYTES)) ?? '').trim();
  const isVersion = /^\d+\.\d+\.\d+\w*$/.test(version);
  const lacks = `${program} has no backends in ${backendsFolder}: set triton.backends to the folder that holds them.`;
  if (backends.length === 0) return { ...NOT_FOUND, message: lacks, isWrong: folder !== null };
  const message = `Triton ${isVersion ? version : '(version unknown)'}: ${program}, with the backends ${backends.join(', ')}.`;
  return { elsewhere: null, program, backendsFolder, backends, version: isVersion ? version : null, message, isWrong: false };
}

function pathsOf(world: RuntimeWorld): readonly string[] {
  const { settings, env, root } = world;
  const { command } = settings.triton;
  if (command === null) return [...onPath('tritonserver', env), join(root, USUAL)];
  return programsOf(command, world);
}
