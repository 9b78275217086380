/**
 * Parses the command line of the window's binary: our own flags, and whether a verb was given.
 * Pure.
 */
import { resolve } from 'node:path';
import { linkIn } from './links.ts';

export interface Flags {
  /** Null: the usual one. */
  readonly stateFolder: string | null;
  readonly config: string | null;
  /**
   * The command line's arguments, when the packaged binary was called with a verb; null opens the
   * window.
   */
  readonly verb: readonly string[] | null;
  /** A `modelium://` link that was opened, whatever it says; null: none. */
  readonly link: string | null;
  /** Only the tray is to be seen, as after a login. */
  readonly isHidden: boolean;
}

/** Flags that the command line answers without a verb. */
const ANSWERED = new Set(['--help', '-h', '--version', '-V']);

/**
 * Everything else that begins with a dash is Chromium's, or Electron's.
 * @param given the arguments behind the binary. @param packaged false: the first word is the folder
 * of the app, as in `electron .`.
 */
export function readFlags(given: readonly string[], packaged: boolean, cwd: string): Flags {
  const ours = new Map<string, string>();
  const link = linkIn(given) ?? null;
  const isHidden = given.includes('--hidden');
  // A link comes from anywhere: beside one nothing becomes a verb.
  const mayBeVerb = packaged && link === null;
  for (let index = 0; index < given.length; index += 1) {
    const argument = given[index] ?? '';
    const [, name = '', value] = /^--(state-folder|config)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name !== '') {
      // `--flag VALUE` takes the next one along.
      if (value === undefined) index += 1;
      ours.set(name, resolve(cwd, value ?? given[index] ?? ''));
      continue;
    }
    const isWord = !argument.startsWith('-');
    if (mayBeVerb && (isWord || ANSWERED.has(argument))) {
      return { ...named(ours), verb: [...forCommandLine(ours), ...given.slice(index)], link, isHidden };
    }
  }
  return { ...named(ours), verb: null, link, isHidden };
}

function named(ours: ReadonlyMap<string, string>): Pick<Flags, 'stateFolder' | 'config'> {
  return { stateFolder: ours.get('state-folder') ?? null, config: ours.get('config') ?? null };
}

/** Only the state folder goes before a verb; `--config` belongs behind `serve` and `check`. */
function forCommandLine(ours: ReadonlyMap<string, string>): readonly string[] {
  const stateFolder = ours.get('state-folder');
  return stateFolder === undefined ? [] : ['--state-folder', stateFolder];
}
