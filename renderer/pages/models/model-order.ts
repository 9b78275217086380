/**
 * Sorts the table of models. Equal models are ordered by name, so that each row has one place.
 * Pure.
 */
import type { ModelView } from '../../../shared/snapshot.ts';
import { memoryOf } from '../../components/model-memory.ts';
import { stateWord } from '../../components/state-chip.tsx';

export type SortKey = 'name' | 'state' | 'memory' | 'pace' | 'requests';

export interface Order {
  readonly key: SortKey;
  readonly isDown: boolean;
}

/** Large figures first, words from the beginning. */
export const BY_NAME: Order = { key: 'name', isDown: false };

const FIGURES: Readonly<Record<Exclude<SortKey, 'name' | 'state'>, (model: ModelView) => number>> = {
  memory: (model) => memoryOf(model)?.bytes ?? -1,
  pace: ({ pace }) => pace?.tokensPerSecond ?? -1,
  requests: ({ inFlight, waiting, queriesPerSecond }) => inFlight + waiting + queriesPerSecond,
};

/** What a click on a column's head makes of the order. */
export function turned({ key, isDown }: Order, clicked: SortKey): Order {
  if (clicked !== key) return { key: clicked, isDown: clicked !== 'name' && clicked !== 'state' };
  return { key, isDown: !isDown };
}

/** @param models in the order of their names. */
export function inOrder(models: readonly ModelView[], { key, isDown }: Order): readonly ModelView[] {
  if (key === 'name') return isDown ? models.toReversed() : models;
  const compare = (first: ModelView, second: ModelView): number =>
    key === 'state' ? stateWord(first.state).localeCompare(stateWord(second.state)) : FIGURES[key](first) - FIGURES[key](second);
  return models.toSorted((first, second) => (isDown ? -compare(first, second) : compare(first, second)));
}
