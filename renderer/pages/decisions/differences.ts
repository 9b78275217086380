/** Compares a past decision with the answer to the same question now. Pure. */
import type { Candidate, Decision, DecisionRow } from '../../../shared/decision.ts';
import { bytesInWords } from '../../../shared/units.ts';
import { candidateInWords, chosenOf, keyOf, needsOf } from '../../components/candidate-words.ts';
import * as texts from '../../texts.ts';

export interface Difference {
  readonly what: string;
  readonly before: string;
  readonly after: string;
}

/** Of these the brain decided where a model goes; the others say that one leaves. */
const PLACING: ReadonlySet<DecisionRow['action']> = new Set(['load', 'prepare', 'retry', 'wait', 'refuse']);
const NOBODY = texts.decisions.nobody;

export function isPlacing({ action }: Pick<DecisionRow, 'action'>): boolean {
  return PLACING.has(action);
}

/** Compared as it is shown: what is the same in words is no difference. */
export function differencesOf(
  row: Pick<DecisionRow, 'action' | 'inputs' | 'candidates'>,
  decision: Decision,
  nameOf: (id: string) => string,
): readonly Difference[] {
  const chosen = chosenOf(row.inputs);
  const taken = (chosen === null ? undefined : row.candidates[chosen]) ?? null;
  const next = decision.kind === 'place' ? decision.candidate : null;
  const where = (candidate: Candidate | null): string =>
    candidate === null ? texts.decisions.nowhere : candidateInWords(candidate, nameOf);
  const leaving = (candidate: Candidate | null): string => candidate?.victims.join(', ') || NOBODY;
  return [
    {
      what: texts.decisions.result,
      before: resultOf(row.action),
      after: texts.decisions.results[decision.kind === 'place' ? 'load' : decision.kind],
    },
    { what: texts.decisions.where, before: where(taken), after: where(next) },
    { what: texts.candidates.mustLeaveFirst, before: leaving(taken), after: leaving(next) },
    ...figures(taken ?? nearest(row.candidates), decision.candidates, nameOf),
  ].filter(({ before, after }) => before !== after);
}

function resultOf(action: DecisionRow['action']): string {
  return texts.decisions.results[action === 'wait' || action === 'refuse' ? action : 'load'];
}

/** Of what was not loaded: the first place that was reckoned at all. */
function nearest(candidates: readonly Candidate[]): Candidate | null {
  return candidates.find((candidate) => needsOf(candidate).length > 0) ?? null;
}

/** What the same candidate needs and finds on its devices. */
function figures(known: Candidate | null, candidates: readonly Candidate[], nameOf: (id: string) => string): readonly Difference[] {
  const now = known === null ? undefined : candidates.find((candidate) => keyOf(candidate) === keyOf(known));
  if (known === null || now === undefined) return [];
  const words = (bytes: Readonly<Record<string, number>>, id: string): string => bytesInWords(bytes[id] ?? 0);
  return [...new Set([...needsOf(known), ...needsOf(now)].map(([id]) => id))].flatMap((id) => [
    { what: texts.decisions.needsOn(nameOf(id)), before: words(known.bytesNeeded, id), after: words(now.bytesNeeded, id) },
    { what: texts.decisions.freeOn(nameOf(id)), before: words(known.bytesThere, id), after: words(now.bytesThere, id) },
  ]);
}
