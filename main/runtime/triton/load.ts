/** The steps by which a model gets into Triton and out of it. */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Endpoint, Server } from '../../../shared/model.ts';
import { isTextModel } from '../../../shared/tensors.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import type { LoadTarget } from '../adapter.ts';
import { PROOF_WORDS } from '../proof.ts';
import { servedTensors } from '../served-tensors.ts';
import { enterServer, http, pause, phase, type Steps, write } from '../step.ts';
import { of, pathOf } from './calls.ts';
import { entryName, entryOf } from './entry.ts';
import { proofProblem } from './proof.ts';
import { loadSentence, saysOutOfMemory } from './words.ts';

/**
 * A load is one call, which never ends where a process of it lacks a library. The stall watch ends
 * it as a rule; where other models keep the server busy it sees nothing, so that the call has an
 * end of its own: by what a slow disk gives.
 */
const LEAST_LOAD_MS = 300_000;
const SLOW_BYTES_PER_MS = 20_000;
const CALL_MS = 10_000;
/**
 * An unload is over when the server says so: what runs in a process of its own needs two seconds.
 * Where that process has ended by itself, the server says UNLOADING for ever, and loads it again
 * all the same: whether its memory is free is measured then.
 */
const UNLOADING_MS = 8_000;
/** One that is still there after that was never let go of. */
const UNLOAD_MS = 10_000;
const UNLOAD_PAUSE_MS = 100;

/** How a model gets into the server. @returns its name there. */
export type Enter = (server: Endpoint, target: LoadTarget, timeoutMs: number) => Steps<string>;

/** Into one of ours, by an entry in its repository. */
export function* enterByEntry(server: Endpoint, target: LoadTarget, timeoutMs: number): Steps<string> {
  const model = entryName(target.modelId);
  yield* phase('writing its configuration');
  yield* write(model, yield* entryOf(target));
  yield* phase('loading');
  const answer = yield* http({ ...of(server), method: 'POST', path: pathOf(model, 'load'), body: null, timeoutMs });
  if (answer?.status !== 200)
    throw failed(target, answer, 'it gave no answer; if one of its processes lacks a library, the log of the model names the library.');
  return model;
}

export function* load(target: LoadTarget, enter: Enter = enterByEntry): Steps<Endpoint> {
  const server = yield* enterServer();
  const loadMs = LEAST_LOAD_MS + Math.ceil(target.profile.weightBytes / SLOW_BYTES_PER_MS);
  const model = yield* enter(server, target, loadMs);
  const tensors = yield* servedTensors(server, model);
  yield* phase(`first ${PROOF_WORDS[tensors !== null && isTextModel(tensors) ? 'generate' : 'infer']}`, null, true);
  const problem = yield* proofProblem(server, model, tensors);
  if (problem !== null)
    throw new ModeliumError('runtime-exited', `Triton loaded ${target.modelId}, but its first answer failed: ${problem}`, {
      origin: 'triton',
    });
  return { ...server, model, tensors: tensors ?? undefined };
}

/** Takes a model out. @throws ModeliumError when the server does not let go of it. */
export function* detach(modelId: string, server: Endpoint): Steps<void> {
  const model = entryName(modelId);
  yield* http({ ...of(server), method: 'POST', path: pathOf(model, 'unload'), body: null, timeoutMs: CALL_MS });
  for (let waitedMs = 0; waitedMs < UNLOAD_MS; waitedMs += UNLOAD_PAUSE_MS) {
    const state = yield* stateOf(server, model);
    if (state === 'UNAVAILABLE' || (state === 'UNLOADING' && waitedMs >= UNLOADING_MS)) {
      yield* write(model, null);
      return;
    }
    yield* pause(UNLOAD_PAUSE_MS);
  }
  throw new ModeliumError('runtime-exited', `Triton did not unload ${modelId} within ${UNLOAD_MS / 1000} s.`, { origin: 'triton' });
}

/** As its index says; one that was never loaded has no state there. Null: it does not answer. */
function* stateOf(server: Server, model: string): Steps<string | null> {
  const answer = yield* http({ ...of(server), method: 'POST', path: '/v2/repository/index', body: {}, timeoutMs: CALL_MS });
  if (answer?.status !== 200) return null;
  try {
    const index = JSON.parse(answer.body) as readonly { readonly name?: string; readonly state?: string }[];
    return index.find(({ name }) => name === model)?.state ?? 'UNAVAILABLE';
  } catch {
    return null;
  }
}

/** @param without what it means that no answer came. */
export function failed({ modelId }: LoadTarget, answer: HttpAnswer | null, without: string): ModeliumError {
  const why = answer === null ? without : loadSentence(answer.body);
  const code = answer !== null && saysOutOfMemory(answer.body) ? 'out-of-memory' : 'runtime-exited';
  return new ModeliumError(code, `Triton could not load ${modelId}: ${why}`, { origin: 'triton' });
}
