/**
 * The reading budget of one candidate, over all of its files. Without it a hostile folder could
 * name thousands of files, each at the limit for one file (I10).
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
    if (left < 0) throw damaged(`analyzing it would mean reading more than ${Math.floor(mostBytes / 1024 / 1024)} MiB, which is the limit`);
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
