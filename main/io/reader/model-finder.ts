/** The port ModelFinder for real: asks the reader where other tools keep their models. */
import type { FoundModels, ModelFinder } from '../../core/ports.ts';
import type { Reader } from './reader.ts';
import type { StoreFolder } from './store-folders.ts';

const LIMITS = { forMs: 2_000, mostModels: 1_000 } as const;

/** @param folders where to look, asked for each time. Two who ask at once share one look, which is too short to be called off. */
export function createModelFinder(reader: Reader, folders: () => readonly StoreFolder[]): ModelFinder {
  let looking: Promise<FoundModels> | null = null;
  return {
    find() {
      looking ??= reader.ask('found', { folders: folders(), limits: LIMITS }, new AbortController().signal).finally(() => {
        looking = null;
      });
      return looking;
    },
  };
}
