/**
 * Has a process with little memory run cases. A process rather than a worker thread: one that runs
 * out of memory, hangs or crashes takes nobody with it, and it ends by itself when its channel is
 * closed. One process serves job after job; one that died is replaced.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { FolderJob, FromWorker, FuzzAnswer, FuzzJob, JobOptions, ToWorker } from './fuzz-worker.ts';

/**
 * Of V8 alone, the analyzer and the program together; buffers and heap together are bounded by
 * `BOUNDS.memory`.
 */
const HEAP_MB = 64;
const BATCH = 250;
/** A batch takes a tenth of a second; on a machine that is busy with other things, a few. */
const HANGS_AFTER_MS = 60_000;
/**
 * The process itself finds out what hangs in JavaScript; here waits who finds out what hangs
 * elsewhere.
 */
const PATIENCE_MS = 30_000;
/** Until a new process has loaded its program and tells its first case. */
const STARTS_WITHIN_MS = 60_000;

export interface FuzzLimits extends JobOptions {
  /** Milliseconds beyond `hangsAfterMs` until a process that says nothing is killed. */
  readonly patienceMs: number;
}

const LIMITS: FuzzLimits = { batch: BATCH, hangsAfterMs: HANGS_AFTER_MS, patienceMs: PATIENCE_MS };
const PROGRAM = new URL('fuzz-worker.ts', import.meta.url);
/**
 * Collected on the thread that asks: what was found to be garbage is gone when memory is looked at.
 */
const FLAGS = ['--expose-gc', '--single-threaded-gc', `--max-old-space-size=${HEAP_MB}`, '--disable-warning=ExperimentalWarning'];

export interface Fuzzer {
  run(job: FuzzJob | FolderJob, limits?: FuzzLimits): Promise<FuzzAnswer>;
  end(): Promise<void>;
}

export function createFuzzer(): Fuzzer {
  let child: ChildProcess | null = null;

  async function attempt(job: FuzzJob | FolderJob, limits: FuzzLimits): Promise<FuzzAnswer & { readonly died?: boolean }> {
    child ??= fork(PROGRAM, [], { execArgv: FLAGS, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    const answer = await answerOf(child, job, limits);
    if (answer.died === true) child = null;
    return answer;
  }

  async function end(): Promise<void> {
    const last = child;
    child = null;
    if (last === null || last.exitCode !== null) return;
    const ended = once(last, 'exit');
    last.disconnect();
    await ended;
  }

  return {
    async run(job, limits = LIMITS) {
      const answer = await attempt(job, limits);
      if (answer.ok || answer.died !== true || limits.batch === 1 || 'contents' in job) return answer;
      // Which case of the batch it was that killed the process: told one by one.
      const count = Math.min(limits.batch, job.from + job.count - answer.index);
      const again = await attempt({ ...job, from: answer.index, count }, { ...limits, batch: 1 });
      return again.ok ? { ...answer, message: `${answer.message} It was no single case: alone, each of ${count} passes.` } : again;
    },
    end,
  };
}

function answerOf(
  child: ChildProcess,
  job: FuzzJob | FolderJob,
  { batch, hangsAfterMs, patienceMs }: FuzzLimits,
): Promise<FuzzAnswer & { readonly died?: boolean }> {
  const { promise, resolve } = Promise.withResolvers<FuzzAnswer & { readonly died?: boolean }>();
  let index = 'contents' in job ? 0 : job.from;
  let said = '';
  let timer = setTimeout(() => undefined);
  const wait = (mostMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      said = 'it hangs outside of JavaScript';
      child.kill('SIGKILL');
    }, mostMs);
  };
  const onMessage = (message: FromWorker): void => {
    wait(hangsAfterMs + patienceMs);
    if ('begins' in message) index = message.begins;
    else resolve(message.answer);
  };
  const onSaid = (text: Buffer): void => {
    said = (said + text.toString()).slice(-4096);
  };
  // After the last of what it wrote, which says why it died.
  const onClose = (code: number | null, signal: string | null): void => {
    const why = said.split('\n').find((line) => /error/i.test(line)) ?? said.trim();
    resolve({ ok: false, died: true, index, message: `the process ended with ${signal ?? `code ${code}`}: ${why}.` });
  };
  child.on('message', onMessage).once('close', onClose);
  child.stderr?.on('data', onSaid);
  wait(STARTS_WITHIN_MS);
  child.send({ job, options: { batch, hangsAfterMs } } satisfies ToWorker);
  return promise.finally(() => {
    clearTimeout(timer);
    child.off('message', onMessage).off('close', onClose);
    child.stderr?.off('data', onSaid);
  });
}
