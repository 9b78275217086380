/** The table of trust: which content of which model a user has trusted. */
import type { DatabaseSync } from 'node:sqlite';
import type { FormKind } from '../../../shared/profile.ts';
import type { TrustTable } from '../../core/ports.ts';
import { inStore, readableRows } from './errors.ts';
import { isFile, listOf, parsed } from './shapes.ts';

/** Rows kept, the newest: more than a person trusts in a life (I10). */
export const TRUSTS_KEPT = 1_000;

export function createTrustTable(database: DatabaseSync, file: string): TrustTable {
  // Written again rather than over the old row: the newest are kept.
  const remove = database.prepare('DELETE FROM trusts WHERE model_id = ? AND form = ? AND hash = ?');
  const insert = database.prepare('INSERT INTO trusts (model_id, form, hash, files, at) VALUES (?, ?, ?, ?, ?)');
  const prune = database.prepare(`DELETE FROM trusts WHERE id NOT IN (SELECT id FROM trusts ORDER BY id DESC LIMIT ${TRUSTS_KEPT})`);
  const all = database.prepare('SELECT * FROM trusts ORDER BY id');
  return {
    trusted: () =>
      inStore(file, () =>
        readableRows(all.all(), (row) => ({
          modelId: String(row['model_id']),
          form: String(row['form']) as FormKind,
          hash: String(row['hash']),
          files: parsed(row['files'], listOf(isFile)),
          at: String(row['at']),
        })),
      ),
    trust: ({ modelId, form, hash, files, at }) =>
      inStore(file, () => {
        remove.run(modelId, form, hash);
        insert.run(modelId, form, hash, JSON.stringify(files), at);
        prune.run();
      }),
    distrust: ({ modelId, form, hash }) => void inStore(file, () => remove.run(modelId, form, hash)),
  };
}
