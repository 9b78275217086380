/**
 * The settings as a user sees and edits them: connects the file, its watcher and the settings in
 * force. It has no rules of settings; `engine.ts` applies them.
 */
import type { EditedSettings, SettingsEdit, SettingsView } from '../../shared/api-settings.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { type Settings, settingsJsonSchema } from '../../shared/settings.ts';
import { needsRestart } from '../../shared/settings-keys.ts';
import { editSettings, readSettingsText } from '../io/settings/settings-edit.ts';
import type { SettingsPlaces, SettingsWatch } from '../io/settings/settings-file.ts';
import type { SettingsReader } from '../io/settings/settings-reader.ts';

export interface SettingsInForce {
  readonly settings: Settings;
  readonly problem: string | null;
  readonly warnings: readonly string[];
}

export interface SettingsEditorPorts {
  readonly places: SettingsPlaces;
  readonly reader: SettingsReader;
  inForce(): SettingsInForce;
  /** Null until the settings are followed. */
  watch(): SettingsWatch | null;
  /** Resolves when what the watch has found so far is in force. */
  reloaded(): Promise<void>;
}

export interface SettingsEditor {
  view(): Promise<SettingsView>;
  edit(edit: SettingsEdit): Promise<EditedSettings>;
}

export function createSettingsEditor(ports: SettingsEditorPorts): SettingsEditor {
  const schema = settingsJsonSchema();
  let last: Promise<unknown> = Promise.resolve();

  async function view(): Promise<SettingsView> {
    const { problem, settings } = ports.inForce();
    return { ...(await readSettingsText(ports.places, ports.reader)), problem, settings, schema };
  }

  async function edit(wanted: SettingsEdit): Promise<EditedSettings> {
    const watch = ports.watch();
    if (watch === null) {
      throw new ModeliumError('shutting-down', 'Modelium is starting: its settings cannot be edited yet.', { retryAfterSeconds: 1 });
    }
    const before = ports.inForce().settings;
    await editSettings(ports.places, wanted, ports.reader);
    await watch.checkNow();
    await ports.reloaded();
    const { settings, warnings } = ports.inForce();
    return { ...(await view()), notes: [...warnings, ...needsRestart(before, settings)] };
  }

  return {
    view,
    // One after the other: the second of two at once must see what the first one wrote.
    edit(wanted) {
      const edited = last.then(() => edit(wanted));
      last = edited.catch(() => {});
      return edited;
    },
  };
}
