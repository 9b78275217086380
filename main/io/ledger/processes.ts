/**
 * The `processes` table: the process trees that belong to this engine, so that the next engine can
 * end those left over (I2).
 */
import type { DatabaseSync } from 'node:sqlite';
import type { ProcessIdentity, ProcessTable } from '../../core/process-ports.ts';
import { inStore } from './errors.ts';
import { isProcess, isText, listOf, orNull, parsedOr } from './shapes.ts';

export function createProcessTable(database: DatabaseSync, file: string): ProcessTable {
  const insert = database.prepare(
    'INSERT INTO processes (launch_id, model_id, command, leader, members, started_at, boot_id) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const update = database.prepare('UPDATE processes SET leader = ?, members = ? WHERE launch_id = ?');
  const remove = database.prepare('DELETE FROM processes WHERE launch_id = ?');
  const all = database.prepare('SELECT * FROM processes ORDER BY started_at, launch_id');
  return {
    intend: ({ launchId, modelId, command, leader, members, startedAt, bootId }) =>
      void inStore(file, () =>
        insert.run(
          launchId,
          modelId,
          JSON.stringify(command),
          leader === null ? null : JSON.stringify(leader),
          JSON.stringify(members),
          startedAt,
          bootId,
        ),
      ),
    record: (launchId, leader, members) => void inStore(file, () => update.run(JSON.stringify(leader), JSON.stringify(members), launchId)),
    erase: (launchId) => {
      try {
        remove.run(launchId);
      } catch {
        // A full disk must not leave a model draining. A row that stays is swept at the next start,
        // which finds nobody alive.
      }
    },
    rows: () =>
      inStore(file, () =>
        // No row is left out, since a process that lives would never be ended (I2): what of a
        // damaged one cannot be read is empty, and the launch id alone finds its processes.
        all.all().map((row) => ({
          launchId: String(row['launch_id']),
          modelId: String(row['model_id']),
          command: parsedOr(row['command'], listOf(isText), []),
          leader: parsedOr<ProcessIdentity | null>(row['leader'], orNull(isProcess), null),
          members: parsedOr(row['members'], listOf(isProcess), []),
          startedAt: String(row['started_at']),
          bootId: String(row['boot_id']),
        })),
      ),
  };
}
