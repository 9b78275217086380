/**
 * Reads the remote servers from the settings, with their keys from the environment or a file, never
 * from the settings themselves.
 */

import type { RemoteSettings } from '../../../shared/settings-remotes.ts';
import type { Problem } from '../../core/notice/elsewhere.ts';
import type { MachineFacts } from '../module.ts';
import { namedKey } from '../named-key.ts';
import type { Steps } from '../step.ts';

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

export function* findRemotes(machine: MachineFacts, before: RemotesFound): Steps<RemotesFound> {
  const remotes: Remote[] = [];
  for (const [name, settings] of Object.entries(machine.settings.remotes)) remotes.push(yield* remoteOf(name, settings, machine));
  const about = JSON.stringify(remotes);
  return about === before.about ? before : { remotes, about };
}

function* remoteOf(name: string, settings: RemoteSettings, machine: MachineFacts): Steps<Remote> {
  if (!URL.canParse(settings.url)) {
    const problem = { why: `remotes.${name}.url is not an address: ${settings.url}.`, help: 'Write it as http://host:port/v1.' };
    return { name, where: name, origin: 'http://127.0.0.1', prefix: '', key: null, settings, problem };
  }
  const url = new URL(settings.url);
  const prefix = url.pathname.replace(/\/+$/, '');
  const where = `${name} (${url.origin}${prefix})`;
  const { key, problem } = yield* namedKey(`remotes.${name}`, settings, machine);
  return { name, where, origin: url.origin, prefix, key, settings, problem };
}
