/**
 * `modelium init`: writes a settings file to start from. Needs no engine, and overwrites a file
 * only with --force.
 */
import { chmod, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';
import { replaceFile } from '../io/settings/settings-edit.ts';
import { searchedFiles, statOrNull } from '../io/settings/settings-file.ts';
import { paint, print, printJson } from './output.ts';
import { settingsTemplate } from './settings-template.ts';

export interface InitOptions {
  readonly path: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

export async function init(options: InitOptions): Promise<number> {
  const path = await writeTemplate(options);
  if (options.json) {
    printJson({ path });
    return 0;
  }
  const isFound = searchedFiles({}).includes(path);
  const config = isFound ? '' : ` --config ${path}`;
  print(`Wrote ${path}. Everything in it is commented out: nothing has changed yet.`);
  print(
    `${paint('dim', 'Next:')} edit it, then \`modelium check${config}\` finds mistakes, and \`modelium serve${config}\` starts with it.`,
  );
  if (isFound) print('An engine that uses this file reads it again when you save it.');
  return 0;
}

/** @returns the file's path. @throws ModeliumError file-exists, settings-unwritable. */
export async function writeTemplate({ path, force }: Omit<InitOptions, 'json'>): Promise<string> {
  const file = await settingsFileAt(path);
  const before = await statOrNull(file);
  if (before !== null && !force) throw new ModeliumError('file-exists', `${file} already exists and was not changed.`);
  await replaceFile(file, settingsTemplate(), before);
  await chmod(file, 0o600);
  return file;
}

/** @param path a file, or a folder for a modelium.yaml; undefined: the user's own. */
export async function settingsFileAt(path: string | undefined): Promise<string> {
  if (path === undefined) return searchedFiles({})[1];
  const found = await stat(path).catch(() => null);
  return resolve(found?.isDirectory() === true ? join(path, 'modelium.yaml') : path);
}
