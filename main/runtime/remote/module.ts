/**
 * Remote OpenAI-compatible servers, each named in the settings. Requests for their models are
 * passed on; Modelium never loads or evicts these models.
 */
import type { Settings } from '../../../shared/settings.ts';
import type { RuntimeFinding } from '../../core/decide/planner.ts';
import type { MachineFacts, RuntimeModule } from '../module.ts';
import type { Steps } from '../step.ts';
import { remoteAdapter } from './adapter.ts';
import { checkRemote } from './check.ts';
import { findRemotes, NO_REMOTES, type Remote, type RemotesFound } from './find.ts';

function* check(machine: MachineFacts): Steps<readonly RuntimeFinding[]> {
  const { remotes } = yield* findRemotes(machine, NO_REMOTES);
  const findings: RuntimeFinding[] = [];
  for (const remote of remotes) findings.push(yield* findingOf(remote));
  return findings;
}

function* findingOf(remote: Remote): Steps<RuntimeFinding> {
  const what = `remote ${remote.name}`;
  const status = yield* checkRemote(remote);
  if (!status.isThere) return { what, verdict: 'wrong', message: `${status.why} ${status.help}`.trim().replace(/\.$/, '') };
  const [problem] = status.offers.flatMap((offer) => offer.problem ?? []);
  if (problem !== undefined) return { what, verdict: 'wrong', message: problem.replace(/\.$/, '') };
  const count = `${status.offers.length} model${status.offers.length === 1 ? '' : 's'}`;
  const { protocol, hostname } = new URL(remote.origin);
  const isOpen = remote.key !== null && protocol === 'http:' && !/^(localhost|127\.|\[::1\])/.test(hostname);
  return { what, verdict: 'ok', message: `${remote.where}, ${count}${isOpen ? '; its key goes there unencrypted' : ''}` };
}

const remote: RuntimeModule<RemotesFound> = {
  id: 'remote',
  name: 'Remote servers',
  unit: 'remote',
  notFound: NO_REMOTES,
  words: { metrics: null },
  isEnabled: (settings) => Object.keys(settings.remotes).length > 0,
  find: findRemotes,
  adapter: (_world, found) => remoteAdapter(found),
  preference: (_kind, form) => (form === 'remote' ? 0 : null),
  check,
};

/** None where none is named: nobody has to read of it then. */
export function remotesOf(settings: Settings): readonly RuntimeModule[] {
  return remote.isEnabled(settings) ? [remote] : [];
}
