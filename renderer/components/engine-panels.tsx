/**
 * Shows the runtimes and the watch folders: whether each was found, and if not, why and what to do.
 */

import { useWindow } from '../store.ts';
import * as texts from '../texts.ts';
import { Icon } from '../ui/icon.tsx';
import { Panel } from '../ui/panel.tsx';
import { WithCode } from '../ui/with-code.ts';
import styles from './engine-panels.module.css';

export function RuntimesPanel() {
  const runtimes = useWindow((state) => state.snapshot?.runtimes) ?? [];
  return (
    <Panel title={texts.engine.runtimes}>
      <ul className={styles.rows}>
        {runtimes.map(({ id, enabled, found, isWrong, version, message, server }) => (
          <li key={id}>
            <RuntimeGlyph is={!enabled ? 'off' : isWrong === true ? 'wrong' : found ? 'found' : 'off'} />
            <div>
              <h3>
                {id} {version ?? ''}
                {enabled ? '' : texts.engine.offInSettings}
              </h3>
              <p>
                <WithCode>{message}</WithCode>
              </p>
              {enabled && server !== undefined && <p>{texts.engine.serverSentence(texts.engine.server[server.state], server.opens)}</p>}
            </div>
          </li>
        ))}
      </ul>
    </Panel>
  );
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
    <Panel title={texts.engine.folders}>
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
                {polling ? texts.engine.polled : ''}
              </p>
            </div>
          </li>
        ))}
        {folders.length === 0 && <li>{texts.engine.noFolder}</li>}
      </ul>
    </Panel>
  );
}
