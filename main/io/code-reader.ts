/** The port CodeReader for real: reads in a worker thread, one candidate at a time, so that two readings do not fight for the disk (I12). */
import { ModeliumError } from '../../shared/errors.ts';
import type { CodeReader } from '../core/ports.ts';
import { identityOf, listCandidateFiles } from './files.ts';
import { askWorker, type WorkerWorld } from './worker-job.ts';

/** Readings that may wait; more than that nobody asks for by hand (I10). */
const MOST_WAITING = 64;

export function createCodeReader(world: WorkerWorld): CodeReader {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    async read(path, files, signal) {
      if (waiting >= MOST_WAITING) throw new ModeliumError('queue-full', 'Too many readings of model code wait already.');
      waiting += 1;
      const before = last;
      const reading = before.then(() => askWorker(world, 'code', { path, files }, signal)).finally(() => (waiting -= 1));
      last = reading.catch(() => undefined);
      return reading;
    },
    async identities(path) {
      const found = await listCandidateFiles(path);
      return found?.files.map(identityOf) ?? [];
    },
  };
}
