/**
 * Checks that the state folder still exists: without it a second engine would start, and no client
 * would find either engine.
 */
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../io/ledger/store.ts';
import type { Standing, StateFolder } from '../io/state-folder.ts';
import type { Opened } from './opened.ts';

/**
 * A person who deleted the folder and starts another engine takes longer, and two calls of the
 * system cost nothing.
 */
const CHECK_EACH_MS = 1_000;

export interface StateWatchPorts {
  readonly folder: StateFolder;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly opened: Opened;
}

export function watchStateFolder({ folder, store, clock, log, opened }: StateWatchPorts): void {
  let before: Standing | 'lost' = 'there';
  const standingNow = (): Standing | 'lost' => {
    try {
      return folder.check();
    } catch (error) {
      if (before !== 'lost') log.error(`The state folder ${folder.path} was deleted while Modelium runs, and cannot be made again`, error);
      return 'lost';
    }
  };
  let stop = (): void => {};
  const check = (): void => {
    stop = clock.after(CHECK_EACH_MS, check);
    const standing = standingNow();
    if (standing === 'made-again') {
      store.rescue();
      log.warn(`The state folder ${folder.path} was deleted while Modelium runs. Modelium created it again with its content.`);
    } else if (standing === 'taken' && before !== 'taken') {
      const sentence = 'was deleted while Modelium runs, and a second engine was started for it. End one of the two engines.';
      log.error(`The state folder ${folder.path} ${sentence}`);
    }
    before = standing;
  };
  stop = clock.after(CHECK_EACH_MS, check);
  opened.add(null, () => stop());
}
