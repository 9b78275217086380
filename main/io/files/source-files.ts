/**
 * Lists the files of a candidate for conversion, with the path of their content. Lists only;
 * `files.ts` has the rules for links.
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
