/** Reads the bodies of OpenAI's chats and completions: what is asked for, checked. Pure. */
import { ANY_OBJECT, jsonGrammar } from './json-grammar.ts';
import {
  type Body,
  checkParameters,
  flag,
  invalid,
  isAbsent,
  isObject,
  isTokens,
  number,
  type Parameters,
  wholeNumber,
} from './openai-fields.ts';
import type { Sampling } from './sampling.ts';
import { type Schema, SchemaRefusal } from './schema-merge.ts';

export type Route = 'chat' | 'completion';

export interface GenerationRequest {
  readonly sampling: Sampling;
  /** Null: as much as the context holds. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** A stream tells how far the prompt is read, as llama-server's `return_progress`. */
  readonly tellsProgress: boolean;
  /** Answers to each prompt. */
  readonly choices: number;
  /** Likeliest tokens told with each token; null: no log-probabilities. */
  readonly rivals: number | null;
  /** What the answer must be, in llama.cpp's notation; null: anything. */
  readonly grammar: string | null;
  /** The prompt's text goes in front of the answer's. */
  readonly echo: boolean;
  /** Keep what a sequence knows of an equal beginning. */
  readonly reuse: boolean;
  /** A full context forgets its beginning and goes on. */
  readonly shift: boolean;
}

/** OpenAI's default for completions; for chats there is none. */
const COMPLETION_TOKENS = 16;
/** llama.cpp's own defaults where the request names none. */
const DEFAULTS = { temperature: 0.8, topP: 0.95, topK: 40, minP: 0.05 } as const;
const MOST_STOPS = 64;
const MOST_CHOICES = 128;
const MOST_PROMPTS = 128;
const MOST_CHAT_RIVALS = 20;
const MOST_COMPLETION_RIVALS = 20;
const MOST_BIAS = 100;
const RANDOM_SEED = 0xffffffff;

const isEmpty = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length === 0;
const isOneOf =
  (...neutral: readonly unknown[]) =>
  (value: unknown) =>
    neutral.includes(value);
const never = () => false;
const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const COMMON = words(`
  model max_tokens max_completion_tokens temperature top_p top_k min_p seed frequency_penalty presence_penalty repeat_penalty
  repetition_penalty stop stream stream_options n logprobs logit_bias json_schema response_format cache_prompt context_shift return_progress`);

const REFUSED_EVERYWHERE: Parameters['refused'] = {
  best_of: isOneOf(1),
  grammar: isOneOf(''),
  ignore_eos: isOneOf(false),
  min_tokens: isOneOf(0),
  n_probs: isOneOf(0),
  mirostat: isOneOf(0),
  typical_p: isOneOf(1),
  xtc_probability: isOneOf(0),
  dry_multiplier: isOneOf(0),
};

/** What chats and completions each know and refuse; anything else is refused as unknown. */
export const PARAMETERS: Readonly<Record<Route, Parameters>> = {
  chat: {
    known: [...COMMON, ...words('messages top_logprobs tools tool_choice parallel_tool_calls chat_template_kwargs reasoning_effort')],
    refused: {
      ...REFUSED_EVERYWHERE,
      functions: isEmpty,
      function_call: isOneOf('none', 'auto'),
      audio: never,
      modalities: (value) => Array.isArray(value) && value.every((item) => item === 'text'),
      web_search_options: never,
      verbosity: isOneOf('medium'),
      suffix: isOneOf(''),
      echo: isOneOf(false),
    },
  },
  completion: {
    known: [...COMMON, ...words('prompt echo')],
    refused: {
      ...REFUSED_EVERYWHERE,
      suffix: isOneOf(''),
      tools: isEmpty,
      tool_choice: isOneOf('none', 'auto'),
      top_logprobs: isOneOf(0),
    },
  },
};

function stops(body: Body): readonly string[] {
  const value = body['stop'];
  if (isAbsent(value)) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isUsable = list.every((item): item is string => typeof item === 'string' && item !== '');
  if (isUsable && list.length <= MOST_STOPS) return list as readonly string[];
  throw invalid('stop', `"stop" must be a text or a list of at most ${MOST_STOPS} texts, none empty.`);
}

function includeUsage(body: Body, stream: boolean): boolean {
  const value = body['stream_options'];
  if (isAbsent(value)) return false;
  if (!stream) throw invalid('stream_options', '"stream_options" is only allowed with "stream": true.');
  if (!isObject(value)) throw invalid('stream_options', '"stream_options" must be an object.');
  // `include_obfuscation` pads OpenAI's own streams against eavesdroppers of a network; ours has none, which is what false asks for.
  checkParameters(value, { known: ['include_usage'], refused: { include_obfuscation: isOneOf(false) } });
  return flag(value, 'include_usage');
}

function bias(body: Body): ReadonlyMap<number, number> {
  const value = body['logit_bias'];
  if (isAbsent(value)) return new Map();
  const wrong = () =>
    invalid('logit_bias', `"logit_bias" must be an object from tokens' numbers to numbers from -${MOST_BIAS} to ${MOST_BIAS}.`);
  if (!isObject(value)) throw wrong();
  return new Map(
    Object.entries(value).map(([token, amount]) => {
      if (!/^\d{1,9}$/.test(token) || typeof amount !== 'number' || Math.abs(amount) > MOST_BIAS) throw wrong();
      return [Number(token), amount];
    }),
  );
}

/** Chats ask with a flag and a number, completions with a number alone. */
function rivals(body: Body, route: Route): number | null {
  if (route === 'completion') {
    // llama-server's clients write false here.
    return body['logprobs'] === false ? null : wholeNumber(body, 'logprobs', 0, MOST_COMPLETION_RIVALS);
  }
  const isAsked = flag(body, 'logprobs');
  const most = wholeNumber(body, 'top_logprobs', 0, MOST_CHAT_RIVALS) ?? 0;
  if (most > 0 && !isAsked) throw invalid('top_logprobs', '"top_logprobs" is only allowed with "logprobs": true.');
  return isAsked ? most : null;
}

/** @throws ModeliumError invalid-body, with the keyword that cannot be enforced. */
export function grammarOf(param: string, schema: unknown, make: (schema: unknown) => string = jsonGrammar): string {
  try {
    return make(schema);
  } catch (error) {
    if (!(error instanceof SchemaRefusal || error instanceof RangeError)) throw error;
    throw invalid(param, `The JSON schema in "${param}" cannot be carried out: ${error.message}.`);
  }
}

function answerSchema(body: Body): { readonly param: string; readonly schema: Schema | boolean } | null {
  const format = body['response_format'];
  const own = body['json_schema'];
  if (!isAbsent(own) && !isEmpty(own)) return { param: 'json_schema', schema: own as Schema };
  if (isAbsent(format)) return null;
  const type = isObject(format) ? format['type'] : undefined;
  if (type === 'text') return null;
  // llama-server's clients put a schema beside this type.
  if (type === 'json_object') return { param: 'response_format', schema: ((format as Body)['schema'] as Schema | undefined) ?? ANY_OBJECT };
  const wrapped = type === 'json_schema' ? (format as Body)['json_schema'] : undefined;
  const schema = isObject(wrapped) ? wrapped['schema'] : undefined;
  if (schema !== undefined) return { param: 'response_format', schema: schema as Schema };
  throw invalid(
    'response_format',
    '"response_format.type" must be "text", "json_object", or "json_schema" with "json_schema": {"schema": {...}}.',
  );
}

function seedOf(body: Body, randomSeed: number): number {
  const seed = wholeNumber(body, 'seed', Number.NEGATIVE_INFINITY) ?? randomSeed;
  // 32 bits, also of negative numbers; the highest value means "a random seed" to llama.cpp.
  return (seed >>> 0) % RANDOM_SEED;
}

function readSampling(body: Body, randomSeed: number): Sampling {
  return {
    temperature: number(body, 'temperature', 0, 100, DEFAULTS.temperature),
    topP: number(body, 'top_p', 0, 1, DEFAULTS.topP),
    topK: wholeNumber(body, 'top_k', -1) ?? DEFAULTS.topK,
    minP: number(body, 'min_p', 0, 1, DEFAULTS.minP),
    seed: seedOf(body, randomSeed),
    frequencyPenalty: number(body, 'frequency_penalty', -2, 2, 0),
    presencePenalty: number(body, 'presence_penalty', -2, 2, 0),
    repeatPenalty: number(body, 'repeat_penalty', 0.01, 10, number(body, 'repetition_penalty', 0.01, 10, 1)),
    bias: bias(body),
  };
}

/** What chats and completions have in common. @throws ModeliumError invalid-body with the parameter's name. */
export function readGeneration(body: Body, route: Route, randomSeed: number): GenerationRequest {
  checkParameters(body, PARAMETERS[route]);
  const stream = flag(body, 'stream');
  const maxTokens = wholeNumber(body, 'max_completion_tokens', 1) ?? wholeNumber(body, 'max_tokens', 1);
  const shift = flag(body, 'context_shift');
  if (shift && maxTokens === null)
    throw invalid('context_shift', '"context_shift" needs "max_tokens": without it the answer could be endless.');
  const asked = rivals(body, route);
  const echo = flag(body, 'echo');
  if (echo && asked !== null)
    throw invalid('echo', 'The embedded llama.cpp gives no log-probabilities of the prompt: leave out "echo" or "logprobs".');
  const answer = answerSchema(body);
  return {
    sampling: readSampling(body, randomSeed),
    maxTokens: maxTokens ?? (route === 'completion' ? COMPLETION_TOKENS : null),
    stop: stops(body),
    stream,
    includeUsage: includeUsage(body, stream),
    tellsProgress: stream && flag(body, 'return_progress'),
    choices: wholeNumber(body, 'n', 1, MOST_CHOICES) ?? 1,
    rivals: asked,
    grammar: answer === null ? null : grammarOf(answer.param, answer.schema),
    echo,
    // What an earlier request left may differ in the last bit from a fresh evaluation: nothing for who asks for the same answer again.
    reuse: flag(body, 'cache_prompt', isAbsent(body['seed'])),
    shift,
  };
}

/** Texts, or the numbers of tokens. @throws ModeliumError invalid-body. */
export function readPrompts(body: Body): readonly (string | readonly number[])[] {
  const prompt = body['prompt'];
  const several: readonly unknown[] = Array.isArray(prompt) && !isTokens(prompt) ? prompt : [prompt];
  const isUsable = several.every((item): item is string | number[] => typeof item === 'string' || isTokens(item));
  if (isUsable && several.length > 0 && several.length <= MOST_PROMPTS) return several as readonly (string | number[])[];
  throw invalid('prompt', `"prompt" must be a text, a list of tokens, or a list of at most ${MOST_PROMPTS} of these.`);
}
