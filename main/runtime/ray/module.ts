/**
 * The Ray Serve runtime: Hugging Face folders on a running cluster, or on one that Modelium starts
 * on this machine.
 */
import type { RuntimeFinding } from '../../core/decide/planner.ts';
import { type MachineFacts, type RuntimeModule, TEXT_KINDS } from '../module.ts';
import type { Steps } from '../step.ts';
import { rayAdapter } from './adapter.ts';
import { findRay, NOT_FOUND, type RayFound } from './find.ts';
import { OPENS, statusOfCluster } from './server.ts';

/**
 * What runs nowhere else but on transformers goes here first; texts go to those who are made for
 * them.
 */
const FIRST = 0;
const BEHIND = 4;

function* check(machine: MachineFacts): Steps<readonly RuntimeFinding[]> {
  const what = 'ray runtime';
  if (machine.settings.ray_serve.enabled === false) return [{ what, verdict: 'ok', message: 'off in the settings' }];
  const { cluster, program, message, isWrong } = yield* findRay(machine, NOT_FOUND);
  const bare = message.replace(/\.$/, '');
  if (cluster === null) {
    if (program === null) return [{ what, verdict: isWrong ? 'wrong' : 'missing', message: bare }];
    return [{ what, verdict: 'ok', message: `${bare} ${OPENS}` }];
  }
  const seen = yield* statusOfCluster(machine, cluster);
  if (!seen.isThere) return [{ what, verdict: 'wrong', message: `${seen.why} ${seen.help}`.trim().replace(/\.$/, '') }];
  const nodes = (seen.nodes ?? []).filter(({ isAlive }) => isAlive);
  const gpus = nodes.reduce((sum, node) => sum + node.gpus, 0);
  const open = cluster.token === null ? '; it requires no token, so anybody who reaches it can run programs there' : '';
  return [{ what, verdict: 'ok', message: `${cluster.where}: ${nodes.length} node${nodes.length === 1 ? '' : 's'}, ${gpus} GPUs${open}` }];
}

export const ray: RuntimeModule<RayFound> = {
  id: 'ray',
  name: 'Ray Serve',
  unit: 'server',
  notFound: NOT_FOUND,
  words: { metrics: null },
  isEnabled: (settings) => settings.ray_serve.enabled !== false,
  find: findRay,
  adapter: rayAdapter,
  preference: (kind, form) => (form === 'transformers' ? (TEXT_KINDS.has(kind) ? BEHIND : FIRST) : null),
  check,
};
