/**
 * A hook that fetches data while a component is shown: once, and again whenever the answer may have
 * changed.
 */
import { useEffect, useEffectEvent, useState } from 'react';
import { toModeliumError } from '../shared/errors.ts';
import { type AnswerOf, ask, type RouteName } from './api.ts';

/**
 * Runs `work` when the component appears and whenever one of `again` is other than before; the
 * signal ends with the next run, and with the component.
 */
export function useAgain(work: (signal: AbortSignal) => void, again: readonly (string | number | null | undefined)[]): void {
  const run = useEffectEvent(work);
  const reason = JSON.stringify(again);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the reason is what says that there is something new.
  useEffect(() => {
    const leaving = new AbortController();
    run(leaving.signal);
    return () => leaving.abort();
  }, [reason]);
}

export interface Asked<Answer> {
  /** Null before the first answer to this path; the one before while it is asked again. */
  readonly answer: Answer | null;
  /** Why the last question had no answer. */
  readonly trouble: string | null;
}

/**
 * GETs the path now, and again for each of `again`; an answer that was overtaken is dropped. With
 * null there is nothing to ask.
 */
export function useAsked<Name extends RouteName>(
  path: string | null,
  again: readonly (string | number | null | undefined)[],
): Asked<AnswerOf<Name>> {
  const [asked, setAsked] = useState<Asked<AnswerOf<Name>> & { readonly path: string | null }>({ path, answer: null, trouble: null });
  useAgain(
    (signal) => {
      if (path === null) return;
      ask<Name>('GET', path, { signal })
        .then((answer) => setAsked({ path, answer, trouble: null }))
        .catch((thrown: unknown) => {
          if (signal.aborted) return;
          const trouble = toModeliumError(thrown).message;
          setAsked((before) => ({ path, answer: before.path === path ? before.answer : null, trouble }));
        });
    },
    [path, ...again],
  );
  // What was asked for another path says nothing of this one.
  return asked.path === path ? asked : { answer: null, trouble: null };
}
