/**
 * What a question would set going before it is answered: models that are loaded first, and who has
 * to leave for them. Asked of the engine's own plan, which changes nothing.
 */
import { useState } from 'react';
import type { ModelView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import { Note } from '../../ui/panel.tsx';
import { useAgain } from '../../use-asked.ts';
import { isServable } from './request.ts';

export function LoadsFirst({ models }: { readonly models: readonly ModelView[] }) {
  const absent = models.filter((model) => model.state === 'unloaded' && isServable(model)).map(({ id }) => id);
  const [leaving, setLeaving] = useState<Readonly<Record<string, readonly string[]>>>({});
  useAgain(
    (signal) => {
      for (const id of absent) {
        ask<'plan'>('POST', '/control/plan', { body: { target: id }, signal })
          .then(({ decision }) => {
            if (decision?.kind === 'refuse') return;
            const victims = decision?.kind === 'place' ? decision.candidate.victims : decision?.kind === 'wait' ? decision.waitsFor : [];
            setLeaving((before) => ({ ...before, [id]: victims }));
          })
          // A note that does not come; the question itself tells what is wrong.
          .catch(() => {});
      }
    },
    [models.map(({ id, state }) => `${id} ${state}`).join('\n')],
  );
  // Of a model that nothing takes there is no plan: the question tells why.
  const planned = absent.filter((id) => leaving[id] !== undefined);
  if (planned.length === 0) return null;
  const victims = [...new Set(planned.flatMap((id) => leaving[id] ?? []))];
  const words = (ids: readonly string[]): string => ids.join(' and ');
  return (
    <Note tone={victims.length > 0 ? 'warn' : 'info'}>
      {words(planned)} {planned.length === 1 ? 'is' : 'are'} loaded first
      {victims.length === 0 ? '.' : `: ${words(victims)} ${victims.length === 1 ? 'has' : 'have'} to leave for that.`}
    </Note>
  );
}
