/**
 * The Triton Inference Server runtime: tensor models, and ready Triton folders, all in one server.
 */
import type { FormKind } from '../../../shared/profile.ts';
import type { RuntimeFinding } from '../../core/decide/planner.ts';
import type { MachineFacts, RuntimeModule } from '../module.ts';
import type { Steps } from '../step.ts';
import { tritonAdapter } from './adapter.ts';
import { checkServer, type TritonElsewhere } from './elsewhere.ts';
import { findTriton, NOT_FOUND, type TritonFound } from './find.ts';
import { OPENS } from './server.ts';

const FIRST: readonly FormKind[] = ['onnx', 'openvino', 'tensorrt', 'torchscript', 'triton'];
/** Behind whoever else serves such a folder. */
const BEHIND = 5;

function* check(machine: MachineFacts): Steps<readonly RuntimeFinding[]> {
  const what = 'triton runtime';
  if (machine.settings.triton.enabled === false) return [{ what, verdict: 'ok', message: 'off in the settings' }];
  const { elsewhere, program, message, isWrong } = yield* findTriton(machine, NOT_FOUND);
  if (elsewhere !== null) return [{ what, ...(yield* checkElsewhere(machine, elsewhere)) }];
  const bare = message.replace(/\.$/, '');
  if (program === null) return [{ what, verdict: isWrong ? 'wrong' : 'missing', message: bare }];
  return [{ what, verdict: 'ok', message: `${bare}; ${OPENS}` }];
}

function* checkElsewhere(machine: MachineFacts, server: TritonElsewhere): Steps<Omit<RuntimeFinding, 'what'>> {
  const seen = yield* checkServer(machine, server);
  if (!seen.isThere) return { verdict: 'wrong', message: `${seen.why} ${seen.help}`.trim().replace(/\.$/, '') };
  const { where, version, loadProblem, key, origin } = server;
  const offers = `offers ${seen.offers.length} model${seen.offers.length === 1 ? '' : 's'} of its own`;
  const loads = loadProblem === null ? ' and takes others' : `; ${loadProblem.replace(/\.$/, '')}`;
  const isOpen = key !== null && origin.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(origin);
  return { verdict: 'ok', message: `${where} (${version}) ${offers}${loads}${isOpen ? '; its key goes there unencrypted' : ''}` };
}

export const triton: RuntimeModule<TritonFound> = {
  id: 'triton',
  name: 'Triton',
  unit: 'server',
  notFound: NOT_FOUND,
  words: { metrics: 'nv_inference_' },
  isEnabled: (settings) => settings.triton.enabled !== false,
  find: findTriton,
  adapter: tritonAdapter,
  preference: (_kind, form) => (FIRST.includes(form) || form === 'remote' ? 0 : form === 'transformers' ? BEHIND : null),
  check,
};
