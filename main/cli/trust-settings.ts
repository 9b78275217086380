/**
 * `modelium trust modelium.yaml`: shows which programs a settings file starts, asks the user, and
 * stores the agreement for that file in its folder.
 */
import { resolve } from 'node:path';
import { visible } from '../../shared/visible.ts';
import { agree, isAgreed, programsIn } from '../io/settings/agreed-settings.ts';
import { readData } from '../io/settings/settings-file.ts';
import { programLines } from '../io/settings/settings-text.ts';
import { print, printJson } from './output.ts';
import { asked, type TrustOptions } from './trust.ts';
import type { Shared } from './verb.ts';

/** Is it a settings file rather than a model? */
export function isSettingsFile(name: string): boolean {
  return /\.ya?ml$/i.test(name);
}

/** @returns 0 when it stands as was asked; 1 when a person said no. */
export async function trustSettings({ stateFolder, json }: Shared, name: string, { yes, off }: TrustOptions): Promise<number> {
  const file = resolve(name);
  const programs = programsIn(file, programLines(await readData(file)));
  const isTrusted = isAgreed(stateFolder, file, programs);
  if (!json) {
    print(programs.length === 0 ? `${file} names no programs, so it needs no trust.` : `${file} names programs to start:`);
    for (const line of programs) print(`  ${visible(line)}`);
  }
  const isOpen = programs.length > 0 && isTrusted === off;
  const question = `Let Modelium start these, as this user, when it is started in the folder of this file? [y/N] `;
  const isDone = !isOpen || yes || off || (await asked(`what ${file} names may be started`, question));
  if (isOpen && isDone) agree(stateFolder, file, programs, !off);
  if (json) printJson({ file, programs, trusted: isDone ? !off : isTrusted });
  else if (programs.length > 0)
    print(
      !isDone
        ? 'Nothing was changed.'
        : off
          ? 'It is not used any more.'
          : 'It is used from the next start on, until what it names changes.',
    );
  return isDone ? 0 : 1;
}
