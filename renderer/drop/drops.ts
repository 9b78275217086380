/**
 * What was dropped or added in this window, each item followed to its end: registered, analyzed,
 * loaded, or refused with a reason. Owns the cards; the models themselves are the engine's.
 */
import { create } from 'zustand';
import { toModeliumError } from '../../shared/errors.ts';
import { ask } from '../api.ts';
import { warn } from '../ui/toasts.tsx';

export interface Drop {
  readonly key: number;
  /** As the person knows it: the last part of its path. */
  readonly name: string;
  readonly path: string;
  /** What the engine made of it; null until it answered. */
  readonly modelId: string | null;
  /** It was here before it was dropped. */
  readonly isKnown: boolean;
  readonly refusal: { readonly message: string; readonly hint: string } | null;
}

interface Drops {
  readonly drops: readonly Drop[];
}

/**
 * More than these at once would be a library, which a watch folder is for; and no more than that is
 * remembered.
 */
const MOST = 50;
let lastKey = 0;

export const useDrops = create<Drops>(() => ({ drops: [] }));

/** Registers each path; a card follows it. Asked one after the other, in their order. */
export function addPaths(paths: readonly string[]): void {
  if (paths.length > MOST) {
    const left = paths.length - MOST;
    warn(`${left} of ${paths.length} items were left out`, `At most ${MOST} are taken at once: for more, watch their folder (Settings).`);
  }
  const drops = paths.slice(0, MOST).map((path): Drop => {
    lastKey += 1;
    return {
      key: lastKey,
      name: path.split('/').findLast((part) => part !== '') ?? path,
      path,
      modelId: null,
      isKnown: false,
      refusal: null,
    };
  });
  useDrops.setState((state) => ({ drops: [...state.drops, ...drops].slice(-MOST) }));
  void registerAll(drops);
}

export function dismiss(key: number): void {
  useDrops.setState((state) => ({ drops: state.drops.filter((drop) => drop.key !== key) }));
}

export function dismissAll(): void {
  useDrops.setState({ drops: [] });
}

async function registerAll(drops: readonly Drop[]): Promise<void> {
  for (const { key, path } of drops) {
    try {
      const { id, isKnown } = await ask<'add'>('POST', '/control/library', { body: { path } });
      // One card for a model: the newest drop of it is what the person looks at.
      useDrops.setState((state) => ({ drops: state.drops.filter((drop) => drop.key === key || drop.modelId !== id) }));
      change(key, { modelId: id, isKnown });
    } catch (thrown) {
      const error = toModeliumError(thrown);
      change(key, { refusal: { message: error.message, hint: error.hint } });
    }
  }
}

function change(key: number, change: Partial<Drop>): void {
  useDrops.setState((state) => ({ drops: state.drops.map((drop) => (drop.key === key ? { ...drop, ...change } : drop)) }));
}
