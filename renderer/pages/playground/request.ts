/**
 * What is asked: which way a model takes questions, and the body of its request. Pure; knows no
 * HTTP and no screen.
 */
import { SERVABLE_STATES } from '../../../shared/model.ts';
import type { ModelProfile } from '../../../shared/profile.ts';
import type { ModelView } from '../../../shared/snapshot.ts';

/**
 * `chat` takes messages, `text` a text to go on with, `embeddings` texts to turn into numbers;
 * `none`: not to be asked here.
 */
export type Way = 'chat' | 'text' | 'embeddings' | 'none';

/** Null: not sent, so that the engine's or the runtime's own default holds. */
export interface Parameters {
  readonly system: string;
  readonly temperature: number | null;
  readonly topP: number | null;
  /** Null: until the model stops. */
  readonly maxTokens: number | null;
  /** As typed; empty: a new one for each answer. */
  readonly seed: string;
  /** A stop word a line; `\n` within one stands for a line's end. */
  readonly stop: string;
}

export const DEFAULTS: Parameters = { system: '', temperature: null, topP: null, maxTokens: null, seed: '', stop: '' };
/** For `/predict`: until the model stops. */
export const NO_LIMIT = -1;
/** Where the slider stands when somebody wants a limit. */
export const USUAL_MAX_TOKENS = 1_024;

/** A question, and what came as its answer: empty when nothing did. */
export interface Exchange {
  readonly question: string;
  readonly answer: string;
}

export type Body = Readonly<Record<string, unknown>>;

export function wayOf(profile: Pick<ModelProfile, 'kind' | 'hasChatTemplate'> | null): Way {
  if (profile === null) return 'chat';
  if (profile.kind === 'embedding') return 'embeddings';
  if (profile.kind === 'chat' || profile.kind === 'vision-language') return 'chat';
  if (profile.kind === 'completion' || profile.kind === 'unknown') return profile.hasChatTemplate ? 'chat' : 'text';
  return 'none';
}

/**
 * A model without a chat template gets the text alone: it has no way to tell who said what.
 * @param begun what its answer begins with already.
 */
export function textBody(way: 'chat' | 'text', before: readonly Exchange[], question: string, parameters: Parameters, begun = ''): Body {
  const { system } = parameters;
  const subject =
    way === 'text'
      ? { prompt: question + begun }
      : {
          messages: [
            ...(system.trim() === '' ? [] : [{ role: 'system', content: system }]),
            ...before.flatMap(messagesOf),
            { role: 'user', content: question },
            ...(begun === '' ? [] : [{ role: 'assistant', content: begun }]),
          ],
        };
  return { ...subject, ...changed(parameters), stream: true };
}

/**
 * A question that got no word in answer is left out: many templates refuse two questions in a row.
 */
function messagesOf({ question, answer }: Exchange): readonly object[] {
  if (answer === '') return [];
  return [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ];
}

function changed({ temperature, topP, maxTokens, seed, stop }: Parameters): Body {
  const words = stop
    .split('\n')
    .filter((word) => word !== '')
    .map((word) => word.replaceAll('\\n', '\n'));
  return {
    ...(temperature === null ? {} : { temperature }),
    ...(topP === null ? {} : { top_p: topP }),
    max_tokens: maxTokens ?? NO_LIMIT,
    ...(seed !== '' && isSeed(seed) ? { seed: Number(seed) } : {}),
    ...(words.length === 0 ? {} : { stop: words }),
  };
}

export function isSeed(text: string): boolean {
  return text === '' || (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)));
}

/** One text a line. */
export function textsOf(typed: string): readonly string[] {
  return typed.split('\n').filter((line) => line.trim() !== '');
}

export function isServable(model: Pick<ModelView, 'state' | 'profile'>): boolean {
  return SERVABLE_STATES.has(model.state) && wayOf(model.profile) !== 'none';
}

/**
 * Which model is shown: the one that was named, the one chosen before, a loaded one that talks, or
 * the first that can be asked at all.
 */
export function chosenModel(models: readonly ModelView[], named: string | null, before: string | null): ModelView | null {
  const talks = (model: ModelView): boolean => wayOf(model.profile) === 'chat';
  if (named !== null) return models.find(({ id, aliases }) => id === named || aliases.includes(named)) ?? null;
  return (
    models.find(({ id }) => id === before) ??
    models.find((model) => model.state === 'ready' && talks(model)) ??
    models.find(isServable) ??
    models[0] ??
    null
  );
}
