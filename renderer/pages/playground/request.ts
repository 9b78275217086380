/** Builds requests: how a model is asked, and the body. Pure; knows no HTTP and no screen. */
import type { LaunchPlan } from '../../../shared/decision.ts';
import { SERVABLE_STATES } from '../../../shared/model.ts';
import type { FormKind, ModelForm, ModelKind, ModelProfile } from '../../../shared/profile.ts';
import type { ModelView } from '../../../shared/snapshot.ts';
import { describedTensors, isTextModel } from '../../../shared/tensors.ts';
import * as texts from '../../texts.ts';

/** What says how a model is asked: what it is, and in which form it is served. */
export interface Asking {
  readonly profile: Pick<ModelProfile, 'kind' | 'hasChatTemplate' | 'forms'> | null;
  readonly plan: Pick<LaunchPlan, 'form'> | null;
}

/**
 * `chat` takes messages, `text` a text to go on with, `embeddings` texts to turn into numbers,
 * `ranking` a query and documents, `classes` texts and `images` an image to classify, `speech` a
 * sound, `tensors` tensors by name.
 */
export type RequestKind = 'chat' | 'text' | 'embeddings' | 'ranking' | 'classes' | 'images' | 'speech' | 'tensors';

const REQUEST_KINDS: Readonly<Record<ModelKind, RequestKind | null>> = {
  chat: 'chat',
  'vision-language': 'chat',
  embedding: 'embeddings',
  reranker: 'ranking',
  classifier: 'classes',
  vision: 'images',
  speech: 'speech',
  // As its template says.
  completion: null,
  unknown: null,
};

/** Kinds of asking, as people tell models apart. */
export const KIND_GROUPS = {
  words: texts.playground.kinds.words,
  embeddings: texts.playground.kinds.embeddings,
  ranking: texts.playground.kinds.ranking,
  classes: texts.playground.kinds.classes,
  speech: texts.playground.kinds.speech,
  tensors: texts.playground.kinds.tensors,
} as const;
export type KindGroup = keyof typeof KIND_GROUPS;

export function groupOf(requestKind: RequestKind): KindGroup {
  if (requestKind === 'chat' || requestKind === 'text') return 'words';
  return requestKind === 'images' ? 'classes' : requestKind;
}

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
export function isDefault(parameters: Parameters): boolean {
  return Object.entries(DEFAULTS).every(([name, value]) => parameters[name as keyof Parameters] === value);
}
/** For `/predict`: until the model stops. */
export const NO_LIMIT = -1;
/** Where the slider stands when somebody wants a limit. */
export const USUAL_MAX_TOKENS = 1_024;

/** A question, and what came as its answer: empty when nothing did. */
export interface Exchange {
  readonly question: string;
  /** As `data:` addresses. */
  readonly images?: readonly string[];
  readonly answer: string;
}

/** What is undefined is not sent. */
export type Body = Readonly<Record<string, unknown>>;

/** Forms whose servers take tensors, and not texts as OpenAI's routes have them. */
const TENSOR_FORMS: ReadonlySet<FormKind> = new Set(['triton', 'onnx', 'openvino', 'tensorrt', 'torchscript', 'torch-export']);

export function requestKindOf({ profile, plan }: Asking): RequestKind {
  if (profile === null) return 'chat';
  const { kind, hasChatTemplate } = profile;
  const forms = plan === null ? profile.forms : profile.forms.filter((form) => form.kind === plan.form);
  if (forms.length > 0 && forms.every((form) => TENSOR_FORMS.has(form.kind))) return forms.some(takesText) ? 'text' : 'tensors';
  return REQUEST_KINDS[kind] ?? (hasChatTemplate ? 'chat' : 'text');
}

/** A server's own `generate` answers it. */
function takesText({ inputs = [], outputs = [] }: ModelForm): boolean {
  return isTextModel({ inputs: describedTensors(inputs), outputs: describedTensors(outputs) });
}

/**
 * A model without a chat template gets the text alone: it has no way to tell who said what.
 * @param begun what its answer begins with already. @param images of the question, as `data:`
 * addresses; for chats alone.
 */
export function textBody(
  requestKind: 'chat' | 'text',
  before: readonly Exchange[],
  question: string,
  parameters: Parameters,
  begun = '',
  images: readonly string[] = [],
): Body {
  const { system } = parameters;
  const subject =
    requestKind === 'text'
      ? { prompt: question + begun }
      : {
          messages: [
            ...(system.trim() === '' ? [] : [{ role: 'system', content: system }]),
            ...before.flatMap(messagesOf),
            asked(question, images),
            ...(begun === '' ? [] : [{ role: 'assistant', content: begun }]),
          ],
        };
  return { ...subject, ...changed(parameters), stream: true };
}

/**
 * A question that got no word in answer is left out: many templates refuse two questions in a row.
 */
function messagesOf({ question, images = [], answer }: Exchange): readonly object[] {
  if (answer === '') return [];
  return [asked(question, images), { role: 'assistant', content: answer }];
}

/** As OpenAI has it: a text alone, or parts. */
function asked(question: string, images: readonly string[]): object {
  if (images.length === 0) return { role: 'user', content: question };
  const parts = images.map((url) => ({ type: 'image_url', image_url: { url } }));
  return { role: 'user', content: [{ type: 'text', text: question }, ...parts] };
}

/** Null: it can be shown images; else in a sentence why it cannot. */
export function whyNoImages(model: Pick<ModelView, 'id' | 'profile' | 'plan' | 'remote'>): string | null {
  const { id, profile, plan } = model;
  // What a server elsewhere reads, only that server knows.
  if (model.remote !== undefined) return null;
  if (profile?.kind !== 'vision-language')
    return texts.images.notRead(id, profile === null ? texts.images.kindNotKnown : texts.images.kindIs(profile.kind));
  const isLlama = plan === null ? profile.forms.every(({ kind }) => kind === 'gguf') : plan.runtime === 'llama';
  return isLlama ? texts.images.noProjector(id) : null;
}

function changed({ temperature, topP, maxTokens, seed, stop }: Parameters): Body {
  const words = stop
    .split('\n')
    .filter((word) => word !== '')
    .map((word) => word.replaceAll('\\n', '\n'));
  return {
    temperature: temperature ?? undefined,
    top_p: topP ?? undefined,
    max_tokens: maxTokens ?? NO_LIMIT,
    seed: seed !== '' && isSeed(seed) ? Number(seed) : undefined,
    stop: words.length === 0 ? undefined : words,
  };
}

export function isSeed(text: string): boolean {
  return text === '' || (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)));
}

/** One text a line. */
export function textsOf(typed: string): readonly string[] {
  return typed.split('\n').filter((line) => line.trim() !== '');
}

export function isServable(model: Pick<ModelView, 'state'>): boolean {
  return SERVABLE_STATES.has(model.state);
}

/**
 * Which model is shown: the one that was named, the one chosen before, a loaded one that talks, or
 * the first that can be asked at all.
 */
export function chosenModel(models: readonly ModelView[], named: string | null, before: string | null): ModelView | null {
  const talks = (model: ModelView): boolean => requestKindOf(model) === 'chat';
  if (named !== null) return models.find(({ id, aliases }) => id === named || aliases.includes(named)) ?? null;
  return (
    models.find(({ id }) => id === before) ??
    models.find((model) => model.state === 'ready' && talks(model)) ??
    models.find(isServable) ??
    models[0] ??
    null
  );
}
