/** What an adapter is told to load: the record's files and the granted plan. Pure. */
import type { Candidate } from '../../shared/decision.ts';
import type { ModelRecord } from '../core/registry.ts';
import type { LoadTarget } from './adapter.ts';

export function loadTarget(record: ModelRecord, { plan }: Candidate): LoadTarget {
  const { profile, realPath, kind, id } = record;
  if (profile === null) throw new Error(`${id} was granted without a profile`);
  const file = kind === 'file' ? realPath : `${realPath}/${plan.file}`;
  const proof = profile.kind === 'embedding' ? 'embed' : profile.kind === 'reranker' ? 'rank' : 'generate';
  return { modelId: id, path: realPath, file, plan, profile, proof };
}
