/** Finds Triton, its version and its backends by reading files. Runs nothing. */

import { basename, dirname, join } from 'node:path';
import { programName } from '../../../shared/redact.ts';
import type { MachineFacts } from '../module.ts';
import { onPath, placeOf, programsOf } from '../places.ts';
import { names, readStart, real, type Steps, stats } from '../step.ts';
import { containerInWords, findContainer, type TritonContainer } from './container.ts';
import { capital, findElsewhere, type TritonElsewhere } from './elsewhere.ts';

export interface TritonFound {
  /** One that the settings name, in place of a program here. */
  readonly elsewhere: TritonElsewhere | null;
  /** Absolute path of `tritonserver`; null: it is not here. */
  readonly program: string | null;
  /** In which that is started; `program` is docker or podman then. Null: in none. */
  readonly container: TritonContainer | null;
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
  elsewhere: null,
  program: null,
  container: null,
  backendsFolder: '',
  backends: [],
  version: null,
  isWrong: false,
  about: '',
  message: 'Triton has not been searched for yet.',
};

const HOW =
  'it comes in the container nvcr.io/nvidia/tritonserver (/opt/tritonserver): name that image in triton.container.image, run Modelium in it, or copy that folder and set triton.command';
/** Where its container has it. */
const USUAL = 'opt/tritonserver/bin/tritonserver';
const VERSION_BYTES = 64;

export function* findTriton(machine: MachineFacts, before: TritonFound): Steps<TritonFound> {
  const { url, container } = machine.settings.triton;
  const found =
    url !== null ? yield* named(machine, before) : container.image === null ? yield* search(machine) : yield* contained(machine);
  const about = JSON.stringify(found);
  return about === before.about ? before : { ...found, about };
}

function* named(machine: MachineFacts, before: TritonFound): Steps<Omit<TritonFound, 'about'>> {
  const { url } = machine.settings.triton;
  if (!URL.canParse(url ?? '')) return { ...NOT_FOUND, message: `triton.url is not an address: ${url}.`, isWrong: true };
  const elsewhere = yield* findElsewhere(machine, before.elsewhere);
  const { where, version, loadProblem } = elsewhere;
  const message = `${capital(where)}${version === null ? '' : ` (${version})`}.${loadProblem === null ? '' : ` ${loadProblem}`}`;
  return { ...NOT_FOUND, elsewhere, version, message, isWrong: elsewhere.problem !== null };
}

function* contained(machine: MachineFacts): Steps<Omit<TritonFound, 'about'>> {
  const container = yield* findContainer(machine);
  if (typeof container === 'string') return { ...NOT_FOUND, message: container, isWrong: true };
  return { ...NOT_FOUND, program: container.program, container, message: `${containerInWords(container)}.` };
}

function* search(machine: MachineFacts): Steps<Omit<TritonFound, 'about'>> {
  const { command, backends: folder } = machine.settings.triton;
  const paths = pathsOf(machine);
  const facts = yield* stats(paths);
  const program = paths.find((_, index) => facts[index]?.isFile === true && facts[index].isExecutable);
  if (program === undefined) {
    const message =
      command === null
        ? `Triton is not installed here: ${HOW}.`
        : `triton.command is ${programName(command)}, and there is no such program: correct or remove the key.`;
    return { ...NOT_FOUND, message, isWrong: command !== null };
  }
  const root = dirname(dirname((yield* real(program)) ?? program));
  const backendsFolder = folder === null ? join(root, 'backends') : placeOf(folder, machine);
  const backends = (yield* names(backendsFolder)).map((path) => basename(path));
  const version = ((yield* readStart(join(root, 'TRITON_VERSION'), VERSION_BYTES)) ?? '').trim();
  const isVersion = /^\d+\.\d+\.\d+\w*$/.test(version);
  const lacks = `${program} has no backends in ${backendsFolder}: set triton.backends to the folder that holds them.`;
  if (backends.length === 0) return { ...NOT_FOUND, message: lacks, isWrong: folder !== null };
  const message = `Triton ${isVersion ? version : '(version unknown)'}: ${program}, with the backends ${backends.join(', ')}.`;
  return { ...NOT_FOUND, program, backendsFolder, backends, version: isVersion ? version : null, message, isWrong: false };
}

function pathsOf(machine: MachineFacts): readonly string[] {
  const { settings, env, root } = machine;
  const { command } = settings.triton;
  if (command === null) return [...onPath('tritonserver', env), join(root, USUAL)];
  return programsOf(command, machine);
}
