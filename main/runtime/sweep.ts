/**
 * Ends processes that an earlier engine left running, before the first grant (I2). It ends only
 * processes that are provably ours: by pid with recorded start time and boot id, or by the launch
 * id in their environment. The files of those launches are deleted too. Guarded by
 * test/runtime/sweep.test.ts.
 */
import type { Clock, Log } from '../core/ports.ts';
import type { Processes, ProcessIdentity, ProcessRow, ProcessTable, ScratchFolders } from '../core/process-ports.ts';

const GRACE_MS = 2_000;
const AFTER_KILL_MS = 5_000;
const POLL_MS = 20;

export interface SweepPorts {
  readonly clock: Clock;
  readonly processes: Processes;
  readonly table: ProcessTable;
  readonly log: Log;
  readonly scratch: ScratchFolders;
  bootId(): string;
}

/** @returns processes that could not be ended; their rows stay. */
export async function sweep(ports: SweepPorts): Promise<readonly ProcessIdentity[]> {
  const recorded = ports.table.rows();
  const folders = ports.scratch.left();
  const known = new Set(recorded.map(({ launchId }) => launchId));
  // A row may be lost to a damaged disk: the name of its folder still finds its processes.
  const unrecorded = folders.filter((launchId) => !known.has(launchId)).map((launchId) => lostRow(launchId, ports.bootId()));
  const living = new Set<string>();
  const survivors = await Promise.all(
    [...recorded, ...unrecorded].map(async (row) => {
      const left = await sweepRow(ports, row);
      if (left.length > 0) living.add(row.launchId);
      return left;
    }),
  );
  for (const launchId of folders) if (!living.has(launchId)) ports.scratch.remove(launchId);
  return survivors.flat();
}

function lostRow(launchId: string, bootId: string): ProcessRow {
  return { launchId, modelId: 'a model of which no record is left', command: [], leader: null, members: [], startedAt: '', bootId };
}

async function sweepRow(ports: SweepPorts, row: ProcessRow): Promise<readonly ProcessIdentity[]> {
  const { processes, table, log } = ports;
  const left = leftovers(ports, row);
  if (left.length > 0) {
    log.warn(
      `Ending ${left.length} process${left.length === 1 ? '' : 'es'} of ${row.modelId} that an earlier run left behind (pid ${left.map((p) => p.pid).join(', ')})`,
    );
    // The group may be signalled only while its leader is known to be ours: a number alone could be
    // somebody else's by now.
    const group = row.leader !== null && processes.isAlive(row.leader) ? row.leader.pid : null;
    processes.signal(left, 'SIGTERM', group);
    if (!(await gone(ports, left, GRACE_MS))) {
      processes.signal(leftovers(ports, row), 'SIGKILL', group);
      await gone(ports, left, AFTER_KILL_MS);
    }
  }
  const survivors = leftovers(ports, row);
  if (survivors.length === 0) table.erase(row.launchId);
  else
    log.error(
      `Process ${survivors.map((p) => p.pid).join(', ')} of ${row.modelId} could not be ended. End it by hand: it may hold GPU memory.`,
    );
  return survivors;
}

/** The row's processes that live, their descendants, and whoever carries the launch id. */
function leftovers({ processes, bootId }: SweepPorts, row: ProcessRow): readonly ProcessIdentity[] {
  if (row.bootId !== bootId()) return [];
  const known = [...(row.leader === null ? [] : [row.leader]), ...row.members].filter((identity) => processes.isAlive(identity));
  const found = new Map(known.map((identity) => [identity.pid, identity]));
  for (const identity of known) for (const member of processes.members(identity.pid)) found.set(member.pid, member);
  for (const identity of processes.findByLaunch(row.launchId)) found.set(identity.pid, identity);
  return [...found.values()];
}

async function gone({ clock, processes }: SweepPorts, identities: readonly ProcessIdentity[], withinMs: number): Promise<boolean> {
  const deadlineMs = clock.now() + withinMs;
  while (identities.some((identity) => processes.isAlive(identity))) {
    if (clock.now() >= deadlineMs) return false;
    await new Promise<void>((resolve) => clock.after(POLL_MS, resolve));
  }
  return true;
}
