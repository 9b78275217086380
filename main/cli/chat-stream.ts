/**
 * Sends one question to POST /predict/{model} and yields the answer as it arrives. Sends no token,
 * because that route needs none.
 */
import { type IncomingMessage, request } from 'node:http';
import type { Final } from '../../shared/answer-figures.ts';
import { predictPath } from '../../shared/api-predict.ts';
import { type ErrorEnvelope, errorFromAnswer, ModeliumError } from '../../shared/errors.ts';
import { jsonOf } from '../client.ts';
import { EventsReader } from '../http/events-reader.ts';

/** The last event of an answer. */
export interface Finished extends Final {
  readonly done: true;
  readonly model: string;
  readonly runtime: string;
}

/** A piece of what comes: the answer's, or of the thoughts in front of it. */
export interface Piece {
  readonly kind: 'text' | 'reasoning';
  readonly text: string;
}

/**
 * Asks, and calls back with each piece of the answer.
 * @param body without `stream`.
 * @returns null when the signal aborted it.
 * @throws ModeliumError: the engine's own, or `not-running` when it went away.
 */
export async function streamAnswer(
  address: string,
  model: string,
  body: object,
  onPiece: (piece: Piece) => void,
  signal: AbortSignal,
): Promise<Finished | null> {
  try {
    const response = await send(new URL(predictPath(model), address), JSON.stringify({ ...body, stream: true }), signal);
    if (response.statusCode !== 200) throw errorFromAnswer(response.statusCode ?? 0, await jsonOf(response));
    const reader = new EventsReader();
    for await (const chunk of response) {
      for (const data of reader.push(chunk as Buffer)) {
        const event = JSON.parse(data) as {
          readonly text?: string;
          readonly reasoning?: string;
          readonly done?: true;
        } & Partial<ErrorEnvelope>;
        if (event.error !== undefined) throw errorFromAnswer(200, event);
        if (event.done === true) return event as unknown as Finished;
        if (event.reasoning !== undefined) onPiece({ kind: 'reasoning', text: event.reasoning });
        if (event.text !== undefined) onPiece({ kind: 'text', text: event.text });
      }
    }
    throw new ModeliumError('upstream-failed', `The answer of ${model} broke off.`);
  } catch (thrown) {
    if (signal.aborted) return null;
    if (thrown instanceof ModeliumError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new ModeliumError('not-running', `The engine at ${address} does not answer: ${why}.`, { cause: thrown });
  }
}

function send(url: URL, body: string, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    request(url, { method: 'POST', headers, signal }, resolve).once('error', reject).end(body);
  });
}
