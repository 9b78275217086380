/** Describes in one sentence what the plans of several models require. Pure. */
import type { Decision } from '../../../shared/decision.ts';

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
    const leave = victims.length === 0 ? '.' : `: ${listed(victims)} ${victims.length === 1 ? 'has' : 'have'} to leave for that.`;
    sentences.push(`${listed(placed.map(({ id }) => id))} ${placed.length === 1 ? 'is' : 'are'} loaded first${leave}`);
  }
  for (const { id, waitsFor } of waiting)
    sentences.push(`${id} has no room beside them: it waits until ${listed(waitsFor)} ${waitsFor.length === 1 ? 'is' : 'are'} done.`);
  if (sentences.length === 0) return null;
  return { sentence: sentences.join(' '), isWarning: waiting.length > 0 || placed.some(({ victims }) => victims.length > 0) };
}

function listed(ids: readonly string[]): string {
  const [last = ''] = ids.slice(-1);
  return ids.length < 2 ? last : `${ids.slice(0, -1).join(', ')} and ${last}`;
}
