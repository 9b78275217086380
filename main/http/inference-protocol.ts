/**
 * The routes of the Open Inference Protocol, version 2: passes inference to a model's own server,
 * binary tensors included, and describes a model's inputs and outputs without loading or using it
 * (I5).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import { AsItIs, passed } from './as-it-is.ts';
import { Exchange } from './exchange.ts';
import type { ProxyPorts } from './proxy-ports.ts';
import { modelNotFound, sendJson } from './respond.ts';

const V2 = '/v2';

export interface InferenceTarget {
  /** Empty: the server itself. */
  readonly name: string;
  /** `/versions/1` or nothing. */
  readonly version: string;
  /** `infer`, `generate`, `ready` ...; empty: what is known of the model. */
  readonly verb: string;
}

const INFERENCE = ['infer', 'generate', 'generate_stream'];

/** Null: it is no route of the protocol. */
export function inferenceTarget(path: string): InferenceTarget | null {
  if (path === V2 || path === `${V2}/`) return { name: '', version: '', verb: '' };
  const health = /^\/v2\/health\/(live|ready)$/.exec(path)?.[1];
  if (health !== undefined) return { name: '', version: '', verb: health };
  const [, encoded = '', version = '', verb = ''] = /^\/v2\/models\/([^/]+)(\/versions\/\d{1,9})?(?:\/([a-z_]+))?$/.exec(path) ?? [];
  if (encoded === '' || !['', 'ready', ...INFERENCE].includes(verb)) return null;
  try {
    return { name: decodeURIComponent(encoded), version, verb };
  } catch {
    return null;
  }
}

export function isInference({ verb }: InferenceTarget): boolean {
  return INFERENCE.includes(verb);
}

/** @throws ModeliumError model-not-found, method-not-allowed. */
export function passInference(
  ports: ProxyPorts,
  { headers, method }: IncomingMessage,
  response: ServerResponse,
  { name, version, verb }: InferenceTarget,
  body: Buffer,
  startedMs: number,
): void {
  if (method !== 'POST') throw new ModeliumError('method-not-allowed', `${verb} takes POST, not ${method}.`);
  const modelId = resolved(ports, name);
  const job = new AsItIs(modelId, verb === 'generate_stream', ({ endpoint, runtime }) => {
    if (endpoint.protocol === 'v2') {
      const path = `/v2/models/${encodeURIComponent(endpoint.model)}${version}/${verb}`;
      return { method: 'POST', path, headers: passed(headers), body };
    }
    const sentence = `${modelId} runs on ${runtime}, which takes no tensors: use /predict/${modelId} or OpenAI's routes.`;
    throw new ModeliumError('not-supported-by-model', sentence, { param: 'model' });
  });
  new Exchange(ports, response, job, startedMs).start();
}

/**
 * What is known of a model, or of the server. @throws ModeliumError model-not-found,
 * method-not-allowed, not-supported-by-model.
 */
export function describeInference(
  { inference, version: own }: Pick<ProxyPorts, 'inference'> & { readonly version: string },
  { method }: IncomingMessage,
  response: ServerResponse,
  { name, verb }: InferenceTarget,
): void {
  if (method !== 'GET' && method !== 'HEAD') throw new ModeliumError('method-not-allowed', `It takes GET, not ${method}.`);
  if (name === '') {
    const about = { name: 'modelium', version: own, extensions: ['binary_tensor_data'] };
    return sendJson(response, 200, verb === '' ? about : { [verb]: true });
  }
  const modelId = resolved({ inference }, name);
  const { isReady, runtime, tensors } = inference.served(modelId);
  // As the protocol has it: 200 says that it is.
  if (verb === 'ready') return sendJson(response, isReady ? 200 : 400, { name: modelId, ready: isReady });
  if (tensors === null) {
    const when = isReady ? 'its runtime does not say which tensors it takes' : 'which tensors it takes is not known before it is loaded';
    throw new ModeliumError('not-supported-by-model', `Of ${modelId} ${when}.`, { param: 'model' });
  }
  const described = (all: typeof tensors.inputs) => all.map(({ name: tensor, datatype, shape }) => ({ name: tensor, datatype, shape }));
  const images = inference.imageInputs?.(modelId) ?? {};
  const { inputs, outputs } = tensors;
  sendJson(response, 200, {
    name: modelId,
    versions: ['1'],
    platform: runtime ?? '',
    inputs: described(inputs).map((input) => (Object.hasOwn(images, input.name) ? { ...input, image: true } : input)),
    outputs: described(outputs),
  });
}

function resolved({ inference }: Pick<ProxyPorts, 'inference'>, name: string): string {
  const modelId = inference.resolve(name);
  if (modelId === null) throw modelNotFound(name, inference.nearest(name));
  return modelId;
}
