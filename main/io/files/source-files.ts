/**
 * The files of a candidate that is to be converted, with the place of each one's bytes. Lists only;
 * the rules of links are `files.ts`'s.
 */
import { ModeliumError } from '../../../shared/errors.ts';
import type { SourceListing } from '../../core/ports.ts';
import { identityOf, listCandidateFiles } from './files.ts';

/**
 * @throws ModeliumError content-changed where there is nothing any more, path-invalid where it
 * cannot be read.
 */
export async function listSource(path: string): Promise<SourceListing> {
  const found = await listCandidateFiles(path);
  if (found === null) throw new ModeliumError('content-changed', `${path} is not there any more.`);
  if (found.unreadable !== null) throw new ModeliumError('path-invalid', found.unreadable);
  return {
    files: found.files.map(identityOf),
    places: Object.fromEntries(found.files.map(({ path: name, absolute }) => [name, absolute])),
  };
}
