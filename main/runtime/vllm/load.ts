/** The steps that start vLLM with a model, until it has given one real answer. */
import type { LaunchPlan } from '../../../shared/decision.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import { type Endpoint, OPENAI_PREFIX, type Server } from '../../../shared/model.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import type { LoadTarget } from '../adapter.ts';
import { PROOF_WORDS } from '../proof.ts';
import { http, key, pause, phase, port, type Steps, scratch, spawn } from '../step.ts';
import type { VllmFacts } from './facts.ts';

/** It loads for half a minute and more: asked more often, nobody would be served sooner. */
const HEALTH_PAUSE_MS = 50;
/** While it loads, its socket takes connections that nobody answers. */
const HEALTH_TIMEOUT_MS = 1_000;
/** The first token may have to compile kernels; the host's stall watch ends what hangs. */
const PROOF_TIMEOUT_MS = 600_000;
const SERVER_ERROR = 500;
/** Its watchdog looks every 5 s whether its engine is dead. */
const ENGINE_DEATH_MS = 10_000;
function proofOf({ proof, modelId }: LoadTarget): { readonly method: 'GET' | 'POST'; readonly path: string; readonly body: object | null } {
  const model = modelId;
  if (proof === 'embed') return { method: 'POST', path: '/v1/embeddings', body: { model, input: 'Hello' } };
  if (proof === 'rank') return { method: 'POST', path: '/v1/rerank', body: { model, query: 'Hello', documents: ['Hello'] } };
  if (proof === 'classify') return { method: 'POST', path: '/classify', body: { model, input: 'Hello' } };
  // Speech is asked with sound, of which we have none: that it lists its model is all that is
  // proven of it.
  if (proof === 'none') return { method: 'GET', path: '/v1/models', body: null };
  return { method: 'POST', path: '/v1/completions', body: { model, prompt: 'Hello', max_tokens: 1, temperature: 0 } };
}

export function* load({ install }: VllmFacts, target: LoadTarget): Steps<Endpoint> {
  if (!install.found) throw new ModeliumError('runtime-exited', install.message, { origin: 'vllm' });
  const secret = yield* key();
  const folder = yield* scratch();
  // Whoever reaches its development routes or those for LoRAs may change it: those are for us
  // alone, on a socket that only we may open.
  const socket = isPrivate(target.plan.env) ? `${folder}/s` : null;
  const at = socket === null ? { port: yield* port() } : { socket };
  yield* phase('starting');
  const where = 'port' in at ? ['--host', '127.0.0.1', '--port', String(at.port)] : ['--uds', at.socket];
  const args = ['serve', target.path, '--served-model-name', target.modelId, ...where];
  // Its temporary files lie in a folder of its own, where nothing else is: what a kill leaves there
  // is ours, and goes.
  const env = { PATH: install.path, TMPDIR: folder, ...target.plan.env, VLLM_API_KEY: secret };
  yield* spawn(install.command, [...args, '--uvicorn-log-level', 'warning', ...target.plan.args], env, false);
  const server = { at, key: secret };
  let health: HttpAnswer | null = null;
  while (health?.status !== 200) {
    yield* pause(HEALTH_PAUSE_MS);
    health = yield* http({ ...server, method: 'GET', path: '/health', body: null, timeoutMs: HEALTH_TIMEOUT_MS });
  }
  yield* prove(target, server);
  return { ...server, protocol: 'openai', model: target.modelId, prefix: OPENAI_PREFIX };
}

function isPrivate(env: LaunchPlan['env']): boolean {
  // A person's own environment may open them too.
  return ['VLLM_SERVER_DEV_MODE', 'VLLM_ALLOW_RUNTIME_LORA_UPDATING'].some((name) => (env[name] ?? '0') !== '0');
}

/** One real answer. @throws ModeliumError when it does not come. */
export function* prove(target: LoadTarget, { at, key: secret }: Server): Steps<void> {
  yield* phase(`first ${PROOF_WORDS[target.proof]}`);
  const proof = yield* http({ at, key: secret, ...proofOf(target), timeoutMs: PROOF_TIMEOUT_MS });
  if (proof?.status !== 200) {
    // Where its engine died of it, its server ends within seconds, and what it says then is the
    // cause.
    if (proof === null || proof.status >= SERVER_ERROR) yield* pause(ENGINE_DEATH_MS);
    throw unproven(target, proof);
  }
}

function unproven({ modelId, proof }: LoadTarget, answer: HttpAnswer | null): ModeliumError {
  const what = answer === null ? 'no answer came' : `status ${answer.status}: ${answer.body.slice(0, 300)}`;
  return new ModeliumError('runtime-exited', `vLLM loaded ${modelId}, but its first ${PROOF_WORDS[proof]} failed: ${what}.`, {
    origin: 'vllm',
  });
}
