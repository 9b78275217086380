/**
 * Triton Inference Server: models with tensors, and folders made for it; one server for all of
 * them.
 */
import type { FormKind } from '../../../shared/profile.ts';
import type { RuntimeFinding } from '../../core/decide/planner.ts';
import type { RuntimeModule, RuntimeWorld } from '../module.ts';
import type { Steps } from '../step.ts';
import { tritonAdapter } from './adapter.ts';
import { findTriton, NOT_FOUND, type TritonFound } from './find.ts';

const FIRST: readonly FormKind[] = ['onnx', 'openvino', 'tensorrt', 'torchscript', 'triton'];
/** Behind whoever else serves such a folder. */
const BEHIND = 5;

function* check(world: RuntimeWorld): Steps<readonly RuntimeFinding[]> {
  const what = 'triton runtime';
  if (world.settings.triton.enabled === false) return [{ what, verdict: 'ok', message: 'off in the settings' }];
  const { program, message, isWrong } = yield* findTriton(world, NOT_FOUND);
  const verdict = program !== null ? 'ok' : isWrong ? 'wrong' : 'missing';
  return [{ what, verdict, message: message.replace(/\.$/, '') }];
}

export const triton: RuntimeModule<TritonFound> = {
  ...{ id: 'triton', name: 'Triton', unit: 'server', notFound: NOT_FOUND, words: { metrics: 'nv_inference_' } },
  isEnabled: (settings) => settings.triton.enabled !== false,
  find: findTriton,
  adapter: tritonAdapter,
  preference: (_kind, form) => (FIRST.includes(form) ? 0 : form === 'transformers' ? BEHIND : null),
  check,
};
