/**
 * The vLLM runtime: Hugging Face folders served by `vllm serve`, a process group for each. Facts and steps only; what carries them out is the process
 * host. What vLLM takes is in `supports.ts`, how it is started in `plan.ts`, what it costs in `estimate.ts`, what it says in `words.ts` and `explain.ts`.
 */

import type { LaunchPlan } from '../../../shared/decision.ts';
import { ModeliumError } from '../../../shared/errors.ts';
import type { Endpoint } from '../../../shared/model.ts';
import type { HttpAnswer, RuntimeFound } from '../../core/ports.ts';
import { type Adapter, http, key, type LoadTarget, pause, phase, port, type Steps, scratch, spawn } from '../adapter.ts';
import { lastNumber } from '../last-argument.ts';
import { estimate } from './estimate.ts';
import { explainExit } from './explain.ts';
import type { VllmFacts } from './facts.ts';
import { planOf } from './plan.ts';
import { obstacleAt, supports, whyNotAttached } from './supports.ts';
import { progressOf, reportedOf } from './words.ts';

/** It loads for half a minute and more: asked more often, nobody would be served sooner. */
const HEALTH_PAUSE_MS = 50;
/** While it loads, its socket takes connections that nobody answers. */
const HEALTH_TIMEOUT_MS = 1_000;
/** The first token may have to compile kernels; the host's stall watch ends what hangs. */
const PROOF_TIMEOUT_MS = 600_000;
/** Calls that change a server that is up: copying the weights of the largest models takes seconds. */
const CHANGE_TIMEOUT_MS = 110_000;
const SERVER_ERROR = 500;
/** Its watchdog looks every 5 s whether its engine is dead. */
const ENGINE_DEATH_MS = 10_000;
const PROOF_WORDS: Readonly<Record<LoadTarget['proof'], string>> = {
  generate: 'token',
  embed: 'embedding',
  rank: 'ranking',
  classify: 'class',
  none: 'answer',
};

function proofOf({ proof, modelId }: LoadTarget): { readonly method: 'GET' | 'POST'; readonly path: string; readonly body: object | null } {
  const model = modelId;
  if (proof === 'embed') return { method: 'POST', path: '/v1/embeddings', body: { model, input: 'Hello' } };
  if (proof === 'rank') return { method: 'POST', path: '/v1/rerank', body: { model, query: 'Hello', documents: ['Hello'] } };
  if (proof === 'classify') return { method: 'POST', path: '/classify', body: { model, input: 'Hello' } };
  // Speech is asked with sound, of which we have none: that it lists its model is all that is proven of it.
  if (proof === 'none') return { method: 'GET', path: '/v1/models', body: null };
  return { method: 'POST', path: '/v1/completions', body: { model, prompt: 'Hello', max_tokens: 1, temperature: 0 } };
}

function* load({ install }: VllmFacts, target: LoadTarget): Steps<Endpoint> {
  if (!install.found) throw new ModeliumError('runtime-exited', install.message, { origin: 'vllm' });
  const secret = yield* key();
  const folder = yield* scratch();
  // Whoever reaches its development or adapter routes may change it: those are for us alone, on a socket that only we may open.
  const socket = isPrivate(target.plan.env) ? `${folder}/s` : null;
  const at = socket === null ? yield* port() : null;
  yield* phase('starting');
  const where = socket === null ? ['--host', '127.0.0.1', '--port', String(at)] : ['--uds', socket];
  const args = ['serve', target.path, '--served-model-name', target.modelId, ...where];
  // Its temporary files lie in a folder of its own, where nothing else is: what a kill leaves there is ours, and goes.
  const env = { PATH: install.path, TMPDIR: folder, ...target.plan.env, VLLM_API_KEY: secret };
  yield* spawn(install.command, [...args, '--uvicorn-log-level', 'warning', ...target.plan.args], env, false);
  const server = { port: at, socket, key: secret };
  let health: HttpAnswer | null = null;
  while (health?.status !== 200) {
    yield* pause(HEALTH_PAUSE_MS);
    health = yield* http({ ...server, method: 'GET', path: '/health', body: null, timeoutMs: HEALTH_TIMEOUT_MS });
  }
  yield* prove(target, server);
  return { ...server, protocol: 'openai' };
}

function isPrivate(env: LaunchPlan['env']): boolean {
  // A person's own environment may open them too.
  return ['VLLM_SERVER_DEV_MODE', 'VLLM_ALLOW_RUNTIME_LORA_UPDATING'].some((name) => (env[name] ?? '0') !== '0');
}

/** One real answer. @throws ModeliumError when it does not come. */
function* prove(target: LoadTarget, server: Omit<Endpoint, 'protocol'>): Steps<void> {
  yield* phase(`first ${PROOF_WORDS[target.proof]}`);
  const proof = yield* http({ ...server, ...proofOf(target), timeoutMs: PROOF_TIMEOUT_MS });
  if (proof?.status !== 200) {
    // Where its engine died of it, its server ends within seconds, and what it says then is the cause.
    if (proof === null || proof.status >= SERVER_ERROR) yield* pause(ENGINE_DEATH_MS);
    throw unproven(target, proof);
  }
}

function* sleep({ port: at, socket, key: secret }: Endpoint): Steps<void> {
  yield* phase('falling asleep');
  const answer = yield* http({
    port: at,
    socket,
    key: secret,
    method: 'POST',
    path: '/sleep?level=1',
    body: null,
    timeoutMs: CHANGE_TIMEOUT_MS,
  });
  if (answer?.status !== 200) throw refused('sleep', answer);
}

function* wake(target: LoadTarget, endpoint: Endpoint): Steps<Endpoint> {
  const { port: at, socket, key: secret } = endpoint;
  yield* phase('waking');
  const answer = yield* http({ port: at, socket, key: secret, method: 'POST', path: '/wake_up', body: null, timeoutMs: CHANGE_TIMEOUT_MS });
  if (answer?.status !== 200) throw refused('wake', answer);
  yield* prove(target, endpoint);
  return endpoint;
}

function* attach(modelId: string, path: string, { port: at, socket, key: secret }: Endpoint): Steps<void> {
  const server = { port: at, socket, key: secret, method: 'POST', timeoutMs: CHANGE_TIMEOUT_MS } as const;
  const body = { lora_name: modelId, lora_path: path };
  let answer = yield* http({ ...server, path: '/v1/load_lora_adapter', body });
  // Its base slept meanwhile, and still knows it by what its files were then.
  if (answer?.status === 400 && answer.body.includes('already been loaded')) {
    answer = yield* http({ ...server, path: '/v1/load_lora_adapter', body: { ...body, load_inplace: true } });
  }
  if (answer?.status !== 200) throw refused('take the adapter', answer);
  const proof = yield* http({
    ...server,
    path: '/v1/completions',
    body: { model: modelId, prompt: 'Hello', max_tokens: 1, temperature: 0 },
  });
  if (proof?.status !== 200) throw refused('answer with the adapter', proof);
}

function* detach(modelId: string, { port: at, socket, key: secret }: Endpoint): Steps<void> {
  const server = { port: at, socket, key: secret, method: 'POST', timeoutMs: CHANGE_TIMEOUT_MS } as const;
  const answer = yield* http({ ...server, path: '/v1/unload_lora_adapter', body: { lora_name: modelId } });
  if (answer?.status !== 200) throw refused('let go of the adapter', answer);
}

function refused(what: string, answer: HttpAnswer | null): ModeliumError {
  const words = answer === null ? 'no answer came' : `status ${answer.status}: ${answer.body.slice(0, 300)}`;
  return new ModeliumError('runtime-exited', `vLLM did not ${what}: ${words}.`, { origin: 'vllm' });
}

function unproven({ modelId, proof }: LoadTarget, answer: HttpAnswer | null): ModeliumError {
  const what = answer === null ? 'no answer came' : `status ${answer.status}: ${answer.body.slice(0, 300)}`;
  return new ModeliumError('runtime-exited', `vLLM loaded ${modelId}, but its first ${PROOF_WORDS[proof]} failed: ${what}.`, {
    origin: 'vllm',
  });
}

function foundOf({ install, gpus }: VllmFacts): RuntimeFound {
  if (!install.found) return { found: false, version: null, message: install.message, gpu: { usable: false, why: install.message } };
  const { version, command, isCpuBuild } = install;
  const name = `vLLM ${version ?? '(version unknown)'}`;
  const build = isCpuBuild ? ', built for processors' : '';
  const gpu = isCpuBuild
    ? { usable: false, why: `${name} in ${command} is built for processors: install the one for CUDA to use a GPU` }
    : { usable: gpus.isPresent, why: gpus.isPresent ? `${name}; ${gpus.why}` : gpus.why };
  const cpu = isCpuBuild ? { usable: true, why: `${name} computes on processors` } : { usable: false, why: `${name} is built for GPUs` };
  // A wrapper may start either: its word is not doubted.
  return { found: true, version, message: `${name}${build}: ${command}.`, gpu, ...(version === null ? {} : { cpu }) };
}

/** The adapter for these facts. */
export function vllmAdapter(facts: VllmFacts): Adapter {
  return {
    id: 'vllm',
    found: foundOf(facts),
    portRange: facts.settings.port_range,
    // It ends in a second when it is ready. While its engine starts it loses the signal, and SIGTERM to its whole group hangs it.
    stopping: { graceSeconds: 15, loadingGraceSeconds: 2, leaderFirst: true },
    splits: false,
    groups: true,
    sharesThreads: false,
    supports: (profile, form) => supports(facts, profile, form),
    obstacle: (profile, placement) => obstacleAt(facts, profile, placement),
    plan: (profile, form, placement, settings) => planOf(facts, profile, form, placement, settings),
    estimate: (profile, plan) => estimate(facts, profile, plan),
    capacity: ({ args, parallelSequences }) => lastNumber(args, '--max-num-seqs') ?? parallelSequences,
    load: (target) => load(facts, target),
    sleep,
    wake,
    attach,
    detach,
    whyNotAttached,
    canSleep: (plan) => plan.args.includes('--enable-sleep-mode'),
    progress: progressOf,
    explainExit,
    reported: reportedOf,
  };
}
