/**
 * Helpers for reasons: a reason whose sentence another file wrote, a reason with its sentence, and
 * the place that a reason names. Pure.
 */
import { type Decision, type DeviceId, HOST_DEVICE, type Placement } from '../../../shared/decision.ts';
import type { ModelEvent } from '../../../shared/model.ts';
import type { Cause, PlaceRef, Reason } from '../../../shared/reason.ts';
import { sentenceOf } from '../../../shared/reason-words.ts';

/** @param sentence says all of it by itself, with a full stop. */
export function quotedReason(cause: Cause, sentence: string): Reason {
  return { cause, facts: [{ fact: 'said', text: sentence }] };
}

/** Nothing is known of it but this sentence. */
export function sentenceReason(sentence: string): Reason {
  return quotedReason({ kind: 'said', sentence }, sentence);
}

export interface Reasoned {
  /** The reason in a sentence. */
  readonly reason: string;
  readonly because: Reason;
}

/** @param end a full stop, where more is said behind it. */
export function withSentence(because: Reason, end: '' | '.' = ''): Reasoned {
  const sentence = sentenceOf(because);
  return { reason: sentence.endsWith('.') ? sentence : `${sentence}${end}`, because };
}

export function triedAgain(attempts: number): Reasoned {
  return withSentence(sentenceReason(`Trying it again after ${attempts} failed attempt${attempts === 1 ? '' : 's'}`));
}

/** What becomes of a model that is refused. */
export function blockedBy({
  refusal,
  reason,
  because,
  help,
}: Extract<Decision, { kind: 'refuse' }>): Extract<ModelEvent, { type: 'blocked' }> {
  return { type: 'blocked', reason: refusal, message: reason, because, help };
}

/**
 * @param indexOf a GPU's number; null for the CPU and what is not there. @param layers all that the
 * model has; null where that does not matter.
 */
export function placeRef(
  { kind, gpus, gpuLayers, where }: Placement,
  indexOf: (id: DeviceId) => number | null,
  layers: number | null = null,
): PlaceRef {
  const ids = kind === 'elsewhere' ? [] : gpus.length === 0 ? [HOST_DEVICE] : gpus;
  const devices = ids.map((id) => ({ id, index: indexOf(id) }));
  return { kind, devices, gpuLayers, layers: kind === 'split' ? layers : null, ...(where === undefined ? {} : { where }) };
}
