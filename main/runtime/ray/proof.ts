/**
 * Asks an application for its first real answer, because Ray's state RUNNING only means that its
 * constructor returned.
 */
import type { Endpoint } from '../../../shared/model.ts';
import { http, phase, type Steps } from '../step.ts';
import { failed } from './cluster.ts';
import type { Task } from './plan.ts';
import { causeIn, cleaned } from './state.ts';

/** The first answer may have to compile kernels. */
const PROOF_MS = 600_000;

function questionOf(task: Task, model: string): { readonly path: string; readonly body: object | null } {
  if (task === 'embed') return { path: '/v1/embeddings', body: { model, input: 'Hello' } };
  if (task === 'rank') return { path: '/v1/rerank', body: { model, query: 'Hello', documents: ['Hello'] } };
  if (task === 'classify') return { path: '/classify', body: { model, input: 'Hello' } };
  if (task === 'generate') return { path: '/v1/completions', body: { model, prompt: 'Hello', max_tokens: 1, temperature: 0 } };
  // Of pictures and sounds we have none: that it loaded its model is all that is proven.
  return { path: '/health', body: null };
}

/** Of an error as OpenAI's routes tell it: Ray puts a traceback, with colours, into the message. */
function messageIn(body: string): string {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: unknown } };
    return typeof error?.message === 'string' ? error.message : body;
  } catch {
    return body;
  }
}

export function* prove(modelId: string, { at, key: secret, prefix }: Endpoint, task: Task): Steps<void> {
  yield* phase('first answer', null, true);
  const { path, body } = questionOf(task, modelId);
  const request = {
    method: body === null ? 'GET' : 'POST',
    path: `${prefix.slice(0, -'/v1'.length)}${path}`,
    body,
    timeoutMs: PROOF_MS,
  } as const;
  const answer = yield* http({ at, key: secret, ...request, reportsWhy: true });
  if (answer?.status === 200) return;
  const answered =
    answer === null || answer.status === 0
      ? `no answer came (${answer?.body ?? ''})`
      : `status ${answer.status}: ${causeIn(cleaned(messageIn(answer.body))).replace(/\.$/, '')}`;
  throw failed(`Ray Serve loaded ${modelId}, but its first answer failed: ${answered}.`);
}
