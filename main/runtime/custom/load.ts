/**
 * The steps that start a custom server with a model, until the server has given one real answer.
 */

import { type Endpoint, OPENAI_PREFIX } from '../../../shared/model.ts';
import type { FormKind } from '../../../shared/profile.ts';
import type { OwnRuntime } from '../../../shared/settings.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import type { LoadTarget } from '../adapter.ts';
import { servedTensors } from '../served-tensors.ts';
import { http, key, pause, phase, port, type Steps, spawn } from '../step.ts';
import { unreachableBecause } from '../unreachable.ts';
import { holds, launched } from './placeholders.ts';
import { prove } from './proof.ts';

const PAUSE_MS = 25;
const HEALTH_TIMEOUT_MS = 2_000;
/** Of these the folder is the model; of all others its first file. */
const FOLDERS: readonly FormKind[] = ['transformers', 'mistral', 'diffusers', 'timm', 'triton'];

export function* loadOwn(id: string, own: OwnRuntime, target: LoadTarget): Steps<Endpoint> {
  const { plan, modelId: name } = target;
  const [program = own.command, ...args] = plan.args;
  const secret = holds(Object.values(plan.env), 'key') ? yield* key() : null;
  const at = { port: yield* port() };
  const model = FOLDERS.includes(plan.form) ? target.path : target.file;
  const values = { port: String(at.port), model, name };
  const secrets = secret === null ? {} : { key: secret };
  yield* phase('starting', null, true);
  const env = Object.fromEntries(Object.entries(plan.env).map(([variable, text]) => [variable, launched(text, { ...values, ...secrets })]));
  // Everybody may read these: the key is not among them, whatever models.NAME.args say.
  const words = args.map((text) => launched(text, values));
  yield* spawn(program, words, env, false);
  const server = { at, key: secret };
  yield* healthy(own.health, server);
  const endpoint = { ...server, protocol: own.protocol, model: launched(own.model_name, { model, name }), prefix: OPENAI_PREFIX };
  // Of a server without a protocol nobody knows what to ask.
  if (own.protocol !== 'none') yield* prove(id, target, endpoint);
  const tensors = own.protocol === 'v2' ? yield* servedTensors(server, endpoint.model) : null;
  return tensors === null ? endpoint : { ...endpoint, tensors };
}

/** Until its health is well; what keeps it from that is told, so that a stall says it. */
function* healthy(path: string, server: { readonly at: { readonly port: number }; readonly key: string | null }): Steps<void> {
  const reported = new Set<string>();
  for (;;) {
    const health = yield* http({ ...server, method: 'GET', path, body: null, timeoutMs: HEALTH_TIMEOUT_MS, reportsWhy: true });
    if (health?.status === 200) return;
    const now = whyNotHealthy(path, server.at.port, health);
    // Once each: a phase is a sign of life, and a server that starts over and over shows none.
    if (!reported.has(now)) yield* phase(now, null, true);
    reported.add(now);
    yield* pause(PAUSE_MS);
  }
}

function whyNotHealthy(path: string, port: number, answer: HttpAnswer | null): string {
  if (answer === null || (answer.status === 0 && /ECONNREFUSED/.test(answer.body))) return `waiting for port ${port} to open`;
  const why = answer.status === 0 ? unreachableBecause(answer.body, HEALTH_TIMEOUT_MS) : `status ${answer.status} so far`;
  return `waiting for ${path}: ${why}`;
}
