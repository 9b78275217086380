/**
 * The settings in force: loaded, overridden by the command line, and reloaded when the file
 * changes. Owns the values; each consumer interprets its own.
 */
import type { Settings } from '../../shared/settings.ts';
import { needsRestart } from '../../shared/settings-keys.ts';
import type { Clock, Log } from '../core/ports.ts';
import {
  type LoadedSettings,
  type SettingsListeners,
  type SettingsPlaces,
  type SettingsWatch,
  watchSettings,
} from '../io/settings/settings-file.ts';
import { createSettingsReader } from '../io/settings/settings-reader.ts';
import { programs } from '../programs.ts';
import { createSettingsEditor, type SettingsEditor } from './settings-editor.ts';

/** What the command line says, which is in force in the place of the file's. */
export interface SettingsOptions {
  readonly host?: string;
  readonly port?: number;
}

export interface SettingsPorts {
  readonly log: Log;
  /** Looks for what the new settings name. Where it rejects, those before stay in force. */
  prepare(): Promise<void>;
  /** Puts them into force, in the turn in which they are told. */
  apply(): void;
  /** What may take its time afterwards. */
  after(before: Settings): Promise<void>;
  /** A view of the settings is another one now. */
  touch(): void;
}

export class EngineSettings {
  readonly #places: SettingsPlaces;
  readonly #options: SettingsOptions;
  readonly #reader: ReturnType<typeof createSettingsReader>;
  #loaded: LoadedSettings;
  #current: Settings;
  #problem: string | null = null;
  #watch: SettingsWatch | null = null;
  #reloading: Promise<void> = Promise.resolve();

  constructor(places: SettingsPlaces, options: SettingsOptions, loaded: LoadedSettings, clock: Clock) {
    this.#places = places;
    this.#options = options;
    this.#reader = createSettingsReader(programs.settings, clock);
    this.#loaded = loaded;
    this.#current = withOverrides(loaded.settings, options);
  }

  get current(): Settings {
    return this.#current;
  }

  /** modelium.yaml; null: there is none. */
  get file(): string | null {
    return this.#loaded.file;
  }

  get warnings(): readonly string[] {
    return this.#loaded.warnings;
  }

  /** Why the file as it is now is not in force. */
  get problem(): string | null {
    return this.#problem;
  }

  editor(): SettingsEditor {
    return createSettingsEditor({
      places: this.#places,
      reader: this.#reader,
      inForce: () => ({ settings: this.#current, problem: this.#problem, warnings: this.warnings }),
      watch: () => this.#watch,
      reloaded: () => this.#reloading,
    });
  }

  /** @returns what stops it. */
  follow(ports: SettingsPorts): () => void {
    const listeners: SettingsListeners = {
      // One after the other: two at once would each make a watcher, and one of them would be
      // nobody's.
      onChange: (loaded) => {
        this.#reloading = this.#reloading
          .then(() => this.#reload(loaded, ports))
          .catch((error) => ports.log.error('The settings could not be put into force', error));
      },
      onProblem: (sentence) => {
        this.#problem = sentence;
        ports.log.error(sentence);
        ports.touch();
      },
    };
    const watch = watchSettings(this.#places, this.#loaded, listeners, this.#reader);
    this.#watch = watch;
    return watch.stop;
  }

  /** Nothing that takes its time is read any more. */
  async close(): Promise<void> {
    await this.#reader.close();
  }

  async #reload(loaded: LoadedSettings, { log, prepare, apply, after, touch }: SettingsPorts): Promise<void> {
    const before = this.#current;
    const loadedBefore = this.#loaded;
    this.#loaded = loaded;
    this.#current = withOverrides(loaded.settings, this.#options);
    try {
      await prepare();
    } catch (error) {
      this.#loaded = loadedBefore;
      this.#current = before;
      this.#problem = `The settings could not be put into force: ${error instanceof Error ? error.message : error}`;
      touch();
      throw error;
    }
    this.#problem = null;
    // What follows is in force in this same turn, and what comes of it is told after.
    log.say(`Settings read again: ${loaded.file ?? 'the defaults'}`);
    for (const warning of [...loaded.warnings, ...needsRestart(before, this.#current)]) log.warn(warning);
    apply();
    touch();
    await after(before);
  }
}

/** What a command line says beats the file. */
function withOverrides(settings: Settings, { host, port }: SettingsOptions): Settings {
  const api = { ...settings.api, ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) };
  return { ...settings, api };
}
