/** The steps that change a running vLLM: sleep, wake, load a LoRA and unload it. */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Endpoint } from '../../../shared/model.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import type { LoadTarget } from '../adapter.ts';
import { http, phase, type Steps } from '../step.ts';
import { prove } from './load.ts';

/**
 * Calls that change a server that is up: copying the weights of the largest models takes seconds.
 */
const CHANGE_TIMEOUT_MS = 110_000;

export function* sleep({ at, key }: Endpoint): Steps<void> {
  yield* phase('falling asleep');
  const answer = yield* http({
    at,
    key,
    method: 'POST',
    path: '/sleep?level=1',
    body: null,
    timeoutMs: CHANGE_TIMEOUT_MS,
  });
  if (answer?.status !== 200) throw refused('sleep', answer);
}

export function* wake(target: LoadTarget, endpoint: Endpoint): Steps<Endpoint> {
  const { at, key } = endpoint;
  yield* phase('waking');
  const answer = yield* http({ at, key, method: 'POST', path: '/wake_up', body: null, timeoutMs: CHANGE_TIMEOUT_MS });
  if (answer?.status !== 200) throw refused('wake', answer);
  yield* prove(target, endpoint);
  return endpoint;
}

export function* attach(modelId: string, path: string, base: Endpoint): Steps<Endpoint> {
  const { at, key } = base;
  const server = { at, key, method: 'POST', timeoutMs: CHANGE_TIMEOUT_MS } as const;
  const body = { lora_name: modelId, lora_path: path };
  let answer = yield* http({ ...server, path: '/v1/load_lora_adapter', body });
  // Its base slept meanwhile, and still knows it by what its files were then.
  if (answer?.status === 400 && answer.body.includes('already been loaded')) {
    answer = yield* http({ ...server, path: '/v1/load_lora_adapter', body: { ...body, load_inplace: true } });
  }
  if (answer?.status !== 200) throw refused('load the adapter', answer);
  const proof = yield* http({
    ...server,
    path: '/v1/completions',
    body: { model: modelId, prompt: 'Hello', max_tokens: 1, temperature: 0 },
  });
  if (proof?.status !== 200) throw refused('answer with the adapter', proof);
  return { ...base, model: modelId };
}

export function* detach(modelId: string, { at, key }: Endpoint): Steps<void> {
  const server = { at, key, method: 'POST', timeoutMs: CHANGE_TIMEOUT_MS } as const;
  const answer = yield* http({ ...server, path: '/v1/unload_lora_adapter', body: { lora_name: modelId } });
  if (answer?.status !== 200) throw refused('unload the adapter', answer);
}

function refused(what: string, answer: HttpAnswer | null): ModeliumError {
  const words = answer === null ? 'no answer came' : `status ${answer.status}: ${answer.body.slice(0, 300)}`;
  return new ModeliumError('runtime-exited', `vLLM did not ${what}: ${words}.`, { origin: 'vllm' });
}
