/**
 * `/predict` with `inputs`: tensors as JSON arrays, checked against what the model takes before its
 * server sees them; `outputs` back in the same way.
 */
import { ModeliumError } from '../../shared/errors.ts';
import { type GivenTensor, givenTensors, type ServedTensors } from '../../shared/tensors.ts';
import type { Lease } from '../core/gateway.ts';
import { toJson } from './body.ts';
import type { Exchange, Job } from './exchange.ts';
import { brokeOff } from './refusal.ts';
import { sendJson } from './respond.ts';
import { bytesOf, valuesIn } from './tensor-bytes.ts';
import type { UpstreamHeaders, UpstreamRequest } from './upstream.ts';
import { NO_USAGE, type TokenUsage } from './usage.ts';

/**
 * More than that belongs into several requests, or into `/v2`, which passes bytes on as they come
 * (I10).
 */
const ANSWER_BYTES = 256 * 1024 * 1024;
const PROBLEMS_TOLD = 4;
const HEADER_LENGTH = 'inference-header-content-length';

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size?: number };
}

export class PredictTensors implements Job {
  readonly modelId: string;
  readonly streams = false;
  readonly #inputs: Readonly<Record<string, unknown>>;
  readonly #onLease: (lease: Lease) => void;
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #headerLength: number | null = null;

  /** @param onLease told once the model is there, before it is asked. */
  constructor(modelId: string, inputs: Readonly<Record<string, unknown>>, onLease: (lease: Lease) => void) {
    this.modelId = modelId;
    this.#inputs = inputs;
    this.#onLease = onLease;
  }

  prepare(lease: Lease): UpstreamRequest {
    const { endpoint } = lease;
    const { modelId } = this;
    if (endpoint.tensors === undefined) {
      const advice = endpoint.protocol === 'v2' ? `ask it as /v2/models/${modelId}/infer` : 'send a prompt, messages or input';
      const sentence = `${modelId} runs on ${lease.runtime}, which does not say which tensors it takes: ${advice}.`;
      throw new ModeliumError('not-supported-by-model', sentence, { param: 'inputs' });
    }
    const given = givenTensors(endpoint.tensors, this.#inputs);
    if ('problems' in given) {
      const [first] = given.problems;
      const listed = given.problems
        .slice(0, PROBLEMS_TOLD)
        .map(({ name, sentence }) => (name === null ? sentence : `inputs.${name}: ${sentence}`));
      const param = first?.name == null ? 'inputs' : `inputs.${first.name}`;
      throw new ModeliumError('invalid-body', listed.join(' '), { param });
    }
    this.#onLease(lease);
    return inferRequest(endpoint.model, endpoint.tensors, given.tensors);
  }

  begin(_exchange: Exchange, _status: number, headers: UpstreamHeaders): void {
    const length = Number(headers[HEADER_LENGTH]);
    this.#headerLength = headers[HEADER_LENGTH] === undefined ? null : length;
  }

  data(exchange: Exchange, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES)
      throw brokeOff(exchange.runtime, this.modelId, 'its answer is larger than 256 MB: ask it as /v2/models/.../infer');
    this.#parts.push(chunk);
  }

  end(exchange: Exchange): TokenUsage {
    exchange.markFirstToken();
    const outputs = outputsIn(Buffer.concat(this.#parts), this.#headerLength);
    if (typeof outputs === 'string') throw brokeOff(exchange.runtime, this.modelId, outputs);
    const answer = { model: this.modelId, runtime: exchange.runtime, outputs, timings: exchange.timings(null) };
    sendJson(exchange.response, 200, answer, exchange.headers());
    return NO_USAGE;
  }
}

/** 16-bit numbers go behind the JSON, as bytes; all answers come so where the server can. */
function inferRequest(model: string, { hasBytes }: ServedTensors, tensors: readonly GivenTensor[]): UpstreamRequest {
  const bytes: Buffer[] = [];
  const inputs = tensors.map((tensor) => {
    if (tensor.datatype !== 'FP16' && tensor.datatype !== 'BF16') return tensor;
    const part = bytesOf(tensor);
    bytes.push(part);
    const { name, datatype, shape } = tensor;
    return { name, datatype, shape, parameters: { binary_data_size: part.length } };
  });
  const json = toJson({ inputs, ...(hasBytes ? { parameters: { binary_data_output: true } } : {}) });
  const path = `/v2/models/${encodeURIComponent(model)}/infer`;
  if (bytes.length === 0) return { path, method: 'POST', headers: { 'content-type': 'application/json' }, body: json };
  const header = Buffer.from(json);
  const headers = { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(header.length) };
  return { path, method: 'POST', headers, body: Buffer.concat([header, ...bytes]) };
}

/** By name; a clause where the answer is none. */
function outputsIn(bytes: Buffer, headerLength: number | null): Readonly<Record<string, unknown>> | string {
  const header = headerLength ?? bytes.length;
  if (!Number.isSafeInteger(header) || header < 0 || header > bytes.length) return 'its answer is shorter than it says';
  let outputs: readonly Output[] | undefined;
  try {
    ({ outputs } = JSON.parse(bytes.toString('utf8', 0, header)) as { outputs?: readonly Output[] });
  } catch {
    return 'its answer is not JSON';
  }
  if (!Array.isArray(outputs)) return 'its answer has no outputs';
  const byName: Record<string, unknown> = {};
  let at = header;
  for (const { name, datatype, shape, data, parameters } of outputs as readonly Output[]) {
    if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0)) return `its output ${name} has no shape`;
    const size = parameters?.binary_data_size;
    const count = shape.reduce((product, length) => product * length, 1);
    const values = size === undefined ? data : valuesIn(bytes.subarray(at, at + size), datatype, count);
    if (!Array.isArray(values) || values.length !== count) return `its output ${name} is not as long as its shape says`;
    at += size ?? 0;
    Object.defineProperty(byName, name, { value: nested(values, shape), enumerable: true, configurable: true });
  }
  return byName;
}

/** As its shape is; a single value where it has none. */
function nested(values: readonly unknown[], shape: readonly number[]): unknown {
  const [first, ...rest] = shape;
  if (first === undefined) return values[0];
  if (rest.length === 0) return values;
  const size = rest.reduce((product, length) => product * length, 1);
  return Array.from({ length: first }, (_, index) => nested(values.slice(index * size, (index + 1) * size), rest));
}
