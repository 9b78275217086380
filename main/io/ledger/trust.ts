/** The table of trust: which bytes of which model a person has trusted. */
import type { DatabaseSync } from 'node:sqlite';
import type { FormKind } from '../../../shared/profile.ts';
import type { FileIdentity, TrustTable } from '../../core/ports.ts';
import { inStore } from './errors.ts';

/** Rows kept, the newest: more than a person trusts in a life (I10). */
export const TRUSTS_KEPT = 1_000;

export function createTrustTable(database: DatabaseSync, file: string): TrustTable {
  // Written anew rather than over the old row: the newest are kept.
  const remove = database.prepare('DELETE FROM trusts WHERE model_id = ? AND form = ? AND hash = ?');
  const insert = database.prepare('INSERT INTO trusts (model_id, form, hash, files, at) VALUES (?, ?, ?, ?, ?)');
  const prune = database.prepare(`DELETE FROM trusts WHERE id NOT IN (SELECT id FROM trusts ORDER BY id DESC LIMIT ${TRUSTS_KEPT})`);
  const all = database.prepare('SELECT * FROM trusts ORDER BY id');
  return {
    trusted: () =>
      inStore(file, () =>
        all.all().map((row) => ({
          modelId: String(row['model_id']),
          form: String(row['form']) as FormKind,
          hash: String(row['hash']),
          // Our own writing, in a file that only its owner may write to.
          files: JSON.parse(String(row['files'])) as readonly FileIdentity[],
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
