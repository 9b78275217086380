/**
 * Fetches a small real model for users who have none, and follows it like a drop. Continues while
 * another page is shown.
 */
import { create } from 'zustand';
import { ask } from '../../api.ts';
import { addPaths } from '../../drop/drops.ts';
import * as texts from '../../texts.ts';
import { Button } from '../../ui/button.tsx';
import { sayError } from '../../ui/toasts.tsx';
import styles from './models-page.module.css';

/** What ends the fetching; null: nothing is fetched. */
const useFetching = create<{ readonly wanted: AbortController | null }>(() => ({ wanted: null }));

export function getSample(): void {
  if (useFetching.getState().wanted !== null) return;
  const wanted = new AbortController();
  useFetching.setState({ wanted });
  ask<'sample'>('POST', '/control/sample', { signal: wanted.signal })
    .then(({ path }) => addPaths([path]))
    .catch((thrown: unknown) => {
      if (!wanted.signal.aborted) sayError(texts.sample.notFetched, thrown);
    })
    .finally(() => useFetching.setState((now) => (now.wanted === wanted ? { wanted: null } : now)));
}

export function GetSample() {
  const isFetching = useFetching(({ wanted }) => wanted !== null);
  if (isFetching) return <FetchingSample />;
  return (
    <Button icon="drop" onClick={getSample}>
      {texts.sample.get}
    </Button>
  );
}

/** Nothing while none is fetched. */
export function FetchingSample() {
  const wanted = useFetching((state) => state.wanted);
  if (wanted === null) return null;
  return (
    <div className={styles.fetching} role="status">
      <span>{texts.sample.fetching}</span>
      <Button icon="close" onClick={() => wanted.abort()} small>
        {texts.common.cancel}
      </Button>
    </div>
  );
}
