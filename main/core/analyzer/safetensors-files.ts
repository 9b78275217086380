/**
 * Reads the safetensors files of one form: their tensors, and what each file lacks. Pure and
 * bounded (I7).
 */
import type { FileProblem } from '../../../shared/profile.ts';
import { attempt, FormatError } from './bytes.ts';
import { type CandidateFile, isDamaged, isTruncated } from './findings.ts';
import { isBlank } from './plain-profile.ts';
import { MOST_TENSORS, parseSafetensors, type SafetensorsTensor } from './safetensors.ts';
import { zeroTails } from './zero-tails.ts';

export interface SafetensorsFiles {
  readonly tensors: readonly SafetensorsTensor[];
  readonly problems: readonly FileProblem[];
  readonly expected: ReadonlyMap<string, number | null>;
  readonly zeroTails: readonly string[];
}

export function readSafetensorsFiles(files: readonly CandidateFile[]): SafetensorsFiles {
  const tensors: SafetensorsTensor[] = [];
  const problems: FileProblem[] = [];
  const tails: string[] = [];
  const expected = new Map<string, number | null>();
  for (const file of files) {
    const source = file.open();
    const header = attempt(() => parseSafetensors(source));
    if (header instanceof FormatError) {
      const isStillArriving = header.fault === 'truncated' || isBlank(source);
      expected.set(file.path, isStillArriving ? null : file.bytes);
      const sentence = `${file.path} is not a safetensors file that can be read: ${header.message}.`;
      problems.push(isStillArriving ? isTruncated(file.path, file.bytes, null) : isDamaged(file.path, file.bytes, sentence));
      continue;
    }
    for (const tensor of header.tensors) tensors.push(tensor);
    if (tensors.length > MOST_TENSORS) {
      problems.push(isDamaged(file.path, file.bytes, `Its files name more than ${MOST_TENSORS} tensors, which no model has.`));
      break;
    }
    expected.set(file.path, header.fileBytes);
    if (header.fileBytes > file.bytes) problems.push(isTruncated(file.path, file.bytes, header.fileBytes));
    else if (header.fileBytes < file.bytes) problems.push(hasMore(file, header.fileBytes));
    else tails.push(...zeroTails(file.path, source, header.tensors, files.length));
  }
  return { tensors, problems, expected, zeroTails: tails };
}

/** Bytes behind the last tensor: of another file, or of somebody who hides something. */
export function hasMore({ path, bytes }: CandidateFile, fileBytes: number): FileProblem {
  return isDamaged(path, bytes, `${path} has ${bytes} bytes, and its header accounts for ${fileBytes}: the rest belongs to no tensor.`);
}
