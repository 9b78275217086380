/**
 * Where things lie: the three folders of the XDG base directory convention. Names only; nothing is
 * created here.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

export interface Folders {
  readonly config: string;
  readonly state: string;
  readonly cache: string;
}

/** Modelium's own folders. A relative XDG variable is ignored, as the convention says. */
export function modeliumFolders(environment: NodeJS.ProcessEnv = process.env, home: string = homedir()): Folders {
  const folder = (name: string, otherwise: string): string => {
    const base = environment[name];
    return join(base !== undefined && isAbsolute(base) ? base : join(home, otherwise), 'modelium');
  };
  return {
    config: folder('XDG_CONFIG_HOME', '.config'),
    state: folder('XDG_STATE_HOME', '.local/state'),
    cache: folder('XDG_CACHE_HOME', '.cache'),
  };
}

/** `~` and `~/...` as a shell would expand them; other paths as they are. */
export function expandHome(path: string, home: string = homedir()): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;
}
