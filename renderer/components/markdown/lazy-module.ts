/** A module that comes when something on the page needs it first, and is there at once from then on. */
import { useEffect, useSyncExternalStore } from 'react';

/** @returns a hook: null until the module is there, and where it does not come at all. */
export function lazyModule<Module>(load: () => Promise<Module>): (isNeeded: boolean) => Module | null {
  let module: Module | null = null;
  let isAsked = false;
  const listeners = new Set<() => void>();
  const subscribe = (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const fetchOnce = (): void => {
    if (isAsked) return;
    isAsked = true;
    load()
      .then((loaded) => {
        module = loaded;
        for (const listener of listeners) listener();
      })
      // The engine is away: the text stays as it is, and the next one asks again.
      .catch(() => {
        isAsked = false;
      });
  };
  return (isNeeded) => {
    const known = useSyncExternalStore(subscribe, () => module);
    useEffect(() => {
      if (isNeeded) fetchOnce();
    }, [isNeeded]);
    return known;
  };
}
