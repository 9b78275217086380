/** What the form for embeddings remembers while the window is open, and its request under way. */
import { create } from 'zustand';
import { predictPath } from '../../../shared/api-predict.ts';
import { type ModeliumError, toModeliumError } from '../../../shared/errors.ts';
import { type AnswerOf, ask } from '../../api.ts';
import { textsOf } from './request.ts';

type EmbeddingsAnswer = Extract<AnswerOf<'predict'>, { readonly embeddings: unknown }>;

export interface Embedded {
  readonly texts: readonly string[];
  readonly answer: EmbeddingsAnswer;
}

interface EmbeddingState {
  readonly typed: string;
  /** Of which model what follows is. */
  readonly modelId: string | null;
  readonly underWay: AbortController | null;
  readonly result: Embedded | null;
  readonly failure: ModeliumError | null;
}

export const useEmbedding = create<EmbeddingState>(() => ({ typed: '', modelId: null, underWay: null, result: null, failure: null }));

/** Asks for the texts that are typed, one a line. A request under way is given up. */
export async function embed(modelId: string): Promise<void> {
  const { typed, underWay } = useEmbedding.getState();
  underWay?.abort();
  const ending = new AbortController();
  const texts = textsOf(typed);
  useEmbedding.setState({ modelId, underWay: ending, result: null, failure: null });
  const settle = (change: Partial<EmbeddingState>): void => {
    if (useEmbedding.getState().underWay === ending) useEmbedding.setState({ underWay: null, ...change });
  };
  try {
    const answer = await ask<'predict'>('POST', predictPath(modelId), { body: { input: texts }, signal: ending.signal });
    settle('embeddings' in answer ? { result: { texts, answer } } : {});
  } catch (thrown) {
    settle({ failure: ending.signal.aborted ? null : toModeliumError(thrown) });
  }
}

export function cancelEmbedding(): void {
  useEmbedding.getState().underWay?.abort();
}
