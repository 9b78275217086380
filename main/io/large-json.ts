/**
 * Large JSON bodies, looked into on a thread of their own. The thread is started for the first one,
 * and ends when there was none for a while, which gives its memory back. One body after another
 * (I10): they all come out of one budget.
 */
import { Worker } from 'node:worker_threads';
import { ModeliumError } from '../../shared/errors.ts';
import type { Clock } from '../core/ports.ts';

export interface JsonBounds {
  readonly depth: number;
  readonly values: number;
}

export interface JsonQuestion {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Everything is wanted; else what is short at the top. */
  readonly whole: boolean;
  readonly bounds: JsonBounds;
}

export type JsonAnswer = { readonly id: number } & (
  | { readonly problem: string /** The field that is at fault. */; readonly param: string | null }
  | { readonly value: Record<string, unknown> /** What was asked about, back. */; readonly bytes: Uint8Array }
);

/** What was found, with the bytes, which were away meanwhile. */
export interface LargeObject {
  readonly bytes: Buffer;
  readonly value: Record<string, unknown>;
}

export interface LargeJson {
  /**
   * @param bytes alone in its memory; not to be read until the answer is there.
   * @throws ModeliumError invalid-json.
   */
  read(bytes: Buffer, options: { readonly whole: boolean; readonly bounds: JsonBounds }): Promise<LargeObject>;
  close(): Promise<void>;
}

const IDLE_MS = 5_000;
/** The largest body takes a second or two. */
const LONGEST_MS = 30_000;
const HEAP_MB = 768;

interface Waiting {
  readonly resolve: (answer: JsonAnswer) => void;
  readonly reject: (error: ModeliumError) => void;
}

/** @param program the thread's file: large-json-program. */
export function createLargeJson(program: string, clock: Clock): LargeJson {
  let worker: Worker | null = null;
  let last = 0;
  let current: (Waiting & { readonly id: number }) | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let stopTimer: () => void = () => {};

  function end(why: string): void {
    stopTimer();
    const gone = worker;
    worker = null;
    const waiting = current;
    current = null;
    void gone?.terminate();
    waiting?.reject(new ModeliumError('invalid-json', `The body could not be read: ${why}.`));
  }

  function running(): Worker {
    if (worker !== null) return worker;
    const made = new Worker(program, { resourceLimits: { maxOldGenerationSizeMb: HEAP_MB }, stdin: false });
    made.unref();
    made.on('message', (answer: JsonAnswer) => {
      if (made !== worker || answer.id !== current?.id) return;
      const { resolve } = current;
      current = null;
      stopTimer();
      stopTimer = clock.after(IDLE_MS, () => end('nobody asks'));
      resolve(answer);
    });
    // Out of its own memory, or it could not be started: the body is refused, and the next one gets
    // another thread.
    made.on('error', (error) => made === worker && end(error.message));
    worker = made;
    return made;
  }

  function ask(question: Omit<JsonQuestion, 'id'>): Promise<JsonAnswer> {
    return new Promise((resolve, reject) => {
      last += 1;
      current = { id: last, resolve, reject };
      stopTimer();
      stopTimer = clock.after(LONGEST_MS, () => end('it takes too long'));
      try {
        running().postMessage({ ...question, id: last }, [question.bytes.buffer as ArrayBuffer]);
      } catch (error) {
        end(error instanceof Error ? error.message : String(error));
      }
    });
  }

  return {
    async read(bytes, { whole, bounds }) {
      const asked = queue.then(() => ask({ bytes, whole, bounds }));
      // Of what was answered nothing is kept: the last body would stay until the next one comes.
      queue = asked.then(
        () => {},
        () => {},
      );
      const answer = await asked;
      if ('problem' in answer) {
        const { problem, param } = answer;
        throw param === null ? new ModeliumError('invalid-json', problem) : new ModeliumError('invalid-body', problem, { param });
      }
      const { bytes: back, value } = answer;
      return { bytes: Buffer.from(back.buffer, back.byteOffset, back.byteLength), value };
    },
    async close() {
      stopTimer();
      await worker?.terminate();
      worker = null;
    },
  };
}
