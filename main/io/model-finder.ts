/** The port ModelFinder for real: asks a worker thread, and only where a store of another tool is there at all. */
import { existsSync } from 'node:fs';
import type { FoundModels, ModelFinder } from '../core/ports.ts';
import type { StoreFolder } from './store-folders.ts';
import { askWorker, type WorkerWorld } from './worker-job.ts';

const LIMITS = { forMs: 2_000, mostModels: 1_000 } as const;

/** @param folders where to look, asked for each time. Two who ask at once share one look, which is too short to be called off. */
export function createModelFinder(world: WorkerWorld, folders: () => readonly StoreFolder[]): ModelFinder {
  let looking: Promise<FoundModels> | null = null;
  return {
    find() {
      const there = folders().filter(({ path }) => existsSync(path));
      if (there.length === 0) return Promise.resolve({ models: [], problems: [], isCut: false });
      looking ??= askWorker(world, 'found', { folders: there, limits: LIMITS }, new AbortController().signal).finally(() => {
        looking = null;
      });
      return looking;
    },
  };
}
