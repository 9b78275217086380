/**
 * The port Library for real: one worker thread, one queue. The engine's main thread reads no model file (I12).
 * A worker that dies of a hostile file, or that a dead disk holds, is replaced; the candidate is then reported as unreadable.
 */
import { Worker } from 'node:worker_threads';
import { ModeliumError } from '../../shared/errors.ts';
import type { Clock, Inspection, Library } from '../core/ports.ts';
import type { InspectRequest, WorkerAnswer, WorkerRequest } from './inspect-worker.ts';

/** Reading headers takes milliseconds; a disk that has not answered by then will not. */
const INSPECTION_TIMEOUT_MS = 120_000;
/** Headers are kept below 64 MiB; the rest is room for Node itself. */
const WORKER_HEAP_MB = 256;
/** A worker that nobody needs holds some 15 MB; starting one takes 40 ms. */
const WORKER_IDLE_MS = 5_000;

export interface InspectorOptions {
  /** The built or source file of inspect-worker.ts; the bundle puts it elsewhere than the sources. */
  readonly workerProgram: string | URL;
  readonly clock: Clock;
}

interface Job extends InspectRequest {
  readonly signal: AbortSignal;
  resolve(inspection: Inspection): void;
  reject(error: ModeliumError): void;
}

/** The worker starts with an inspection and ends when none has come for a while. `close` rejects what waits and ends it. */
export function createInspector(options: InspectorOptions): Library & { close(): Promise<void> } {
  const waiting: Job[] = [];
  let worker: Worker | null = null;
  let current: Job | null = null;
  let cancelTimer = (): void => {};
  let closed = false;

  function start(): Worker {
    const made = new Worker(options.workerProgram, { resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB }, name: 'inspector' });
    // An idle worker must not keep the process from ending when the rest of the engine is gone.
    made.unref();
    made.on('error', (error) => fail(made, error.message));
    made.on('exit', () => fail(made, 'its worker ended'));
    return made;
  }

  /** A worker that is not the present one any more has nothing to say. */
  function fail(from: Worker, message: string): void {
    if (from !== worker) return;
    worker = null;
    cancelTimer();
    const job = current;
    current = null;
    job?.resolve(unreadable(job.path, message));
    next();
  }

  async function end(): Promise<void> {
    const last = worker;
    worker = null;
    await last?.terminate();
  }

  function next(): void {
    if (current !== null || closed) return;
    cancelTimer();
    const job = waiting.shift();
    if (job === undefined) {
      if (worker !== null) cancelTimer = options.clock.after(WORKER_IDLE_MS, () => void end());
      return;
    }
    current = job;
    worker ??= start();
    const used = worker;
    cancelTimer = options.clock.after(INSPECTION_TIMEOUT_MS, () => {
      used.off('message', done);
      fail(used, `its disk has not answered for ${INSPECTION_TIMEOUT_MS / 1000} seconds`);
      void used.terminate();
    });
    function done(answer: WorkerAnswer<'inspect'>): void {
      if (used !== worker || answer.kind === 'progress') return;
      cancelTimer();
      current = null;
      job?.resolve(answer.kind === 'done' ? answer.answer : unreadable(job.path, answer.message));
      next();
    }
    used.once('message', done);
    used.postMessage({ task: 'inspect', path: job.path, force: job.force } satisfies WorkerRequest);
  }

  return {
    inspect(path, { force, signal }) {
      const { promise, resolve, reject } = Promise.withResolvers<Inspection>();
      if (closed || signal.aborted) reject(cancelled(path));
      else {
        const job: Job = { path, force, signal, resolve, reject };
        leaveOnAbort(job, waiting, promise);
        waiting.push(job);
        next();
      }
      return promise;
    },
    async close() {
      closed = true;
      cancelTimer();
      for (const job of [...waiting.splice(0), ...(current === null ? [] : [current])]) job.reject(cancelled(job.path));
      await end();
    },
  };
}

/** One that already runs is bounded and goes on to its end; only its answer is dropped. */
function leaveOnAbort(job: Job, waiting: Job[], ended: Promise<unknown>): void {
  const abort = (): void => {
    const index = waiting.indexOf(job);
    if (index >= 0) waiting.splice(index, 1);
    job.reject(cancelled(job.path));
  };
  job.signal.addEventListener('abort', abort, { once: true });
  void ended.finally(() => job.signal.removeEventListener('abort', abort)).catch(() => undefined);
}

function cancelled(path: string): ModeliumError {
  return new ModeliumError('cancelled', `Looking at ${path} was cancelled.`);
}

function unreadable(path: string, message: string): Inspection {
  const copy = { bytesPresent: 0, bytesExpected: null, missing: [] };
  const sentence = `${path} could not be looked at: ${message}.`;
  return { files: [], copy, whole: false, usable: false, zeroTails: [], writer: null, damage: null, unreadable: sentence, profile: null };
}
