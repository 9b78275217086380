/**
 * Runs a child process that reads users' files for the engine, one question at a time. It is a
 * process and not a thread, because a hostile file can abort V8 (a heap overflow in one allocation)
 * and a disk may never answer; both then cost only the child. On a plain Node the child may only
 * read files, and say how urgent it is: the permission model forbids other writing, starting
 * programs and threads.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ModeliumError } from '../../../shared/errors.ts';
import type { Clock } from '../../core/ports.ts';
import { SESSION_NICE_FILE } from '../../core/step-behind.ts';
import { quietMoment } from '../quiet-moment.ts';
import type { ReaderAnswer, ReaderTasks, TaskName } from './reader-program.ts';

/** A disk that has not given anything for so long will not. */
const STALL_MS = 120_000;
/** Headers are kept below 64 MiB; the rest is room for Node itself. */
const HEAP_MB = 256;
/** One that nobody needs holds some 50 MB; starting one takes 60 ms. */
const IDLE_MS = 5_000;
/**
 * While others wait it rests after each question as long as that took, at most so long, and then
 * until there is a gap between requests: hundreds of short ones would keep it, and the engine that
 * takes its answers in, from ever leaving the processor to requests (I12).
 */
const REST_AT_MOST_MS = 20;
/** A file that ends two of them is what ends them. */
const MOST_DEATHS = 2;

export interface ReaderPorts {
  /** How to start a Node of our own. */
  readonly node: { readonly command: string; readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> };
  /** The built or source file of file-reader.ts; the bundle puts it elsewhere than the sources. */
  readonly program: string | URL;
  readonly clock: Clock;
  /** A request is under way: between many questions a gap is waited for. */
  isBusy(): boolean;
}

interface Job {
  readonly question: object;
  askedMs: number;
  deaths: number;
  resolve(answer: never): void;
  reject(error: ModeliumError): void;
}

/** The child starts with a question, and ends when none has come for a while. */
export class Reader {
  readonly #ports: ReaderPorts;
  readonly #waiting: Job[] = [];
  #child: ChildProcess | null = null;
  #current: Job | null = null;
  #isResting = false;
  #cancelTimer = (): void => {};
  #closed = false;

  constructor(ports: ReaderPorts) {
    this.#ports = ports;
  }

  /**
   * @throws ModeliumError: the task's own; `cancelled`; `path-invalid` where the disk does not
   * answer or the reader dies of the files.
   */
  ask<Name extends TaskName>(task: Name, asks: ReaderTasks[Name]['asks'], signal: AbortSignal): Promise<ReaderTasks[Name]['answer']> {
    const { promise, resolve, reject } = Promise.withResolvers<ReaderTasks[Name]['answer']>();
    const job: Job = { question: { task, ...asks }, askedMs: 0, deaths: 0, resolve, reject };
    const abort = (): void => this.#leave(job);
    if (this.#closed || signal.aborted) abort();
    else {
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.push(job);
      this.#next();
    }
    return promise.finally(() => signal.removeEventListener('abort', abort));
  }

  /** Rejects what waits, and ends the child. */
  async close(): Promise<void> {
    this.#closed = true;
    const last = this.#child;
    for (const job of [...this.#waiting, ...(this.#current === null ? [] : [this.#current])]) this.#leave(job);
    this.#cancelTimer();
    this.#end();
    if (last !== null && last.exitCode === null && last.signalCode === null) await once(last, 'exit');
  }

  #next(): void {
    if (this.#current !== null || this.#isResting || this.#closed) return;
    this.#cancelTimer();
    const job = this.#waiting.shift();
    if (job === undefined) {
      if (this.#child !== null) this.#cancelTimer = this.#ports.clock.after(IDLE_MS, () => this.#end());
      return;
    }
    this.#current = job;
    job.askedMs = performance.now();
    this.#child ??= this.#start();
    this.#watch();
    // A channel that is closed tells by the child's exit; where there was no descriptor for one, an
    // error tells.
    if (this.#child.connected) this.#child.send(job.question, () => undefined);
  }

  #start(): ChildProcess {
    const { node, program } = this.#ports;
    const made = fork(typeof program === 'string' ? program : fileURLToPath(program), [], {
      execPath: node.command,
      execArgv: [...node.args, ...fences(node)],
      env: { ...node.env },
      cwd: '/',
      // A session of its own, which it can step behind the others with.
      detached: true,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // One that idles must not keep the engine's process from ending.
    made.unref();
    made.channel?.unref();
    made.on('message', (answer) => this.#received(made, answer as ReaderAnswer<TaskName>));
    made.on('error', (error) => this.#died(made, error.message));
    made.on('exit', (code, signal) => this.#died(made, signal === null ? `code ${code}` : `signal ${signal}`));
    return made;
  }

  #received(from: ChildProcess, answer: ReaderAnswer<TaskName>): void {
    const job = this.#current;
    if (from !== this.#child || job === null) return;
    if (answer.kind === 'progress') return this.#watch();
    this.#current = null;
    if (answer.kind === 'done') job.resolve(answer.answer as never);
    else job.reject(new ModeliumError(answer.code, answer.message));
    if (this.#waiting.length > 0) this.#rest(Math.min(REST_AT_MOST_MS, performance.now() - job.askedMs));
    else this.#next();
  }

  #rest(ms: number): void {
    this.#cancelTimer();
    this.#isResting = true;
    void quietMoment(ms, this.#ports.isBusy).then(() => {
      this.#isResting = false;
      this.#next();
    });
  }

  #died(from: ChildProcess, how: string): void {
    // One that was ended has nothing to say any more.
    if (from !== this.#child) return;
    const job = this.#current;
    this.#child = null;
    this.#current = null;
    if (job !== null) {
      job.deaths += 1;
      if (job.deaths < MOST_DEATHS) this.#waiting.unshift(job);
      else job.reject(unanswered(`their reader ended (${how})`));
    }
    this.#next();
  }

  #watch(): void {
    this.#cancelTimer();
    this.#cancelTimer = this.#ports.clock.after(STALL_MS, () => {
      this.#current?.reject(unanswered(`the disk has not answered for ${STALL_MS / 1000} seconds`));
      this.#current = null;
      this.#end();
      this.#next();
    });
  }

  #leave(job: Job): void {
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    job.reject(new ModeliumError('cancelled', 'Nothing waits for this result any longer.'));
    if (this.#current !== job) return;
    this.#current = null;
    this.#end();
    // Not in this turn: whoever leaves with hundreds of questions leaves one after the other, and
    // each would get a process of its own first.
    setImmediate(() => this.#next());
  }

  /** Also one that computes or hangs: there is nothing in it to lose. */
  #end(): void {
    const last = this.#child;
    this.#child = null;
    last?.kill('SIGKILL');
  }
}

/**
 * Not asked of Electron's binary: nobody has seen here what its Node makes of it, and a reader that
 * does not start would read nothing.
 */
function fences({ env }: ReaderPorts['node']): readonly string[] {
  const limits = [`--max-old-space-size=${HEAP_MB}`];
  if ('ELECTRON_RUN_AS_NODE' in env) return limits;
  return [...limits, '--permission', '--allow-fs-read=*', `--allow-fs-write=${SESSION_NICE_FILE}`];
}

function unanswered(why: string): ModeliumError {
  return new ModeliumError('path-invalid', `The files could not be read: ${why}.`);
}
