/**
 * Shared by the routes: refusing requests that this model cannot answer, and noticing that a client
 * left.
 */
import type { ServerResponse } from 'node:http';
import { ModeliumError } from '../../../shared/errors.ts';

export function notSupported(message: string): ModeliumError {
  return new ModeliumError('not-supported-by-model', message, { origin: 'llama' });
}

export function tooLong(param: string, length: number, most: number): ModeliumError {
  return new ModeliumError(
    'context_length_exceeded',
    `The input is too large: it has ${length} tokens, which exceeds the available context size of ${most}.`,
    {
      param,
      origin: 'llama',
    },
  );
}

/** Aborts when the client leaves before its answer is complete. */
export function untilClosed(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (response.destroyed) controller.abort();
  else response.once('close', () => controller.abort());
  return controller.signal;
}
