/**
 * The settings as a person sees and edits them: joins the file, the one who follows it, and what is
 * in force. No rule of settings lives here; `engine.ts` puts them into force.
 */
import type { EditedSettings, SettingsEdit, SettingsView } from '../../shared/api-settings.ts';
import { ModeliumError } from '../../shared/errors.ts';
import { type Settings, settingsJsonSchema } from '../../shared/settings.ts';
import { needsRestart } from '../../shared/settings-keys.ts';
import { editSettings, readSettingsText } from '../io/settings/settings-edit.ts';
import type { SettingsPlaces, SettingsWatch } from '../io/settings/settings-file.ts';

export interface SettingsInForce {
  readonly settings: Settings;
  readonly problem: string | null;
  readonly warnings: readonly string[];
}

export interface SettingsEditorPorts {
  readonly places: SettingsPlaces;
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

export function createSettingsEditor(world: SettingsEditorPorts): SettingsEditor {
  const schema = settingsJsonSchema();
  let last: Promise<unknown> = Promise.resolve();

  async function view(): Promise<SettingsView> {
    const { problem, settings } = world.inForce();
    return { ...(await readSettingsText(world.places)), problem, settings, schema };
  }

  async function edit(wanted: SettingsEdit): Promise<EditedSettings> {
    const watch = world.watch();
    if (watch === null) {
      throw new ModeliumError('shutting-down', 'Modelium is starting: its settings are not followed yet.', { retryAfterSeconds: 1 });
    }
    const before = world.inForce().settings;
    await editSettings(world.places, wanted);
    await watch.checkNow();
    await world.reloaded();
    const { settings, warnings } = world.inForce();
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
