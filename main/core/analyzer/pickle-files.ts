/**
 * Checks whether the pickled weight files of a described folder are complete, from the archive's
 * directory, without unpickling. Pure (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, isDamaged, isTruncated } from './findings.ts';
import { isBlank } from './plain-profile.ts';
import { archiveTails, readTorchArchive } from './torch-archive.ts';

export interface PickleFindings {
  readonly problems: readonly FileProblem[];
  /** Weights that end in zeros, as `file: entry`. */
  readonly zeroTails: readonly string[];
}

/** What is wrong with these files. Empty ones are left to the candidate's own check. */
export function readPickles(files: readonly CandidateFile[]): PickleFindings {
  const zeroTails: string[] = [];
  const problems = files.flatMap((file) => {
    if (file.bytes === 0) return [];
    const source = file.open();
    const archive = attempt(() => readTorchArchive(source));
    if (!(archive instanceof FormatError)) {
      zeroTails.push(...archiveTails(file, archive, files.length));
      return [];
    }
    if (archive.fault === 'truncated' || isBlank(source)) return [isTruncated(file.path, file.bytes, null, archive.message)];
    return [isDamaged(file.path, file.bytes, `${file.path} is not a PyTorch file that can be read: ${archive.message}.`)];
  });
  return { problems, zeroTails };
}
