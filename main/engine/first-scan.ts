/**
 * Waits until each model that is present at the start has been read once, so that an early request
 * finds it. Then says which models other tools keep on this machine.
 */
import type { Clock, Log, ModelFinder } from '../core/ports.ts';
import type { Registry } from '../core/registry.ts';
import { foundSentence } from '../core/sentences.ts';
import { withRegistered } from './control.ts';

/**
 * Files that nobody has read yet hold requests back for so long at most: a library of thousands is
 * read while others are served.
 */
const FIRST_SCAN_MS = 10_000;

/**
 * Resolves when each model that is there now was looked at once, so that a request finds it as it
 * was left.
 */
export function eachReadOnce(registry: Registry, clock: Clock): Promise<void> {
  const fresh = new Set([...registry.all()].filter(({ state }) => state.name === 'discovered').map(({ id }) => id));
  return new Promise((resolve) => {
    const cancel = clock.after(FIRST_SCAN_MS, () => done());
    const done = (): void => {
      cancel();
      unfollow();
      resolve();
    };
    const unfollow = registry.onChange(({ id, record }) => {
      if (record?.state.name !== 'discovered' && fresh.delete(id) && fresh.size === 0) done();
    });
    if (fresh.size === 0) done();
  });
}

/** Once, and only where none of them is known: whoever has registered one knows the way. */
export async function reportFoundModels(registry: Registry, finder: ModelFinder, log: Log): Promise<void> {
  try {
    const sentence = foundSentence(withRegistered(await finder.find(), registry).models);
    if (sentence !== null) log.say(sentence);
  } catch (error) {
    log.debug(`The search for models of other tools failed: ${error instanceof Error ? error.message : error}`);
  }
}
