/** The paths of Modelium's three folders by the XDG base directory convention. Creates nothing. */
import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';

export interface Folders {
  readonly config: string;
  readonly state: string;
  readonly cache: string;
}

/**
 * Whose folder it is need not be known to the system: a number is enough where HOME is set. An
 * empty or relative HOME would make the folder in which a command is started the home: each would
 * have an engine and a control token of its own.
 * @param ask the operating system. @param registered the system's list of users. @throws
 * ModeliumError where nobody knows it.
 */
export function homeFolder(ask: () => string = homedir, registered: () => string = () => userInfo().homedir): string {
  try {
    const home = ask();
    return isAbsolute(home) ? home : registered();
  } catch {
    const sentence = `User ${process.getuid?.()} has no home folder on this machine: set HOME to a folder for what Modelium keeps.`;
    throw new ModeliumError('path-invalid', sentence);
  }
}

/** Modelium's own folders. A relative XDG variable is ignored, as the convention says. */
export function modeliumFolders(environment: NodeJS.ProcessEnv = process.env, home: string = homeFolder()): Folders {
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
export function expandHome(path: string, home: string = homeFolder()): string {
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;
}
