/**
 * The table of samples: the memory of each device over the last day, one row for each point of the
 * chart.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { DevicePoint, SamplePoint, SampleTable } from '../../core/ports.ts';
import { inStore, readableRows } from './errors.ts';
import { isText, listOf, objectOf, parsed } from './shapes.ts';

const DAY_MS = 86_400_000;
/** A clock that was set forth and back leaves rows that no time removes (I10). */
const MOST_ROWS = 2_000;

const isPoint = objectOf<DevicePoint>({ id: isText });

export function createSampleTable(database: DatabaseSync, file: string): SampleTable {
  const insert = database.prepare('INSERT OR REPLACE INTO samples (at_ms, devices) VALUES (?, ?)');
  const prune = database.prepare(
    'DELETE FROM samples WHERE at_ms < ?1 OR at_ms <= (SELECT at_ms FROM samples ORDER BY at_ms DESC LIMIT 1 OFFSET ?2)',
  );
  const newest = database.prepare('SELECT at_ms, devices FROM samples ORDER BY at_ms');
  return {
    keep: ({ atMs, devices }) =>
      inStore(file, () => {
        insert.run(atMs, JSON.stringify(devices));
        prune.run(atMs - DAY_MS, MOST_ROWS);
      }),
    past: () =>
      inStore(file, () =>
        readableRows(
          newest.all(),
          (row): SamplePoint => ({
            atMs: Number(row['at_ms']),
            devices: parsed(row['devices'], listOf(isPoint)),
          }),
        ),
      ),
  };
}
