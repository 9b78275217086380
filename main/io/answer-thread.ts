/**
 * The thread's own side of one-by-one-thread.ts: answers each question with one message. Keeps
 * nothing between two questions.
 */
import os from 'node:os';
import { parentPort } from 'node:worker_threads';
import { BEHIND_SMALL_REQUESTS, stepBehind } from '../core/step-behind.ts';
import type { Numbered } from './one-by-one-thread.ts';

/**
 * Answers from now on.
 * @param memoryOf what of an answer goes over to whoever asked; memory that is shared stays where
 * it is, and what is a part of other memory is copied, as Node's own of short texts.
 */
export function answerOneByOne<Question, Answer>(
  answer: (question: Question) => Answer | Promise<Answer>,
  memoryOf: (answer: Answer) => readonly Uint8Array[],
): void {
  // Elsewhere the nice value is of the whole process, which is the engine.
  if (process.platform === 'linux') stepBehind(os, BEHIND_SMALL_REQUESTS);
  parentPort?.on('message', async ({ id, content }: Numbered<Question>) => {
    const answered = await answer(content);
    const moved = memoryOf(answered).flatMap(({ buffer, byteLength }) =>
      buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
    );
    parentPort?.postMessage({ id, content: answered } satisfies Numbered<Answer>, moved);
  });
}
