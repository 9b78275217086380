/** Converts between a model's record and what a scan knows of it. Pure. */

import type { CandidateListing } from '../listing.ts';
import type { ModelRecord } from '../registry.ts';
import type { KnownCandidate } from './candidates.ts';

/** @param away its folder could not be read at the last scan. */
export function toKnown(record: ModelRecord, away: boolean): KnownCandidate {
  const { id, aliases, path, realPath, device, inode, bornMs = 0, files, added } = record;
  return { id, aliases, path, realPath, device, inode, bornMs, files, added, away };
}

/** Where a listing was found. */
export function placeOf(
  listing: CandidateListing,
): Pick<ModelRecord, 'path' | 'realPath' | 'device' | 'inode' | 'files'> & { readonly bornMs: number } {
  const { path, realPath, device, inode, bornMs = 0, files } = listing;
  return { path, realPath, device, inode, bornMs, files };
}
