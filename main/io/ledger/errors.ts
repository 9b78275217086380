/** Translates SQLite's errors into sentences for users. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { ModeliumError } from '../../../shared/errors.ts';

/**
 * Primary result codes of SQLite (sqlite.org/rescode.html); extended codes carry them in the low
 * byte.
 */
const SQLITE = { readonly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;
/** SQLITE_IOERR_WRITE: what a full disk gives where it does not give SQLITE_FULL, as on a quota. */
const IO_ERROR_WRITE = 778;

function resultCode(error: unknown): number {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : null;
  return typeof code === 'number' ? code : 0;
}

export function isDamaged(error: unknown): boolean {
  const code = resultCode(error) & 0xff;
  return code === SQLITE.corrupt || code === SQLITE.notADatabase;
}

/** Beside the file, once damage was met in it: the next start moves both aside. */
const markOf = (file: string): string => `${file}.is-damaged`;

export function isMarkedDamaged(file: string): boolean {
  return existsSync(markOf(file));
}

export function unmarkDamaged(file: string): void {
  rmSync(markOf(file), { force: true });
}

/**
 * Rows as they were written. Of a file that lost a bit where SQLite has no check of its own, those
 * that still read are kept.
 */
export function readableRows<Row, Result>(rows: readonly Row[], read: (row: Row) => Result): Result[] {
  return rows.flatMap((row) => {
    try {
      return [read(row)];
    } catch (error) {
      if (error instanceof SyntaxError) return [];
      throw error;
    }
  });
}

/**
 * Runs one write or read of the store.
 * @throws ModeliumError disk-full, state-unusable.
 */
export function inStore<Result>(file: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw explained(file, error);
  }
}

function explained(file: string, error: unknown): unknown {
  if (isDamaged(error)) markDamaged(file);
  const code = resultCode(error);
  if ((code & 0xff) === SQLITE.full || code === IO_ERROR_WRITE) {
    return new ModeliumError('disk-full', `The disk is full: nothing can be written to ${file}.`, { cause: error });
  }
  const reasons: Readonly<Record<number, string>> = {
    [SQLITE.readonly]: 'it may not be written to',
    [SQLITE.ioError]: 'the disk reports an error',
    [SQLITE.corrupt]: 'it is damaged; the next start moves it aside and begins a new one',
    [SQLITE.notADatabase]: 'it is damaged; the next start moves it aside and begins a new one',
    [SQLITE.cannotOpen]: 'it cannot be opened',
  };
  const reason = reasons[code & 0xff];
  return reason === undefined ? error : new ModeliumError('state-unusable', `${file} cannot be used: ${reason}.`, { cause: error });
}

function markDamaged(file: string): void {
  try {
    writeFileSync(markOf(file), '');
  } catch {
    // A disk that takes nothing: the next start meets the damage as this one did.
  }
}
