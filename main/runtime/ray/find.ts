/**
 * Finds the cluster to use: the one in the settings, with its token, or a local ray program that
 * can start one. Reads files, runs nothing.
 */

import { basename, dirname, join } from 'node:path';
import { programName } from '../../../shared/redact.ts';
import { besideSettings } from '../beside-settings.ts';
import type { MachineFacts } from '../module.ts';
import { onPath, placeOf, programsOf } from '../places.ts';
import { names, readWhole, type Steps, stats } from '../step.ts';

/** A cluster of somebody else's. */
export interface Cluster {
  /** Scheme, host and port of its dashboard. */
  readonly origin: string;
  /** For people. */
  readonly where: string;
  readonly host: string;
  /** This machine: its nodes see our files. */
  readonly isLocal: boolean;
  readonly token: string | null;
  /** Why it cannot even be asked; null: it can. */
  readonly problem: string | null;
}

export interface RayFound {
  /** Null: the settings name none. */
  readonly cluster: Cluster | null;
  /** Absolute path of `ray`; null: it is not here, or not wanted. */
  readonly program: string | null;
  readonly version: string | null;
  /** A sentence. */
  readonly message: string;
  readonly isWrong: boolean;
  /** What it rests on: an equal one is the same. */
  readonly about: string;
}

export const NOT_FOUND: RayFound = {
  cluster: null,
  program: null,
  version: null,
  isWrong: false,
  about: '',
  message: 'Ray has not been searched for yet.',
};

const HOW =
  '`python3 -m venv ~/.venv && ~/.venv/bin/pip install "ray[serve]" torch transformers`; or set ray_serve.url to a cluster that runs';
const MOST_TOKEN_BYTES = 8 * 1024;
const TOKEN = /^[\x21-\x7e]+$/;

export function* findRay(machine: MachineFacts, before: RayFound): Steps<RayFound> {
  const found =
    machine.settings.ray_serve.url === null ? yield* ownCluster(machine) : yield* clusterOf(machine.settings.ray_serve.url, machine);
  const about = JSON.stringify(found);
  return about === before.about ? before : { ...found, about };
}

function* clusterOf(address: string, machine: MachineFacts): Steps<Omit<RayFound, 'about'>> {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) return { ...NOT_FOUND, message: `ray_serve.url is not an address: ${address}.`, isWrong: true };
  const { token, problem } = yield* tokenOf(machine);
  const host = url.hostname;
  const isLocal = /^(localhost|127\.|\[::1\]$)/.test(host);
  const where = `the Ray cluster at ${url.host}`;
  const message = problem ?? `${where[0]?.toUpperCase()}${where.slice(1)}.`;
  return { ...NOT_FOUND, cluster: { origin: url.origin, where, host, isLocal, token, problem }, message, isWrong: problem !== null };
}

function* tokenOf(machine: MachineFacts): Steps<Pick<Cluster, 'token' | 'problem'>> {
  const { token_env, token_file } = machine.settings.ray_serve;
  const source = token_env === null ? 'ray_serve.token_file' : 'ray_serve.token_env';
  if (token_env === null && token_file === null) return { token: null, problem: null };
  const path = token_file === null ? '' : placeOf(token_file, machine);
  const text = token_env === null ? yield* readWhole(path, MOST_TOKEN_BYTES) : (machine.env[token_env] ?? null);
  if (text === null || text.trim() === '') {
    const what = token_env === null ? `The file ${path}` : `The environment variable ${token_env}`;
    return { token: null, problem: `${what}, which ${source} names, holds no token where Modelium runs.` };
  }
  const token = text.trim();
  return TOKEN.test(token)
    ? { token, problem: null }
    : { token: null, problem: `What ${source} names is not a token: it contains spaces or line breaks.` };
}

function* ownCluster(machine: MachineFacts): Steps<Omit<RayFound, 'about'>> {
  const { command } = machine.settings.ray_serve;
  const beside = command === null ? yield* besideSettings('ray', machine) : null;
  const paths = pathsOf(machine, beside?.programs ?? []);
  const facts = yield* stats(paths);
  let bare: string | null = null;
  for (const [index, program] of paths.entries()) {
    if (facts[index]?.isFile !== true || !facts[index].isExecutable) continue;
    const packages = yield* packagesOf(program);
    const version = packages.map((name) => /^ray-(\d[^-]*)\.dist-info$/.exec(name)?.[1]).find((one) => one !== undefined) ?? null;
    if (version === null && command === null) continue;
    // Its Serve wants these two beside Ray itself; a wrapper elsewhere hides what it has.
    const lacks = version === null ? [] : ['fastapi', 'uvicorn'].filter((name) => !packages.includes(name));
    if (lacks.length === 0)
      return { ...NOT_FOUND, program, version, message: `Ray ${version ?? '(version unknown)'}: ${program}, for a cluster of our own.` };
    bare = `${program} lacks Serve (${lacks.join(' and ')}): install "ray[serve]" there.`;
  }
  if (bare !== null) return { ...NOT_FOUND, message: bare, isWrong: command !== null };
  const message =
    command === null
      ? (beside?.refused ?? `Ray is not installed here: ${HOW}.`)
      : `ray_serve.command is ${programName(command)}, and there is no such program: correct or remove the key.`;
  return { ...NOT_FOUND, message, isWrong: command !== null };
}

function pathsOf(machine: MachineFacts, beside: readonly string[]): readonly string[] {
  const { settings, env, home } = machine;
  const { command } = settings.ray_serve;
  if (command === null) return [...onPath('ray', env), ...beside, join(home, '.venv/bin/ray')];
  return programsOf(command, machine);
}

/** Names of what is installed beside a program in its environment. */
function* packagesOf(program: string): Steps<readonly string[]> {
  const pythons = (yield* names(join(dirname(dirname(program)), 'lib'))).filter((name) => basename(name).startsWith('python3'));
  const found: string[] = [];
  for (const python of pythons) found.push(...(yield* names(join(python, 'site-packages'))));
  return found.map((path) => basename(path));
}
