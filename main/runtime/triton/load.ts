/**
 * The steps by which a model gets into Triton and out of it, and by which it shows that it works.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { Endpoint, Server } from '../../../shared/model.ts';
import { isTextModel, type ServedTensors } from '../../../shared/tensors.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import type { LoadTarget } from '../adapter.ts';
import { PROOF_WORDS, smallestInference } from '../proof.ts';
import { servedTensors } from '../served-tensors.ts';
import { enterServer, http, pause, phase, type Steps, write } from '../step.ts';
import { entryName, entryOf } from './entry.ts';
import { hasEnded, loadSentence, saysOutOfMemory } from './words.ts';

/**
 * A load is one call, which never ends where a process of it lacks a library. The stall watch ends
 * it as a rule; where other models keep the server busy it sees nothing, so that the call has an
 * end of its own: by what a slow disk gives.
 */
const LEAST_LOAD_MS = 300_000;
const SLOW_BYTES_PER_MS = 20_000;
const PROOF_MS = 600_000;
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

export const pathOf = (model: string, verb: string): string => `/v2/repository/models/${encodeURIComponent(model)}/${verb}`;

/** How a model gets into the server. @returns its name there. */
export type Enter = (server: Endpoint, target: LoadTarget, timeoutMs: number) => Steps<string>;

/** Into one of ours, by an entry in its repository. */
export function* enterByEntry(server: Endpoint, target: LoadTarget, timeoutMs: number): Steps<string> {
  const model = entryName(target.modelId);
  yield* phase('writing its entry');
  yield* write(model, yield* entryOf(target));
  yield* phase('loading');
  const answer = yield* http({ ...of(server), method: 'POST', path: pathOf(model, 'load'), body: null, timeoutMs });
  if (answer?.status !== 200)
    throw failed(target, answer, 'its answer did not come; where a process of it lacks a library, its words name that.');
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

/** One real answer. @returns what is wrong with it; null: nothing. */
export function* proofProblem(server: Server, model: string, tensors: ServedTensors | null): Steps<string | null> {
  const path = `/v2/models/${encodeURIComponent(model)}`;
  const ask = (verb: string, body: unknown) => http({ ...of(server), method: 'POST', path: `${path}/${verb}`, body, timeoutMs: PROOF_MS });
  if (tensors !== null && isTextModel(tensors)) {
    // A stream: only so one that answers in pieces can be asked, too. An error in it comes with
    // status 200.
    const answer = yield* ask('generate_stream', { text_input: 'Hello', parameters: { max_tokens: 1, temperature: 0 } });
    if (answer === null) return 'no answer came.';
    return answer.status === 200 ? streamedError(answer.body) : loadSentence(answer.body);
  }
  const inputs = (tensors?.inputs ?? []).filter(({ isOptional }) => isOptional !== true);
  const body = smallestInference(inputs.map(({ name, datatype, shape }) => ({ name, type: datatype, shape })));
  // Millions of zeros are no small question, and 16-bit numbers have no place in JSON: that it
  // calls itself ready is all that is proven then.
  const isAskable = body !== null && inputs.every(({ datatype }) => datatype !== 'FP16' && datatype !== 'BF16');
  const answer = yield* isAskable
    ? ask('infer', body)
    : http({ ...of(server), method: 'GET', path: `${path}/ready`, body: null, timeoutMs: CALL_MS });
  if (answer === null) return 'no answer came.';
  return answer.status === 200 || refusesZeros(answer) ? null : loadSentence(answer.body);
}

/**
 * A process of Python's that has ended is never started again, and its model is called ready all
 * the same. Asked once more, it tells what it is, whatever was wrong with the request before.
 * @returns a sentence; null: it is well.
 */
export function* ailment({ model, tensors, ...server }: Endpoint): Steps<string | null> {
  const problem = yield* proofProblem(server, model, tensors ?? null);
  return problem !== null && hasEnded(problem) ? problem : null;
}

/**
 * The model itself answered: it wants other values than zeros, or more than one of what is chosen
 * at run time.
 */
function refusesZeros({ status, body }: HttpAnswer): boolean {
  return status < 500 && status >= 400 && !/not healthy|unexpected|is not ready|unknown model/i.test(body);
}

/** The error among the events of a stream; null: there is none. */
export function streamedError(body: string): string | null {
  const [, told] = /"error":\s*"((?:[^"\\]|\\.)*)"/.exec(body) ?? [];
  return told === undefined ? null : loadSentence(`{"error":"${told}"}`);
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
  throw new ModeliumError('runtime-exited', `Triton did not let go of ${modelId} within ${UNLOAD_MS / 1000} s.`, { origin: 'triton' });
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

export function of({ at, key, keyHeader }: Server): Server {
  return { at, key, keyHeader };
}
