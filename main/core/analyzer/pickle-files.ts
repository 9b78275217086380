/** Pickled weights that a described folder uses: is each of them all there, as far as an archive's directory tells without unpickling. Pure (I7). */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, isDamaged, isTruncated } from './findings.ts';
import { isBlank } from './plain-profile.ts';
import { readTorchArchive } from './torch-archive.ts';

/** What is wrong with these files. Empty ones are left to the candidate's own check. */
export function pickleProblems(files: readonly CandidateFile[]): readonly FileProblem[] {
  return files.flatMap((file) => {
    if (file.bytes === 0) return [];
    const source = file.open();
    const archive = attempt(() => readTorchArchive(source));
    if (!(archive instanceof FormatError)) return [];
    if (archive.fault === 'truncated' || isBlank(source)) return [isTruncated(file.path, file.bytes, null, archive.message)];
    return [isDamaged(file.path, file.bytes, `${file.path} is not a PyTorch file that can be read: ${archive.message}.`)];
  });
}
