/**
 * Reads OpenAI's request bodies. Parameters that would change the meaning of the answer and that we do not carry out are refused by name:
 * ignoring them would give an answer to another question. Pure.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Sampling } from './llama.ts';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

export interface GenerationRequest {
  readonly sampling: Sampling;
  /** Null: as much as the context holds. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** The caller asks for an answer that can be had again. */
  readonly repeatable: boolean;
}

type Body = Readonly<Record<string, unknown>>;

export function invalid(param: string | null, message: string): ModeliumError {
  return new ModeliumError('invalid-body', message, { origin: 'llama', ...(param === null ? {} : { param }) });
}

/** OpenAI's default for completions; for chats there is none. */
const COMPLETION_TOKENS = 16;
/** llama.cpp's own defaults where the request names none. */
const DEFAULTS = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05 } as const;
const MOST_STOPS = 64;
const RANDOM_SEED = 0xffffffff;

const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const isOneOf =
  (...neutral: readonly unknown[]) =>
  (value: unknown) =>
    neutral.includes(value);

/** Parameters that we lack, and the values at which they change nothing. */
const UNSUPPORTED: Readonly<Record<string, (value: unknown) => boolean>> = {
  n: isOneOf(1),
  best_of: isOneOf(1),
  tools: isEmpty,
  tool_choice: isOneOf('none', 'auto'),
  functions: isEmpty,
  function_call: isOneOf('none', 'auto'),
  logprobs: isOneOf(false),
  top_logprobs: isOneOf(0),
  logit_bias: isEmpty,
  response_format: (value) => (value as { type?: unknown }).type === 'text',
  echo: isOneOf(false),
  suffix: isOneOf(''),
  audio: () => false,
  modalities: (value) => Array.isArray(value) && value.every((item) => item === 'text'),
  grammar: isOneOf(''),
  json_schema: isEmpty,
  web_search_options: () => false,
};

function refuseUnsupported(body: Body): void {
  for (const [name, isNeutral] of Object.entries(UNSUPPORTED)) {
    const value = body[name];
    if (value === undefined || value === null || isNeutral(value)) continue;
    throw invalid(name, `The embedded llama.cpp does not support "${name}" = ${JSON.stringify(value).slice(0, 80)}. Leave it out.`);
  }
}

function number(body: Body, name: string, least: number, most: number, fallback: number): number {
  const value = body[name];
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw invalid(name, `"${name}" must be a number from ${least} to ${most}.`);
}

function wholeNumber(body: Body, name: string, least: number): number | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(name, `"${name}" must be a whole number${Number.isFinite(least) ? ` of at least ${least}` : ''}.`);
}

function flag(body: Body, name: string): boolean {
  const value = body[name];
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  throw invalid(name, `"${name}" must be true or false.`);
}

function stops(body: Body): readonly string[] {
  const value = body['stop'];
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isUsable = list.every((item): item is string => typeof item === 'string' && item !== '');
  if (isUsable && list.length <= MOST_STOPS) return list as readonly string[];
  throw invalid('stop', `"stop" must be a text or a list of at most ${MOST_STOPS} texts, none empty.`);
}

function includeUsage(body: Body, stream: boolean): boolean {
  const value = body['stream_options'];
  if (value === undefined || value === null) return false;
  if (!stream) throw invalid('stream_options', '"stream_options" is only allowed with "stream": true.');
  if (typeof value !== 'object') throw invalid('stream_options', '"stream_options" must be an object.');
  return flag(value as Body, 'include_usage');
}

/** What chats and completions have in common. @throws ModeliumError invalid-body with the parameter's name. */
export function readGeneration(body: Body, route: 'chat' | 'completion', randomSeed: number): GenerationRequest {
  refuseUnsupported(body);
  const stream = flag(body, 'stream');
  const seed = wholeNumber(body, 'seed', Number.NEGATIVE_INFINITY);
  const maxTokens = wholeNumber(body, 'max_completion_tokens', 1) ?? wholeNumber(body, 'max_tokens', 1);
  const temperature = number(body, 'temperature', 0, 100, DEFAULTS.temperature);
  return {
    sampling: {
      temperature,
      topP: number(body, 'top_p', 0, 1, DEFAULTS.topP),
      topK: wholeNumber(body, 'top_k', 0) ?? DEFAULTS.topK,
      minP: number(body, 'min_p', 0, 1, DEFAULTS.minP),
      // 32 bits, also of negative numbers; the highest value means "a random seed" to llama.cpp.
      seed: ((seed ?? randomSeed) >>> 0) % RANDOM_SEED,
      frequencyPenalty: number(body, 'frequency_penalty', -2, 2, 0),
      presencePenalty: number(body, 'presence_penalty', -2, 2, 0),
    },
    maxTokens: maxTokens ?? (route === 'completion' ? COMPLETION_TOKENS : null),
    stop: stops(body),
    stream,
    includeUsage: includeUsage(body, stream),
    repeatable: temperature === 0 || seed !== null,
  };
}

function textOf(content: unknown, at: string): string {
  if (typeof content === 'string') return content;
  if (content === undefined || content === null) return '';
  if (!Array.isArray(content)) throw invalid(at, `"${at}" must be a text or a list of text parts.`);
  return content
    .map((part: { type?: unknown; text?: unknown } | null) => {
      if (part?.type === 'text' && typeof part.text === 'string') return part.text;
      throw invalid(at, `"${at}" holds a part of type ${JSON.stringify(part?.type ?? null)}; this model takes text only.`);
    })
    .join('');
}

/** @throws ModeliumError invalid-body. */
export function readMessages(body: Body): readonly ChatMessage[] {
  const messages = body['messages'];
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('messages', '"messages" must be a list with at least one message.');
  return messages.map((message: Body | null, index) => {
    const role = message?.['role'];
    if (typeof role !== 'string') throw invalid(`messages[${index}].role`, `"messages[${index}].role" must be a text such as "user".`);
    if (message?.['tool_calls'] !== undefined && !isEmpty(message['tool_calls'])) {
      throw invalid(`messages[${index}].tool_calls`, 'The embedded llama.cpp does not support "tool_calls" in messages.');
    }
    // OpenAI's newer name for the same role; chat templates know the old one.
    return { role: role === 'developer' ? 'system' : role, content: textOf(message?.['content'], `messages[${index}].content`) };
  });
}

/** Values for the chat template's own variables, such as `enable_thinking`. */
export function readTemplateValues(body: Body): Body {
  const value = body['chat_template_kwargs'] ?? {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Body;
  throw invalid('chat_template_kwargs', '"chat_template_kwargs" must be an object.');
}

const isTokens = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => Number.isSafeInteger(item));

/** A text, or the numbers of tokens. @throws ModeliumError invalid-body. */
export function readPrompt(body: Body): string | readonly number[] {
  const prompt = body['prompt'];
  const single: unknown = Array.isArray(prompt) && prompt.length === 1 && !isTokens(prompt) ? prompt[0] : prompt;
  if (typeof single === 'string' || isTokens(single)) return single;
  throw invalid('prompt', '"prompt" must be one text or one list of tokens; send several prompts as several requests.');
}

export interface EmbeddingRequest {
  readonly inputs: readonly (string | readonly number[])[];
  readonly base64: boolean;
}

/** @throws ModeliumError invalid-body. */
export function readEmbedding(body: Body): EmbeddingRequest {
  const input = body['input'];
  const inputs: readonly unknown[] = Array.isArray(input) && !isTokens(input) ? input : [input];
  const isUsable = inputs.every((item): item is string | number[] => (typeof item === 'string' && item !== '') || isTokens(item));
  if (!isUsable || inputs.length === 0) throw invalid('input', '"input" must be a text or a list of texts, none empty.');
  const format = body['encoding_format'] ?? 'float';
  if (format !== 'float' && format !== 'base64') throw invalid('encoding_format', '"encoding_format" must be "float" or "base64".');
  if (body['dimensions'] !== undefined && body['dimensions'] !== null) {
    throw invalid('dimensions', 'The embedded llama.cpp does not support "dimensions". Leave it out.');
  }
  return { inputs: inputs as readonly (string | readonly number[])[], base64: format === 'base64' };
}
