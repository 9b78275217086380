/**
 * A key that the settings name and do not hold: in an environment variable, or in a file. Tells
 * what is wrong with it without telling the key.
 */
import type { Problem } from '../core/notice/elsewhere.ts';
import type { RuntimeWorld } from './module.ts';
import { placeOf } from './places.ts';
import { readWhole, type Steps } from './step.ts';

/** A key of more than this is none (I10). */
const MOST_KEY_BYTES = 8 * 1024;
/** What may stand in a header. */
const KEY = /^[\x21-\x7e]+$/;

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
  world: RuntimeWorld,
): Steps<NamedKey> {
  const lacks = (why: string, help: string): NamedKey => ({ key: null, problem: { why, help } });
  if (key_env != null) {
    const key = world.env[key_env]?.trim() ?? '';
    if (key === '')
      return lacks(
        `The environment variable ${key_env}, which ${at}.key_env names, is not set where Modelium runs.`,
        'Set it and start Modelium again, or put the key into a file and name that: key_file.',
      );
    return KEY.test(key)
      ? { key, problem: null }
      : lacks(`What ${key_env} holds is no key: it has characters that no key has.`, `See ${at}.key_env.`);
  }
  if (key_file == null) return { key: null, problem: null };
  const path = placeOf(key_file, world);
  const key = (yield* readWhole(path, MOST_KEY_BYTES))?.trim() ?? null;
  if (key === null) return lacks(`The file ${path}, which ${at}.key_file names, cannot be read.`, 'It holds the key and nothing else.');
  return KEY.test(key)
    ? { key, problem: null }
    : lacks(`What ${path} holds is no key: it is empty, or has spaces or lines.`, `See ${at}.key_file.`);
}
