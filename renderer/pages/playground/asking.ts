/**
 * Sends one request to `/predict` and reports its progress: the wait, the text, the figures at the
 * end. Keeps nothing.
 */
import type { Final } from '../../../shared/answer-figures.ts';
import { predictPath } from '../../../shared/api-predict.ts';
import { errorFromAnswer, ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import { ask, open } from '../../api.ts';
import * as texts from '../../texts.ts';
import type { Body } from './request.ts';

export type Coming =
  | { readonly type: 'waiting'; readonly why: string }
  | { readonly type: 'reasoning'; readonly text: string }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly final: Final };

/**
 * Ends after `end`, and throws when that never comes.
 * @throws ModeliumError: the engine's own; `not-running` when it goes away in mid-answer. An abort
 * throws whatever fetch throws.
 */
export async function* answerStream(modelId: string, body: Body, signal: AbortSignal): AsyncGenerator<Coming> {
  const init = { method: 'POST' as const, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal };
  const events = await open(predictPath(modelId), init);
  try {
    for await (const { data, comment } of events) {
      if (data === null) {
        if (comment !== null) yield { type: 'waiting', why: comment };
        continue;
      }
      const coming = read(data);
      yield coming;
      if (coming.type === 'end') return;
    }
  } catch (thrown) {
    if (signal.aborted || thrown instanceof ModeliumError) throw thrown;
  }
  throw await whoBrokeOff();
}

/**
 * A connection that ends without its last event. The engine says why before it cuts a stream, but a
 * browser may drop those words with the connection; so whoever still answers was not the one who
 * went away.
 */
async function whoBrokeOff(): Promise<ModeliumError> {
  try {
    await ask<'health'>('GET', '/health');
  } catch (thrown) {
    if (toModeliumError(thrown).code === 'not-running') {
      return new ModeliumError('not-running', texts.playground.engineWentAway);
    }
  }
  return new ModeliumError('upstream-failed', texts.playground.runtimeBrokeOff);
}

type PredictEvent = {
  readonly text?: string;
  readonly reasoning?: string;
  readonly done?: true;
  readonly error?: unknown;
} & Partial<Final>;

function read(data: string): Coming {
  const event = JSON.parse(data) as PredictEvent;
  if (event.error !== undefined) throw errorFromAnswer(502, event);
  if (event.reasoning !== undefined) return { type: 'reasoning', text: event.reasoning };
  if (event.done !== true) return { type: 'text', text: event.text ?? '' };
  return { type: 'end', final: event as Final };
}
