/**
 * `/predict` with `inputs`: tensors as JSON arrays, checked against the model's interface before
 * its server sees them. The answer has `outputs` in the same form.
 */
import { randomUUID } from 'node:crypto';
import { ModeliumError } from '../../shared/errors.ts';
import { type GivenTensor, givenTensors, type ServedTensors, type TensorProblem } from '../../shared/tensors.ts';
import type { Lease } from '../core/gateway.ts';
import { toJson } from './body.ts';
import type { Exchange, Job } from './exchange.ts';
import { type LongTexts, textsPut } from './json-body.ts';
import { type ImageInputs, type ImageReader, imagesGiven, imagesIn, imageTensors, type TensorBytes } from './predict-images.ts';
import { sendJsonAround } from './respond.ts';
import { countOf } from './tensor-answer.ts';
import { bytesOf } from './tensor-bytes.ts';
import type { UpstreamHeaders, UpstreamRequest } from './upstream.ts';
import { NO_USAGE, type TokenUsage } from './usage.ts';
import { type AnswerPorts, CollectedAnswer, inSharedMemory } from './whole-answer.ts';

/** JSON has no place for them. */
const SHORT: ReadonlySet<string> = new Set(['FP16', 'BF16']);
const PROBLEMS_SHOWN = 4;
const HEADER_LENGTH = 'inference-header-content-length';

/** What makes tensors of images, and of which inputs. */
export interface TensorPorts extends AnswerPorts {
  readonly images: ImageReader;
  readonly declared: ImageInputs;
}

export interface GivenInputs {
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Long texts among them, which stay bytes. */
  readonly texts: LongTexts | undefined;
}

export class PredictTensors implements Job {
  readonly modelId: string;
  readonly streams = false;
  readonly #inputs: Readonly<Record<string, unknown>>;
  readonly #texts: LongTexts | undefined;
  readonly #ports: TensorPorts;
  readonly #onLease: (lease: Lease) => void;
  readonly #answer: CollectedAnswer;
  #headerLength: number | null = null;

  /** @param onLease told once the model is there, before it is asked. */
  constructor(modelId: string, { inputs, texts }: GivenInputs, ports: TensorPorts, onLease: (lease: Lease) => void) {
    this.modelId = modelId;
    this.#inputs = inputs;
    this.#texts = texts;
    this.#ports = ports;
    this.#answer = new CollectedAnswer(ports, modelId);
    this.#onLease = onLease;
  }

  prepare(lease: Lease, exchange: Exchange): UpstreamRequest | Promise<UpstreamRequest> {
    const { endpoint } = lease;
    const { modelId } = this;
    if (endpoint.tensors === undefined) {
      const advice = endpoint.protocol === 'v2' ? `use /v2/models/${modelId}/infer` : 'send a prompt, messages or input';
      const sentence = `${modelId} runs on ${lease.runtime}, which does not say which tensors it takes: ${advice}.`;
      throw new ModeliumError('not-supported-by-model', sentence, { param: 'inputs' });
    }
    const { model, tensors, mostRequestBytes } = endpoint;
    const { declared, images: reader } = this.#ports;
    const images = imagesGiven(this.#inputs, declared, this.#texts);
    const given = givenTensors(tensors, this.#inputs, [...images.keys()]);
    if ('problems' in given) throw this.#refused(given.problems);
    this.#onLease(lease);
    if (images.size === 0) return inferRequest(model, tensors, given.tensors, this.#texts);
    return imageTensors(reader, images, declared, { tensors: tensors.inputs, mostRequestBytes }, exchange).then(async (made) => {
      const { all, long } = tensors.hasBytes ? { all: made, long: this.#texts } : await this.#asJson(made, exchange);
      return inferRequest(model, tensors, [...given.tensors, ...all], long);
    });
  }

  /**
   * For a server that takes no bytes: the values as JSON, written on another thread, as it writes
   * answers.
   */
  async #asJson(made: readonly TensorBytes[], exchange: Exchange) {
    const texts = [...(this.#texts?.texts ?? [])];
    const word = this.#texts?.word || randomUUID();
    const all: (TensorBytes | GivenTensor)[] = [];
    for (const tensor of made) {
      const { name, datatype, shape } = tensor;
      if (SHORT.has(datatype)) all.push(tensor);
      else {
        const parts = tensor.parts.map((part) => inSharedMemory(bufferOf(part)));
        const output = { name: 'x', datatype, shape: [countOf(shape)], parameters: { binary_data_size: lengthOf(parts) } };
        const header = Buffer.from(JSON.stringify({ outputs: [output] }));
        const read = await this.#ports.largeAnswers.json(
          { kind: 'tensors', parts: [header, ...parts], headerLength: header.length },
          exchange,
        );
        if ('problem' in read) throw new ModeliumError('invalid-body', `inputs.${name}: ${read.problem}.`, { param: `inputs.${name}` });
        all.push({ name, datatype, shape, data: [`${word}-${texts.length}`] });
        // Its brackets are those of `data`.
        texts.push(read.json.subarray('{"x":['.length, -']}'.length));
      }
    }
    return { all, long: { word, texts } };
  }

  #refused(problems: readonly TensorProblem[]): ModeliumError {
    const [first] = problems;
    const word = this.#texts?.word;
    const listed = problems.slice(0, PROBLEMS_SHOWN).map(({ name, sentence: problem }) => {
      const sentence = word === undefined ? problem : problem.replaceAll(new RegExp(`"${word}-\\d+"`, 'g'), 'a long text');
      const isImage = name !== null && imagesIn(this.#inputs[name], this.#texts) !== null;
      const how = isImage ? ` How an image becomes this tensor is written in models.${this.modelId}.image_inputs.` : '';
      return name === null ? sentence : `inputs.${name}: ${sentence}${how}`;
    });
    return new ModeliumError('invalid-body', listed.join(' '), { param: first?.name == null ? 'inputs' : `inputs.${first.name}` });
  }

  begin(_exchange: Exchange, _status: number, headers: UpstreamHeaders): void {
    const length = Number(headers[HEADER_LENGTH]);
    this.#headerLength = headers[HEADER_LENGTH] === undefined ? null : length;
  }

  data(exchange: Exchange, chunk: Buffer): void {
    this.#answer.push(exchange, chunk, ': use /v2/models/.../infer');
  }

  end(exchange: Exchange): TokenUsage | Promise<TokenUsage> {
    exchange.markFirstToken();
    return this.#answer.read(exchange, { kind: 'tensors', headerLength: this.#headerLength }, ({ json }) => {
      sendJsonAround(exchange.response, exchange.headers(), {
        before: { model: this.modelId, runtime: exchange.runtime },
        name: 'outputs',
        json,
        after: { timings: exchange.timings(null) },
      });
      return NO_USAGE;
    });
  }

  over({ response }: Exchange): void {
    this.#answer.release(response);
  }
}

/**
 * 16-bit numbers and images go behind the JSON, as bytes; all answers come so where the server can.
 */
function inferRequest(
  model: string,
  { hasBytes }: ServedTensors,
  tensors: readonly (GivenTensor | TensorBytes)[],
  long: LongTexts | undefined,
): UpstreamRequest {
  const bytes: Buffer[] = [];
  const inputs = tensors.map((tensor) => {
    const { name, datatype, shape } = tensor;
    const isShort = SHORT.has(datatype);
    if ('data' in tensor && !isShort) return tensor;
    const parts = 'parts' in tensor ? tensor.parts.map(bufferOf) : [bytesOf(tensor)];
    bytes.push(...parts);
    return { name, datatype, shape, parameters: { binary_data_size: lengthOf(parts) } };
  });
  const json = textsPut(toJson({ inputs, ...(hasBytes ? { parameters: { binary_data_output: true } } : {}) }), long);
  const path = `/v2/models/${encodeURIComponent(model)}/infer`;
  if (bytes.length === 0) return { path, method: 'POST', headers: { 'content-type': 'application/json' }, body: json };
  const header = typeof json === 'string' ? [Buffer.from(json)] : json;
  const headers = { 'content-type': 'application/octet-stream', [HEADER_LENGTH]: String(lengthOf(header)) };
  return { path, method: 'POST', headers, body: [...header, ...bytes] };
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
