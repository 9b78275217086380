/**
 * Formats the cost of an answer (tokens, times, speed) from the engine's figures in its last event.
 * Pure; nothing is estimated here.
 */
import type { Timings, Usage } from './api-predict.ts';
import { countInWords, millisecondsInWords } from './units.ts';

/** The last event of a stream, as api-predict.ts describes it. */
export interface Final {
  readonly finish_reason: string | null;
  readonly usage: Usage;
  readonly timings: Timings;
}

/** Shorter waits are the request's own way, not a queue. */
const WAIT_WORTH_TELLING_MS = 50;

export function figuresOf({ finish_reason: reason, usage, timings }: Final): readonly string[] {
  const { completion_tokens: out, prompt_tokens: into } = usage;
  const { first_token_ms: first, tokens_per_second: speed, total_ms: total, load_ms: load, queue_ms: queue } = timings;
  return [
    ...(out === null
      ? []
      : [`${countInWords(out)} ${out === 1 ? 'token' : 'tokens'}${into === null ? '' : ` from ${countInWords(into)}`}`]),
    ...(first === null ? [] : [`first token ${millisecondsInWords(first)}`]),
    ...(speed === null ? [] : [`${speed.toFixed(1)} tokens/s`]),
    `total ${millisecondsInWords(total)}`,
    ...(load >= WAIT_WORTH_TELLING_MS ? [`loaded in ${millisecondsInWords(load)}`] : []),
    ...(queue - load >= WAIT_WORTH_TELLING_MS ? [`queued ${millisecondsInWords(queue - load)}`] : []),
    ...(reason === null || reason === 'stop' ? [] : [endOf(reason)]),
  ];
}

function endOf(reason: string): string {
  return reason === 'length' ? 'cut at max_tokens or the end of the context: raise it' : `ended by ${reason}`;
}
