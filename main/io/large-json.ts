/**
 * Scans large JSON bodies in a separate thread, one at a time (I10), because all of them share one
 * budget.
 */
import { ModeliumError } from '../../shared/errors.ts';
import type { MemberSize } from '../core/json-outline.ts';
import type { Clock } from '../core/ports.ts';
import { type AskOptions, createOneByOneThread } from './one-by-one-thread.ts';

export interface JsonBounds {
  readonly depth: number;
  readonly values: number;
}

export interface JsonQuestion {
  readonly bytes: Uint8Array;
  /** Everything is wanted; else what is short at the top. */
  readonly whole: boolean;
  readonly bounds: JsonBounds;
}

/** Where the value holds this word, a dash and a number, that text is meant, which stays bytes. */
export interface LongTexts {
  readonly word: string;
  /** As JSON, quotes included. */
  readonly texts: readonly Uint8Array[];
}

/** The same as they go from thread to thread: one behind the other. */
export interface TextsInRow {
  readonly word: string;
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

export type JsonAnswer =
  | { readonly problem: string /** The field that is at fault. */; readonly param: string | null }
  | {
      readonly value: Record<string, unknown>;
      readonly sizes: Readonly<Record<string, MemberSize>>;
      readonly texts: TextsInRow;
      /** What was asked about, back. */
      readonly bytes: Uint8Array;
    };

/** What was found, with the bytes, which were away meanwhile. */
export interface LargeObject {
  readonly bytes: Buffer;
  readonly value: Record<string, unknown>;
  /** Of the members at the top that were not parsed, by name. */
  readonly sizes: Readonly<Record<string, MemberSize>>;
  readonly texts: LongTexts;
}

export interface LargeJson {
  /**
   * @param bytes in shared memory, or alone in its own; not to be read until the answer is there.
   * @throws ModeliumError invalid-json, invalid-body, cancelled.
   */
  read(
    bytes: Buffer,
    options: { readonly whole: boolean; readonly bounds: JsonBounds } & Pick<AskOptions, 'signal' | 'caller'>,
  ): Promise<LargeObject>;
  close(): Promise<void>;
}

/** The largest body takes some seconds, and more where all processors have more urgent work. */
const LONGEST_MS = 120_000;
const HEAP_MB = 768;

/** @param program the thread's file: large-json-program. */
export function createLargeJson(program: string, clock: Clock): LargeJson {
  const failed = (why: string) => new ModeliumError('invalid-json', `The body could not be read: ${why}.`);
  const thread = createOneByOneThread<JsonQuestion, JsonAnswer>({ program, heapMb: HEAP_MB, longestMs: LONGEST_MS, failed }, clock);
  return {
    async read(bytes, { whole, bounds, ...asking }) {
      const transfer = bytes.buffer instanceof ArrayBuffer ? [bytes.buffer] : [];
      const answer = await thread.ask({ bytes, whole, bounds }, { ...asking, transfer });
      if ('problem' in answer) {
        const { problem, param } = answer;
        throw param === null ? new ModeliumError('invalid-json', problem) : new ModeliumError('invalid-body', problem, { param });
      }
      const { bytes: back, value, sizes, texts } = answer;
      return {
        bytes: Buffer.from(back.buffer, back.byteOffset, back.byteLength),
        value,
        sizes,
        texts: { word: texts.word, texts: textsIn(texts) },
      };
    },
    close: () => thread.close(),
  };
}

function textsIn({ bytes, ends }: TextsInRow): readonly Uint8Array[] {
  return Array.from(ends, (end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}
