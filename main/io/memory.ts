/** Gives memory back that the garbage collector would keep while nothing happens. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The nursery shrinks with this one only. */
const ALL = { type: 'major', execution: 'sync', flavor: 'last-resort' };
let collector: ((how: typeof ALL) => void) | null = null;

/**
 * Collects now. It takes a hundred milliseconds and more, so only once it is quiet after much was
 * let go.
 */
export function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as (how: typeof ALL) => void;
  }
  collector(ALL);
}
