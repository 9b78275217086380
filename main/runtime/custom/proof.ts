/**
 * Asks a custom server for its first real answer. A good health answer proves nothing, because some
 * servers give it before they have loaded anything. So the server is asked until it answers as a
 * client needs, or clearly never will.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Endpoint, Server } from '../../../shared/model.ts';
import { formOf, type ModelProfile } from '../../../shared/profile.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import type { LoadTarget } from '../adapter.ts';
import { PROOF_WORDS, smallestInference } from '../proof.ts';
import { http, pause, phase, type Steps } from '../step.ts';

/**
 * The first token may have to compile kernels; the host's stall watch ends what hangs. A question
 * has a bound of its own, because a server may work on it for ever: a model's chat template is a
 * program, and while a load lasts, no other begins on its device.
 */
const TIMEOUT_MS = 240_000;
const PAUSE_MS = 250;
/**
 * Nobody listens yet, too early, too busy, not there yet: so say servers that are still loading,
 * however long that takes.
 */
const LOADING: readonly number[] = [425, 429, 503];
/** Anything else is believed after ten seconds. */
const MOST_TRIES = 40;
const QUOTED_CHARACTERS = 300;

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: object | null;
  /** The field whose list holds the answer; null: that it is answered is the answer. */
  readonly field: 'choices' | 'data' | 'results' | 'outputs' | null;
}

/** Tried in their order: few servers have all of these routes. */
function questionsOf(proof: LoadTarget['proof'], { kind }: ModelProfile, model: string): readonly Question[] {
  const ask = (path: string, body: object, field: Question['field']): Question => ({
    method: 'POST',
    path,
    body: { model, ...body },
    field,
  });
  const chat = ask('/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello' }], max_tokens: 1 }, 'choices');
  const completion = ask('/v1/completions', { prompt: 'Hello', max_tokens: 1 }, 'choices');
  // What takes tensors is asked over OpenAI's routes by what it is.
  if (proof === 'embed' || kind === 'embedding') return [ask('/v1/embeddings', { input: 'Hello' }, 'data')];
  if (proof === 'rank' || kind === 'reranker') return [ask('/v1/rerank', { query: 'Hello', documents: ['Hello'] }, 'results')];
  if (proof === 'classify') return [ask('/classify', { input: 'Hello' }, 'data')];
  // Sounds and pictures we have none of: that it lists models is all that is proven.
  if (proof === 'none' || proof === 'infer') return [{ method: 'GET', path: '/v1/models', body: null, field: 'data' }];
  return kind === 'completion' ? [completion, chat] : [chat, completion];
}

/**
 * Tensors where the form says which it takes; else whether it calls the model ready. Source: the
 * Open Inference Protocol, version 2.
 */
function tensorQuestion({ profile, plan }: LoadTarget, model: string): Question {
  const inputs = formOf(profile, plan)?.inputs;
  const body = inputs === undefined ? null : smallestInference(inputs);
  const path = `/v2/models/${encodeURIComponent(model)}`;
  if (body === null) return { method: 'GET', path: `${path}/ready`, body: null, field: null };
  return { method: 'POST', path: `${path}/infer`, body, field: 'outputs' };
}

/** @throws ModeliumError when no real answer comes. */
export function* prove(id: string, target: LoadTarget, { protocol, model, ...server }: Endpoint): Steps<void> {
  const isTensors = protocol === 'v2';
  const word = isTensors ? PROOF_WORDS.infer : PROOF_WORDS[target.proof === 'infer' ? 'none' : target.proof];
  const questions = isTensors ? [tensorQuestion(target, model)] : questionsOf(target.proof, target.profile, model);
  const reported = new Set<string>();
  yield* phase(`first ${word}`, null, true);
  for (let tries = 1; ; ) {
    const answer = yield* firstAnswer(id, target.modelId, questions, server);
    if (answer === 'proven') return;
    const isLoading = answer === null || LOADING.includes(answer.status);
    if (!isLoading && tries >= MOST_TRIES) throw unproven(id, target.modelId, word, answer);
    if (!isLoading) tries += 1;
    const now = answer === null ? 'no answer' : `status ${answer.status}`;
    // Once each, as `load.ts` does.
    if (!reported.has(now)) yield* phase(`first ${word}: ${now} so far`, null, true);
    reported.add(now);
    yield* pause(PAUSE_MS);
  }
}

/**
 * Of several refusals the one to the question that suits the model best; null: nobody answers.
 * @throws ModeliumError for a question that was taken and not answered in its time.
 */
function* firstAnswer(id: string, modelId: string, questions: readonly Question[], server: Server): Steps<HttpAnswer | 'proven' | null> {
  let first: HttpAnswer | null = null;
  for (const { field, ...question } of questions) {
    const asked = yield* http({ ...server, ...question, timeoutMs: TIMEOUT_MS, reportsWhy: true });
    if (asked?.status === 0 && /aborted due to timeout/.test(asked.body)) throw unanswered(id, modelId, question.path);
    const answer = asked?.status === 0 ? null : asked;
    if (answer?.status === 200 && isAnswer(answer.body, field)) return 'proven';
    first ??= answer;
    if (answer === null || LOADING.includes(answer.status)) return answer;
  }
  return first;
}

function isAnswer(body: string, field: Question['field']): boolean {
  if (field === null) return true;
  try {
    const list: unknown = (JSON.parse(body) as Readonly<Record<string, unknown>> | null)?.[field];
    return Array.isArray(list) && list.length > 0;
  } catch {
    return false;
  }
}

function unanswered(id: string, modelId: string, path: string): ModeliumError {
  const message = `${id} loaded ${modelId}, but did not answer its first question (${path}) within ${TIMEOUT_MS / 1000} s.`;
  return new ModeliumError('load-stalled', message, { origin: id });
}

function unproven(id: string, modelId: string, word: string, answer: HttpAnswer): ModeliumError {
  const what = `status ${answer.status}: ${answer.body.slice(0, QUOTED_CHARACTERS)}`;
  return new ModeliumError('runtime-exited', `${id} loaded ${modelId}, but its first ${word} failed: ${what}.`, { origin: id });
}
