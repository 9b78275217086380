/**
 * The program of a fuzzing process, started by `fuzz-run.ts` alone: runs the cases of one job after
 * the other and answers with what the dearest of them cost, or with the first failure. Ends when
 * its parent does.
 */
import { runInThisContext } from 'node:vm';
import { analyzeCandidate } from '../../../main/core/analyzer/candidate.ts';
import type { Contents } from './folder-of.ts';
import { broken } from './fuzz-broken.ts';
import { type Analyzer, type FuzzFormat, runCase, runFolder } from './fuzz-kit.ts';
import { ProcessMemory } from './fuzz-memory.ts';
import type { CaseWork } from './fuzz-meter.ts';

export interface FuzzJob {
  readonly format: FuzzFormat;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  /** One of `BROKEN` in place of the analyzer. */
  readonly broken?: string;
}

/** One folder, as it is. */
export interface FolderJob {
  readonly contents: Contents;
}

export interface JobOptions {
  /** Cases that are told before they run, and have a time together. */
  readonly batch: number;
  /**
   * Milliseconds that a batch may take: far more than it does, so that only what hangs reaches it.
   */
  readonly hangsAfterMs: number;
}

export type FuzzAnswer =
  | { readonly ok: true; readonly worst: CaseWork }
  | { readonly ok: false; readonly index: number; readonly message: string };

export interface ToWorker {
  readonly job: FuzzJob | FolderJob;
  readonly options: JobOptions;
}

export type FromWorker = { readonly begins: number } | { readonly answer: FuzzAnswer };

const memory = new ProcessMemory();

/** Runs it, and stops it where it hangs. @throws Error what it threw, or that it hangs. */
function inTime(hangsAfterMs: number, work: () => void): void {
  Object.assign(globalThis, { fuzzing: work });
  try {
    runInThisContext('fuzzing()', { timeout: hangsAfterMs, displayErrors: false });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      throw new Error(`it hangs: no end after ${hangsAfterMs / 1000} s`);
    throw error;
  }
}

function failure(index: number, error: unknown): FuzzAnswer {
  return { ok: false, index, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function run({ format, seed, from, count, broken: harm }: FuzzJob, { batch, hangsAfterMs }: JobOptions): FuzzAnswer {
  const analyzer: Analyzer = harm === undefined ? analyzeCandidate : broken(harm);
  memory.begin();
  const worst: CaseWork = { bytesRead: 0, reads: 0, largestRead: 0, steps: 0, memory: 0 };
  let index = from;
  while (index < from + count) {
    const end = Math.min(index + batch, from + count);
    tell({ begins: index });
    try {
      inTime(hangsAfterMs, () => {
        for (; index < end; index += 1) {
          const work = runCase(format, seed, index, memory, analyzer);
          for (const what of Object.keys(worst) as (keyof CaseWork)[]) worst[what] = Math.max(worst[what], work[what]);
        }
      });
    } catch (error) {
      return failure(index, error);
    }
  }
  return { ok: true, worst };
}

function runOne({ contents }: FolderJob, { hangsAfterMs }: JobOptions): FuzzAnswer {
  let worst: CaseWork | undefined;
  memory.begin();
  tell({ begins: 0 });
  try {
    inTime(hangsAfterMs, () => {
      worst = runFolder(contents, memory);
    });
  } catch (error) {
    return failure(0, error);
  }
  return worst === undefined ? failure(0, 'nothing was run') : { ok: true, worst };
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

process.on('message', ({ job, options }: ToWorker) => {
  tell({ answer: 'contents' in job ? runOne(job, options) : run(job, options) });
});
process.on('disconnect', () => process.exit());
