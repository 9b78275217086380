/**
 * Shows what a question would cause before it is answered: which models are loaded first, and which
 * must leave. Uses the engine's dry run, which changes nothing.
 */
import { useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import { Note } from '../../ui/panel.tsx';
import { useAgain } from '../../use-asked.ts';
import { type Planned, plannedInWords } from './loads-first-words.ts';
import { isServable } from './request.ts';

export function LoadsFirst({ models }: { readonly models: readonly ModelView[] }) {
  const [planned, setPlanned] = useState<readonly Planned[]>([]);
  const servable = models.filter(isServable);
  useAgain(
    (signal) => {
      // All are asked at once: each finds the others there, or coming.
      const there = servable.filter(({ state }) => state === 'ready').map(({ id }) => id);
      const absent = servable.filter(({ state }) => state === 'unloaded').map(({ id }) => id);
      const plans = absent.map(async (id, at): Promise<Planned> => {
        const body = { target: id, after: [...there, ...absent.slice(0, at)] };
        const { decision } = await ask<'plan'>('POST', '/control/plan', { body, signal });
        return { id, decision };
      });
      Promise.all(plans)
        .then(setPlanned)
        // A note that does not come; the question itself tells what is wrong.
        .catch(() => {});
    },
    [models.map(({ id, state }) => `${id} ${state}`).join('\n')],
  );
  const words = plannedInWords(planned.filter(({ id }) => servable.some((model) => model.id === id && model.state === 'unloaded')));
  return words === null ? null : <Note tone={words.isWarning ? 'warn' : 'info'}>{words.sentence}</Note>;
}
