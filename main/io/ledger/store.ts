/**
 * Opens, checks and closes modelium.db, the SQLite file in the state folder; the neighbouring files
 * own its tables. WAL with synchronous NORMAL: written rows survive any end of this process. Only a
 * power cut may lose the last rows, and it ends the runtimes too.
 */
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Ledger, SampleTable, TrustTable } from '../../core/ports.ts';
import type { ProcessTable } from '../../core/process-ports.ts';
import { openPrivateDatabase } from '../private-database.ts';
import { inStore, isDamaged, isMarkedDamaged, unmarkDamaged } from './errors.ts';
import { createLedger, settleCutOff } from './ledger.ts';
import { createProcessTable } from './processes.ts';
import { createSampleTable } from './samples.ts';
import { migrate } from './schema.ts';
import { createTrustTable } from './trust.ts';

const FILE_NAME = 'modelium.db';

export interface Store {
  readonly ledger: Ledger;
  readonly processes: ProcessTable;
  readonly trust: TrustTable;
  readonly samples: SampleTable;
  /**
   * A sentence for the log when the old file was damaged and a new one begun, or rows of it cannot
   * be read.
   */
  readonly problem: string | null;
  /** Writes the file again when it was deleted while it is open. */
  rescue(): void;
  close(): void;
}

/**
 * Opens the file, or begins it. A damaged one is moved aside, never deleted.
 * @throws ModeliumError state-unusable (a newer version's, or not ours to write), disk-full.
 */
export function openStore(folder: string, wallTime: () => number): Store {
  const file = join(folder, FILE_NAME);
  return inStore(file, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    let problem: string | null = null;
    let database: DatabaseSync;
    try {
      if (isMarkedDamaged(file)) throw damaged('it was met before');
      database = opened(file);
    } catch (error) {
      if (!isDamaged(error)) throw error;
      const aside = moveAside(file, wallTime());
      problem = `${file} was damaged. It was moved to ${aside}, and a new one was created: past decisions, measurements, pins, trust and registered paths are forgotten, and runtimes left by an earlier run have to be ended by hand.`;
      database = opened(file);
    }
    const rescue = rescuer(database, file);
    const ledger = createLedger(database, file, wallTime);
    const trust = createTrustTable(database, file);
    problem ??= lostRows(database, file, { models: ledger.remembered().length, trusts: trust.trusted().length });
    return {
      ledger,
      processes: createProcessTable(database, file),
      trust,
      samples: createSampleTable(database, file),
      problem,
      rescue,
      close: () => {
        rescue();
        database.close();
      },
    };
  });
}

/**
 * Copies what an open database holds to the place from which its file was deleted. Where another
 * engine has begun a file of its own, that stays.
 * @returns does it, as often as it is called.
 */
function rescuer(database: DatabaseSync, file: string): () => void {
  const identity = (): string | null => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? null : `${found.dev}:${found.ino}`;
  };
  const own = identity();
  let copied: string | null = null;
  return () => {
    const now = identity();
    if (now === own || now !== copied || !existsSync(dirname(file))) return;
    const aside = `${file}.${process.pid}`;
    rmSync(aside, { force: true });
    database.prepare('VACUUM INTO ?').run(aside);
    chmodSync(aside, 0o600);
    renameSync(aside, file);
    copied = identity();
  };
}

/** The file with its settings and tables in place. */
export function openDatabase(file: string): DatabaseSync {
  // A log that still holds rows: the last engine did not end in order, or the disk did not.
  const suspicious = existsSync(`${file}-wal`) && statSync(`${file}-wal`).size > 0;
  const database = openPrivateDatabase(file, 2_000);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    if (suspicious) checkPages(database);
    migrate(database, file);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Without these no engine starts: what is damaged in them is met here. */
const READ_AT_START = ['models', 'processes', 'trusts'];

/** With what an engine left open that was killed settled. */
function opened(file: string): DatabaseSync {
  const database = openDatabase(file);
  try {
    settleCutOff(database);
    for (const table of READ_AT_START) database.prepare(`SELECT * FROM ${table}`).all();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

const WHAT_ROWS_HOLD = { models: 'pins and registered paths', trusts: 'trust' } as const;

/** @returns a sentence about what users have set and is gone; null where every row can be read. */
function lostRows(database: DatabaseSync, file: string, read: Readonly<Record<keyof typeof WHAT_ROWS_HOLD, number>>): string | null {
  const lost = (['models', 'trusts'] as const).flatMap((table) => {
    const all = Number(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()?.['rows']);
    return all > read[table] ? [`${all - read[table]} of ${all} rows of ${WHAT_ROWS_HOLD[table]}`] : [];
  });
  if (lost.length === 0) return null;
  return `${file} is damaged in places: ${lost.join(' and ')} cannot be read and are left out. Look whether models have to be added, pinned or trusted again.`;
}

function damaged(how: string): Error {
  return Object.assign(new Error(how), { errcode: 11 });
}

function checkPages(database: DatabaseSync): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (found !== 'ok') throw damaged(`quick_check: ${String(found)}`);
}

function moveAside(file: string, wallMs: number): string {
  const aside = `${file}.damaged-${new Date(wallMs).toISOString().replaceAll(':', '-')}`;
  for (const suffix of ['', '-wal', '-shm']) {
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  }
  unmarkDamaged(file);
  return aside;
}
