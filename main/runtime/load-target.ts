/**
 * The input of an adapter's load: the record's files or the prepared files, and the granted plan.
 * Pure.
 */
import type { Candidate } from '../../shared/decision.ts';
import { formOf } from '../../shared/profile.ts';
import type { ModelRecord } from '../core/registry.ts';
import type { LoadTarget } from './adapter.ts';
import { proofOf } from './proof.ts';

/** @param prepared where what was made of the files lies; null: they are loaded as they are. */
export function loadTarget(record: ModelRecord, { plan }: Candidate, prepared: string | null): LoadTarget {
  const { profile, realPath, kind, id } = record;
  if (profile === null) throw new Error(`${id} was granted without a profile`);
  const file = prepared ?? (kind === 'file' ? realPath : `${realPath}/${plan.file}`);
  return { modelId: id, path: realPath, file, plan, profile, proof: proofOf(profile.kind, formOf(profile, plan)) };
}
