/**
 * Looks whether the state folder is still there: without it a second engine would start beside this
 * one, and nobody would find either.
 */
import type { Clock, Log } from '../core/ports.ts';
import type { Store } from '../io/ledger/store.ts';
import type { Standing, StateFolder } from '../io/state-folder.ts';
import type { Opened } from './opened.ts';

/**
 * A person who deleted the folder and starts an engine anew takes longer, and two calls of the
 * system cost nothing.
 */
const LOOK_EACH_MS = 1_000;

export interface StateWatchParts {
  readonly folder: StateFolder;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly opened: Opened;
}

export function watchStateFolder({ folder, store, clock, log, opened }: StateWatchParts): void {
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
    stop = clock.after(LOOK_EACH_MS, check);
    const standing = standingNow();
    if (standing === 'made-again') {
      store.rescue();
      log.warn(`The state folder ${folder.path} was deleted while Modelium runs. It was made again, with all that was in it.`);
    } else if (standing === 'taken' && before !== 'taken') {
      const sentence = 'was deleted while Modelium runs, and another engine was started for it: two run side by side now. End one of them.';
      log.error(`The state folder ${folder.path} ${sentence}`);
    }
    before = standing;
  };
  stop = clock.after(LOOK_EACH_MS, check);
  opened.add(null, () => stop());
}
