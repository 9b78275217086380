/** The program of a fuzzing worker thread: runs the cases of one format and answers with what the dearest of them cost, or with the first failure. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Contents } from './folder-of.ts';
import { type CaseWork, type FuzzFormat, runCase, runFolder } from './fuzz-kit.ts';

export interface FuzzJob {
  readonly format: FuzzFormat;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
}

/** One folder, as it is. */
export interface FolderJob {
  readonly contents: Contents;
}

export type FuzzAnswer =
  | { readonly ok: true; readonly worst: CaseWork }
  | { readonly ok: false; readonly index: number; readonly message: string };

function run({ format, seed, from, count }: FuzzJob): FuzzAnswer {
  const worst: CaseWork = { bytesRead: 0, reads: 0, largestRead: 0, steps: 0 };
  for (let index = from; index < from + count; index += 1) {
    try {
      const work = runCase(format, seed, index);
      for (const what of ['bytesRead', 'reads', 'largestRead', 'steps'] as const) worst[what] = Math.max(worst[what], work[what]);
    } catch (error) {
      return { ok: false, index, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  }
  return { ok: true, worst };
}

function runOne({ contents }: FolderJob): FuzzAnswer {
  try {
    return { ok: true, worst: runFolder(contents) };
  } catch (error) {
    return { ok: false, index: 0, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

const job = workerData as FuzzJob | FolderJob;
parentPort?.postMessage('contents' in job ? runOne(job) : run(job));
