/**
 * Ends the nvidia-smi children of engines that were killed. Most end by themselves at their next
 * row, because nobody reads it. One that lists processes writes no row on an idle machine and would
 * run for ever. They have no row in the `processes` table, because they hold no memory.
 */
import type { Processes } from '../../core/process-ports.ts';
import { isMarkedRunning, readEnvironments } from '../processes/proc.ts';

/** In the environment of each child: the mark of the engine that it is for. */
export const OWNER_VARIABLE = 'MODELIUM_PROBE_OF';

/** Those of engines that still live are left alone. */
export function endOrphanedProbes(processes: Pick<Processes, 'identify' | 'signal'>): void {
  for (const { pid, value } of readEnvironments(OWNER_VARIABLE)) {
    if (isMarkedRunning(value)) continue;
    const orphan = processes.identify(pid);
    if (orphan !== null) processes.signal([orphan], 'SIGKILL', null);
  }
}
