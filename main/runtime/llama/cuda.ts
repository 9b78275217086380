/**
 * The CUDA runtime that llama.cpp's CUDA part is linked against, and that a driver alone does not bring: in the system, in a toolkit, or in a Python
 * environment whose wheels carry it (vLLM's, mostly). Looks for files by name; loads and runs nothing.
 */
import { readdir, readFile, realpath } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';

export interface CudaRuntime {
  /** Null: none that is whole. */
  readonly major: number | null;
  /** Folders that the loader must be told of; empty where it finds them by itself. */
  readonly folders: readonly string[];
  /** A sentence without its full stop: which it is, or what is missing and how to get it. */
  readonly message: string;
}

export interface CudaWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** `/`; tests have another. */
  readonly root: string;
}

/** What libggml-cuda.so needs (`objdump -p` of node-llama-cpp 3.21.1), and cublas of itself. */
const LIBRARIES = ['libcudart', 'libcublas', 'libcublasLt'] as const;
/** Of the CUDA part and of its older build for drivers that know no 13; the first is preferred. */
const MAJORS = [13, 12] as const;
/** Environments looked at (I10). */
const MOST_PLACES = 256;
const HOW = 'install the CUDA 13 toolkit, or `pip install "nvidia-cuda-runtime>=13,<14" "nvidia-cublas>=13,<14"` into ~/.venv';

/** Folders that hold one runtime together. */
interface Place {
  readonly folders: readonly string[];
  /** The loader looks there anyway. */
  readonly isKnown: boolean;
}

export async function findCudaRuntime(world: CudaWorld): Promise<CudaRuntime> {
  const places = (await placesIn(world)).slice(0, MOST_PLACES);
  const names = new Map<string, ReadonlySet<string>>();
  for (const folder of places.flatMap(({ folders }) => folders)) if (!names.has(folder)) names.set(folder, new Set(await namesIn(folder)));
  let closest: { readonly major: number; readonly folder: string; readonly missing: readonly string[] } | null = null;
  for (const major of MAJORS) {
    for (const { folders, isKnown } of places) {
      const holders = LIBRARIES.map((name) => folders.find((folder) => names.get(folder)?.has(`${name}.so.${major}`) === true));
      const used = [...new Set(holders.flatMap((folder) => folder ?? []))];
      const missing = LIBRARIES.filter((_, index) => holders[index] === undefined).map((name) => `${name}.so.${major}`);
      const [folder] = used;
      if (folder === undefined) continue;
      if (missing.length === 0) return { major, folders: isKnown ? [] : used, message: `CUDA ${major} runtime in ${folder}` };
      closest ??= { major, folder, missing };
    }
  }
  const part =
    closest === null ? '' : `, only a part of CUDA ${closest.major} in ${closest.folder} (without ${closest.missing.join(', ')})`;
  return { major: null, folders: [], message: `CUDA 13 runtime missing (libcudart and libcublas)${part}: ${HOW}` };
}

async function placesIn({ env, home, root }: CudaWorld): Promise<readonly Place[]> {
  const at = (path: string): string => join(root, path);
  const given = (env['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const system = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib64', 'usr/lib', 'lib64'].map(at);
  const toolkits = [
    ...[env['CUDA_PATH'], env['CUDA_HOME']].flatMap((path) => path ?? []),
    ...(await matching(at('usr/local'), /^cuda/)).toReversed(),
    at('opt/cuda'),
  ];
  const environments = await environmentsIn({ env, home, root });
  const packages = (await Promise.all(environments.map(packagesOf))).flat();
  return [
    { folders: given, isKnown: true },
    { folders: [...system, ...(await configured(at('etc/ld.so.conf.d')))], isKnown: true },
    ...toolkits.flatMap((toolkit) =>
      ['lib64', 'targets/x86_64-linux/lib', 'lib'].map((part) => ({ folders: [join(toolkit, part)], isKnown: false })),
    ),
    ...packages.map((folder) => ({
      // CUDA 13's wheels share a folder; those before have one each.
      folders: ['cu13', 'cuda_runtime', 'cublas', 'cu12'].map((name) => join(folder, 'nvidia', name, 'lib')),
      isKnown: false,
    })),
    // Conda puts libraries beside its programs.
    ...environments.map((folder) => ({ folders: [join(folder, 'lib')], isKnown: false })),
  ];
}

/** Where Python environments are, the likeliest first: the one that is active, vLLM's, those of tools, the user's own. */
async function environmentsIn({ env, home, root }: CudaWorld): Promise<readonly string[]> {
  const own = [env['VIRTUAL_ENV'], env['CONDA_PREFIX']].flatMap((path) => path ?? []);
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const vllm = await Promise.all(onPath.map((folder) => realpath(join(folder, 'vllm')).catch(() => null)));
  const tools = ['.local/share/uv/tools', '.local/share/pipx/venvs', '.local/pipx/venvs', 'miniconda3/envs', 'anaconda3/envs'];
  const ofTools = await Promise.all(tools.map((folder) => matching(join(home, folder), /^[^.]/)));
  return [
    ...own,
    ...vllm.flatMap((program) => (program === null ? [] : [dirname(dirname(program))])),
    ...['.venv', '.local', 'miniconda3', 'anaconda3'].map((name) => join(home, name)),
    ...ofTools.flat(),
    join(root, 'usr/local'),
    join(root, 'usr'),
  ];
}

async function packagesOf(environment: string): Promise<readonly string[]> {
  const versions = await matching(join(environment, 'lib'), /^python3/);
  return versions.flatMap((folder) => [join(folder, 'site-packages'), join(folder, 'dist-packages')]);
}

/** Folders that the loader was told of by the system's packages. */
async function configured(folder: string): Promise<readonly string[]> {
  const texts = await Promise.all((await matching(folder, /\.conf$/)).map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.flatMap((text) => text.split('\n').map((line) => line.trim())).filter((line) => line.startsWith('/'));
}

async function matching(folder: string, name: RegExp): Promise<readonly string[]> {
  return (await namesIn(folder)).filter((each) => name.test(each)).map((each) => join(folder, each));
}

/** Sorted; empty where it is no folder that can be read. */
async function namesIn(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(() => [])).toSorted();
}
