/**
 * Derives the kind of model from an ONNX file's inputs and outputs, and describes them in words.
 * Pure.
 */
import type { ModelKind, TensorSpec } from '../../../shared/profile.ts';
import { shown } from './file-names.ts';
import type { OnnxValue } from './onnx.ts';

/**
 * By the names that exporters give inputs and outputs; a lone image of three colours is looked at.
 */
export function onnxKind(inputs: readonly OnnxValue[], outputs: readonly OnnxValue[]): ModelKind {
  const takes = new Set(inputs.map(({ name }) => name));
  const gives = new Map(outputs.map((output) => [output.name, output]));
  if (takes.has('input_features') || takes.has('audio_signal')) return 'speech';
  if (takes.has('pixel_values')) return takes.has('input_ids') || takes.has('inputs_embeds') ? 'vision-language' : 'vision';
  const logits = gives.get('logits');
  if (takes.has('input_ids') && logits !== undefined) {
    if (logits.shape?.length !== 2) return 'completion';
    return logits.shape[1] === 1 ? 'reranker' : 'classifier';
  }
  if (['last_hidden_state', 'sentence_embedding', 'token_embeddings'].some((name) => gives.has(name))) return 'embedding';
  const [only] = inputs;
  const isImage = inputs.length === 1 && only?.shape?.length === 4 && (only.shape[1] === 3 || only.shape[3] === 3);
  return isImage ? 'vision' : 'unknown';
}

export function specOf({ name, type, shape }: OnnxValue): TensorSpec {
  return { name, type: type ?? 'no tensor', shape: (shape ?? []).map((size) => size ?? -1) };
}

export function valueInWords({ name, type, shape }: OnnxValue): string {
  const sizes = shape?.map((size) => (typeof size === 'string' ? shown(size).slice(1, -1) : (size ?? '?'))).join(' x ') ?? '?';
  return `${shown(name)} (${type ?? 'no tensor'}${sizes === '' ? '' : `, ${sizes}`})`;
}
