/**
 * The folders in which other tools keep their models, by the rules of those tools. Paths only; it
 * reads nothing.
 */
import { isAbsolute, join } from 'node:path';
import type { ModelStore } from '../../../shared/snapshot.ts';

export interface StoreFolder {
  readonly store: ModelStore;
  readonly path: string;
}

/** In the order in which each tool looks for its own; a folder that is named twice once. */
export function storeFolders(environment: NodeJS.ProcessEnv, home: string): readonly StoreFolder[] {
  const named = (name: string): string | null => {
    const value = environment[name] ?? '';
    return isAbsolute(value) ? value : null;
  };
  const cache = named('XDG_CACHE_HOME') ?? join(home, '.cache');
  const huggingfaceHome = named('HF_HOME');
  const folders: readonly (readonly [ModelStore, string | null])[] = [
    ['huggingface', named('HF_HUB_CACHE') ?? named('HUGGINGFACE_HUB_CACHE')],
    ['huggingface', huggingfaceHome === null ? null : join(huggingfaceHome, 'hub')],
    ['huggingface', join(cache, 'huggingface', 'hub')],
    ['lm-studio', join(home, '.lmstudio', 'models')],
    ['lm-studio', join(home, '.cache', 'lm-studio', 'models')],
    ['ollama', named('OLLAMA_MODELS')],
    ['ollama', join(home, '.ollama', 'models')],
    ['ollama', '/usr/share/ollama/.ollama/models'],
  ];
  const seen = new Set<string>();
  return folders.flatMap(([store, path]) => {
    if (path === null || seen.has(path)) return [];
    seen.add(path);
    return [{ store, path }];
  });
}
