/**
 * Shows the runtimes and the watch folders: whether each was found, and if not, why and what to do.
 */

import type { ServerView } from '../../shared/snapshot.ts';
import { useWindow } from '../store.ts';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { WithCode } from '../ui/with-code.ts';
import styles from './engine-panels.module.css';

export function RuntimesPanel() {
  const runtimes = useWindow((state) => state.snapshot?.runtimes) ?? [];
  return (
    <Panel title="Runtimes">
      <ul className={styles.rows}>
        {runtimes.map(({ id, enabled, found, isWrong, version, message, server }) => (
          <li key={id}>
            <RuntimeGlyph is={!enabled ? 'off' : isWrong === true ? 'wrong' : found ? 'found' : 'off'} />
            <div>
              <h3>
                {id} {version ?? ''}
                {enabled ? '' : ' (off in the settings)'}
              </h3>
              <p>
                <WithCode>{message}</WithCode>
              </p>
              {enabled && server !== undefined && <p>{serverSentence(server)}</p>}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

const STATES: Readonly<Record<ServerView['state'], string>> = {
  absent: 'does not run: it starts with its first model',
  starting: 'starts',
  up: 'runs',
  recycling: 'is restarting',
  stopping: 'ends',
  there: 'answers',
  away: 'does not answer',
};

function serverSentence({ state, opens }: ServerView): string {
  const opened = opens === null ? '' : ` ${opens[0]?.toUpperCase()}${opens.slice(1)}.`;
  return `Its server ${STATES[state]}.${opened}`;
}

function RuntimeGlyph({ is }: { readonly is: 'found' | 'wrong' | 'off' }) {
  const [style, icon] = ({ found: [styles.good, 'check'], wrong: [styles.warn, 'warning'], off: [styles.off, 'ring'] } as const)[is];
  return (
    <span className={style}>
      <Icon name={icon} />
    </span>
  );
}

export function FoldersPanel() {
  const folders = useWindow((state) => state.snapshot?.watchFolders) ?? [];
  return (
    <Panel title="Watched folders">
      <ul className={styles.rows}>
        {folders.map(({ path, ok, message, polling }) => (
          <li key={path}>
            <span className={ok ? styles.good : styles.warn}>
              <Icon name={ok ? 'folder' : 'warning'} />
            </span>
            <div>
              <h3 className={styles.mono}>{path}</h3>
              <p>
                {message}
                {polling ? '; its file system sends no events, so the folder is scanned every few seconds' : ''}
              </p>
            </div>
          </li>
        ))}
        {folders.length === 0 && <li>No folder is watched; models are added by hand.</li>}
      </ul>
    </Panel>
  );
}
