/**
 * Decides whether a copy is complete, from two consecutive checks of a candidate, and when to check
 * next. Pure; it reads nothing itself. A copy in progress is never called damaged: damage counts
 * only after the bytes have stopped changing.
 */
import type { CopyProgress } from '../../../shared/model.ts';
import type { FileIdentity, Inspection } from '../ports.ts';
import { listed } from '../sentences.ts';

/** One look, and since when the files are as it saw them (filled in by `settle`). */
export interface Observation {
  readonly inspection: Inspection;
  readonly atMs: number;
  readonly stillSinceMs?: number;
}

export type SettleOutcome = { readonly observation: Observation } & (
  | { readonly kind: 'settling'; readonly copy: CopyProgress; readonly againMs: number }
  | { readonly kind: 'whole' }
  | { readonly kind: 'damaged' | 'unreadable' | 'incomplete' | 'not-servable'; readonly message: string; readonly help: string }
);

/**
 * If size and time of every file are unchanged for this long, the last byte counts as written.
 */
const STILL_MS = 500;
/** A header in the middle of being written looks damaged; so long without a byte it is. */
const DAMAGED_AFTER_MS = 2_000;
const INCOMPLETE_AFTER_MS = 600_000;
/** After a change: half of STILL_MS, so that the verdict comes within a second of the last byte. */
const AGAIN_AFTER_CHANGE_MS = 250;
const AGAIN_AT_MOST_MS = 5_000;

/**
 * @param previous the look that the last outcome carried; null for the first.
 * @param observation the present one.
 * @param options force: a person said "load anyway", so tensors that end in zeros do not hold the
 * model back.
 */
export function settle(previous: Observation | null, observation: Observation, options: { readonly force: boolean }): SettleOutcome {
  const { inspection, atMs } = observation;
  // What cannot be read is told although files in it go on changing, as those of somebody's home
  // do.
  const same =
    previous !== null &&
    (inspection.unreadable === null
      ? sameFiles(previous.inspection.files, inspection.files)
      : previous.inspection.unreadable === inspection.unreadable);
  const stillSinceMs = same ? (previous.stillSinceMs ?? previous.atMs) : atMs;
  const stillMs = atMs - stillSinceMs;
  const kept: Observation = { inspection, atMs, stillSinceMs };
  const zeroTails = options.force ? [] : inspection.zeroTails;
  if (inspection.nothing !== undefined) {
    const { isEmpty, message, help } = inspection.nothing;
    // A folder without a file is as little in trouble as a text: nothing was lost.
    if (stillMs >= STILL_MS) return { observation: kept, kind: isEmpty ? 'not-servable' : 'incomplete', message, help };
  } else if (inspection.unreadable !== null) {
    if (stillMs >= STILL_MS) {
      const help = 'Give this file read permission for the user that runs Modelium. Modelium tries again when the file changes.';
      return { observation: kept, kind: 'unreadable', message: inspection.unreadable, help };
    }
  } else if (inspection.damage !== null) {
    if (stillMs >= DAMAGED_AFTER_MS && inspection.writer === null) {
      return {
        observation: kept,
        kind: 'damaged',
        message: inspection.damage,
        help: 'Waiting longer would not repair it. Modelium tries again when its files change.',
      };
    }
  } else if (inspection.usable && inspection.profile !== null && inspection.writer === null && zeroTails.length === 0) {
    // A whole form beside one that is not: nobody knows which of them is meant before the bytes
    // have ended.
    if (stillMs >= (inspection.whole ? STILL_MS : INCOMPLETE_AFTER_MS)) return { observation: kept, kind: 'whole' };
  }
  if (stillMs >= INCOMPLETE_AFTER_MS) return { observation: kept, ...incomplete(inspection, zeroTails) };
  return { observation: kept, kind: 'settling', copy: withZeroTails(inspection.copy, zeroTails), againMs: againMs(inspection, stillMs) };
}

/**
 * Do both lists name the same bytes, as far as one can tell without reading them? The device counts
 * only where `acrossDevices` is false.
 */
export function sameFiles(one: readonly FileIdentity[], other: readonly FileIdentity[], acrossDevices = false): boolean {
  if (one.length !== other.length) return false;
  const isSame = (file: FileIdentity, match: FileIdentity | undefined): boolean =>
    match?.path === file.path && match.inode === file.inode && sameBytes(match, file) && (acrossDevices || match.device === file.device);
  // Mostly they come in one order, and thousands of lists are compared in a row.
  if (other.every((file, index) => isSame(file, one[index]))) return true;
  const byPath = new Map(one.map((file) => [file.path, file]));
  return other.every((file) => isSame(file, byPath.get(file.path)));
}

/**
 * Do size and times of two files with one inode say that it is one file? A copy that keeps the
 * other times gets a birth of its own. The time of the last change of any kind does not count: a
 * new name or other rights move it too.
 */
export function sameBytes(one: FileIdentity, other: FileIdentity): boolean {
  const [born, bornToo] = [one.bornMs ?? 0, other.bornMs ?? 0];
  return one.bytes === other.bytes && one.mtimeMs === other.mtimeMs && (born === 0 || bornToo === 0 || born === bornToo);
}

interface IncompleteWords {
  readonly kind: 'incomplete';
  readonly message: string;
  readonly help: string;
}

function incomplete(inspection: Inspection, zeroTails: readonly string[]): IncompleteWords {
  const { writer, copy } = inspection;
  const minutes = INCOMPLETE_AFTER_MS / 60_000;
  if (copy.missing.length > 0) {
    return {
      kind: 'incomplete',
      message: `No data arrived for ${minutes} minutes, and the model is not complete: ${listed(copy.missing)}.`,
      help: 'Finish the copy or download; Modelium continues when the files change.',
    };
  }
  if (zeroTails.length > 0) {
    return {
      kind: 'incomplete',
      message: `No data arrived for ${minutes} minutes, and weights end in zeros, as in a preallocated download: ${listed(zeroTails)}.`,
      help: 'Finish the download, or load it with --force if the zeros are intended.',
    };
  }
  const holder = writer === null ? 'a program' : `process ${writer.pid} (${writer.command})`;
  return {
    kind: 'incomplete',
    message: `No data arrived for ${minutes} minutes, but ${holder} still holds it open for writing.`,
    help: 'End that program, or let it close the file.',
  };
}

/** What holds it back, shown with the progress. */
function withZeroTails(copy: CopyProgress, zeroTails: readonly string[]): CopyProgress {
  if (zeroTails.length === 0) return copy;
  return { ...copy, missing: [...copy.missing, ...zeroTails.map((name) => `${name} (ends in zeros)`)] };
}

/**
 * Milliseconds until the next look. Files that stand still are looked at less and less often: the
 * folder's events bring an earlier look when they change.
 */
function againMs(inspection: Inspection, stillMs: number): number {
  if (stillMs === 0) return AGAIN_AFTER_CHANGE_MS;
  const settledMs = inspection.damage === null ? STILL_MS : DAMAGED_AFTER_MS;
  return stillMs < settledMs ? settledMs - stillMs : Math.min(AGAIN_AT_MOST_MS, stillMs);
}
