/**
 * The llama runtime: GGUF files served by the embedded llama.cpp server, or by a user's
 * llama-server (`llama.command`) with the same flags. Facts and steps only; the process host
 * executes them.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import { type Endpoint, OPENAI_PREFIX } from '../../../shared/model.ts';
import { formOf, type ModelForm, type ModelProfile, profileOf } from '../../../shared/profile.ts';
import { programName } from '../../../shared/redact.ts';
import { visibleName } from '../../../shared/visible.ts';
import type { RuntimeFound, Support } from '../../core/decide/planner.ts';
import type { Adapter, LoadTarget } from '../adapter.ts';
import { PROOF_WORDS } from '../proof.ts';
import { http, key, phase, port, type Steps, spawn } from '../step.ts';
import { conversionsOf, convert, converted, convertProgressOf, DESCRIPTION_BYTES, upper, whyNotConverted } from './convert.ts';
import { estimate } from './estimate.ts';
import { explainExit, progressOf } from './explain.ts';
import type { LlamaFacts } from './facts.ts';
import { untilHealthy } from './health.ts';
import { SERVED_KINDS } from './kinds.ts';
import { whyUnknown } from './known.ts';
import { capacityOf, planOf } from './plan.ts';

/** The llama.cpp inside node-llama-cpp 3.21.1; a test compares it with the package. */
export const LLAMA_CPP_VERSION = 'v0.4.0';
/**
 * The first token may have to page the weights in from a slow disk; the host's stall watch ends
 * what hangs.
 */
const PROOF_TIMEOUT_MS = 600_000;

/**
 * @param isOwn it is the bundled llama.cpp: of another one (`llama.command`) nobody knows here what
 * it reads.
 */
function supports(isOwn: boolean, profile: ModelProfile, form: ModelForm): Support {
  const unread = form.kind === 'gguf' ? whyNotRead(isOwn, profile, form) : whyNotConverted(form);
  if (unread !== null) return { supported: false, why: unread };
  if (!SERVED_KINDS.includes(profile.kind)) {
    return {
      supported: false,
      why: `llama.cpp here serves text generation, embeddings and rankings; this is a model of kind ${profile.kind}.`,
    };
  }
  if (form.kind !== 'gguf') return { supported: true, why: `llama.cpp serves a GGUF made of it; this one is ${profile.architecture}.` };
  return { supported: true, why: `llama.cpp serves GGUF files; this one is ${profile.architecture}.` };
}

function whyNotRead(isOwn: boolean, profile: ModelProfile, form: ModelForm): string | null {
  // What is no model of a language is told so, and not that its architecture is unknown.
  const why = form.unloadable ?? (isOwn && SERVED_KINDS.includes(profile.kind) ? whyUnknown(profile, form) : null);
  return why === null ? null : `${upper(visibleName(why))}.`;
}

function commandOf(facts: LlamaFacts, target: LoadTarget, at: number): { readonly command: string; readonly args: readonly string[] } {
  const { settings, node, serverProgram, cpuCores } = facts;
  const own = settings.command;
  // The embedded server starts with one thread and is dealt more when it generates; another server
  // keeps what it is given.
  const threads = own === null ? 1 : Math.max(1, cpuCores - 1);
  const flags = [
    '--model',
    target.file,
    '--host',
    '127.0.0.1',
    '--port',
    String(at),
    '--alias',
    target.modelId,
    '--threads',
    String(threads),
    ...target.plan.args,
  ];
  return own === null ? { command: node.command, args: [...node.args, serverProgram, ...flags] } : { command: own, args: flags };
}

function proofOf(target: LoadTarget): { readonly path: string; readonly body: object } {
  if (target.proof === 'embed') return { path: '/v1/embeddings', body: { model: target.modelId, input: 'Hello' } };
  if (target.proof === 'rank') return { path: '/v1/rerank', body: { model: target.modelId, query: 'Hello', documents: ['Hello'] } };
  return { path: '/v1/completions', body: { model: target.modelId, prompt: 'Hello', max_tokens: 1, temperature: 0 } };
}

function* load(facts: LlamaFacts, target: LoadTarget): Steps<Endpoint> {
  const isEmbedded = facts.settings.command === null;
  const secret = yield* key();
  const at = yield* port();
  const { command, args } = commandOf(facts, target, at);
  yield* phase('starting');
  const { libraryPath } = facts.gpu;
  const libraries = libraryPath === null || target.plan.placement.gpus.length === 0 ? {} : { LD_LIBRARY_PATH: libraryPath };
  const own = isEmbedded ? { ...facts.node.env, ...libraries } : {};
  yield* spawn(command, args, { ...own, ...target.plan.env, LLAMA_API_KEY: secret }, isEmbedded);
  const server = { at: { port: at }, key: secret };
  const bounds = yield* untilHealthy(server);
  yield* phase(`first ${PROOF_WORDS[target.proof]}`);
  const proof = yield* http({ ...server, method: 'POST', ...proofOf(target), timeoutMs: PROOF_TIMEOUT_MS });
  if (proof?.status !== 200)
    throw unproven(target, proof === null ? 'no answer came' : `status ${proof.status}: ${proof.body.slice(0, 300)}`);
  return { ...server, protocol: 'openai', model: target.modelId, prefix: OPENAI_PREFIX, bounds };
}

function unproven(target: LoadTarget, what: string): ModeliumError {
  const message = `llama.cpp loaded ${target.modelId}, but its first ${PROOF_WORDS[target.proof]} failed: ${what}.`;
  return new ModeliumError('runtime-exited', message, { origin: 'llama' });
}

function foundOf(facts: LlamaFacts): RuntimeFound {
  const { command } = facts.settings;
  const gpu = { usable: facts.gpu.usable, why: facts.gpu.why };
  if (command !== null) return { found: true, version: null, message: `llama.cpp by llama.command: ${programName(command)}.`, gpu };
  const reason = facts.gpu.isPresent ? ` ${facts.gpu.why.replace(/^llama\.cpp/, 'It').replace(/\.$/, '')}.` : '';
  return { found: true, version: LLAMA_CPP_VERSION, message: `The embedded llama.cpp ${LLAMA_CPP_VERSION}.${reason}`, gpu };
}

/** The adapter for these facts. */
export function llamaAdapter(facts: LlamaFacts): Adapter {
  return {
    id: 'llama',
    found: foundOf(facts),
    portRange: facts.settings.port_range,
    stopping: { graceSeconds: 5, loadingGraceSeconds: 5, leaderFirst: false },
    splits: true,
    groups: true,
    speaks: 'openai',
    supports: (profile, form) => supports(facts.settings.command === null, profile, form),
    preparations: conversionsOf,
    plan: (profile, form, placement, settings, preparation) =>
      planOf(converted(profileOf(profile, form), preparation), form, placement, settings, facts.settings, preparation),
    estimate: (profile, plan) => estimate(converted(profileOf(profile, formOf(profile, plan)), plan.preparation), plan, facts.hasAmx),
    preparedBytes: (profile, preparation) => converted(profile, preparation).weightBytes + DESCRIPTION_BYTES,
    prepare: (target) => convert(facts, target),
    capacity: capacityOf,
    load: (target) => load(facts, target),
    progress: (line) => convertProgressOf(line) ?? progressOf(line),
    explainExit,
  };
}
