/**
 * A thread for work that would block the engine's thread. It starts with the first question and
 * ends after some idle time, which frees its memory. It answers one question at a time (I10);
 * callers take turns, so that a caller with many questions does not delay the others. A thread that
 * takes too long or fails is ended, and the next question starts a new one.
 */
import { Worker } from 'node:worker_threads';
import { ModeliumError } from '../../shared/errors.ts';
import type { Departure } from '../core/gateway.ts';
import type { Clock } from '../core/ports.ts';
import { Turns } from './turns.ts';

export interface ThreadOptions<Answer> {
  /** The file that it runs. */
  readonly program: string;
  readonly workerData?: unknown;
  readonly heapMb: number;
  /** One answer takes so long at most. */
  readonly longestMs: number;
  /** What is thrown where no answer comes. @param why a clause. */
  failed(why: string): Error;
  /** After this answer the next question gets another thread. Absent: never. */
  isLast?(answer: Answer): boolean;
  /** What is thrown where too many questions wait. Absent: any number may. */
  readonly full?: { readonly mostOfCaller: number; readonly most: number; error(): Error };
}

export interface AskOptions {
  /** Memory that goes over to the thread: not to be read until the answer is there. */
  readonly transfer?: readonly ArrayBuffer[];
  /**
   * Aborts when nobody wants the answer any more: the question leaves the queue, or has to end
   * soon.
   */
  readonly signal?: Departure;
  readonly caller?: string;
}

export interface OneByOneThread<Question, Answer> {
  /** @throws what `failed` or `full` made; ModeliumError cancelled, shutting-down. */
  ask(question: Question, options?: AskOptions): Promise<Answer>;
  /** Whatever waits for an answer is told shutting-down, and so is who asks later. */
  close(): Promise<void>;
}

/** What the thread is sent, and what it sends back. */
export interface Numbered<Content> {
  readonly id: number;
  readonly content: Content;
}

interface Asked<Question, Answer> {
  readonly question: Question;
  readonly transfer: readonly ArrayBuffer[];
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

const IDLE_MS = 5_000;
/**
 * An answer that nobody waits for may take so long: to end the thread sooner costs the next one
 * more.
 */
const UNWANTED_MS = 1_000;
/** After the end of the engine another one may be there. */
const ENDING_SECONDS = 5;

export function createOneByOneThread<Question, Answer>(options: ThreadOptions<Answer>, clock: Clock): OneByOneThread<Question, Answer> {
  return new Asking(options, clock);
}

class Asking<Question, Answer> implements OneByOneThread<Question, Answer> {
  readonly #options: ThreadOptions<Answer>;
  readonly #clock: Clock;
  readonly #waiting = new Turns<Asked<Question, Answer>>();
  #worker: Worker | null = null;
  #isClosed = false;
  #last = 0;
  #current: Asked<Question, Answer> | null = null;
  #stopTimer: () => void = () => {};

  constructor(options: ThreadOptions<Answer>, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  async ask(question: Question, { transfer = [], signal, caller = '' }: AskOptions = {}): Promise<Answer> {
    const { full } = this.#options;
    if (this.#isClosed) throw stopping();
    if (signal?.aborted === true) throw clientLeft();
    if (full !== undefined && (this.#waiting.size >= full.most || this.#waiting.of(caller) >= full.mostOfCaller)) throw full.error();
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const asked = { question, transfer, resolve, reject };
    const leave = () => (this.#waiting.remove(caller, asked) ? reject(clientLeft()) : this.#abandon(asked));
    this.#waiting.add(caller, asked);
    signal?.addEventListener('abort', leave);
    this.#next();
    return promise.finally(() => signal?.removeEventListener('abort', leave));
  }

  /**
   * Nothing is asked or started any more, because the end of the thread would start the next one.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    const gone = this.#worker;
    this.#worker = null;
    this.#current?.reject(stopping());
    this.#current = null;
    for (let asked = this.#waiting.take(); asked !== null; asked = this.#waiting.take()) asked.reject(stopping());
    await gone?.terminate();
  }

  #next(): void {
    if (this.#isClosed || this.#current !== null) return;
    const asked = this.#waiting.take();
    if (asked === null) return;
    this.#current = asked;
    this.#last += 1;
    this.#stopTimer();
    this.#stopTimer = this.#clock.after(this.#options.longestMs, () => this.#end('it takes too long'));
    try {
      this.#running().postMessage({ id: this.#last, content: asked.question } satisfies Numbered<Question>, asked.transfer);
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  #abandon(asked: Asked<Question, Answer>): void {
    if (this.#current !== asked) return;
    this.#stopTimer();
    this.#stopTimer = this.#clock.after(UNWANTED_MS, () => this.#end('nobody waits for it'));
  }

  #running(): Worker {
    if (this.#worker !== null) return this.#worker;
    const { program, workerData, heapMb } = this.#options;
    const made = new Worker(program, { workerData, resourceLimits: { maxOldGenerationSizeMb: heapMb }, stdin: false });
    made.unref();
    made.on('message', (answer: Numbered<Answer>) => made === this.#worker && this.#answered(answer));
    // Out of its own memory, or it could not be started.
    made.on('error', (error) => made === this.#worker && this.#end(error.message));
    made.on('exit', () => made === this.#worker && this.#end('its thread ended'));
    this.#worker = made;
    return made;
  }

  #answered({ id, content }: Numbered<Answer>): void {
    const asked = this.#current;
    if (asked === null || id !== this.#last) return;
    this.#current = null;
    this.#stopTimer();
    if (this.#options.isLast?.(content) === true) this.#end('it has ended');
    else this.#stopTimer = this.#clock.after(IDLE_MS, () => this.#end('nobody asks'));
    asked.resolve(content);
    this.#next();
  }

  #end(why: string): void {
    this.#stopTimer();
    const gone = this.#worker;
    this.#worker = null;
    void gone?.terminate();
    const asked = this.#current;
    this.#current = null;
    asked?.reject(this.#options.failed(why));
    this.#next();
  }
}

function stopping(): ModeliumError {
  return new ModeliumError('shutting-down', 'Modelium is ending.', { retryAfterSeconds: ENDING_SECONDS });
}

function clientLeft(): ModeliumError {
  return new ModeliumError('cancelled', 'The client left.');
}
