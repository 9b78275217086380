/**
 * The Python environment beside the settings file: runtimes in it are used as if the settings named
 * them, but only where nobody else can have put them there. Runs nothing.
 */
import { join } from 'node:path';
import type { MachineFacts } from './module.ts';
import { type Steps, whyNotOwn } from './step.ts';

/**
 * Paths of programs of this name, as far as they may be run.
 * @returns `refused`: a sentence about one that may not be; null: there is none such.
 */
export function* besideSettings(
  name: string,
  { settingsFolder }: Pick<MachineFacts, 'settingsFolder'>,
): Steps<{ readonly programs: readonly string[]; readonly refused: string | null }> {
  const program = join(settingsFolder, '.venv/bin', name);
  const why = yield* whyNotOwn(program);
  return why === null ? { programs: [program], refused: null } : { programs: [], refused: `${program} is not used: ${why}.` };
}
