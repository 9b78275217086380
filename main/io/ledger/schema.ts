/**
 * The tables of modelium.db, as migrations from an empty file to the present version. A released
 * migration is never changed.
 */
import type { DatabaseSync } from 'node:sqlite';
import { ModeliumError } from '../../../shared/errors.ts';

const STEPS: readonly string[] = [
  `CREATE TABLE decisions (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     at TEXT NOT NULL,
     model_id TEXT NOT NULL,
     action TEXT NOT NULL,
     reason TEXT NOT NULL,
     sentence TEXT NOT NULL,
     inputs TEXT NOT NULL,
     candidates TEXT NOT NULL,
     outcome TEXT
   ) STRICT;
   CREATE INDEX decisions_by_model ON decisions (model_id, id);
   CREATE TABLE processes (
     launch_id TEXT PRIMARY KEY,
     model_id TEXT NOT NULL,
     command TEXT NOT NULL,
     leader TEXT,
     members TEXT NOT NULL,
     started_at TEXT NOT NULL,
     boot_id TEXT NOT NULL
   ) STRICT;
   CREATE TABLE models (id TEXT PRIMARY KEY, remembered TEXT NOT NULL) STRICT;
   CREATE TABLE measurements (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     at TEXT NOT NULL,
     model_id TEXT NOT NULL,
     runtime TEXT NOT NULL,
     plan_hash TEXT NOT NULL,
     predicted TEXT NOT NULL,
     measured TEXT NOT NULL,
     load_seconds REAL NOT NULL
   ) STRICT;
   CREATE INDEX measurements_by_model ON measurements (runtime, model_id, id);`,
  `CREATE TABLE trusts (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     model_id TEXT NOT NULL,
     form TEXT NOT NULL,
     hash TEXT NOT NULL,
     files TEXT NOT NULL,
     at TEXT NOT NULL
   ) STRICT;
   CREATE INDEX trusts_by_model ON trusts (model_id, form, hash);`,
  'ALTER TABLE measurements ADD COLUMN reported TEXT;',
  'CREATE TABLE samples (at_ms INTEGER PRIMARY KEY, devices TEXT NOT NULL) STRICT;',
  'ALTER TABLE decisions ADD COLUMN because TEXT;',
];

/**
 * Brings the file to the present version, all or nothing.
 * @throws ModeliumError state-unusable when a newer Modelium wrote it.
 */
export function migrate(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > STEPS.length) {
    throw new ModeliumError(
      'state-unusable',
      `${file} was written by a newer Modelium (its version ${version}, this one knows ${STEPS.length}).`,
    );
  }
  for (const [index, step] of STEPS.entries()) {
    if (index < version) continue;
    // Pragmas take no parameters; the number is ours.
    database.exec(`BEGIN IMMEDIATE; ${step} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}
