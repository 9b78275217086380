/**
 * What reading one candidate may cost, all of its files together: hostile ones could else name
 * thousands, each as costly as one may be (I10).
 */
import type { ByteSource } from './bytes.ts';
import { damaged } from './bytes.ts';
import type { CandidateFile } from './findings.ts';

/** Headers, tokenizers and samples of the largest models (700 GB in 200 files) take some 60 MB. */
export const MOST_READ_BYTES = 1024 * 1024 * 1024;

/**
 * The same files, whose sources count together.
 * @param mostBytes then each further read throws FormatError `damaged`.
 */
export function withBudget(files: readonly CandidateFile[], mostBytes = MOST_READ_BYTES): readonly CandidateFile[] {
  let left = mostBytes;
  const take = (bytes: number): void => {
    left -= bytes;
    if (left < 0)
      throw damaged(`telling what it is takes more than ${Math.floor(mostBytes / 1024 / 1024)} MiB of reading, which no model needs`);
  };
  return files.map((file) => ({ path: file.path, bytes: file.bytes, open: () => counted(file.open(), take) }));
}

function counted(source: ByteSource, take: (bytes: number) => void): ByteSource {
  return {
    bytes: source.bytes,
    read(offset, length) {
      take(length);
      return source.read(offset, length);
    },
    ...(source.work === undefined ? {} : { work: source.work }),
  };
}
