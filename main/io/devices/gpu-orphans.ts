/**
 * Ends the nvidia-smi children of engines that were killed. Most end by themselves at their next
 * row, because nobody reads it. One that lists processes writes no row on an idle machine and would
 * run for ever. They have no row in the `processes` table, because they hold no memory.
 */
import type { Processes } from '../../core/process-ports.ts';
import { readEnvironments, readStat } from '../processes/proc.ts';

/** In the environment of each child: whose it is. */
export const OWNER_VARIABLE = 'MODELIUM_PROBE_OF';

/** This process, as its children name it. */
export function ownerName(): string {
  return `${process.pid}:${readStat(process.pid)?.startTime ?? 0}`;
}

/** Those of engines that still live are left alone. */
export function endOrphanedProbes(processes: Pick<Processes, 'identify' | 'signal'>): void {
  for (const { pid, value } of readEnvironments(OWNER_VARIABLE)) {
    const [owner, startTime] = value.split(':').map(Number);
    if (owner === undefined || processes.identify(owner)?.startTime === startTime) continue;
    const orphan = processes.identify(pid);
    if (orphan !== null) processes.signal([orphan], 'SIGKILL', null);
  }
}
