/**
 * Lists the names in a folder, with a limit, because a folder may hold millions and must not fill
 * the reader's memory (I10).
 */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';

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
): Promise<{ readonly entries: readonly Dirent[]; readonly isCut: boolean }> {
  const entries: Dirent[] = [];
  const hadLeft = budget.left;
  for await (const entry of direntsOf(folder, { left: hadLeft + 1 })) {
    if (budget.left <= 0) return { entries: sorted(entries), isCut: true };
    budget.left -= 1;
    entries.push(entry);
  }
  return { entries: sorted(entries), isCut: false };
}

/** The entries as they come, none of them kept; ends when the budget does. */
export async function* direntsOf(folder: string, budget: EntryBudget): AsyncGenerator<Dirent> {
  // Leaving the loop closes the folder.
  for await (const entry of await opendir(folder, { bufferSize: 256 })) {
    if (budget.left <= 0) return;
    budget.left -= 1;
    yield entry;
  }
}

function sorted(entries: readonly Dirent[]): readonly Dirent[] {
  return entries.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
