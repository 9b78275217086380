/** One question for a worker thread of its own, which ends with the answer: for what may take long, and must be able to be called off. */
import { Worker } from 'node:worker_threads';
import { ModeliumError } from '../../shared/errors.ts';
import type { Clock } from '../core/ports.ts';
import type { TaskName, WorkerAnswer, WorkerTasks } from './inspect-worker.ts';

/** A disk that has not given anything for so long will not. */
const STALL_MS = 120_000;
const WORKER_HEAP_MB = 256;

export interface WorkerWorld {
  /** The built or source file of inspect-worker.ts. */
  readonly workerProgram: string | URL;
  readonly clock: Clock;
}

/** @throws ModeliumError: the task's own, cancelled, or path-invalid when the disk does not answer. */
export function askWorker<Name extends TaskName>(
  { workerProgram, clock }: WorkerWorld,
  task: Name,
  asks: WorkerTasks[Name]['asks'],
  signal: AbortSignal,
): Promise<WorkerTasks[Name]['answer']> {
  if (signal.aborted) return Promise.reject(cancelled());
  const { promise, resolve, reject } = Promise.withResolvers<WorkerTasks[Name]['answer']>();
  const worker = new Worker(workerProgram, { resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB }, name: task });
  worker.unref();
  let cancelTimer = (): void => {};
  const waitOn = (): void => {
    cancelTimer();
    cancelTimer = clock.after(STALL_MS, () => reject(unanswered(`the disk has not answered for ${STALL_MS / 1000} seconds`)));
  };
  const abort = (): void => reject(cancelled());
  signal.addEventListener('abort', abort, { once: true });
  worker.on('message', (answer: WorkerAnswer<Name>) => {
    if (answer.kind === 'progress') return waitOn();
    if (answer.kind === 'done') resolve(answer.answer);
    else reject(new ModeliumError(answer.code, answer.message));
  });
  worker.on('error', (error) => reject(unanswered(error instanceof Error ? error.message : String(error))));
  worker.on('exit', () => reject(unanswered('its worker ended')));
  waitOn();
  worker.postMessage({ task, ...asks });
  return promise.finally(() => {
    cancelTimer();
    signal.removeEventListener('abort', abort);
    void worker.terminate();
  });
}

function cancelled(): ModeliumError {
  return new ModeliumError('cancelled', 'Nobody waits for it any more.');
}

function unanswered(why: string): ModeliumError {
  return new ModeliumError('path-invalid', `The files could not be read: ${why}.`);
}
