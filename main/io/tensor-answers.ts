/**
 * Large answers of servers of tensors, made into JSON on a thread of their own: a million numbers
 * as text take a second (I12).
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Clock } from '../core/ports.ts';
import { type AskOptions, createOneByOneThread } from './one-by-one-thread.ts';

export interface TensorAnswer {
  /** In shared memory: nothing is copied. */
  readonly parts: readonly Uint8Array[];
  /** Bytes of JSON in front of the values; null: all of it is JSON. */
  readonly headerLength: number | null;
}

/** The outputs by name as JSON, or a clause why there are none. */
export type TensorJson = { readonly json: Uint8Array } | { readonly problem: string };

export interface TensorAnswers {
  /** @throws ModeliumError upstream-failed, where the thread breaks off; cancelled. */
  json(answer: TensorAnswer, asking?: Pick<AskOptions, 'signal' | 'caller'>): Promise<TensorJson>;
  close(): Promise<void>;
}

/** The largest answers take half a minute. */
const LONGEST_MS = 120_000;
const HEAP_MB = 4_096;

/** @param program the thread's file: tensor-program. */
export function createTensorAnswers(program: string, clock: Clock): TensorAnswers {
  const failed = (why: string) => new ModeliumError('upstream-failed', `The answer could not be made into JSON: ${why}.`);
  const thread = createOneByOneThread<TensorAnswer, TensorJson>({ program, heapMb: HEAP_MB, longestMs: LONGEST_MS, failed }, clock);
  return { json: (answer, asking) => thread.ask(answer, asking), close: () => thread.close() };
}
