/**
 * `modelium import`: what another tool's configuration says, as a modelium.yaml. Prints it; writes
 * only when asked to, and over no file unasked.
 */
import { chmod, readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ModeliumError } from '../../shared/errors.ts';
import { replaceFile } from '../io/settings/settings-edit.ts';
import { parseSettings, searchedFiles, statOrNull } from '../io/settings/settings-file.ts';
import { print, printJson } from './output.ts';
import { readSwapConfig } from './swap-config.ts';
import { swapSettings } from './swap-settings.ts';
import { swapText } from './swap-text.ts';

/** A configuration of 2,000 models has less. */
const LARGEST_CONFIG_BYTES = 1024 * 1024;

export interface ImportOptions {
  readonly path: string;
  /** The file to write; null: none. */
  readonly target: string | null;
  readonly force: boolean;
  readonly json: boolean;
}

export async function importSettings({ path, target, force, json }: ImportOptions): Promise<number> {
  const file = resolve(path);
  const text = importedText(await readConfig(file), file, process.env);
  if (target === null) {
    if (json) printJson({ text });
    else process.stdout.write(text);
    return 0;
  }
  const before = await statOrNull(target);
  if (before !== null && !force) {
    throw new ModeliumError(
      'file-exists',
      `${target} is there already; it was left as it is. Without --write this prints what it would say.`,
    );
  }
  await replaceFile(target, text, before);
  // Variables of the environment may be secrets.
  await chmod(target, 0o600);
  if (json) printJson({ path: target, replaced: before !== null });
  else
    print(
      `Wrote ${target}${before === null ? '' : ', over the file that was there'}. Read its comments; \`modelium check\` finds what is missing.`,
    );
  return 0;
}

/** It is read, and nothing of it is in force: whose it is does not matter. */
async function readConfig(file: string): Promise<string> {
  const found = await stat(file).catch((cause: Error) => {
    throw new ModeliumError('path-invalid', `${file} cannot be read: ${cause.message}`, { cause });
  });
  if (!found.isFile()) throw new ModeliumError('path-invalid', `${file} is no ordinary file.`);
  if (found.size > LARGEST_CONFIG_BYTES)
    throw new ModeliumError('path-invalid', `${file} has ${found.size} bytes; at most ${LARGEST_CONFIG_BYTES} are read.`);
  return readFile(file, 'utf8');
}

/** Where `--write` writes: a file of the person's choice, or the settings of this user. */
export function importTarget(write: string | boolean | undefined): string | null {
  if (typeof write === 'string') return resolve(write);
  return write === true ? searchedFiles({})[1] : null;
}

/** @throws ModeliumError settings-invalid. */
export function importedText(config: string, file: string, env: Readonly<Record<string, string | undefined>>): string {
  const text = swapText(file, swapSettings(readSwapConfig(config, file, env)));
  // Nothing is printed that would not be read.
  parseSettings(text, `what was made of ${file}`);
  return text;
}
