/**
 * Prepares requests: small bodies in this process; large ones, and schemas that take long, in a
 * second process, which has only the model's vocabulary. Owns that process: it runs one job at a
 * time and is ended when its client leaves, its time is over, or it is idle. A crash of it fails
 * one request only.
 */
import { type ChildProcess, fork } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { type ErrorCode, ModeliumError } from '../../../shared/errors.ts';
import { BEHIND_SMALL_REQUESTS, stepProgramBehind } from '../../core/step-behind.ts';
import { allowWork, TooMuchWork } from '../grammar/language.ts';
import type { Prepared, PreparedRoute, TextSide } from './prepared.ts';
import { prepare } from './preparing.ts';

/** Of this size a body is read, rendered and tokenized within some milliseconds. */
const SMALL_BYTES = 16 * 1024;
/** The same with a vocabulary that is slow at some texts. */
const SMALL_BYTES_WHERE_SLOW = 512;
/** Parts of schemas that are worked out here: some 10 ms. */
const LITTLE_WORK = 30_000;
/** In the process of its own: some seconds. */
const MUCH_WORK = 5_000_000;
const MOST_MS = 60_000;
/** Until the process has opened the vocabulary. */
const START_MS = 180_000;
const IDLE_MS = 30_000;
const MOST_WAITING = 64;

export interface PreparerMessage {
  readonly route: PreparedRoute;
  readonly body: Uint8Array;
}

export type PreparerAnswer =
  | { readonly begins: true }
  | { readonly prepared: Prepared }
  | { readonly code: ErrorCode; readonly message: string; readonly param: string | null };

interface Job extends PreparerMessage {
  readonly signal: AbortSignal;
  settle(outcome: Prepared | ModeliumError): void;
}

export class Preparer {
  readonly #start: () => ChildProcess;
  readonly #side: TextSide;
  readonly #waiting: Job[] = [];
  #child: ChildProcess | null = null;
  #running: Job | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** @param start starts the process with a channel for messages. */
  constructor(side: TextSide, start: () => ChildProcess) {
    this.#side = side;
    this.#start = start;
  }

  /** @throws ModeliumError; cancelled when the signal aborts first. */
  async prepare(route: PreparedRoute, body: Buffer, signal: AbortSignal): Promise<Prepared> {
    if (body.length <= (this.#side.model.isSlow ? SMALL_BYTES_WHERE_SLOW : SMALL_BYTES)) {
      try {
        allowWork(LITTLE_WORK);
        return await prepare(route, body, this.#side, signal);
      } catch (error) {
        if (!(error instanceof TooMuchWork)) throw error;
      }
    }
    if (this.#waiting.length >= MOST_WAITING)
      throw new ModeliumError('queue-full', `${MOST_WAITING} large requests are already waiting.`, { origin: 'llama' });
    const { promise, resolve, reject } = Promise.withResolvers<Prepared>();
    const leave = () => this.#leave(job);
    const job: Job = {
      route,
      body,
      signal,
      settle(outcome) {
        signal.removeEventListener('abort', leave);
        if (outcome instanceof ModeliumError) reject(outcome);
        else resolve(outcome);
      },
    };
    this.#waiting.push(job);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    this.#next();
    return await promise;
  }

  #next(): void {
    if (this.#running !== null) return;
    const job = this.#waiting.shift();
    clearTimeout(this.#timer);
    if (job === undefined) {
      this.#timer = setTimeout(() => this.#end(), IDLE_MS).unref();
      return;
    }
    this.#running = job;
    this.#limit(START_MS);
    this.#child ??= this.#started();
    // Where there was no descriptor for its channel, an error tells.
    if (!this.#child.connected) return;
    this.#child.send({ route: job.route, body: job.body } satisfies PreparerMessage, (error) => {
      if (error !== null) this.#fail('cannot be read');
    });
  }

  #started(): ChildProcess {
    const child = this.#start();
    child.on('message', (answer: PreparerAnswer) => {
      if (child !== this.#child) return;
      if ('begins' in answer) this.#limit(MOST_MS);
      else this.#settle('prepared' in answer ? answer.prepared : errorOf(answer));
    });
    const gone = () => {
      if (child !== this.#child) return;
      this.#child = null;
      this.#fail('ended the process that reads texts');
    };
    child.on('exit', gone);
    child.on('error', gone);
    return child;
  }

  #limit(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(`takes longer than ${ms / 1000} s to read`), ms);
  }

  /** A client that left: its work ends with it. */
  #leave(job: Job): void {
    const cancelled = new ModeliumError('cancelled', 'The client left before its request was read.', { origin: 'llama' });
    if (job === this.#running) {
      this.#end();
      return this.#settle(cancelled);
    }
    const at = this.#waiting.indexOf(job);
    if (at >= 0) this.#waiting.splice(at, 1);
    job.settle(cancelled);
  }

  #fail(what: string): void {
    this.#end();
    this.#settle(new ModeliumError('invalid-body', `This request ${what}. Send less text, or a simpler schema.`, { origin: 'llama' }));
  }

  #settle(outcome: Prepared | ModeliumError): void {
    const job = this.#running;
    this.#running = null;
    job?.settle(outcome);
    this.#next();
  }

  #end(): void {
    const child = this.#child;
    this.#child = null;
    child?.kill('SIGKILL');
  }
}

function errorOf({ code, message, param }: { code: ErrorCode; message: string; param: string | null }): ModeliumError {
  return new ModeliumError(code, message, { origin: 'llama', ...(param === null ? {} : { param }) });
}

/** Starts this same program again, for its vocabulary alone. @param args the program's own. */
export function startPreparer(program: string, contextTokens: number, args: readonly string[]): ChildProcess {
  return fork(program, [PREPARES, String(contextTokens), ...args], {
    serialization: 'advanced',
    // A session of its own, which it can step behind the others with.
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}

/**
 * The first argument of the process that prepares; the second is how many tokens the context holds.
 */
export const PREPARES = '--prepare';

/**
 * The process's own part: answers each message with one. @param side opens while the first message
 * comes.
 */
export function answerPreparations(side: Promise<TextSide>): void {
  // Small requests, also those of other models, go before large ones.
  stepProgramBehind(os, fs, BEHIND_SMALL_REQUESTS);
  process.on('message', (message: PreparerMessage) => {
    side
      .then(async (opened) => {
        process.send?.({ begins: true } satisfies PreparerAnswer);
        process.send?.(await answered(message, opened));
      })
      .catch(() => process.exit(1));
  });
}

async function answered({ route, body }: PreparerMessage, side: TextSide): Promise<PreparerAnswer> {
  try {
    allowWork(MUCH_WORK);
    return { prepared: await prepare(route, body, side, new AbortController().signal) };
  } catch (error) {
    if (error instanceof ModeliumError) return { code: error.code, message: error.message, param: error.details.param ?? null };
    if (!(error instanceof RangeError)) return { code: 'internal', message: String(error), param: null };
    const words = error instanceof TooMuchWork ? 'The JSON schema takes too long to work out.' : 'The body is nested too deep.';
    return { code: 'invalid-body', message: words, param: null };
  }
}
