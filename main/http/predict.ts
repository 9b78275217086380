/**
 * POST /predict/{model}: one small body for every kind of model. Chooses the OpenAI route of the
 * runtime that answers it; predict-text.ts and predict-inputs.ts transform the answer.
 */
import type { ServerResponse } from 'node:http';
import { checkInput } from '../../shared/api-input.ts';
import { type PredictRequest, predictRequestSchema } from '../../shared/api-predict.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { ModelKind, ModelProfile } from '../../shared/profile.ts';
import { isTextModel } from '../../shared/tensors.ts';
import type { Lease } from '../core/gateway.ts';
import { requireProtocol } from './as-it-is.ts';
import { toJson } from './body.ts';
import { Exchange, type Job } from './exchange.ts';
import { exactMember, type JsonBody, withTexts } from './json-body.ts';
import { type ImageReader, withImageInput } from './predict-images.ts';
import { CLASSES_PATH, PredictInputs } from './predict-inputs.ts';
import { PredictTensors } from './predict-tensors.ts';
import { PredictText } from './predict-text.ts';
import type { ProxyPorts } from './proxy-ports.ts';
import { modelNotFound } from './respond.ts';
import type { UpstreamRequest } from './upstream.ts';
import type { AnswerPorts } from './whole-answer.ts';

/**
 * What a kind of model is asked with, and in which words that is told. `unknown` is asked as the
 * body says: its runtime knows better.
 */
const TAKES: Record<ModelKind, 'text' | 'input' | 'neither' | 'either'> = {
  chat: 'text',
  completion: 'text',
  'vision-language': 'text',
  embedding: 'input',
  reranker: 'neither',
  classifier: 'input',
  vision: 'input',
  speech: 'neither',
  unknown: 'either',
};

/** Kinds that answer an input with classes; others do where the request names them. */
const CLASSIFY: ReadonlySet<ModelKind> = new Set(['classifier', 'vision']);

export interface PredictPorts extends ProxyPorts, AnswerPorts {
  readonly images: ImageReader;
}

/** @throws ModeliumError invalid-json, invalid-body, model-not-found, not-supported-by-model. */
export function predict(ports: PredictPorts, response: ServerResponse, model: string, body: JsonBody, startedMs: number): void {
  const modelId = ports.inference.resolve(model);
  if (modelId === null) throw modelNotFound(model, ports.inference.nearest(model));
  const images = ports.inference.imageInputs?.(modelId) ?? {};
  const request = withImageInput(checkInput(predictRequestSchema, body.value), images, body.texts);
  if (request.inputs !== undefined && request.stream) {
    throw new ModeliumError('invalid-body', 'stream: tensors come in one piece and cannot be streamed.', { param: 'stream' });
  }
  if (request.input !== undefined && request.stream) {
    throw new ModeliumError('invalid-body', 'stream: embeddings and classes come in one piece and cannot be streamed.', {
      param: 'stream',
    });
  }
  refuseBeforeLoad(ports, modelId, request);
  const job = jobOf(ports, modelId, request, body);
  new Exchange(ports, response, job, startedMs).start();
}

/**
 * Loading takes minutes, and others may have to leave for it: whatever is refused by the kind of
 * model is refused before.
 */
function refuseBeforeLoad({ inference }: ProxyPorts, modelId: string, { inputs, input, prompt, labels }: PredictRequest): void {
  const taken = inference.taken?.(modelId) ?? null;
  if (taken === null) return;
  const { profile, speaksOpenai, speaksTensors, tensors } = taken;
  if (inputs !== undefined) {
    if (!speaksOpenai) return;
    const sentence = `${modelId} takes no tensors: send a prompt, messages or input.`;
    throw new ModeliumError('not-supported-by-model', sentence, { param: 'inputs' });
  }
  if (labels !== undefined) requireChoice(modelId, profile);
  const param = input !== undefined ? 'input' : prompt === undefined ? 'messages' : 'prompt';
  if (speaksOpenai) requireKind(modelId, profile, input === undefined ? 'text' : 'input', param);
  if (!speaksTensors || tensors === null || isTextModel(tensors)) return;
  throw new ModeliumError('not-supported-by-model', `${modelId} takes tensors and no ${param}: send inputs.`, { param });
}

/**
 * Models that choose between any classes compare an image or a text with the name of each: nothing
 * else can.
 */
const CHOOSES = /^(?:CLIP|Siglip2?|AltCLIP|ChineseCLIP)Model$/;

/** @throws ModeliumError where `labels` would be left out, or refused late by whoever serves it. */
function requireChoice(modelId: string, { kind, architecture }: ModelProfile): void {
  if (CHOOSES.test(architecture) || (kind !== 'embedding' && kind !== 'vision')) return;
  const what = kind === 'vision' ? 'has its own classes' : 'turns its input into numbers';
  throw new ModeliumError('not-supported-by-model', `${modelId} ${what}, and cannot choose between labels: leave them out.`, {
    param: 'labels',
  });
}

function jobOf(ports: PredictPorts, modelId: string, request: PredictRequest, body: JsonBody): Job {
  if (request.inputs !== undefined) {
    const declared = ports.inference.imageInputs?.(modelId) ?? {};
    const given = { inputs: request.inputs, texts: body.texts };
    return new PredictTensors(modelId, given, { ...ports, declared }, () => keepAlive(ports, modelId, request));
  }
  return request.input === undefined ? textJob(ports, modelId, request, body) : inputsJob(ports, modelId, request, body);
}

function textJob(ports: ProxyPorts, modelId: string, request: PredictRequest, body: JsonBody): Job {
  return new PredictText(modelId, request.stream, (lease) => {
    const { tensors, model } = lease.endpoint;
    if (tensors !== undefined && isTextModel(tensors)) {
      keepAlive(ports, modelId, request);
      return withTexts(generateRequest(modelId, model, request), body.texts);
    }
    requireProtocol(modelId, lease);
    keepAlive(ports, modelId, request);
    const asked = textRequest(modelId, request, (messages) => exactMember(body, 'messages') ?? messages, lease);
    return withTexts(asked, body.texts);
  });
}

function inputsJob(ports: PredictPorts, modelId: string, request: PredictRequest, body: JsonBody): Job {
  return new PredictInputs(modelId, ports, (lease) => {
    requireProtocol(modelId, lease);
    keepAlive(ports, modelId, request);
    requireKind(modelId, lease.profile, 'input', 'input');
    const { labels } = request;
    if (labels !== undefined) requireChoice(modelId, lease.profile);
    const isClassified = labels !== undefined || CLASSIFY.has(lease.profile.kind);
    const common = { model: lease.endpoint.model, input: request.input };
    const asked = isClassified
      ? post(CLASSES_PATH, { ...common, labels })
      : post('/v1/embeddings', { ...common, encoding_format: 'float' });
    return withTexts(asked, body.texts);
  });
}

/**
 * Only for a request that got its model: one that was refused does not say how long the model
 * stays.
 */
function keepAlive(ports: ProxyPorts, modelId: string, request: PredictRequest): void {
  if (request.keep_alive_seconds !== undefined) ports.inference.keepAlive(modelId, request.keep_alive_seconds);
}

/** @param exact gives the messages back with their numbers as they were written. */
function textRequest(
  modelId: string,
  request: PredictRequest,
  exact: (messages: unknown) => unknown,
  { profile, endpoint }: Lease,
): UpstreamRequest {
  const { prompt, messages, max_tokens, temperature, top_p, stop, seed } = request;
  requireKind(modelId, profile, 'text', prompt === undefined ? 'messages' : 'prompt');
  const talks = profile.kind === 'chat' || profile.kind === 'vision-language' || profile.hasChatTemplate;
  // Streamed even when the client wants one answer: only so the time of the first token is a
  // measured one.
  const common = {
    model: endpoint.model,
    ...tokenLimit(max_tokens, messages !== undefined || talks),
    temperature,
    top_p,
    stop,
    seed,
    stream: true,
    stream_options: { include_usage: true },
  };
  if (messages !== undefined) {
    if (!talks && profile.kind === 'completion') {
      throw new ModeliumError('not-supported-by-model', `${modelId} has no chat template: send a prompt in place of messages.`, {
        param: 'messages',
      });
    }
    return post('/v1/chat/completions', { ...common, ...goingOn(messages), messages: exact(messages) });
  }
  // An instruct model that is given bare text goes on with the question instead of answering it.
  return talks
    ? post('/v1/chat/completions', { ...common, messages: [{ role: 'user', content: prompt }] })
    : post('/v1/completions', { ...common, prompt });
}

/**
 * A server's own `generate`: a stream always, since one that answers in pieces can be asked in no
 * other way.
 */
function generateRequest(
  modelId: string,
  model: string,
  { prompt, max_tokens, temperature, top_p, stop, seed }: PredictRequest,
): UpstreamRequest {
  if (prompt === undefined) {
    const sentence = `${modelId} takes one text: send a prompt in place of messages.`;
    throw new ModeliumError('not-supported-by-model', sentence, { param: 'messages' });
  }
  const limit = max_tokens === -1 ? {} : { max_tokens };
  const parameters = { ...limit, temperature, top_p, seed, stop: typeof stop === 'string' ? stop : stop?.[0] };
  return post(`/v2/models/${encodeURIComponent(model)}/generate_stream`, { text_input: prompt, parameters });
}

/**
 * Messages that end with the assistant's begin its answer: it is to be gone on with, and not
 * answered.
 */
function goingOn(messages: NonNullable<PredictRequest['messages']>): object {
  return messages.at(-1)?.role === 'assistant' ? { continue_final_message: true, add_generation_prompt: false } : {};
}

/**
 * How far an answer goes. Without a limit chats end by themselves everywhere; completions end after
 * 16 tokens, unless they are told otherwise.
 */
function tokenLimit(maxTokens: number, isChat: boolean): object {
  if (maxTokens !== -1) return { max_tokens: maxTokens };
  // Servers differ in which of the two they read as no limit.
  return isChat ? {} : { max_tokens: null, n_predict: -1 };
}

function requireKind(modelId: string, profile: ModelProfile, wanted: 'text' | 'input', param: string): void {
  const takes = TAKES[profile.kind];
  if (takes === wanted || takes === 'either') return;
  const subject = profile.kind === 'vision' ? 'images' : 'texts';
  const advice = takes === 'input' ? `send its ${subject} as input` : takes === 'text' ? 'send a prompt or messages' : 'it answers neither';
  throw new ModeliumError(
    'not-supported-by-model',
    `${modelId} is a model of the kind "${profile.kind}" and takes no ${param}: ${advice}.`,
    {
      param,
    },
  );
}

function post(path: string, body: unknown): UpstreamRequest {
  return { path, method: 'POST', headers: { 'content-type': 'application/json' }, body: toJson(body) };
}
