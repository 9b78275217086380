/**
 * The table of samples: what the devices of the last day held, a row for each point of the chart.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { SamplePoint, SampleTable } from '../../core/ports.ts';
import { inStore } from './errors.ts';

const DAY_MS = 86_400_000;
/** A clock that was set forth and back leaves rows that no time removes (I10). */
const MOST_ROWS = 2_000;

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
    // Our own writing, in a file that only its owner may write to: its shape is trusted.
    past: () =>
      inStore(file, () =>
        newest.all().map(
          (row): SamplePoint => ({
            atMs: Number(row['at_ms']),
            devices: JSON.parse(String(row['devices'])) as SamplePoint['devices'],
          }),
        ),
      ),
  };
}
