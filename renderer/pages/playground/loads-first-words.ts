/** Describes in one sentence what the plans of several models require. Pure. */
import type { Decision } from '../../../shared/decision.ts';
import * as texts from '../../texts.ts';

export interface Planned {
  readonly id: string;
  readonly decision: Decision | null;
}

export interface PlannedWords {
  readonly sentence: string;
  /** Somebody has to leave, or to wait. */
  readonly isWarning: boolean;
}

/**
 * Null: nothing is set going. Of a model that nothing takes there is no plan: the question tells
 * why.
 */
export function plannedInWords(planned: readonly Planned[]): PlannedWords | null {
  const placed = planned.flatMap(({ id, decision }) => (decision?.kind === 'place' ? [{ id, victims: decision.candidate.victims }] : []));
  const waiting = planned.flatMap(({ id, decision }) => (decision?.kind === 'wait' ? [{ id, waitsFor: decision.waitsFor }] : []));
  const sentences: string[] = [];
  if (placed.length > 0) {
    const victims = [...new Set(placed.flatMap((each) => each.victims))];
    const ids = listed(placed.map(({ id }) => id));
    sentences.push(
      victims.length === 0
        ? texts.loadsFirst.loaded(ids, placed.length)
        : texts.loadsFirst.loadedInPlace(ids, placed.length, listed(victims), victims.length),
    );
  }
  for (const { id, waitsFor } of waiting) sentences.push(texts.loadsFirst.waits(id, listed(waitsFor), waitsFor.length));
  if (sentences.length === 0) return null;
  return { sentence: sentences.join(' '), isWarning: waiting.length > 0 || placed.some(({ victims }) => victims.length > 0) };
}

function listed(ids: readonly string[]): string {
  const [last = ''] = ids.slice(-1);
  return ids.length < 2 ? last : texts.loadsFirst.and(ids.slice(0, -1).join(', '), last);
}
