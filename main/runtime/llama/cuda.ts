/**
 * Finds the CUDA runtime libraries that llama.cpp's CUDA build needs and a driver alone does not
 * contain: in the system, in a toolkit, or in a Python environment (mostly vLLM's). Searches for
 * files by name; loads and runs nothing.
 */
import { basename, delimiter, dirname, join } from 'node:path';
import type { MachineFacts } from '../module.ts';
import { names, readWhole, real, type Steps } from '../step.ts';

export interface CudaRuntime {
  /** Null: none that is whole. */
  readonly major: number | null;
  /** Folders that the loader must be told of; empty where it finds them by itself. */
  readonly folders: readonly string[];
  /** A sentence without its full stop: which it is, or what is missing and how to get it. */
  readonly message: string;
}

type CudaFacts = Pick<MachineFacts, 'env' | 'home' | 'root'>;

/** What libggml-cuda.so needs (`objdump -p` of node-llama-cpp 3.21.1), and cublas of itself. */
const LIBRARIES = ['libcudart', 'libcublas', 'libcublasLt'] as const;
/** Of the CUDA part and of its older build for drivers that know no 13; the first is preferred. */
const MAJORS = [13, 12] as const;
/** Environments looked at (I10). */
const MOST_PLACES = 256;
const MOST_CONF_BYTES = 64 * 1024;
const HOW = 'install the CUDA 13 toolkit, or `pip install "nvidia-cuda-runtime>=13,<14" "nvidia-cublas>=13,<14"` into ~/.venv';

/** Folders that hold one runtime together. */
interface Place {
  readonly folders: readonly string[];
  /** The loader looks there anyway. */
  readonly isKnown: boolean;
}

export function* findCudaRuntime(machine: CudaFacts): Steps<CudaRuntime> {
  const places = (yield* placesIn(machine)).slice(0, MOST_PLACES);
  const inside = new Map<string, ReadonlySet<string>>();
  for (const folder of places.flatMap(({ folders }) => folders))
    if (!inside.has(folder)) inside.set(folder, new Set((yield* names(folder)).map((path) => basename(path))));
  let closest: { readonly major: number; readonly folder: string; readonly missing: readonly string[] } | null = null;
  for (const major of MAJORS) {
    for (const { folders, isKnown } of places) {
      const holders = LIBRARIES.map((name) => folders.find((folder) => inside.get(folder)?.has(`${name}.so.${major}`) === true));
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

function* placesIn({ env, home, root }: CudaFacts): Steps<readonly Place[]> {
  const at = (path: string): string => join(root, path);
  const given = (env['LD_LIBRARY_PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const system = ['usr/lib/x86_64-linux-gnu', 'usr/lib/aarch64-linux-gnu', 'usr/lib64', 'usr/lib', 'lib64'].map(at);
  const toolkits = [
    ...[env['CUDA_PATH'], env['CUDA_HOME']].flatMap((path) => path ?? []),
    ...(yield* matching(at('usr/local'), /^cuda/)).toReversed(),
    at('opt/cuda'),
  ];
  const environments = yield* environmentsIn({ env, home, root });
  const packages: string[] = [];
  for (const environment of environments) packages.push(...(yield* packagesOf(environment)));
  return [
    { folders: given, isKnown: true },
    { folders: [...system, ...(yield* configured(at('etc/ld.so.conf.d')))], isKnown: true },
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

/**
 * Where Python environments are, the likeliest first: the one that is active, vLLM's, those of
 * tools, the user's own.
 */
function* environmentsIn({ env, home, root }: CudaFacts): Steps<readonly string[]> {
  const own = [env['VIRTUAL_ENV'], env['CONDA_PREFIX']].flatMap((path) => path ?? []);
  const onPath = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const vllm: string[] = [];
  for (const folder of onPath) {
    const program = yield* real(join(folder, 'vllm'));
    if (program !== null) vllm.push(program);
  }
  const tools = ['.local/share/uv/tools', '.local/share/pipx/venvs', '.local/pipx/venvs', 'miniconda3/envs', 'anaconda3/envs'];
  const ofTools: string[] = [];
  for (const folder of tools) ofTools.push(...(yield* matching(join(home, folder), /^[^.]/)));
  return [
    ...own,
    ...vllm.map((program) => dirname(dirname(program))),
    ...['.venv', '.local', 'miniconda3', 'anaconda3'].map((name) => join(home, name)),
    ...ofTools,
    join(root, 'usr/local'),
    join(root, 'usr'),
  ];
}

function* packagesOf(environment: string): Steps<readonly string[]> {
  const versions = yield* matching(join(environment, 'lib'), /^python3/);
  return versions.flatMap((folder) => [join(folder, 'site-packages'), join(folder, 'dist-packages')]);
}

/** Folders that the loader was told of by the system's packages. */
function* configured(folder: string): Steps<readonly string[]> {
  const lines: string[] = [];
  for (const file of yield* matching(folder, /\.conf$/)) lines.push(...((yield* readWhole(file, MOST_CONF_BYTES)) ?? '').split('\n'));
  return lines.map((line) => line.trim()).filter((line) => line.startsWith('/'));
}

function* matching(folder: string, name: RegExp): Steps<readonly string[]> {
  return (yield* names(folder)).filter((path) => name.test(basename(path)));
}
