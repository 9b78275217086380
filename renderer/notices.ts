/** Decides which changes deserve a desktop notification while nobody looks at the window. Pure. */
import type { Notice } from '../shared/bridge.ts';
import type { DecisionRow } from '../shared/decision.ts';
import type { StateName } from '../shared/model.ts';
import type { ModelView } from '../shared/snapshot.ts';
import * as texts from './texts.ts';

/** Nobody sits and waits for longer. */
const LONG_LOAD_SECONDS = 30;

type Before = Pick<ModelView, 'state' | 'phase'>;
type Seen = Pick<ModelView, 'id' | 'state' | 'message' | 'loadSeconds'>;

/**
 * A failure, whatever it was loaded for; that it is ready where somebody waited long for it; and in
 * whatever way it ends what was dropped here. @param before its state until now; undefined: it is
 * new here.
 */
export function noticeOf(before: Before | undefined, { id, state, message, loadSeconds }: Seen, isDropped: boolean): Notice | null {
  if (before === undefined || before.state === state) return null;
  const words = wordsOf(before, state, isDropped, loadSeconds ?? 0);
  return words === null ? null : { title: `${id} ${words}`, body: message, page: 'models' };
}

/** A load that failed leaves through draining as well, and says so in its phase. */
function wasLoaded({ state, phase }: Before): boolean {
  return state === 'ready' || state === 'asleep' || (state === 'draining' && phase !== 'load-failed');
}

function wordsOf(before: Before, state: StateName, isDropped: boolean, loadSeconds: number): string | null {
  if (state === 'failed') return wasLoaded(before) ? texts.notices.modelFailed : texts.notices.modelFailedToLoad;
  if (state === 'ready') return isDropped || loadSeconds >= LONG_LOAD_SECONDS ? texts.notices.modelReady : null;
  return state === 'blocked' && isDropped ? texts.notices.modelNotServed : null;
}

/** Did it leave, so that its last decision tells why? */
export function hasLeft(before: StateName | undefined, state: StateName): boolean {
  return before === 'ready' && (state === 'draining' || state === 'asleep' || state === 'unloaded');
}

/**
 * @param decisions the model's, the newest first: it may have been asked for again since it left.
 */
export function evictedNotice(id: string, decisions: readonly Pick<DecisionRow, 'action' | 'because'>[]): Notice | null {
  const cause = decisions.find(({ action }) => action === 'evict' || action === 'sleep')?.because?.cause;
  if (cause?.kind !== 'made-room') return null;
  return { title: texts.notices.madeRoom(id, cause.for), body: texts.notices.loadedAgain, page: 'decisions' };
}
