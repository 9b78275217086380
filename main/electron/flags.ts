/**
 * What the window's binary was called with: our own flags, and whether it is the command line that
 * is meant. Pure.
 */
import { resolve } from 'node:path';

export interface Flags {
  /** Null: the usual one. */
  readonly stateFolder: string | null;
  readonly config: string | null;
  /**
   * The command line's arguments, when the packaged binary was called with a verb; null opens the
   * window.
   */
  readonly verb: readonly string[] | null;
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
    if (packaged && (isWord || ANSWERED.has(argument))) return { ...named(ours), verb: [...forCommandLine(ours), ...given.slice(index)] };
  }
  return { ...named(ours), verb: null };
}

function named(ours: ReadonlyMap<string, string>): Pick<Flags, 'stateFolder' | 'config'> {
  return { stateFolder: ours.get('state-folder') ?? null, config: ours.get('config') ?? null };
}

/** Only the state folder goes before a verb; `--config` belongs behind `serve` and `check`. */
function forCommandLine(ours: ReadonlyMap<string, string>): readonly string[] {
  const stateFolder = ours.get('state-folder');
  return stateFolder === undefined ? [] : ['--state-folder', stateFolder];
}
