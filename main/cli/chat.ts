/**
 * `modelium chat`: chats with a model in a terminal, or asks it one question (from `--prompt` or
 * from standard input). Finds the model and shows its loading. The conversation is in
 * `chat-session.ts`, the request in `chat-stream.ts`.
 */

import { text as wholeText } from 'node:stream/consumers';
import { figuresOf } from '../../shared/answer-figures.ts';
import { ModeliumError } from '../../shared/errors.ts';
import type { EngineEvent, ModelView } from '../../shared/snapshot.ts';
import { harmless } from '../../shared/visible.ts';
import { connect, type EngineClient } from '../client.ts';
import { type Ask, converse, type Message } from './chat-session.ts';
import { type Finished, type Piece, streamAnswer } from './chat-stream.ts';
import { modelIn } from './load.ts';
import { routeOf } from './model-name.ts';
import { createProgress, paint, printAside, printJson } from './output.ts';
import type { Shared } from './verb.ts';
import { wrapFor } from './word-wrap.ts';

export interface ChatOptions {
  readonly system: string | null;
  /** Asked once in place of a talk. */
  readonly prompt: string | null;
  readonly maxTokens: number;
  readonly temperature: number | null;
}

const WRONG_USE = 2;

export async function chat({ stateFolder, json }: Shared, name: string | null, options: ChatOptions): Promise<number> {
  const talks = options.prompt === null && process.stdin.isTTY === true;
  if (talks && json) {
    printAside('--json needs one question: give it by --prompt, or through a pipe.');
    return WRONG_USE;
  }
  const engine = await connect(stateFolder);
  const model = await modelFor(engine, name);
  const remembers = hasTemplate(model);
  const ask = asking(engine, model, options, remembers);
  if (!talks) return once(ask, options, json);
  // What is no answer goes to where the person looks, also when the answers go into a file.
  const output = process.stdout.isTTY === true ? process.stdout : process.stderr;
  const hint = remembers ? '' : ' It has no chat template, so it completes each line separately and remembers none of them.';
  output.write(`${paint('dim', `${harmless(model.id)}. /help lists the commands, Ctrl-D leaves.${hint}`)}\n`);
  await converse({ input: process.stdin, output, answers: process.stdout }, ask, options.system, remembers);
  return 0;
}

const KINDS: ReadonlySet<string> = new Set(['chat', 'completion', 'vision-language', 'unknown']);

/** @throws ModeliumError model-not-found, model-required, not-supported-by-model. */
async function modelFor(engine: EngineClient, name: string | null): Promise<ModelView> {
  if (name === null) return onlyModel((await engine.get<'snapshot'>('/control/snapshot')).models);
  const { model } = await engine.get<'model'>(await routeOf(engine, name));
  if (model.profile === null || KINDS.has(model.profile.kind)) return model;
  const sentence = `${model.id} is a model of the kind "${model.profile.kind}": chat needs a chat or completion model.`;
  throw new ModeliumError('not-supported-by-model', sentence, { param: 'model' });
}

/** @throws ModeliumError model-required, unless there is exactly one that can be talked with. */
export function onlyModel(models: readonly ModelView[]): ModelView {
  const able = models.filter(({ profile, state }) => profile !== null && KINDS.has(profile.kind) && state !== 'blocked');
  const [only, ...others] = able;
  if (only !== undefined && others.length === 0) return only;
  if (only === undefined) throw new ModeliumError('model-required', 'There is no model yet that can chat.', { param: 'model' });
  throw new ModeliumError('model-required', `Which of them: ${able.map(({ id }) => id).join(', ')}?`, { param: 'model' });
}

function hasTemplate({ profile }: ModelView): boolean {
  return profile === null || profile.kind !== 'completion' || profile.hasChatTemplate;
}

/** While nothing comes yet, the model's way to ready is shown on standard error. */
function asking(engine: EngineClient, model: ModelView, { maxTokens, temperature }: ChatOptions, remembers: boolean): Ask {
  return async (messages, onPiece, signal) => {
    const progress = showProgress(engine, model.id);
    const subject = remembers ? { messages } : { prompt: messages.at(-1)?.content ?? '' };
    const body = { ...subject, max_tokens: maxTokens, ...(temperature === null ? {} : { temperature }) };
    const show = (piece: Piece): void => {
      progress.end();
      onPiece(piece);
    };
    try {
      return await streamAnswer(engine.address, model.id, body, show, signal);
    } finally {
      progress.end();
    }
  };
}

function showProgress(engine: EngineClient, id: string): { end(): void } {
  const progress = createProgress();
  const watching = new AbortController();
  const see = (data: unknown): boolean => {
    const view = modelIn(data as EngineEvent, id);
    if (view !== undefined && view.state !== 'ready' && view.state !== 'unloaded' && !watching.signal.aborted) {
      progress.show(`${view.id}: ${view.headline}`, view.progress);
    }
    return true;
  };
  // The request itself tells what is wrong with the engine; this is only for the eye.
  void engine.follow('/control/events', see, watching.signal).catch(() => {});
  return {
    end() {
      if (watching.signal.aborted) return;
      watching.abort();
      progress.end();
    },
  };
}

async function once(ask: Ask, { prompt, system }: ChatOptions, json: boolean): Promise<number> {
  const content = prompt ?? (await wholeText(process.stdin));
  if (content.trim() === '') {
    printAside('There is nothing to ask: the prompt is empty.');
    return WRONG_USE;
  }
  const messages: Message[] = [...(system === null ? [] : [{ role: 'system', content: system } as const]), { role: 'user', content }];
  let answer = '';
  let reasoning = '';
  const isSeen = !json && process.stderr.isTTY === true;
  const wrap = json ? null : wrapFor(process.stdout);
  const take = ({ kind, text }: Piece): void => {
    if (kind === 'reasoning') {
      reasoning += text;
      // Standard output is for the answer alone.
      if (isSeen) process.stderr.write(paint('dim', harmless(text)));
      return;
    }
    if (isSeen && answer === '' && reasoning !== '') process.stderr.write('\n\n');
    answer += text;
    if (!json) process.stdout.write(wrap?.push(harmless(text)) ?? harmless(text));
  };
  const finished: Finished | null = await ask(messages, take, new AbortController().signal);
  process.stdout.write(wrap?.end() ?? '');
  if (json) printJson({ ...finished, text: answer, ...(reasoning === '' ? {} : { reasoning }) });
  else if (!answer.endsWith('\n')) process.stdout.write('\n');
  if (isSeen && finished !== null) process.stderr.write(`${paint('dim', figuresOf(finished).join(', '))}\n`);
  return 0;
}
