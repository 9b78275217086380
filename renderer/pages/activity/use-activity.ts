/**
 * Fetches the finished requests repeatedly while the page is visible; there may be hundreds, and
 * the event stream does not carry them.
 */
import { useEffect, useState } from 'react';
import { toModeliumError } from '../../../shared/errors.ts';
import type { ActivityView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import { onSnapshot } from '../../link.ts';

const PAUSE_MS = 1_500;

interface Asked {
  /** Null: every model. */
  readonly model: string | null;
  readonly outcome: 'answered' | 'failed' | null;
  readonly limit: number;
}

interface Received {
  readonly activity: ActivityView;
  readonly filter: string;
}

/** The activity is null until the first answer to these filters. */
export function useActivity({ model, outcome, limit }: Asked): { readonly activity: ActivityView | null; readonly trouble: string | null } {
  const [received, setReceived] = useState<Received | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    const filter = filterOf({ model, outcome });
    let askedMs = Number.NEGATIVE_INFINITY;
    const read = (): void => {
      askedMs = performance.now();
      ask<'activity'>('GET', `/control/activity?limit=${limit}&${filter}`, { signal: leaving.signal })
        .then((answer) => {
          setTrouble(null);
          // The same as before is not drawn again.
          setReceived((before) => (before?.filter === filter && isSame(before.activity, answer) ? before : { activity: answer, filter }));
        })
        .catch((thrown: unknown) => {
          if (!leaving.signal.aborted) setTrouble(toModeliumError(thrown).message);
        });
    };
    read();
    // The engine tells that something changed at least once a second.
    const stop = onSnapshot(() => {
      if (!document.hidden && performance.now() - askedMs > PAUSE_MS) read();
    });
    return () => {
      stop();
      leaving.abort();
    };
  }, [model, outcome, limit]);
  return { activity: received?.filter === filterOf({ model, outcome }) ? received.activity : null, trouble };
}

function filterOf({ model, outcome }: Pick<Asked, 'model' | 'outcome'>): string {
  return new URLSearchParams({ ...(model === null ? {} : { model }), ...(outcome === null ? {} : { outcome }) }).toString();
}

function isSame(before: ActivityView, { total, requests }: ActivityView): boolean {
  return before.total === total && before.requests.length === requests.length && before.requests[0]?.id === requests[0]?.id;
}
