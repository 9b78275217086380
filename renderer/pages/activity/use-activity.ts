/**
 * The requests that have ended, asked for again while somebody looks: they come by the hundred, and
 * no stream tells each of them.
 */
import { useEffect, useState } from 'react';
import { toModeliumError } from '../../../shared/errors.ts';
import type { ActivityView } from '../../../shared/snapshot.ts';
import { ask } from '../../api.ts';
import { onSnapshot } from '../../link.ts';

const PAUSE_MS = 1_500;
const SHOWN = 300;

export function useActivity(model: string | null): { readonly activity: ActivityView | null; readonly trouble: string | null } {
  const [activity, setActivity] = useState<ActivityView | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    const leaving = new AbortController();
    const query = new URLSearchParams({ limit: String(SHOWN), ...(model === null ? {} : { model }) });
    let askedMs = Number.NEGATIVE_INFINITY;
    const read = (): void => {
      askedMs = performance.now();
      ask<'activity'>('GET', `/control/activity?${query}`, { signal: leaving.signal })
        .then((answer) => {
          setTrouble(null);
          // The same as before is not drawn again.
          setActivity((before) => (before?.total === answer.total && before.requests[0]?.id === answer.requests[0]?.id ? before : answer));
        })
        .catch((thrown: unknown) => {
          if (!leaving.signal.aborted) setTrouble(toModeliumError(thrown).message);
        });
    };
    setActivity(null);
    read();
    // The engine tells that something changed at least once a second.
    const stop = onSnapshot(() => {
      if (!document.hidden && performance.now() - askedMs > PAUSE_MS) read();
    });
    return () => {
      stop();
      leaving.abort();
    };
  }, [model]);
  return { activity, trouble };
}
