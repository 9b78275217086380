/**
 * Waits until each model that is present at the start has been read once, so that an early request
 * finds it. Then says which models other tools keep on this machine.
 */
import type { Clock, Log, ModelFinder } from '../core/ports.ts';
import type { ModelRecord, Registry } from '../core/registry.ts';
import { foundSentence } from '../core/sentences.ts';
import { withRegistered } from './control.ts';

/**
 * Files that nobody has read yet hold requests back for so long at most: a library of thousands is
 * read while others are served.
 */
const FIRST_SCAN_MS = 10_000;
/**
 * What lies still is known to be whole sooner. A file that grows, or that a program holds open, may
 * take minutes.
 */
const SETTLES_MS = 3_000;

/**
 * Resolves when each model that is there now was looked at, twice where it is new, so that a
 * request finds it as it was left.
 */
export function eachReadOnce(registry: Registry, clock: Clock): Promise<void> {
  const early = new Set([...registry.all()].filter(isEarly).map(({ id }) => id));
  const settling = new Map<string, () => void>();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      for (const forget of settling.values()) forget();
      unfollow();
      resolve();
    };
    const known = (id: string): void => {
      if (early.delete(id) && early.size === 0) done();
    };
    const look = (id: string, record: ModelRecord | null): void => {
      if (record === null || !isEarly(record)) return known(id);
      if (early.has(id) && record.state.name === 'settling' && !settling.has(id)) {
        settling.set(
          id,
          clock.after(SETTLES_MS, () => known(id)),
        );
      }
    };
    const cancel = clock.after(FIRST_SCAN_MS, done);
    const unfollow = registry.onChange(({ id, record }) => look(id, record));
    for (const record of registry.all()) look(record.id, record);
    if (early.size === 0) done();
  });
}

/** One that lacks nothing will be known to be whole. What is still copied holds nobody back. */
function isEarly({ state }: ModelRecord): boolean {
  if (state.name !== 'settling') return state.name === 'discovered';
  const { bytesPresent, bytesExpected, missing } = state.copy;
  return missing.length === 0 && (bytesExpected === null || bytesPresent >= bytesExpected);
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
