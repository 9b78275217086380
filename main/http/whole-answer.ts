/**
 * Answers of runtimes that are read as a whole before anything goes out: tensors, embeddings and
 * classes. Collects one within its bounds, and has our JSON made of it: of a large one on another
 * thread, because a million numbers take this one a second (I12).
 */
import type { ServerResponse } from 'node:http';
import { ModeliumError } from '../../shared/errors.ts';
import { MIB } from '../../shared/units.ts';
import type { Clock } from '../core/ports.ts';
import { type AnswerBudget, type AnswerShare, SMALL_ANSWER_BYTES } from './answer-budget.ts';
import { type AnswerJson, answerJson, type WholeAnswer } from './answer-json.ts';
import type { Exchange } from './exchange.ts';
import { cutIfUnread } from './held-back.ts';
import { type Asking, whenClosed } from './leaving.ts';
import { brokeOff } from './refusal.ts';

/** Some 20,000 embeddings of 1,024 numbers; more than that belongs into several requests (I10). */
const ANSWER_MIB = 256;
/** Grown by so much. */
const STEP_BYTES = MIB;

/** Reads large answers elsewhere than on this thread. */
export interface AnswerReader {
  /** @throws ModeliumError. */
  json(answer: WholeAnswer, asking: Asking): Promise<AnswerJson>;
}

export interface AnswerPorts {
  readonly largeAnswers: AnswerReader;
  readonly clock: Clock;
  readonly answerBudget: AnswerBudget;
}

type Read = Extract<AnswerJson, { json: unknown }>;

export class CollectedAnswer {
  readonly #ports: AnswerPorts;
  readonly #modelId: string;
  readonly #parts: Buffer[] = [];
  #share: AnswerShare | null = null;
  #bytes = 0;
  #memory: SharedArrayBuffer | null = null;

  constructor(ports: AnswerPorts, modelId: string) {
    this.#ports = ports;
    this.#modelId = modelId;
  }

  /**
   * @param elsewhere a clause: where so much can be asked for. @throws ModeliumError
   * upstream-failed, queue-full.
   */
  push(exchange: Exchange, chunk: Buffer, elsewhere = ''): void {
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_MIB * MIB)
      throw brokeOff(exchange.runtime, this.#modelId, `its answer is larger than ${ANSWER_MIB} MB${elsewhere}`);
    if (this.#bytes <= SMALL_ANSWER_BYTES) return void this.#parts.push(chunk);
    this.#share ??= this.#ports.answerBudget.open(exchange.caller);
    this.#share.take(chunk.length);
    this.#keep(chunk);
  }

  /**
   * For the other thread, without another copy. In one piece that grows in place: the system gets
   * it back whole, where thousands of small ones would leave holes that only this process can use.
   */
  #keep(chunk: Buffer): void {
    const before = this.#bytes - chunk.length;
    this.#memory ??= new SharedArrayBuffer(0, { maxByteLength: ANSWER_MIB * MIB });
    if (this.#bytes > this.#memory.byteLength)
      this.#memory.grow(Math.min(ANSWER_MIB * MIB, Math.ceil(this.#bytes / STEP_BYTES) * STEP_BYTES));
    const whole = Buffer.from(this.#memory);
    let at = 0;
    for (const part of this.#parts.splice(0)) at += part.copy(whole, at);
    chunk.copy(whole, before);
  }

  /**
   * Calls `use` with what was read; for a small answer before this returns.
   * @throws ModeliumError upstream-failed, cancelled.
   */
  read<Result>(
    exchange: Exchange,
    { kind, headerLength }: Omit<WholeAnswer, 'parts'>,
    use: (read: Read) => Result,
  ): Result | Promise<Result> {
    const take = (read: AnswerJson): Result => {
      if ('problem' in read) throw brokeOff(exchange.runtime, this.#modelId, read.problem);
      return use(read);
    };
    // A few milliseconds.
    if (this.#bytes <= SMALL_ANSWER_BYTES) return take(answerJson({ kind, headerLength, parts: this.#parts }));
    const parts = this.#memory === null ? [] : [Buffer.from(this.#memory, 0, this.#bytes)];
    // From here on the other thread has it, and then the JSON that was made of it.
    this.#memory = null;
    return this.#ports.largeAnswers.json({ kind, headerLength, parts }, exchange).then((read) => {
      if (exchange.signal.aborted) throw new ModeliumError('cancelled', 'The request has ended.');
      return take(read);
    });
  }

  /** Gives its memory back once the client has taken the answer, or left. */
  release(response: ServerResponse): void {
    const share = this.#share;
    if (share === null) return;
    const stop = cutIfUnread(response, this.#ports.clock);
    whenClosed(response, () => {
      stop();
      share.release();
    });
  }
}

export function inSharedMemory(bytes: Buffer): Buffer {
  const own = Buffer.from(new SharedArrayBuffer(bytes.length));
  bytes.copy(own);
  return own;
}
