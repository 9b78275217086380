/**
 * The palette: a search field with results; arrows and Enter choose. Loaded when it is first
 * opened.
 */
import { Autocomplete } from '@base-ui/react/autocomplete';
import { Dialog } from '@base-ui/react/dialog';
import { useEffect, useState } from 'react';
import { ask } from '../api.ts';
import { useModels } from '../store.ts';
import * as texts from '../texts.ts';
import { Icon } from '../ui/icon.tsx';
import { type Command, commandsOf, found, type SettingKey } from './commands.ts';
import styles from './palette.module.css';
import { showPanel, usePanels } from './shortcuts.ts';

export function Palette() {
  const close = (): void => {
    // What a command opened meanwhile stays.
    if (usePanels.getState().shown === 'palette') showPanel(null);
  };
  return (
    <Dialog.Root onOpenChange={(isOpen) => !isOpen && close()} open>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup aria-label={texts.palette.title} className={styles.popup}>
          <Finder close={close} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Finder({ close }: { readonly close: () => void }) {
  const models = useModels();
  const settings = useSettingKeys();
  const [typed, setTyped] = useState('');
  const items = found(commandsOf(models, settings), typed);
  const choose = (command: Command): void => {
    close();
    command.run();
  };
  return (
    <Autocomplete.Root
      autoHighlight="always"
      inline
      items={items}
      itemToStringValue={(command: Command) => command.label}
      keepHighlight
      mode="none"
      onValueChange={(value, { reason }) => {
        if (reason !== 'item-press') setTyped(value);
      }}
      open
      value={typed}
    >
      <div className={styles.field}>
        <Icon name="search" />
        <Autocomplete.Input aria-label={texts.palette.field} className={styles.input} placeholder={texts.palette.placeholder} />
      </div>
      <Autocomplete.Empty className={styles.empty}>{texts.palette.nothing}</Autocomplete.Empty>
      <Autocomplete.List aria-label={texts.palette.found} className={styles.list}>
        {(command: Command) => (
          <Autocomplete.Item className={styles.item} key={command.id} onClick={() => choose(command)} value={command}>
            <Icon name={command.icon} />
            <span className={styles.label}>{command.label}</span>
            <span className={styles.hint}>{command.hint}</span>
          </Autocomplete.Item>
        )}
      </Autocomplete.List>
    </Autocomplete.Root>
  );
}

interface KeySchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, KeySchema>>;
}

/** Every key of the settings with its section; none as long as they are not read. */
function useSettingKeys(): readonly SettingKey[] {
  const [keys, setKeys] = useState<readonly SettingKey[]>([]);
  useEffect(() => {
    const leaving = new AbortController();
    ask<'settings'>('GET', '/control/settings', { signal: leaving.signal })
      .then(({ schema }) => {
        const sections = Object.entries((schema as KeySchema).properties ?? {});
        setKeys(sections.flatMap(([section, inner]) => keysOf(inner, [section], section)));
      })
      .catch(() => {});
    return () => leaving.abort();
  }, []);
  return keys;
}

function keysOf({ description = '', properties }: KeySchema, path: readonly string[], section: string): readonly SettingKey[] {
  if (properties === undefined) return [{ name: path.join('.'), section, description }];
  return Object.entries(properties).flatMap(([key, inner]) => keysOf(inner, [...path, key], section));
}
