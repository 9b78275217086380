/** The list of keyboard shortcuts that `?` opens. */
import { bridge } from '../bridge.ts';
import * as texts from '../texts.ts';
import { SwitchField } from '../ui/fields.tsx';
import { Overlay } from '../ui/overlays.tsx';
import styles from './palette.module.css';
import { shortcutGroups } from './shortcut-table.ts';
import { allowSingleKeys, showPanel, usePanels } from './shortcuts.ts';

const COMMAND_KEY = /Mac|iPhone|iPad/.test(navigator.userAgent) ? texts.shortcuts.commandKey : 'Ctrl';

export function ShortcutList() {
  const singleKeys = usePanels((state) => state.singleKeys);
  return (
    <Overlay onClose={() => showPanel(null)} open title={texts.shortcuts.title}>
      <div className={styles.groups}>
        {shortcutGroups(bridge !== null).map(({ title, shortcuts }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl className={styles.shortcuts}>
              {shortcuts.map(({ keys, does }) => (
                <div key={`${keys.join()} ${does}`}>
                  <dt>
                    {keys.map((key) => (
                      <kbd className={styles.key} key={key}>
                        {key === 'Ctrl' ? COMMAND_KEY : key}
                      </kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <SwitchField
          checked={singleKeys}
          help={texts.shortcuts.singleKeysHelp}
          label={texts.shortcuts.singleKeys}
          onChange={allowSingleKeys}
        />
      </div>
    </Overlay>
  );
}
