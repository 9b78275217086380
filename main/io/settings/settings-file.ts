/**
 * Finds modelium.yaml, reads it and watches it. `settings-edit.ts` writes it. It does not know what
 * a text says: `settings-text.ts` does, in the thread that `settings-reader.ts` takes for it.
 */
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../../shared/settings.ts';
import { quoted, shellWord } from '../../../shared/visible.ts';
import { modeliumFolders } from '../folders.ts';
import { readOwnText, whyNotOurs } from '../ownership.ts';
import { isAgreed, programsIn } from './agreed-settings.ts';
import { IN_THIS_THREAD, type SettingsReader } from './settings-reader.ts';
import { dataIn } from './settings-text.ts';

export interface LoadedSettings {
  /** Absolute path; null when there is no file and the defaults are in force. */
  readonly file: string | null;
  readonly settings: Settings;
  readonly warnings: readonly string[];
  /** Tells the searched files, as they were just before they were read, from later ones. */
  readonly identity: string;
}

/**
 * Where to look. `config`: a path that must exist, null for no file at all, undefined to search the
 * working and then the user's folder.
 */
export interface SettingsPlaces {
  readonly config?: string | null | undefined;
  readonly workingFolder?: string;
  readonly configFolder?: string;
  /** Where it is remembered what a person has agreed to; the user's own one if undefined. */
  readonly stateFolder?: string | undefined;
}

const FILE_NAME = 'modelium.yaml';
/**
 * Far beyond any real file; a wrong `--config` must not read a model into memory, and a text of
 * this size is parsed within some second.
 */
const LARGEST_FILE_BYTES = 192 * 1024;
const MOST_PROBLEMS_SHOWN = 5;
/** A person who saved a file looks up about a second later. */
const POLL_EVERY_MS = 500;

/**
 * @throws ModeliumError `settings-invalid`: with file, line and column, or when an explicit file
 * cannot be read.
 */
export async function loadSettings(places: SettingsPlaces = {}, reader: SettingsReader = IN_THIS_THREAD): Promise<LoadedSettings> {
  const before = await identityOf(places);
  const { file, warnings } = await findSettingsFile(places, reader);
  const settings = file === null ? DEFAULT_SETTINGS : await reader.ask({ kind: 'settings', file, text: await readText(file) });
  return { file, settings, warnings, identity: before };
}

/** Of all files that are searched: one that appears or goes counts, too. */
async function identityOf(places: SettingsPlaces): Promise<string> {
  if (places.config === null) return '';
  const files = places.config === undefined ? searchedFiles(places) : [resolve(places.config)];
  return (await Promise.all(files.map(async (file) => identity(await statOrNull(file))))).join(' ');
}

export async function findSettingsFile(
  places: SettingsPlaces,
  reader: SettingsReader,
): Promise<{ file: string | null; warnings: readonly string[] }> {
  if (places.config === null) return { file: null, warnings: [] };
  if (places.config !== undefined) return { file: resolve(places.config), warnings: [] };
  const warnings: string[] = [];
  const [here, users] = searchedFiles(places);
  const found = await statOrNull(here);
  if (found !== null) {
    const refusal = whyNotOurs(found, here) ?? (here === users ? null : await whyNotAgreed(here, places, reader));
    if (refusal === null) return { file: here, warnings };
    warnings.push(`${here} is ignored: ${refusal}.`);
  }
  return { file: (await statOrNull(users)) === null ? null : users, warnings };
}

export function searchedFiles(places: SettingsPlaces): readonly [string, string] {
  const { workingFolder = process.cwd(), configFolder = modeliumFolders().config } = places;
  return [join(workingFolder, FILE_NAME), join(configFolder, FILE_NAME)];
}

/**
 * A file in the working folder may have come there with an archive or a repository, and settings
 * name programs to start.
 */
async function whyNotAgreed(
  file: string,
  { stateFolder = modeliumFolders().state }: SettingsPlaces,
  reader: SettingsReader,
): Promise<string | null> {
  const text = await readText(file).catch((thrown) => {
    if (isPassing(thrown)) throw thrown;
    return null;
  });
  const lines = text === null ? null : await reader.ask({ kind: 'programs', file, text });
  // What cannot be read, or is no YAML, is told as that when it is read.
  if (lines === null) return null;
  const programs = programsIn(file, lines);
  if (programs.length === 0 || isAgreed(stateFolder, file, programs)) return null;
  const keys = programs.map((program) => program.slice(0, program.indexOf(': ')));
  const some = keys.slice(0, MOST_PROBLEMS_SHOWN).join(', ') + (keys.length > MOST_PROBLEMS_SHOWN ? ' ...' : '');
  return `it names programs to start (${quoted(some)}); read it, and allow them once with \`modelium trust ${shellWord(file)}\`, or name the file with --config`;
}

/** A settings file as plain data, valid or not. @throws ModeliumError settings-invalid. */
export async function readData(file: string): Promise<unknown> {
  return dataIn(await readText(file), file);
}

export async function statOrNull(file: string): Promise<Stats | null> {
  return stat(file).catch(() => null);
}

/** @throws ModeliumError settings-invalid: what is there, and what to do. */
export async function readText(file: string): Promise<string> {
  try {
    return await readOwnText(file, LARGEST_FILE_BYTES);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ModeliumError('settings-invalid', `${file} cannot be used: ${why}.`, { cause });
  }
}

export interface SettingsListeners {
  /** The file says something new and valid. */
  onChange(loaded: LoadedSettings): void;
  /**
   * It was edited into something broken, or vanished: the old settings stay. Once for each such
   * edit.
   */
  onProblem(sentence: string): void;
}

export interface SettingsWatch {
  /** Looks now, and trusts what it sees: for who has just written the file in one move. */
  checkNow(): Promise<void>;
  stop(): void;
}

/**
 * Follows the settings by looking at the searched files: editors replace a file as often as they
 * write it, and some file systems send no events.
 * @param loaded the settings in force: what changed since they were read is read at the first look.
 * @param every calls back each so many milliseconds; the answer ends it. Tests hand in their own.
 */
export function watchSettings(
  places: SettingsPlaces,
  loaded: LoadedSettings,
  listeners: SettingsListeners,
  reader: SettingsReader,
  every: (ms: number, callback: () => Promise<void>) => () => void = repeat,
): SettingsWatch {
  if (places.config === null) return { checkNow: async () => {}, stop: () => {} };
  let applied = loaded.identity;
  let inForce = loaded.file;
  let seen: string | null = null;
  let looking: Promise<void> | null = null;
  const check = async (isSure: boolean): Promise<void> => {
    const now = await identityOf(places);
    const still = isSure || now === seen;
    seen = now;
    // An editor may still be writing: only what looked the same twice is read.
    if (!still || now === applied) return;
    applied = now;
    try {
      const loaded = await loadSettings(places, reader);
      // Another file takes its place only when it is gone.
      if (inForce !== null && loaded.file !== inForce && (await statOrNull(inForce)) !== null)
        throw new ModeliumError('settings-invalid', loaded.warnings[0] ?? `${inForce} is not used any more.`);
      inForce = loaded.file;
      listeners.onChange(loaded);
    } catch (thrown) {
      if (isPassing(thrown)) {
        applied = '';
        return;
      }
      listeners.onProblem(`${toModeliumError(thrown).message}\nThe old settings stay in force.`);
    }
  };
  const checkOnce = (isSure: boolean): Promise<void> => {
    looking = check(isSure).finally(() => {
      looking = null;
    });
    return looking;
  };
  const stop = every(POLL_EVERY_MS, () => looking ?? checkOnce(false));
  return {
    stop,
    async checkNow() {
      while (looking !== null) await looking;
      await checkOnce(true);
    },
  };
}

/**
 * For want of a descriptor, or at the engine's end: it says nothing of the file, which is read at
 * the next look.
 */
function isPassing(thrown: unknown): boolean {
  if (!(thrown instanceof ModeliumError)) return false;
  const code = (thrown.cause as NodeJS.ErrnoException | undefined)?.code;
  return code === 'EMFILE' || code === 'ENFILE' || thrown.code === 'shutting-down';
}

export function identity(found: Stats | null): string {
  return found === null ? 'none' : `${found.dev}:${found.ino}:${found.size}:${found.mtimeMs}:${found.ctimeMs}`;
}

function repeat(ms: number, callback: () => Promise<void>): () => void {
  const timer = setInterval(() => void callback(), ms);
  timer.unref();
  void callback();
  return () => clearInterval(timer);
}
