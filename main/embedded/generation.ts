/** One generation: tokens of a sequence become text, cut at stop strings. Owns what counts as the end; knows nothing of HTTP. */
import type { LoadedModel, Sequence } from './llama.ts';
import type { FinishReason, Usage } from './openai-answer.ts';
import type { GenerationRequest } from './openai-request.ts';
import { IncrementalText, StopWatch } from './text-stream.ts';

export interface Generation {
  readonly tokens: readonly number[];
  readonly request: GenerationRequest;
  readonly signal: AbortSignal;
}

export interface GenerationEnd {
  readonly finish: FinishReason;
  readonly usage: Usage;
}

/**
 * Generates, and hands the text out as it comes.
 * @param onText may return a promise: the next token waits for it, which is how a slow reader slows only its own sequence.
 * @returns null when the client left.
 */
export async function complete(
  model: LoadedModel,
  sequence: Sequence | null,
  { tokens, request, signal }: Generation,
  onText: (text: string) => Promise<void> | undefined,
): Promise<GenerationEnd | null> {
  if (sequence === null) return null;
  const text = new IncrementalText((some, before) => model.detokenize(some, before), tokens);
  const stops = new StopWatch(request.stop);
  let completionTokens = 0;
  const end = await sequence.run({
    tokens,
    sampling: request.sampling,
    maxTokens: Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, model.contextTokens - tokens.length),
    // What an earlier request left may differ in the last bit from a fresh evaluation: nothing for who asks for the same answer again.
    reuse: !request.repeatable,
    signal,
    onToken(token) {
      completionTokens += 1;
      const piece = stops.push(text.push(token));
      const goesOn = !piece.stopped;
      if (piece.text === '') return goesOn;
      return onText(piece.text)?.then(() => goesOn) ?? goesOn;
    },
  });
  if (end === 'aborted') return null;
  if (end !== 'stopped') {
    const last = stops.push(text.end());
    const rest = last.text + (last.stopped ? '' : stops.end());
    if (rest !== '') await onText(rest);
  }
  return { finish: end === 'length' ? 'length' : 'stop', usage: { promptTokens: tokens.length, completionTokens } };
}
