/**
 * Tests a model by a first inference, and tells later whether a model whose requests fail is
 * broken.
 */
import type { Endpoint, Server } from '../../../shared/model.ts';
import { isTextModel, type ServedTensors } from '../../../shared/tensors.ts';
import type { HttpAnswer } from '../../core/process-ports.ts';
import { IMAGE_SIZES, smallestInference, takesAnyImage } from '../proof.ts';
import { http, phase, type Steps } from '../step.ts';
import { of } from './calls.ts';
import { hasEnded, loadSentence, saysOutOfMemory, speaksOfSizes } from './words.ts';

const PROOF_MS = 600_000;
const CALL_MS = 10_000;

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
  const inputs = (tensors?.inputs ?? [])
    .filter(({ isOptional }) => isOptional !== true)
    .map(({ name, datatype, shape }) => ({ name, type: datatype, shape }));
  const isOpen = takesAnyImage(inputs);
  let lastProblem: string | null = null;
  for (const size of isOpen ? IMAGE_SIZES : IMAGE_SIZES.slice(0, 1)) {
    const body = smallestInference(inputs, size);
    // Millions of zeros are no small question, and 16-bit numbers have no place in JSON.
    if (body === null || inputs.some(({ type }) => type === 'FP16' || type === 'BF16')) break;
    const answer = yield* ask('infer', body);
    if (answer === null) return 'no answer came.';
    if (answer.status === 200 || refusesZeros(answer)) return null;
    const problem = loadSentence(answer.body);
    if (!isOpen || hasEnded(problem) || saysOutOfMemory(answer.body)) return problem;
    if (!speaksOfSizes(problem)) lastProblem = problem;
  }
  if (lastProblem !== null) return lastProblem;
  // Which sizes it takes, nobody says.
  yield* phase("no first inference was possible, so only Triton's word says that it is ready", null, true);
  const ready = yield* http({ ...of(server), method: 'GET', path: `${path}/ready`, body: null, timeoutMs: CALL_MS });
  if (ready === null) return 'no answer came.';
  return ready.status === 200 ? null : loadSentence(ready.body);
}

/**
 * A process of Python's that has ended is never started again, and its model is called ready all
 * the same. Asked once more, it tells what it is, whatever was wrong with the request before.
 * @returns a sentence; null: it is well.
 */
export function* checkModel({ model, tensors, ...server }: Endpoint): Steps<string | null> {
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
  const [, error] = /"error":\s*"((?:[^"\\]|\\.)*)"/.exec(body) ?? [];
  return error === undefined ? null : loadSentence(`{"error":"${error}"}`);
}
