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
import { chooseTheme, THEMES, type Theme, useTheme } from '../../theme.ts';
import { Button } from '../../ui/button.tsx';
import { ChoiceField, SwitchField } from '../../ui/fields.tsx';
import { Facts, Note, Page, Panel } from '../../ui/panel.tsx';
import { useAgain } from '../../use-asked.ts';
import { readSettings, useSettings } from './edits.ts';
import { SettingsForm } from './settings-form.tsx';
import styles from './settings-page.module.css';

const THEME_WORDS: Readonly<Record<Theme, string>> = { system: 'Like the system', light: 'Light', dark: 'Dark' };

export function SettingsPage({ subject }: PageProps) {
  useReading();
  const view = useSettings((state) => state.view);
  const trouble = useSettings((state) => state.trouble);
  const why = view === null ? null : whyReadOnly(view);
  return (
    <Page actions={<Rescan />} sentence={view === null ? undefined : fileSentence(view)} title="Settings">
      {trouble !== null && <Note tone="bad">The settings cannot be read: {trouble}</Note>}
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

function fileSentence({ file, target }: SettingsView): React.ReactNode {
  if (file !== null) return <>From the file {file}.</>;
  return target === null ? (
    'The defaults are in force.'
  ) : (
    <>There is no settings file yet: the defaults are in force. Saving makes {target}.</>
  );
}

/** Null: it can be edited. */
function whyReadOnly({ target, problem, given }: SettingsView): string | null {
  if (target === null) {
    return 'This engine runs without a settings file, as the demo does: what you see is in force and cannot be changed from here. Start one that has a file: modelium serve --config FILE';
  }
  if (problem !== null || given === null)
    return 'The form is read-only until you correct the file in an editor. The earlier settings stay in force.';
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
      {isBusy ? 'Looking ...' : 'Rescan runtimes'}
    </Button>
  );
}

/** Nothing until the app has said how it is. */
function StartAtLogin({ ask: askApp }: { readonly ask: NonNullable<Bridge['startAtLogin']> }) {
  const [isOn, setOn] = useState<boolean | null>(null);
  useEffect(() => void askApp(null).then(setOn), [askApp]);
  if (isOn === null) return null;
  return <SwitchField checked={isOn} label="Start with your login" onChange={(wish) => void askApp(wish).then(setOn)} />;
}

function EnginePanel() {
  const snapshot = useWindow((state) => state.snapshot);
  const chosen = useTheme((state) => state.chosen);
  return (
    <Panel title="Engine">
      {snapshot !== null && (
        <Facts
          rows={[
            ['Version', snapshot.version],
            ['Address', snapshot.address],
            ['Started', new Date(snapshot.startedAt).toLocaleString('en-GB')],
          ]}
        />
      )}
      <div className={styles.theme}>
        <ChoiceField
          choices={THEMES.map((theme) => ({ value: theme, label: THEME_WORDS[theme] }))}
          label="How the window looks"
          onChange={(theme) => chooseTheme(THEMES.find((each) => each === theme) ?? 'system')}
          value={chosen}
        />
        {bridge?.startAtLogin !== undefined && <StartAtLogin ask={bridge.startAtLogin} />}
      </div>
    </Panel>
  );
}
