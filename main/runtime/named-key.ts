/**
 * Reads a key that the settings reference: from an environment variable or a file. Reports problems
 * without printing the key, nor what the settings name: some people put the key itself there.
 */
import type { Problem } from '../core/notice/elsewhere.ts';
import type { MachineFacts } from './module.ts';
import { placeOf } from './places.ts';
import { readWhole, type Steps } from './step.ts';

/** A key of more than this is none (I10). */
const MOST_KEY_BYTES = 8 * 1024;
/** What may stand in a header. */
const KEY = /^[\x21-\x7e]+$/;

const NOT_THE_KEY =
  'key_env is the name of a variable and key_file the path of a file; the key itself stands in that variable or file, alone.';

export interface NamedKey {
  /** Null: none is wanted, or it cannot be had. */
  readonly key: string | null;
  /** Why it cannot be had; null: nothing is wrong. */
  readonly problem: Problem | null;
}

/** @param at the settings that `key_env` and `key_file` belong to: `remotes.lab`. */
export function* namedKey(
  at: string,
  { key_env, key_file }: { readonly key_env?: string | null | undefined; readonly key_file?: string | null | undefined },
  machine: MachineFacts,
): Steps<NamedKey> {
  const lacks = (why: string, help: string): NamedKey => ({ key: null, problem: { why, help } });
  if (key_env != null) {
    const key = machine.env[key_env]?.trim() ?? '';
    if (key === '')
      return lacks(
        `The environment variable that ${at}.key_env names is not set where Modelium runs.`,
        'Set it and start Modelium again, or put the key into a file and name the file in key_file.',
      );
    return KEY.test(key)
      ? { key, problem: null }
      : lacks(`The variable that ${at}.key_env names holds no valid key: it contains characters that are not allowed.`, NOT_THE_KEY);
  }
  if (key_file == null) return { key: null, problem: null };
  const path = placeOf(key_file, machine);
  const key = (yield* readWhole(path, MOST_KEY_BYTES))?.trim() ?? null;
  if (key === null) return lacks(`The file that ${at}.key_file names cannot be read.`, NOT_THE_KEY);
  return KEY.test(key)
    ? { key, problem: null }
    : lacks(`The file that ${at}.key_file names holds no key: it is empty, or contains spaces or line breaks.`, NOT_THE_KEY);
}
