/** The last lines of a model's log, kept up to date; the page Logs has all of them. */
import { useEffect, useState } from 'react';
import { toModeliumError } from '../../../shared/errors.ts';
import { redacted } from '../../../shared/redact.ts';
import { open } from '../../api.ts';
import { plain } from '../../components/ansi.ts';
import { onOpening } from '../../link.ts';
import { address } from '../../route.ts';
import { controlToken } from '../../session.ts';
import * as texts from '../../texts.ts';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import styles from './model-drawer.module.css';

const SHOWN = 200;
const COMMIT_EVERY_MS = 100;

export function ModelLog({ id }: { readonly id: string }) {
  const { lines, trouble } = useLastLines(id);
  return (
    <div className={styles.body}>
      {trouble !== null && <p className={styles.message}>{trouble}</p>}
      {lines?.length === 0 && <p className={styles.message}>{texts.modelLog.nothingPrinted}</p>}
      {lines !== null && lines.length > 0 && (
        <ScrollBox as="div" className={styles.log} label={texts.modelLog.lastLines}>
          <pre>{lines.join('\n')}</pre>
        </ScrollBox>
      )}
      <a href={address('logs', id)}>{texts.modelLog.all}</a>
    </div>
  );
}

function useLastLines(id: string) {
  const [state, setState] = useState<{ lines: readonly string[] | null; trouble: string | null }>({ lines: null, trouble: null });
  const [openings, setOpenings] = useState(0);
  // The stream ends with its engine: the next one's is opened when the link stands again.
  useEffect(() => onOpening(() => setOpenings((count) => count + 1)), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: an opening of the link is what begins again.
  useEffect(() => {
    const leaving = new AbortController();
    const lines: string[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const commit = (): void => {
      timer = undefined;
      lines.splice(0, lines.length - SHOWN);
      setState({ lines: [...lines], trouble: null });
    };
    void (async () => {
      const path = `/control/logs?follow=true&model=${encodeURIComponent(id)}`;
      for await (const { data } of await open(path, { signal: leaving.signal }, commit)) {
        if (data === null) continue;
        const { line } = JSON.parse(data) as { readonly line: string };
        lines.push(redacted(plain(line), controlToken()));
        timer ??= setTimeout(commit, COMMIT_EVERY_MS);
      }
    })().catch((thrown: unknown) => {
      if (!leaving.signal.aborted) setState({ lines: [...lines], trouble: toModeliumError(thrown).message });
    });
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [id, openings]);
  return state;
}
