/**
 * The page Settings: the engine and what it found, the look of the window, and the settings file as
 * a form.
 */

import { useEffect, useState } from 'react';
import type { SettingsView } from '../../../shared/api-settings.ts';
import type { Bridge } from '../../../shared/bridge.ts';
import { rescanRuntimes } from '../../actions.ts';
import { bridge } from '../../bridge.ts';
import { FoldersPanel, RuntimesPanel } from '../../components/engine-panels.tsx';
import { onOpening } from '../../link.ts';
import type { PageProps } from '../../route.ts';
import { useWindow } from '../../store.ts';
import * as texts from '../../texts.ts';
import { chooseTheme, THEMES, useTheme } from '../../theme.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField, SwitchField } from '../../ui/fields.tsx';
import { Facts, Note, Page, Panel } from '../../ui/panel.tsx';
import { useAgain } from '../../use-asked.ts';
import { readSettings, useSettings } from './edits.ts';
import { SettingsForm } from './settings-form.tsx';
import styles from './settings-page.module.css';

export function SettingsPage({ subject }: PageProps) {
  useReading();
  const view = useSettings((state) => state.view);
  const trouble = useSettings((state) => state.trouble);
  const why = view === null ? null : whyReadOnly(view);
  return (
    <Page actions={<Rescan />} sentence={view === null ? undefined : fileSentence(view)} title={texts.window.titles.settings}>
      {trouble !== null && <Note tone="bad">{texts.settings.notRead(trouble)}</Note>}
      {view !== null && view.problem !== null && <Problem text={view.problem} />}
      {why !== null && <Note tone="warn">{why}</Note>}
      <div className={styles.panels}>
        <EnginePanel />
        <RuntimesPanel />
        <FoldersPanel />
      </div>
      {view !== null && <SettingsForm whyReadOnly={why} subject={subject} view={view} />}
    </Page>
  );
}

/**
 * Read when the page is opened, when the engine came back or says something else of the file, and
 * when the person comes back from an editor.
 */
function useReading(): void {
  const problem = useWindow((state) => state.snapshot?.settingsProblem);
  const file = useWindow((state) => state.snapshot?.settingsFile);
  useAgain(() => void readSettings(), [problem, file]);
  useEffect(() => {
    const read = (): void => void (document.hidden || readSettings());
    const stop = onOpening(read);
    addEventListener('focus', read);
    document.addEventListener('visibilitychange', read);
    return () => {
      stop();
      removeEventListener('focus', read);
      document.removeEventListener('visibilitychange', read);
    };
  }, []);
}

function fileSentence({ file, target }: SettingsView): string {
  if (file !== null) return texts.settings.fromFile(file);
  return target === null ? texts.settings.defaultsInForce : texts.settings.noFileYet(target);
}

/** Null: it can be edited. */
function whyReadOnly({ target, problem, given }: SettingsView): string | null {
  if (target === null) {
    return texts.settings.noFile;
  }
  if (problem !== null || given === null) return texts.settings.readOnly;
  return null;
}

/** A sentence a line, each with its file, line and column. */
function Problem({ text }: { readonly text: string }) {
  return (
    <Note tone="bad">
      {text.split('\n').map((line) => (
        <p key={line}>{line}</p>
      ))}
    </Note>
  );
}

function Rescan() {
  const [isBusy, setBusy] = useState(false);
  const rescan = async (): Promise<void> => {
    setBusy(true);
    await rescanRuntimes();
    setBusy(false);
  };
  return (
    <Button disabled={isBusy} icon="refresh" onClick={() => void rescan()}>
      {isBusy ? texts.settings.looking : texts.common.rescanRuntimes}
    </Button>
  );
}

/** Nothing until the app has said how it is. */
function StartAtLogin({ ask: askApp }: { readonly ask: NonNullable<Bridge['startAtLogin']> }) {
  const [isOn, setOn] = useState<boolean | null>(null);
  useEffect(() => void askApp(null).then(setOn), [askApp]);
  if (isOn === null) return null;
  return <SwitchField checked={isOn} label={texts.settings.startAtLogin} onChange={(wish) => void askApp(wish).then(setOn)} />;
}

function EnginePanel() {
  const snapshot = useWindow((state) => state.snapshot);
  const chosen = useTheme((state) => state.chosen);
  return (
    <Panel title={texts.common.engine}>
      {snapshot !== null && (
        <Facts
          rows={[
            [texts.settings.version, snapshot.version],
            [texts.settings.address, snapshot.address],
            [texts.settings.started, new Date(snapshot.startedAt).toLocaleString('en-GB')],
          ]}
        />
      )}
      <div className={styles.theme}>
        <ChoiceField
          choices={THEMES.map((theme) => ({ value: theme, label: texts.settings.themes[theme] }))}
          label={texts.settings.theme}
          onChange={(theme) => chooseTheme(THEMES.find((each) => each === theme) ?? 'system')}
          value={chosen}
        />
        {bridge?.startAtLogin !== undefined && <StartAtLogin ask={bridge.startAtLogin} />}
      </div>
    </Panel>
  );
}
