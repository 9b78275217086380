/**
 * Lists the names in a folder, with a limit, because a folder may hold millions and must not fill
 * the reader's memory (I10).
 */
import type { Dirent, Stats } from 'node:fs';
import type { Disk } from './disk.ts';

/**
 * File systems count time in steps: a folder that changed just before it was read may have changed
 * again since. The longest steps are FAT's, two seconds; whoever keeps parts of a second counts in
 * steps of ten milliseconds (exFAT, a kernel of 100 ticks a second) or shorter ones.
 */
const [WHOLE_STEP_MS, PART_STEP_MS] = [2_000, 10];

/** The times of a file or folder when it was read, and when that was, by the system's clock. */
export interface ReadTimes {
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly atMs: number;
}

/** Do the names that were read then hold still? @param now of the folder. */
export function namesHold(read: ReadTimes, now: Stats): boolean {
  return read.mtimeMs === now.mtimeMs && read.ctimeMs === now.ctimeMs && tellsChanges(read);
}

/** Does every change since it was read show in its times? */
export function tellsChanges({ mtimeMs, ctimeMs, atMs }: ReadTimes): boolean {
  const changedMs = Math.max(mtimeMs, ctimeMs);
  const stepMs = changedMs % 1_000 === 0 ? WHOLE_STEP_MS : PART_STEP_MS;
  return changedMs < atMs - stepMs;
}

/** What a walk may still look at; shared by all folders of it. */
export interface EntryBudget {
  left: number;
}

/**
 * The entries, sorted by name; no more than the budget has left, which they are taken from.
 * @returns isCut: there are more. Rejects with the file error.
 */
export async function entriesOf(
  folder: string,
  budget: EntryBudget,
  disk: Disk,
): Promise<{ readonly entries: readonly Dirent[]; readonly isCut: boolean }> {
  const entries: Dirent[] = [];
  let isCut = false;
  await disk.eachEntry(folder, (entry) => {
    isCut = budget.left <= 0;
    if (isCut) return false;
    budget.left -= 1;
    entries.push(entry);
    return true;
  });
  return { entries: entries.toSorted((one, other) => (one.name < other.name ? -1 : 1)), isCut };
}
