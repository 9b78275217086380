/**
 * `modelium import`: translates another tool's configuration into a modelium.yaml. It prints the
 * result; it writes a file only with --write. With --force it writes over one that is there, and
 * keeps what was in it under another name.
 */
import { constants } from 'node:fs';
import { chmod, copyFile, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';
import { shellWord } from '../../shared/visible.ts';
import { errorCode } from '../io/files/files.ts';
import { replaceFile } from '../io/settings/settings-edit.ts';
import { searchedFiles, statOrNull } from '../io/settings/settings-file.ts';
import { parseSettings } from '../io/settings/settings-text.ts';
import { settingsFileAt } from './init.ts';
import { print, printJson } from './output.ts';
import { readSwapConfig } from './swap-config.ts';
import { swapSettings } from './swap-settings.ts';
import { swapText } from './swap-text.ts';

/** A configuration of 2,000 models has less. */
const LARGEST_CONFIG_BYTES = 1024 * 1024;

export interface ImportOptions {
  readonly path: string;
  /** The file or folder to write into; true: the settings of this user; undefined: none. */
  readonly write: string | boolean | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

export async function importSettings({ path, write, force, json }: ImportOptions): Promise<number> {
  const file = resolve(path);
  const text = importedText(await readConfig(file), file, process.env);
  if (write === undefined || write === false) {
    if (json) printJson({ text });
    else process.stdout.write(text);
    return 0;
  }
  const target = await settingsFileAt(write === true ? undefined : write);
  const before = await statOrNull(target);
  if (before !== null && !force) {
    throw new ModeliumError(
      'file-exists',
      `${target} already exists and was not changed. Without --write, this command prints the result.`,
    );
  }
  const kept = before === null ? null : await keptCopy(target);
  await replaceFile(target, text, before);
  // Variables of the environment may be secrets.
  await chmod(target, 0o600);
  if (json) {
    printJson({ path: target, replaced: before !== null, kept });
    return 0;
  }
  // One in the working folder counts only once it is trusted.
  const config = target === searchedFiles({})[1] ? '' : ` --config ${shellWord(target)}`;
  print(`Wrote ${target}.${kept === null ? '' : ` What was in it before is in ${kept}.`}`);
  print(`Next: read its comments; \`modelium check${config}\` finds what is missing, and \`modelium serve${config}\` starts with it.`);
  return 0;
}

/** Under a name that nobody has yet. */
async function keptCopy(file: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const copy = `${file}.old${number === 1 ? '' : `-${number}`}`;
    try {
      await copyFile(file, copy, constants.COPYFILE_EXCL);
      return copy;
    } catch (cause) {
      if (errorCode(cause) === 'EEXIST') continue;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ModeliumError('settings-unwritable', `${file} was left as it is, because no copy of it could be made: ${why}.`, { cause });
    }
  }
}

/** It is read, and nothing of it is in force: whose it is does not matter. */
async function readConfig(file: string): Promise<string> {
  const found = await stat(file).catch((cause: Error) => {
    throw notImportable(errorCode(cause) === 'ENOENT' ? `There is no file ${file}.` : `${file} cannot be read: ${cause.message}.`);
  });
  if (!found.isFile()) throw notImportable(`${file} is not a regular file.`);
  if (found.size > LARGEST_CONFIG_BYTES) throw notImportable(`${file} has ${found.size} bytes; at most ${LARGEST_CONFIG_BYTES} are read.`);
  return readFile(file, 'utf8').catch((cause: Error) => {
    throw notImportable(`${file} cannot be read: ${cause.message}.`);
  });
}

function notImportable(sentence: string): ModeliumError {
  return new ModeliumError('not-importable', sentence);
}

/** @throws ModeliumError not-importable. */
export function importedText(config: string, file: string, env: Readonly<Record<string, string | undefined>>): string {
  const text = swapText(file, swapSettings(readSwapConfig(config, file, env)));
  // Nothing is printed that would not be read.
  parseSettings(text, `the translation of ${file}`);
  return text;
}
