/** Resolves the paths of files and programs in the settings. Reads no files. Pure. */
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { MachineFacts } from './module.ts';

/**
 * An absolute path: `~/` is the person's folder, and what is relative begins where the settings
 * file lies.
 */
export function placeOf(path: string, { home, settingsFolder }: Pick<MachineFacts, 'home' | 'settingsFolder'>): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : resolve(settingsFolder, path);
}

/** Where a program of this name may be, in the order of the PATH. */
export function onPath(name: string, env: MachineFacts['env']): readonly string[] {
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, name));
}

/**
 * Where a command of the settings may be: one with a slash at that place, a bare name on the PATH.
 */
export function programsOf(command: string, machine: Pick<MachineFacts, 'home' | 'settingsFolder' | 'env'>): readonly string[] {
  return command.includes('/') ? [placeOf(command, machine)] : onPath(command, machine.env);
}
