/**
 * Refuses paths that cannot be a model's, whatever they contain. Pure: looks at no file.
 */
import { ModeliumError } from '../../../shared/errors.ts';

/**
 * What the kernel keeps there changes all the time, and would be read for ever: with `/` as a
 * model, that took half of a core. /dev/shm may well hold models.
 */
const SYSTEM_PATH = /^\/+($|(proc|sys)($|\/)|dev\/*$)/;

/** @throws ModeliumError path-invalid. */
export function refuseOtherPaths(path: string): void {
  if (!path.startsWith('/')) throw invalid(`${path} is not an absolute path.`);
  if (path.includes('\0')) throw invalid('The path contains a NUL character, which no file name can.');
  const problem = systemPathProblem(path);
  if (problem !== null) throw invalid(problem);
}

/**
 * Why neither a model nor a folder of models can be there, as a sentence; null: nothing is wrong.
 * @param realPath where its links lead.
 */
export function systemPathProblem(path: string, realPath = path): string | null {
  if (SYSTEM_PATH.test(path)) return `${path} belongs to the system: name the file or folder of your models.`;
  return SYSTEM_PATH.test(realPath) ? `${path} leads to ${realPath}, which belongs to the system.` : null;
}

function invalid(message: string): ModeliumError {
  return new ModeliumError('path-invalid', message, { param: 'path' });
}
