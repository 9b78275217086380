/** Makes our JSON of a runtime's whole answer. Pure; runs on the engine's thread and on another. */
import { inputsIn } from './inputs-answer.ts';
import { outputsIn } from './tensor-answer.ts';

export interface WholeAnswer {
  readonly kind: 'tensors' | 'embeddings' | 'classes';
  readonly parts: readonly Uint8Array[];
  /** Bytes of JSON in front of the values; null: all of it is JSON. */
  readonly headerLength: number | null;
}

/** Outputs by name, or an entry for each input; a clause where the answer has none. */
export type AnswerJson = { readonly json: Uint8Array; readonly promptTokens: number | null } | { readonly problem: string };

export function answerJson({ kind, parts, headerLength }: WholeAnswer): AnswerJson {
  const bytes = Buffer.concat(parts);
  if (kind === 'tensors') {
    const outputs = outputsIn(bytes, headerLength);
    return typeof outputs === 'string' ? { problem: outputs } : { json: Buffer.from(JSON.stringify(outputs)), promptTokens: null };
  }
  const inputs = inputsIn(bytes, kind);
  if (typeof inputs === 'string') return { problem: inputs };
  return { json: Buffer.from(JSON.stringify(inputs.entries)), promptTokens: inputs.promptTokens };
}
