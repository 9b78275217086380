/**
 * Reads the description of a model's tensors from a server of the Open Inference Protocol (version
 * 2), once for each load. The description is bounded (I10).
 */
import type { Server } from '../../shared/model.ts';
import type { ServedTensor, ServedTensors } from '../../shared/tensors.ts';
import { http, type Steps } from './step.ts';

const TIMEOUT_MS = 10_000;
const MOST_TENSORS = 256;
const LONGEST_NAME = 256;
const MOST_DIMENSIONS = 16;

/** Null: it does not say. @param model as the server calls it. */
export function* servedTensors(server: Server, model: string): Steps<ServedTensors | null> {
  const path = `/v2/models/${encodeURIComponent(model)}`;
  const about = yield* json(server, path);
  const inputs = tensorsIn(about['inputs']);
  const outputs = tensorsIn(about['outputs']);
  if (inputs === null || outputs === null) return null;
  // Which of them may be left out stands in its configuration alone, and not every server tells
  // that.
  const config = yield* json(server, `${path}/config`);
  const optional = new Set(listIn(config['input']).flatMap((input) => (input['optional'] === true ? [input['name']] : [])));
  const { extensions } = yield* json(server, '/v2');
  return {
    inputs: inputs.map((input) => (optional.has(input.name) ? { ...input, isOptional: true } : input)),
    outputs,
    hasBytes: Array.isArray(extensions) && extensions.includes('binary_tensor_data'),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function* json({ at, key, keyHeader }: Server, path: string): Steps<Fields> {
  const answer = yield* http({ at, key, keyHeader, method: 'GET', path, body: null, timeoutMs: TIMEOUT_MS });
  if (answer?.status !== 200) return {};
  try {
    const value: unknown = JSON.parse(answer.body);
    return typeof value === 'object' && value !== null ? (value as Fields) : {};
  } catch {
    return {};
  }
}

function listIn(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.slice(0, MOST_TENSORS).filter((each) => typeof each === 'object' && each !== null) : [];
}

function tensorsIn(value: unknown): readonly ServedTensor[] | null {
  if (!Array.isArray(value)) return null;
  return listIn(value).flatMap(({ name, datatype, shape }) => {
    if (typeof name !== 'string' || name.length > LONGEST_NAME || typeof datatype !== 'string' || !Array.isArray(shape)) return [];
    // Some servers write sizes as text.
    return [{ name, datatype, shape: shape.slice(0, MOST_DIMENSIONS).map(Number) }];
  });
}
