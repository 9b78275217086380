/** The kinds of models that llama.cpp serves here, and which of these generate no text. Pure. */
import type { ModelProfile } from '../../../shared/profile.ts';

export const SERVED_KINDS: readonly string[] = ['chat', 'completion', 'embedding', 'reranker'];

/** Whether it writes nothing: its inputs are pooled over all their tokens. */
export function onlyReads(profile: ModelProfile): boolean {
  return profile.kind === 'embedding' || profile.kind === 'reranker';
}
