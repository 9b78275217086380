/** What the readers of the formats take and give: the words that `candidate.ts` and they share. Types only. */
import type { ModelProfile } from '../../../shared/profile.ts';
import type { ByteSource } from './bytes.ts';

export interface CandidateFile {
  /** Relative to the candidate's root; the file's own name where the candidate is a file. */
  readonly path: string;
  readonly bytes: number;
  open(): ByteSource;
}

/** What one format's reader has to say of the candidate's files. */
export interface FormatFindings {
  /** Bytes that the headers ask for, by file; null where a header is not all there. */
  readonly expected: ReadonlyMap<string, number | null>;
  readonly missing: readonly string[];
  readonly damage: string | null;
  readonly zeroTails: readonly string[];
  readonly profile: ModelProfile | null;
  readonly notes: readonly string[];
}
