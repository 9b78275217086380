/**
 * How many edits of the settings are not saved: told by their page, which may not be loaded yet,
 * heard by who must ask before they are lost.
 */

let count = 0;
const listeners = new Set<() => void>();

export function unsavedCount(): number {
  return count;
}

export function reportUnsaved(next: number): void {
  if (next === count) return;
  count = next;
  for (const listener of listeners) listener();
}

export function onUnsaved(listener: () => void): void {
  listeners.add(listener);
}
