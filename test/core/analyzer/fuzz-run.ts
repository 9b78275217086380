/** Has a worker with little memory run cases: one that eats more than the analyzer may have ends it, which is a failure with a name. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FolderJob, FuzzAnswer, FuzzJob } from './fuzz-worker.ts';

/** Of the analyzer and the program together; buffers beside the heap are bounded by the largest read. */
const HEAP_MB = 64;

export async function fuzz(job: FuzzJob | FolderJob): Promise<FuzzAnswer> {
  const worker = new Worker(new URL('fuzz-worker.ts', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
    name: 'fuzz',
  });
  try {
    const [answer] = (await once(worker, 'message')) as [FuzzAnswer];
    return answer;
  } catch (error) {
    return { ok: false, index: -1, message: error instanceof Error ? error.message : String(error) };
  } finally {
    await worker.terminate();
  }
}
