/**
 * The remote servers that the settings name, with their keys: from the environment or a file, never
 * from the settings themselves.
 */

import type { RemoteSettings } from '../../../shared/settings-remotes.ts';
import type { Problem } from '../../core/notice/elsewhere.ts';
import type { RuntimeWorld } from '../module.ts';
import { placeOf } from '../places.ts';
import { readWhole, type Steps } from '../step.ts';

export interface Remote {
  /** As the settings call it. */
  readonly name: string;
  /** For people: `lab (http://10.0.0.5:8000/v1)`. */
  readonly where: string;
  /** Scheme, host and port: whatever else, nothing is sent to another one. */
  readonly origin: string;
  /** What stands there in place of `/v1`. */
  readonly prefix: string;
  readonly key: string | null;
  readonly settings: RemoteSettings;
  /** Why it cannot even be asked; null: it can. */
  readonly problem: Problem | null;
}

export interface RemotesFound {
  readonly remotes: readonly Remote[];
  /** What it rests on: an equal one is the same. */
  readonly about: string;
}

export const NO_REMOTES: RemotesFound = { remotes: [], about: '' };

/** A key of more than this is none (I10). */
const MOST_KEY_BYTES = 8 * 1024;
/** What may stand in a header. */
const KEY = /^[\x21-\x7e]+$/;

export function* findRemotes(world: RuntimeWorld, before: RemotesFound): Steps<RemotesFound> {
  const remotes: Remote[] = [];
  for (const [name, settings] of Object.entries(world.settings.remotes)) remotes.push(yield* remoteOf(name, settings, world));
  const about = JSON.stringify(remotes);
  return about === before.about ? before : { remotes, about };
}

function* remoteOf(name: string, settings: RemoteSettings, world: RuntimeWorld): Steps<Remote> {
  if (!URL.canParse(settings.url)) {
    const problem = { why: `remotes.${name}.url is no address: ${settings.url}.`, help: 'Write it as http://host:port/v1.' };
    return { name, where: name, origin: 'http://127.0.0.1', prefix: '', key: null, settings, problem };
  }
  const url = new URL(settings.url);
  const prefix = url.pathname.replace(/\/+$/, '');
  const where = `${name} (${url.origin}${prefix})`;
  const { key, problem } = yield* keyOf(name, settings, world);
  return { name, where, origin: url.origin, prefix, key, settings, problem };
}

function* keyOf(name: string, { key_env, key_file }: RemoteSettings, world: RuntimeWorld): Steps<Pick<Remote, 'key' | 'problem'>> {
  const at = `remotes.${name}`;
  const lacks = (why: string, help: string) => ({ key: null, problem: { why, help } });
  if (key_env !== undefined) {
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
  if (key_file === undefined) return { key: null, problem: null };
  const path = placeOf(key_file, world);
  const key = (yield* readWhole(path, MOST_KEY_BYTES))?.trim() ?? null;
  if (key === null) return lacks(`The file ${path}, which ${at}.key_file names, cannot be read.`, 'It holds the key and nothing else.');
  return KEY.test(key)
    ? { key, problem: null }
    : lacks(`What ${path} holds is no key: it is empty, or has spaces or lines.`, `See ${at}.key_file.`);
}
