/** Parses and checks the bodies of OpenAI chats and completions. Pure. */

import { jsonGrammar } from '../grammar/json-grammar.ts';
import type { Schema } from '../grammar/schema-merge.ts';
import type { Sampling } from '../llama/sampling.ts';
import { answerSchema, grammarOf, ownGrammar } from './answer-format.ts';
import {
  type Body,
  checkParameters,
  flag,
  invalid,
  isAbsent,
  isEmpty,
  isObject,
  number,
  type Parameters,
  type Pieces,
  readTexts,
  wholeNumber,
} from './openai-fields.ts';

export type Route = 'chat' | 'completion';

export interface Bias {
  /** Its number, or a text: then each of its tokens. */
  readonly token: number | string;
  readonly added: number;
}

export interface GenerationRequest {
  readonly sampling: Omit<Sampling, 'bias'>;
  readonly bias: readonly Bias[];
  /** Null: as much as the context holds. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** A stream tells how far the prompt is read, as llama-server's `return_progress`. */
  readonly reportsProgress: boolean;
  /** Answers to each prompt. */
  readonly choices: number;
  /** Likeliest tokens told with each token; null: no log-probabilities. */
  readonly rivals: number | null;
  /** What the answer must be, in llama.cpp's notation; null: anything. */
  readonly grammar: string | null;
  /** The client wrote the grammar itself. */
  readonly isOwnGrammar: boolean;
  /** The schema that the grammar was made of; null: none. */
  readonly answer: Schema | boolean | null;
  /** A stream tells with each part how fast it is, as llama-server's `timings_per_token`. */
  readonly reportsTimings: boolean;
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
/** Of all stop strings of a request together: each answer keeps a table of their size. */
const MOST_STOP_CHARACTERS = 64 * 1024;
const MOST_CHOICES = 128;
const MOST_PROMPTS = 128;
const MOST_CHAT_RIVALS = 20;
const MOST_COMPLETION_RIVALS = 20;
const MOST_BIAS = 100;
/** Added to the logit of a token that must not come. */
const NEVER = 1e9;
const RANDOM_SEED = 0xffffffff;

const isOneOf =
  (...neutral: readonly unknown[]) =>
  (value: unknown) =>
    neutral.includes(value);
const never = () => false;
const words = (text: string): readonly string[] => text.trim().split(/\s+/);

const COMMON = words(`
  model max_tokens max_completion_tokens n_predict temperature top_p top_k min_p seed frequency_penalty presence_penalty repeat_penalty
  repetition_penalty stop stream stream_options n logprobs logit_bias json_schema response_format cache_prompt context_shift return_progress
  grammar timings_per_token`);

/**
 * Sent by habit to any server; nothing that is answered here depends on them. Those that no runtime
 * heeds are `IGNORED_FIELDS`.
 */
const HABITS = words(`
  title verbosity priority n_keep n_discard skip_special_tokens add_special_tokens spaces_between_special_tokens
  include_stop_str_in_output`);

/** How much the model is to think: see `template-values.ts`. */
const THINKING = words('think thinking enable_thinking reasoning reasoning_effort reasoning_format');

const REFUSED_EVERYWHERE: Parameters['refused'] = {
  best_of: isOneOf(1),
  ignore_eos: isOneOf(false),
  min_tokens: isOneOf(0),
  n_probs: isOneOf(0),
  mirostat: isOneOf(0),
  typical_p: isOneOf(1),
  xtc_probability: isOneOf(0),
  dry_multiplier: isOneOf(0),
  include_reasoning: isOneOf(true),
};

/** What chats and completions each know and refuse; anything else is refused as unknown. */
export const PARAMETERS: Readonly<Record<Route, Parameters>> = {
  chat: {
    known: [
      ...COMMON,
      ...HABITS,
      ...THINKING,
      ...words('messages top_logprobs tools tool_choice parallel_tool_calls chat_template_kwargs'),
      ...words('continue_final_message add_generation_prompt'),
    ],
    refused: {
      ...REFUSED_EVERYWHERE,
      functions: isEmpty,
      function_call: isOneOf('none', 'auto'),
      audio: never,
      modalities: (value) => Array.isArray(value) && value.every((item) => item === 'text'),
      web_search_options: never,
      suffix: isOneOf(''),
      echo: isOneOf(false),
    },
  },
  completion: {
    // A prompt without a template has nothing that knows of thoughts.
    known: [...COMMON, ...HABITS, ...THINKING, ...words('prompt echo')],
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
  const isUsable = list.every((item): item is string => typeof item === 'string');
  // An empty text stops nothing: clients send it for "none".
  if (!isUsable || list.length > MOST_STOPS) throw invalid('stop', `"stop" must be a text or a list of at most ${MOST_STOPS} texts.`);
  const characters = (list as readonly string[]).reduce((sum, item) => sum + item.length, 0);
  if (characters > MOST_STOP_CHARACTERS)
    throw invalid('stop', `"stop" holds ${characters} characters, and at most ${MOST_STOP_CHARACTERS} are watched for.`);
  return (list as readonly string[]).filter((item) => item !== '');
}

function includeUsage(body: Body, stream: boolean): boolean {
  const value = body['stream_options'];
  if (isAbsent(value)) return false;
  if (!stream) throw invalid('stream_options', '"stream_options" is only allowed with "stream": true.');
  if (!isObject(value)) throw invalid('stream_options', '"stream_options" must be an object.');
  // `include_obfuscation` pads OpenAI's own streams against eavesdroppers of a network; ours has
  // none, which is what false asks for.
  checkParameters(value, { known: ['include_usage'], refused: { include_obfuscation: isOneOf(false) } });
  return flag(value, 'include_usage');
}

/**
 * OpenAI's object from tokens to amounts, or llama-server's list of pairs; a text stands for each
 * of its tokens, and false for never.
 */
function bias(body: Body): readonly Bias[] {
  const value = body['logit_bias'];
  if (isAbsent(value)) return [];
  const pairs: readonly unknown[] = Array.isArray(value) ? value : isObject(value) ? Object.entries(value) : [null];
  return pairs.map((pair) => {
    const [key, amount] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    const isToken = Number.isSafeInteger(key) || typeof key === 'string';
    const added = amount === false ? -NEVER : amount;
    if (!isToken || typeof added !== 'number' || (Math.abs(added) > MOST_BIAS && added !== -NEVER)) throw wrongBias();
    const token = typeof key === 'string' && /^\d{1,9}$/.test(key) ? Number(key) : key;
    return { token: token as number | string, added };
  });
}

function wrongBias(): Error {
  const message = `"logit_bias" must map token numbers or texts to numbers from -${MOST_BIAS} to ${MOST_BIAS}.`;
  return invalid('logit_bias', message);
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

function seedOf(body: Body, randomSeed: number): number {
  const seed = body['seed'] ?? randomSeed;
  if (typeof seed !== 'number' || !Number.isInteger(seed) || Math.abs(seed) > 2 ** 64)
    throw invalid('seed', '"seed" must be a whole number of 64 bits.');
  const bits = BigInt.asUintN(64, BigInt(seed));
  // 32 bits, also of negative numbers; of larger ones both halves count. The highest value means "a
  // random seed" to llama.cpp.
  const high = seed < 0 ? 0n : bits >> 32n;
  return Number(BigInt.asUintN(32, bits) ^ high) % RANDOM_SEED;
}

function readSampling(body: Body, randomSeed: number): GenerationRequest['sampling'] {
  return {
    temperature: number(body, 'temperature', 0, 100, DEFAULTS.temperature),
    topP: number(body, 'top_p', 0, 1, DEFAULTS.topP),
    topK: wholeNumber(body, 'top_k', -1) ?? DEFAULTS.topK,
    minP: number(body, 'min_p', 0, 1, DEFAULTS.minP),
    seed: seedOf(body, randomSeed),
    frequencyPenalty: number(body, 'frequency_penalty', -2, 2, 0),
    presencePenalty: number(body, 'presence_penalty', -2, 2, 0),
    repeatPenalty: number(body, 'repeat_penalty', 0.01, 10, number(body, 'repetition_penalty', 0.01, 10, 1)),
  };
}

/** Null: as much as the context holds, for which clients also send -1. */
function readMaxTokens(body: Body, route: Route): number | null {
  const asked = ['max_completion_tokens', 'max_tokens', 'n_predict']
    .map((name) => wholeNumber(body, name, -1))
    .find((value) => value !== null);
  if (asked === 0) throw invalid('max_tokens', '"max_tokens" must be at least 1, or -1 for as many as the context holds.');
  if (asked === undefined) return route === 'completion' ? COMPLETION_TOKENS : null;
  return asked === -1 ? null : asked;
}

/**
 * What chats and completions have in common. @throws ModeliumError invalid-body with the
 * parameter's name.
 */
export function readGeneration(body: Body, route: Route, randomSeed: number): GenerationRequest {
  checkParameters(body, PARAMETERS[route]);
  const stream = flag(body, 'stream');
  const maxTokens = readMaxTokens(body, route);
  const shift = flag(body, 'context_shift');
  if (shift && maxTokens === null)
    throw invalid('context_shift', '"context_shift" needs "max_tokens": without it the answer could be endless.');
  const asked = rivals(body, route);
  const echo = flag(body, 'echo');
  if (echo && asked !== null)
    throw invalid('echo', 'The embedded llama.cpp gives no log-probabilities of the prompt: leave out "echo" or "logprobs".');
  const answer = answerSchema(body);
  const own = ownGrammar(body);
  if (own !== null && answer !== null) throw invalid('grammar', `"grammar" and "${answer.param}" exclude each other: leave one out.`);
  return {
    sampling: readSampling(body, randomSeed),
    bias: bias(body),
    maxTokens,
    stop: stops(body),
    stream,
    includeUsage: includeUsage(body, stream),
    reportsProgress: stream && flag(body, 'return_progress'),
    choices: wholeNumber(body, 'n', 1, MOST_CHOICES) ?? 1,
    rivals: asked,
    grammar: answer === null ? own : grammarOf(answer.param, () => jsonGrammar(answer.schema)),
    isOwnGrammar: own !== null,
    answer: answer?.schema ?? null,
    reportsTimings: stream && flag(body, 'timings_per_token'),
    echo,
    // What an earlier request left may differ in the last bit from a fresh evaluation: nothing for
    // who asks for the same answer again.
    reuse: flag(body, 'cache_prompt', isAbsent(body['seed'])),
    shift,
  };
}

/** Texts, or the numbers of tokens. @throws ModeliumError invalid-body. */
export function readPrompts(body: Body): readonly Pieces[] {
  const { texts } = readTexts(body['prompt']);
  if (texts.length > 0 && texts.length <= MOST_PROMPTS && texts.every((text) => text !== null)) return texts;
  throw invalid('prompt', `"prompt" must be a text, a list of tokens, or a list of at most ${MOST_PROMPTS} of these.`);
}
