/**
 * Models of remote servers: nothing is started, loaded or written. A plan names the server, and
 * loading is only the step `enter`.
 */
import type { RuntimeFound } from '../../core/decide/planner.ts';
import type { Adapter } from '../adapter.ts';
import { enterServer } from '../step.ts';
import { checkRemote } from './check.ts';
import type { Remote, RemotesFound } from './find.ts';

const NOT_HERE = 'it runs elsewhere';

export const serverOf = (name: string): string => `remote:${name}`;

function foundOf(remotes: readonly Remote[]): RuntimeFound {
  const names = remotes.map(({ where }) => where).join(', ');
  return { found: remotes.length > 0, version: null, message: `Named in the settings: ${names}.`, gpu: { usable: false, why: NOT_HERE } };
}

export function remoteAdapter({ remotes }: RemotesFound): Adapter {
  const whereOf = (server: string): string => remotes.find(({ name }) => serverOf(name) === server)?.where ?? server;
  return {
    id: 'remote',
    found: foundOf(remotes),
    // Nothing of it is a process of ours.
    portRange: [1, 1],
    stopping: { graceSeconds: 1, loadingGraceSeconds: 1, leaderFirst: false },
    splits: false,
    groups: false,
    speaks: 'openai',
    supports: (_profile, { kind, server = '' }) => ({
      supported: kind === 'remote' && remotes.some(({ name }) => serverOf(name) === server),
      why: 'a remote server serves what it offers itself',
    }),
    offered: 'only',
    elsewhere: ({ server = '' }) => whereOf(server),
    plan: (_profile, form, placement, { context = 0 }) => ({
      runtime: 'remote',
      form: form.kind,
      file: form.files[0] ?? '',
      placement,
      server: form.server ?? '',
      contextTokens: context,
      parallelSequences: 1,
      args: [],
      env: {},
    }),
    estimate: () => ({ bytes: {}, parts: {}, notes: [] }),
    // How many it takes at once is its own matter.
    capacity: () => Number.MAX_SAFE_INTEGER,
    servers: remotes.map((remote) => ({
      name: serverOf(remote.name),
      isForeign: true,
      where: remote.where,
      check: () => checkRemote(remote),
      about: JSON.stringify(remote),
    })),
    *load({ plan }) {
      return { ...(yield* enterServer()), model: plan.file };
    },
    progress: () => null,
    explainExit: (_exit, lines) => ({
      code: 'runtime-exited',
      permanent: false,
      retryWith: null,
      message: `The remote server is away. Its last output: ${lines.at(-1)?.replace(/\.$/, '') ?? 'none'}.`,
    }),
  };
}
