/** What a list of requests says of each. Pure. */
import type { RequestView } from '../../shared/snapshot.ts';
import * as texts from '../texts.ts';

/** @param status of HTTP; 499 where the client did not wait for its answer. */
export function statusInWords(status: number): string {
  if (status === 200) return texts.requests.answered;
  return status === 499 ? texts.requests.clientLeft : texts.requests.failed(status);
}

/** `12, 340`: those of the question and those of the answer. */
export function tokensInWords({ promptTokens, completionTokens }: Pick<RequestView, 'promptTokens' | 'completionTokens'>): string {
  return promptTokens === null && completionTokens === null ? '-' : `${promptTokens ?? '-'}, ${completionTokens ?? '-'}`;
}
