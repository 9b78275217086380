/**
 * Checks whether the command of a custom server can be started: finds its program, and reads its
 * settings. Starts nothing.
 */

import { programName } from '../../../shared/redact.ts';
import type { OwnRuntime } from '../../../shared/settings.ts';
import type { MachineFacts } from '../module.ts';
import { programsOf } from '../places.ts';
import { type Steps, stats } from '../step.ts';
import { placeholderProblems } from './placeholders.ts';

export interface Found {
  /** Absolute path of the program; null: it cannot be started. */
  readonly program: string | null;
  /** Sentences: what a person has to mend before it serves anything. */
  readonly problems: readonly string[];
}

export const NOT_FOUND: Found = { program: null, problems: ['It has not been searched for yet.'] };

/** @param at the key of the settings: `runtimes.mine`. */
export function* findOwn(at: string, own: OwnRuntime, machine: MachineFacts, before: Found): Steps<Found> {
  const { program, problem } = yield* findProgram(at, own.command, machine);
  const found = { program, problems: [...(problem === null ? [] : [problem]), ...placeholderProblems(at, own)] };
  return JSON.stringify(found) === JSON.stringify(before) ? before : found;
}

function* findProgram(
  at: string,
  command: string,
  machine: MachineFacts,
): Steps<{ readonly program: string | null; readonly problem: string | null }> {
  const isPath = command.includes('/');
  const paths = programsOf(command, machine);
  const facts = yield* stats(paths);
  const program = paths.find((_, index) => facts[index]?.isFile === true && facts[index].isExecutable);
  if (program !== undefined) return { program, problem: null };
  const there = facts.findIndex((each) => each !== null);
  const wrong = (why: string) => ({ program: null, problem: `${at}.command is ${programName(command)}, ${why}` });
  if (there === -1) {
    if (/\s/.test(command)) return wrong('and there is no such program: its arguments belong in args, one per line.');
    return wrong(
      isPath ? 'and there is no such program: correct the path.' : 'and no folder of the PATH has such a program: name its path.',
    );
  }
  if (facts[there]?.isFile === false) return wrong('which is a folder, not a program.');
  return wrong(`and ${paths[there]} is not executable: \`chmod +x\` fixes that.`);
}
