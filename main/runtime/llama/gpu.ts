/**
 * Finds out whether llama.cpp can use the GPUs of the driver. A driver alone is not enough for its
 * CUDA build, so llama.cpp is asked in a separate process.
 */
import { delimiter } from 'node:path';
import type { MachineFacts } from '../module.ts';
import { ask, type Steps } from '../step.ts';
import { type CudaRuntime, findCudaRuntime } from './cuda.ts';
import type { LlamaGpu } from './facts.ts';

const FIND_GPU_MS = 20_000;

/**
 * @param cuda looks for the libraries that the CUDA part needs, where the loader would not; asked
 * only where there is a GPU.
 */
export function* findLlamaGpu(
  { settings, driver, env, node, programs }: Pick<MachineFacts, 'settings' | 'driver' | 'env' | 'node' | 'programs'>,
  cuda: () => Steps<CudaRuntime>,
): Steps<LlamaGpu> {
  // A llama-server of the user's own is taken at its word.
  if (!driver.isPresent || settings.llama.command !== null)
    return { usable: driver.isPresent, why: driver.why, libraryPath: null, isPresent: driver.isPresent };
  const runtime = yield* cuda();
  const known = env['LD_LIBRARY_PATH'];
  const paths = [...runtime.folders, ...(known === undefined || known === '' ? [] : [known])];
  const libraryPath = runtime.folders.length === 0 ? null : paths.join(delimiter);
  try {
    const libraries = libraryPath === null ? {} : { LD_LIBRARY_PATH: libraryPath };
    const output = yield* ask(node.command, [...node.args, programs.findGpu], { ...node.env, ...libraries }, FIND_GPU_MS);
    const { backend, why } = JSON.parse(output.findLast((line) => line.startsWith('{')) ?? '') as { backend: string | null; why: string };
    // Where CUDA is used, which runtime that is; else what is in its way.
    const library = backend === 'cuda' || runtime.major === null ? ` (${runtime.message})` : '';
    return { usable: backend !== null, why: `${why.replace(/\.$/, '')}${library}`, libraryPath, isPresent: true };
  } catch (error) {
    const why = `llama.cpp could not be asked about the GPU: ${error instanceof Error ? error.message : error}`;
    return { usable: false, why, libraryPath: null, isPresent: true };
  }
}

/** With the libraries of this machine. */
export function findGpu(machine: MachineFacts): Steps<LlamaGpu> {
  return findLlamaGpu(machine, () => findCudaRuntime(machine));
}
