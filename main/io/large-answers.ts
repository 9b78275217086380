/**
 * Large answers of runtimes (tensors, embeddings, classes), made into JSON on a thread of their
 * own: a million numbers as text take a second (I12).
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { Clock } from '../core/ports.ts';
import { type AskOptions, createOneByOneThread } from './one-by-one-thread.ts';

export interface LargeAnswer {
  readonly kind: 'tensors' | 'embeddings' | 'classes';
  /** In shared memory: nothing is copied. */
  readonly parts: readonly Uint8Array[];
  /** Bytes of JSON in front of the values; null: all of it is JSON. */
  readonly headerLength: number | null;
}

/** The outputs by name, or an entry for each input, as JSON; or a clause why there are none. */
export type AnswerJson = { readonly json: Uint8Array; readonly promptTokens: number | null } | { readonly problem: string };

export interface LargeAnswers {
  /** @throws ModeliumError upstream-failed, where the thread breaks off; cancelled. */
  json(answer: LargeAnswer, asking?: Pick<AskOptions, 'signal' | 'caller'>): Promise<AnswerJson>;
  close(): Promise<void>;
}

/** The largest answers take half a minute. */
const LONGEST_MS = 120_000;
const HEAP_MB = 4_096;

/** @param program the thread's file: answer-program. */
export function createLargeAnswers(program: string, clock: Clock): LargeAnswers {
  const failed = (why: string) => new ModeliumError('upstream-failed', `The answer could not be made into JSON: ${why}.`);
  const thread = createOneByOneThread<LargeAnswer, AnswerJson>({ program, heapMb: HEAP_MB, longestMs: LONGEST_MS, failed }, clock);
  return { json: (answer, asking) => thread.ask(answer, asking), close: () => thread.close() };
}
