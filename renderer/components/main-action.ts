/**
 * Chooses a model's main action from its state, the same in its row, its card and the palette. A
 * state that passes by itself has an action too, which cancels it or speeds it up. Pure.
 */
import { assertNever } from '../../shared/errors.ts';
import type { ModelView } from '../../shared/snapshot.ts';

/**
 * `cut`: unload in spite of requests that run. `load-again`: what leaves is to stay, or to come
 * back.
 */
export type MainActionName = 'cancel' | 'unload' | 'cut' | 'load' | 'load-again' | 'retry' | 'forget' | 'see-code';

type Asking = Pick<ModelView, 'state' | 'canForget' | 'inFlight' | 'blockedReason'>;

/** Null: there is nothing that this window could do about it. */
export function mainActionOf({ state, canForget, inFlight, blockedReason }: Asking): MainActionName | null {
  switch (state) {
    case 'discovered':
    case 'settling':
      // What lies in a watch folder is copied, and taken away, by whoever put it there.
      return canForget ? 'forget' : null;
    case 'preparing':
    case 'queued':
    case 'loading':
      return 'cancel';
    case 'ready':
    case 'asleep':
      return 'unload';
    case 'draining':
      return inFlight > 0 ? 'cut' : 'load-again';
    case 'blocked':
      if (blockedReason === 'needs-trust') return 'see-code';
      return blockedReason === 'not-servable' ? null : 'retry';
    case 'failed':
      return 'retry';
    case 'analyzed':
    case 'unloaded':
      return 'load';
    default:
      return assertNever(state);
  }
}
